// Package probe requests URLs whose host name need not be in any DNS: the caller gives the addresses that
// serve them, and no hosts file is edited.
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// client connects to the addresses in turn for every host that is not an address itself. Each request opens
// its own connection, since layer 4 balances connections; it does not follow redirects.
func client(addresses []string, trusted string) *http.Client {
	var roots *x509.CertPool
	if trusted != "" {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(trusted))
	}
	dialer := &net.Dialer{Timeout: connectTimeout}
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

// get requests a URL and reads the whole answer. The error has only the cause: the caller knows the URL.
func get(ctx context.Context, client *http.Client, target string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return Answer{}, err
	}
	response, err := client.Do(request)
	if timedOut, ok := errors.AsType[net.Error](err); ok && timedOut.Timeout() {
		return Answer{}, errors.New("no answer in time")
	}
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
