package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"webapp-balanced/cluster"
	"webapp-balanced/components"
)

// balancer answers in turn as each of its pods; an empty name is a failure.
func balancer(t *testing.T, pods ...string) (url string) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pod := pods[int(n.Add(1)-1)%len(pods)]
		if pod == "" {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("X-Served-By", pod)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name  string
		pods  []string
		ready int
		want  string // of the error, after the URL
	}{
		{"all pods answer", []string{"a", "b"}, 2, ""},
		{"one pod answers for two", []string{"a"}, 2, ": 1 of the 2 pods that are ready answered"},
		{"every fourth fails", []string{"a", "b", "a", ""}, 2, ": 3 of 12 requests were not answered with 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := balancer(t, c.pods...)
			result := ask(t.Context(), components.URL{Via: "nodeport", URL: url}, nil, 12)
			err := result.verdict(c.ready)
			if c.want == "" && err != nil || c.want != "" && fmt.Sprint(err) != url+c.want {
				t.Errorf("the verdict is %v, want %q", err, c.want)
			}
		})
	}
}

// A host name that is in no DNS is looked for at the given addresses.
func TestHostIsResolved(t *testing.T) {
	url := strings.Replace(balancer(t, "a"), "127.0.0.1", "foo-balanced.bar", 1)
	result := ask(t.Context(), components.URL{URL: url}, []string{"127.0.0.1"}, 2)
	if err := result.verdict(1); err != nil {
		t.Error(err)
	}
}

func TestPrint(t *testing.T) {
	r := result{
		URL: components.URL{Via: "ingress", URL: "http://foo/"}, requests: 4,
		statuses: map[string]int{"200 OK": 3, "503 Service Unavailable": 1},
		pods:     map[string]int{"a": 3},
	}
	var out strings.Builder
	r.print(&out, []cluster.Pod{{Name: "a", Node: "n1"}, {Name: "b", Node: "n2"}})
	want := `
http://foo/  (ingress)
    3 × 200 OK
    1 × 503 Service Unavailable
  a                                    n1           ██████████████████████ 3
  b                                    n2            0
`
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}
