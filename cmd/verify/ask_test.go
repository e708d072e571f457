package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/probe"
)

// balancer answers as each of its pods in turn; an empty name is a failure, "-" a site that names no pod.
func balancer(t *testing.T, pods ...string) (url string) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pod := pods[int(n.Add(1)-1)%len(pods)]
		if pod == "" {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		if pod != "-" {
			w.Header().Set("X-Served-By", pod)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name  string
		pods  []string
		ready int
		want  string
	}{
		{"all pods answer", []string{"a", "b"}, 2, ""},
		{"one pod answers for two", []string{"a"}, 2, "1 of the 2 pods that are ready answered"},
		{"the site does not say who served it", []string{"-"}, 2, ""},
		{"every fourth fails", []string{"a", "b", "a", ""}, 2, "3 of 12 requests failed: it answers 503 Service Unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := ask(t.Context(), link.URL{URL: balancer(t, c.pods...)}, target{Requests: 12, Pods: make([]cluster.Pod, c.ready)})
			if answer.Problem != c.want {
				t.Errorf("the problem is %q, want %q", answer.Problem, c.want)
			}
		})
	}
}

// https URLs must present their certificate.
func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	url := link.URL{URL: server.URL}
	trusted := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	answer := ask(t.Context(), url, target{Requests: 1, Target: probe.Target{Certificate: trusted}})
	if answer.Problem != "" || answer.TLS == nil || answer.TLS.Issuer != "O=Acme Co" || !answer.TLS.Expires.Equal(server.Certificate().NotAfter) {
		t.Errorf("the answer is %+v, TLS %+v", answer, answer.TLS)
	}
	if answer := ask(t.Context(), url, target{Requests: 1}); answer.Problem == "" {
		t.Error("an unknown certificate is accepted")
	}
}

func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	for i := range 100 {
		sorted = append(sorted, time.Duration(i+1)*time.Millisecond)
	}
	if median, p99 := quantile(sorted, 0.5), quantile(sorted, 0.99); median != 51 || p99 != 100 {
		t.Errorf("median %v, 99th percentile %v, want 51 and 100", median, p99)
	}
}

// A host name that is not in DNS is requested at the given addresses.
func TestHostIsResolved(t *testing.T) {
	url := strings.Replace(balancer(t, "a"), "127.0.0.1", "foo-balanced.bar", 1)
	answer := ask(t.Context(), link.URL{URL: url}, target{Requests: 2, Target: probe.Target{Addresses: []string{"127.0.0.1"}}})
	if answer.Problem != "" {
		t.Error(answer.Problem)
	}
}

// One of several addresses is enough; silent ones are named.
func TestSilentAddress(t *testing.T) {
	url := strings.Replace(balancer(t, "a"), "127.0.0.1", "foo-balanced.bar", 1)
	answer := ask(t.Context(), link.URL{URL: url}, target{Requests: 4, Target: probe.Target{Addresses: []string{"127.0.0.2", "127.0.0.1"}}})
	if answer.Problem != "" || answer.Pods["a"] != 4 {
		t.Errorf("%s, by %v", answer.Problem, answer.Pods)
	}
	var out strings.Builder
	answer.print(&out, nil)
	if want := "  it does not answer everywhere: not at 127.0.0.2 (connection refused)\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%s\nlacks %s", out.String(), want)
	}
}

// Only a status that the stack defines is an answer.
func TestStatus(t *testing.T) {
	for status, want := range map[int]string{503: "", 401: "2 of 2 requests failed: it answers 503 Service Unavailable, not 401"} {
		answer := ask(t.Context(), link.URL{URL: balancer(t, "")}, target{Requests: 2, Target: probe.Target{Page: probe.Page{Status: status}}})
		if answer.Problem != want {
			t.Errorf("%d: %q, want %q", status, answer.Problem, want)
		}
	}
}

func TestPrint(t *testing.T) {
	r := result{
		URL: link.URL{Via: "ingress", URL: "http://foo/"}, Requests: 4,
		Statuses: map[string]int{"200 OK": 3, "503 Service Unavailable": 1},
		Pods:     map[string]int{"a": 3}, MedianMS: 1.25, P99MS: 20,
		TLS: &tlsInfo{Issuer: "CN=foo", Version: "TLS 1.3", Expires: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)},
	}
	var out strings.Builder
	r.print(&out, []cluster.Pod{{Name: "a", Node: "n1"}, {Name: "b", Node: "n2"}})
	want := `
http://foo/  (ingress)
    3 × 200 OK
    1 × 503 Service Unavailable
  median 1.2 ms, 99th percentile 20.0 ms
  TLS 1.3, issued by CN=foo, good until 2030-01-02
  a                                    n1           ██████████████████████ 3
  b                                    n2            0
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}
