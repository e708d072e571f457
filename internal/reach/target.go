package reach

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
var tracer = otel.Tracer("webapp-balanced/internal/reach")

// Target is the URL of an application, and how it is asked.
type Target struct {
	URL string
	// Addresses are where its host name is looked for, in turn; empty for DNS. A host that is
	// an address is taken as it is.
	Addresses []string
	// Certificate is the PEM that vouches for an https server, or is its own; empty for the
	// system's authorities.
	Certificate string
	Page        Page
}

const (
	// timeout of one request.
	timeout = 5 * time.Second
	// connectTimeout has room for one packet that is lost.
	connectTimeout = 2 * time.Second
)

// Getter returns a function that requests the page, each time over a connection of its own,
// at the addresses in turn, and says what is wrong with the answer.
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

// addresses are those at which it may answer differently.
func (t Target) addresses() []string {
	if u, err := url.Parse(t.URL); err != nil || len(t.Addresses) == 0 || net.ParseIP(u.Hostname()) != nil {
		return []string{""}
	}
	return t.Addresses
}

// Silence is an address at which a target does not answer, and why.
type Silence struct {
	Address string // empty where the URL or DNS has it
	Reason  error
}

// Silences are those of one target.
type Silences []Silence

// named is how many are told by name.
const named = 3

// Error tells the first ones and counts the others.
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

// whole are the silences of a target that does not answer at all: where the reason is the same
// everywhere, the addresses do not matter.
func (s Silences) whole() Silences {
	for _, silence := range s {
		if silence.Reason.Error() != s[0].Reason.Error() {
			return s
		}
	}
	return Silences{{Reason: s[0].Reason}}
}

const (
	// atOnce is how many addresses are asked at the same time.
	atOnce = 16
	// others is how much longer the other addresses have once one has answered: nodes learn of
	// a change one after the other, and an ingress controller reads its own every 5 s.
	others = 6 * time.Second
)

// Answering asks at every address until all answer, or for as long as patience lasts, and not
// much longer once one has answered. It returns the addresses that do and those that do not. Where
// none does, and for the same reason, that stands for all of them.
func (t Target) Answering(ctx context.Context, patience time.Duration) (answering []string, silent Silences) {
	ctx, span := tracer.Start(ctx, "wait for an answer of "+t.URL)
	defer span.End()
	rest, deadline := t.addresses(), time.Now().Add(patience)
	// The addresses that are silent when the time is over are the result, whatever ended it.
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

// ask asks at the addresses and returns what is wrong with the answer of each.
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
	_ = group.Wait() // the errors are the addresses' own
	return reasons
}
