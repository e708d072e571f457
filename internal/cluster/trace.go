package cluster

import (
	"net/http"

	"go.opentelemetry.io/otel"
)

// tracer has the spans that `make trace` shows.
var tracer = otel.Tracer("webapp-balanced/internal/cluster")

// traced makes a span of each request.
type traced struct{ next http.RoundTripper }

func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	_, span := tracer.Start(r.Context(), r.Method+" "+r.URL.Path)
	defer span.End()
	return t.next.RoundTrip(r)
}

// WrappedRoundTripper lets client-go cancel requests of the wrapped one (k8s.io/apimachinery/pkg/util/net).
func (t traced) WrappedRoundTripper() http.RoundTripper { return t.next }
