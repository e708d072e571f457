// Package reach requests URLs whose host name need not be in any DNS: the
// addresses that serve them are given, and no hosts file is edited.
package reach

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Client returns an HTTP client that connects to addresses in turn for every
// host that is no address itself. Each request opens a connection of its own,
// as layer 4 balances connections; redirects are not followed. An https server
// must show a certificate that the PEM in trusted vouches for or is; without
// one, the system's authorities count.
func Client(addresses []string, trusted string, timeout time.Duration) *http.Client {
	var roots *x509.CertPool
	if trusted != "" {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(trusted))
	}
	dialer := &net.Dialer{Timeout: timeout}
	var mu sync.Mutex
	next := 0
	return &http.Client{
		Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				if net.ParseIP(host) == nil && len(addresses) > 0 {
					mu.Lock()
					address = net.JoinHostPort(addresses[next%len(addresses)], port)
					next++
					mu.Unlock()
				}
				return dialer.DialContext(ctx, network, address)
			},
		},
	}
}

// Answer is what a server sent.
type Answer struct {
	Code     int
	Status   string // 200 OK
	Location string // where it redirects to
	ServedBy string // the header X-Served-By of the page
	TLS      *tls.ConnectionState
}

// Get requests a URL and reads all of the answer. An error is the cause alone:
// the URL is known to the caller.
func Get(ctx context.Context, client *http.Client, target string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return Answer{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		return Answer{}, err
	}
	defer response.Body.Close()
	answer := Answer{
		Code: response.StatusCode, Status: response.Status, TLS: response.TLS,
		Location: response.Header.Get("Location"), ServedBy: response.Header.Get("X-Served-By"),
	}
	_, err = io.Copy(io.Discard, response.Body)
	return answer, err
}

// Answers requests a URL until it answers with the page, at most for so long,
// and returns why it did not. No answer is a status of 400 or more, and, to
// http, being sent to the same host's https: an ingress controller does that
// for some seconds after TLS has been turned off.
func Answers(ctx context.Context, target string, client *http.Client, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		answer, err := Get(ctx, client, target)
		switch {
		case err != nil:
		case answer.Code >= 400:
			err = fmt.Errorf("it answers %s", answer.Status)
		case toHTTPS(target, answer.Location):
			err = fmt.Errorf("it sends to %s", answer.Location)
		}
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// toHTTPS reports whether a redirect leads from http to https of the same host.
func toHTTPS(from, to string) bool {
	f, errFrom := url.Parse(from)
	t, errTo := url.Parse(to)
	return errFrom == nil && errTo == nil && f.Scheme == "http" && t.Scheme == "https" && f.Hostname() == t.Hostname()
}
