package probe

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"golang.org/x/sync/errgroup"

	"webapp-balanced/internal/poll"
)

// tracer has the spans that `make trace` shows.
var tracer = otel.Tracer("webapp-balanced/internal/probe")

// Target is the URL of an application, and how to request it.
type Target struct {
	URL string
	// Addresses serve the URL's host name, in turn; empty for DNS. A host that is an address is used as it is.
	Addresses []string
	// Certificate is the https server's certificate or that of its CA, in PEM; empty for the system's CAs.
	Certificate string
	Page        Page
}

const (
	// timeout of one request.
	timeout = 5 * time.Second
	// connectTimeout allows for one lost packet.
	connectTimeout = 2 * time.Second
)

// Getter returns a function that requests the page, each time over a new connection, at the addresses in
// turn, and says what is wrong with the answer.
func (t Target) Getter() func(context.Context) (Answer, error) {
	client := client(t.Addresses, t.Certificate)
	return func(ctx context.Context) (Answer, error) {
		answer, err := get(ctx, client, t.Page.of(t.URL))
		if err == nil {
			err = t.Page.judge(t.URL, answer)
		}
		return answer, err
	}
}

// addresses returns those that may answer differently.
func (t Target) addresses() []string {
	if u, err := url.Parse(t.URL); err != nil || len(t.Addresses) == 0 || net.ParseIP(u.Hostname()) != nil {
		return []string{""}
	}
	return t.Addresses
}

// Silence is an address at which a target does not answer, and why.
type Silence struct {
	Address string // empty if the URL or DNS has it
	Reason  error
}

// Silences are the silent addresses of a target.
type Silences []Silence

// named is the number of addresses that an error names.
const named = 3

// Error names the first ones and counts the others.
func (s Silences) Error() string {
	var texts []string
	for _, silence := range s[:min(len(s), named)] {
		text := silence.Reason.Error()
		if silence.Address != "" {
			text = silence.Address + " (" + text + ")"
		}
		texts = append(texts, text)
	}
	if more := len(s) - named; more > 0 {
		texts = append(texts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(texts, ", ")
}

// whole returns the silences of a target that does not answer at all: one without an address if all have the
// same reason.
func (s Silences) whole() Silences {
	for _, silence := range s {
		if silence.Reason.Error() != s[0].Reason.Error() {
			return s
		}
	}
	return Silences{{Reason: s[0].Reason}}
}

const (
	// atOnce is the number of concurrent requests.
	atOnce = 16
	// others is the extra time for the other addresses once one has answered: nodes apply a change one
	// after the other, and an ingress controller reads its changes every 5 s.
	others = 6 * time.Second
)

// Answering asks every address until all answer, up to patience, and not much longer once one has answered. It
// returns the addresses that answer and those that do not. If none does, for the same reason, one Silence
// stands for all of them.
func (t Target) Answering(ctx context.Context, patience time.Duration) (answering []string, silent Silences) {
	ctx, span := tracer.Start(ctx, "wait for an answer of "+t.URL)
	defer span.End()
	rest, deadline := t.addresses(), time.Now().Add(patience)
	// Whatever ends the wait, the addresses that are then silent are the result.
	_ = poll.Until(ctx, patience, func() (bool, error) {
		reasons := t.ask(ctx, rest)
		none := len(answering) == 0
		var still []string
		silent = nil
		for i, address := range rest {
			if reasons[i] == nil {
				answering = append(answering, address)
			} else {
				still = append(still, address)
				silent = append(silent, Silence{address, reasons[i]})
			}
		}
		if soon := time.Now().Add(others); none && len(answering) > 0 && soon.Before(deadline) {
			deadline = soon
		}
		rest = still
		return len(rest) == 0 || !time.Now().Before(deadline), nil
	})
	if len(answering) == 0 {
		silent = silent.whole()
	}
	return answering, silent
}

// ask requests the page at each address and returns what is wrong with the answers.
func (t Target) ask(ctx context.Context, addresses []string) []error {
	reasons := make([]error, len(addresses))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, address := range addresses {
		group.Go(func() error {
			target := t
			if address != "" {
				target.Addresses = []string{address}
			}
			_, reasons[i] = target.Getter()(ctx)
			return nil
		})
	}
	_ = group.Wait() // the errors are in reasons
	return reasons
}
