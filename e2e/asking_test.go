package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// clientAt returns a client that connects to the machine of that address, whatever a URL's host, each time
// with a new connection, and follows no redirect.
func clientAt(address string, config *tls.Config) *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second, // the machines are slow, which is not a failure
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   config,
			DialContext: func(ctx context.Context, network, target string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(target)
				if err != nil {
					return nil, err
				}
				return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(address, port))
			},
		},
	}
}

// get requests a URL at the machine of that address, and does not verify certificates.
func get(url, address string) (status int, servedBy, body string, err error) {
	response, err := clientAt(address, &tls.Config{InsecureSkipVerify: true}).Get(url)
	if err != nil {
		return 0, "", "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("X-Served-By"), string(content), err
}

// servers requests a URL the given number of times, and returns how often each pod answered. Any other answer
// than 200 is a failure.
func servers(t *testing.T, url, address string, requests int) map[string]int {
	t.Helper()
	pods := map[string]int{}
	for range requests {
		status, pod, _, err := get(url, address)
		if err != nil || status != http.StatusOK {
			t.Fatalf("%s at %s: %d %v", url, address, status, err)
		}
		pods[pod]++
	}
	return pods
}

// shared returns the limit for something that takes at most alone if nothing else runs: other tests share the
// cores. `make soak` runs only a few of them.
func shared(alone time.Duration) time.Duration {
	if soaking {
		return alone
	}
	return 3 * alone
}

// eventually repeats f until it returns nil, and fails with its last error.
func eventually(t *testing.T, patience time.Duration, f func() error) {
	t.Helper()
	patience = shared(patience)
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %v", patience, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// during repeats check for as long as f runs.
func during(f, check func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				check()
			}
		}
	}()
	f()
	close(done)
	<-stopped
}

func contains(t *testing.T, out string, wanted ...string) {
	t.Helper()
	// The CLI breaks lines where the terminal would end.
	flat := strings.Join(strings.Fields(out), " ")
	for _, w := range wanted {
		if !strings.Contains(flat, strings.Join(strings.Fields(w), " ")) {
			t.Errorf("%q is not in:\n%s", w, out)
		}
	}
}

func notYet(format string, values ...any) error {
	return fmt.Errorf("not yet: "+format, values...)
}
