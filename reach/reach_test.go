package reach

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server answers the first requests with one handler and the later ones with
// another.
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

func TestAnswers(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	tls := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://127.0.0.1:8443/", http.StatusFound)
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }
	for _, c := range []struct {
		name        string
		first       int64
		early, late http.HandlerFunc
		want        string
	}{
		{"the page", 0, nil, page, ""},
		{"the page after a while", 2, down, page, ""},
		{"never", 0, nil, down, "it answers 503 Service Unavailable"},
		{"still sent to https for a while", 2, tls, page, ""},
		{"sent to https for good", 0, nil, tls, "it sends to https://127.0.0.1:8443/"},
		{"a site's own redirect", 0, nil, elsewhere, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := server(t, c.first, c.early, c.late)
			err := Answers(t.Context(), s.URL, Client(nil, "", time.Second), 700*time.Millisecond)
			if got := errorText(err); got != c.want {
				t.Errorf("the error is %q, want %q", got, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A host name is looked for at the addresses, in turn; an address is taken as
// it is.
func TestClientResolves(t *testing.T) {
	s := server(t, 0, nil, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Served-By", r.Host) })
	url := strings.Replace(s.URL, "127.0.0.1", "foo-balanced.bar", 1)
	answer, err := Get(t.Context(), Client([]string{"127.0.0.1"}, "", time.Second), url)
	if err != nil || answer.Code != http.StatusOK || !strings.HasPrefix(answer.ServedBy, "foo-balanced.bar:") {
		t.Errorf("%+v, %v", answer, err)
	}
	client := Client([]string{"127.0.0.1", "127.0.0.2"}, "", time.Second)
	failures := 0
	for range 4 {
		// Nobody listens on that port at 127.0.0.2.
		if _, err := Get(t.Context(), client, url); err != nil {
			failures++
		}
	}
	if failures != 2 {
		t.Errorf("%d of 4 requests failed, want every second", failures)
	}
}
