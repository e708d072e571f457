// Package reach requests URLs whose host name need not be in any DNS: the
// addresses that serve them are given, and no hosts file is edited.
package reach

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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

// Answers requests a URL until it answers with the page, at most for so long,
// and returns why it did not: a status of 400 or more counts as no answer.
func Answers(ctx context.Context, target string, client *http.Client, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		err := once(ctx, client, target)
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func once(ctx context.Context, client *http.Client, target string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode >= 400 {
		return fmt.Errorf("%s answers %s", target, strings.TrimSpace(response.Status))
	}
	return nil
}
