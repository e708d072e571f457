package probe

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server answers the first requests with one handler and the later ones with another.
func server(t *testing.T, first int64, early, late http.HandlerFunc) *httptest.Server {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) <= first {
			early(w, r)
			return
		}
		late(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAnswering(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	tls := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://127.0.0.1:8443/", http.StatusFound)
	}
	login := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	elsewhere := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }
	for _, c := range []struct {
		name        string
		first       int64
		early, late http.HandlerFunc
		status      int
		want        string
	}{
		{"the page", 0, nil, page, 0, ""},
		{"the page after a while", 2, down, page, 0, ""},
		{"never", 0, nil, down, 0, "it answers 503 Service Unavailable"},
		{"still sent to https for a while", 2, tls, page, 0, ""},
		{"sent to https for good", 0, nil, tls, 0, "it answers 302 Found and redirects to https://127.0.0.1:8443/"},
		{"a site's own redirect", 0, nil, elsewhere, 0, ""},
		{"a status that is said", 1, down, login, 401, ""},
		{"another than the one that is said", 0, nil, page, 401, "it answers 200 OK, not 401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, c.first, c.early, c.late)
			answering, silent := Target{URL: s.URL, Page: Page{Status: c.status}}.Answering(t.Context(), 700*time.Millisecond)
			if got := silent.Error(); got != c.want || (len(answering) == 1) != (c.want == "") {
				t.Errorf("it answers at %q and the rest is %q, want %q", answering, got, c.want)
			}
		})
	}
}

// One address that answers is enough. The others are reported a while later.
func TestAnsweringAtSome(t *testing.T) {
	s := server(t, 0, nil, func(http.ResponseWriter, *http.Request) {})
	target := Target{URL: strings.Replace(s.URL, "127.0.0.1", "foo-balanced.bar", 1), Addresses: []string{"127.0.0.2", "127.0.0.1", "127.0.0.3"}}
	start := time.Now()
	answering, silent := target.Answering(t.Context(), time.Minute)
	if took := time.Since(start); took < others || took > 2*others {
		t.Errorf("it took %s", took)
	}
	if !slices.Equal(answering, []string{"127.0.0.1"}) {
		t.Errorf("it answers at %q", answering)
	}
	if got, want := silent.Error(), "127.0.0.2 (connection refused), 127.0.0.3 (connection refused)"; got != want {
		t.Errorf("the others are %q, want %q", got, want)
	}
	target.Addresses = []string{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1", "127.0.0.6"}
	_, silent = target.Answering(t.Context(), 0)
	if want := ", 127.0.0.4 (connection refused), 2 more"; !strings.HasSuffix(silent.Error(), want) {
		t.Errorf("%q does not end with %q", silent.Error(), want)
	}
	// No address answers, all for the same reason.
	target.Addresses = []string{"127.0.0.2", "127.0.0.3"}
	if answering, silent := target.Answering(t.Context(), 0); len(answering) > 0 || silent.Error() != "connection refused" {
		t.Errorf("it answers at %q, and else %q", answering, silent.Error())
	}
}

// The error of a timeout is short.
func TestNoAnswerInTime(t *testing.T) {
	s := server(t, 0, nil, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(2 * timeout):
		}
	})
	if answering, silent := (Target{URL: s.URL}).Answering(t.Context(), 0); len(answering) > 0 || silent.Error() != "no answer in time" {
		t.Errorf("it answers at %q and the rest is %q", answering, silent.Error())
	}
}

// A host name is requested at the addresses, in turn; an address is used as it is.
func TestGetter(t *testing.T) {
	s := server(t, 0, nil, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Served-By", r.Host+r.URL.Path) })
	target := Target{URL: strings.Replace(s.URL, "127.0.0.1", "foo-balanced.bar", 1) + "/balanced", Addresses: []string{"127.0.0.1", "127.0.0.2"}, Page: Page{Path: "/health"}}
	get := target.Getter()
	failures := 0
	for range 4 {
		// No server listens on that port at 127.0.0.2.
		if answer, err := get(t.Context()); err != nil {
			failures++
		} else if !strings.HasPrefix(answer.ServedBy, "foo-balanced.bar:") || !strings.HasSuffix(answer.ServedBy, "/balanced/health") {
			t.Errorf("the request was to %s", answer.ServedBy)
		}
	}
	if failures != 2 {
		t.Errorf("%d of 4 requests failed, want every second", failures)
	}
	target.URL = s.URL
	if answering, silent := target.Answering(t.Context(), 0); len(answering) != 1 || len(silent) > 0 {
		t.Errorf("an address answers at %q, not at %v", answering, silent)
	}
}
