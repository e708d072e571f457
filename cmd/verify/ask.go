package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"time"

	"webapp-balanced/components"
	"webapp-balanced/reach"
)

// result is how a URL answered. Its JSON is what -o json prints.
type result struct {
	components.URL
	Requests int            `json:"requests"`
	Statuses map[string]int `json:"statuses"` // by status line, or error
	// Pods counts the answers by the pod that X-Served-By names; empty for a
	// site that does not send that.
	Pods map[string]int `json:"pods"`
	// MedianMS and P99MS are latencies in milliseconds, connecting included.
	MedianMS float64  `json:"medianMs"`
	P99MS    float64  `json:"p99Ms"`
	TLS      *tlsInfo `json:"tls,omitempty"`
	Problem  string   `json:"problem,omitempty"`
}

// tlsInfo is what an https server shows.
type tlsInfo struct {
	Issuer  string    `json:"issuer"`
	Expires time.Time `json:"expires"`
	Version string    `json:"version"`
}

// timeout of one request.
const timeout = 5 * time.Second

// ask requests a URL so many times, each over a connection of its own.
func ask(ctx context.Context, url components.URL, t target) result {
	r := result{URL: url, Requests: t.Requests, Statuses: map[string]int{}, Pods: map[string]int{}}
	client := reach.Client(t.Addresses, t.Certificate, timeout)
	var latencies []time.Duration
	for range t.Requests {
		start := time.Now()
		answer, err := reach.Get(ctx, client, url.URL)
		latencies = append(latencies, time.Since(start))
		if err != nil {
			r.Statuses[err.Error()]++
			continue
		}
		r.Statuses[answer.Status]++
		if answer.Code == http.StatusOK && answer.ServedBy != "" {
			r.Pods[answer.ServedBy]++
		}
		if state := answer.TLS; state != nil {
			leaf := state.PeerCertificates[0]
			r.TLS = &tlsInfo{Issuer: leaf.Issuer.String(), Expires: leaf.NotAfter, Version: tls.VersionName(state.Version)}
		}
	}
	slices.Sort(latencies)
	r.MedianMS, r.P99MS = quantile(latencies, 0.5), quantile(latencies, 0.99)
	if err := r.verdict(len(t.Pods)); err != nil {
		r.Problem = err.Error()
	}
	return r
}

// patience is how long a pod that has only just become ready may be left out:
// an ingress controller takes new pods in every 5 s.
const patience = 12 * time.Second

// settled asks, and asks again for a while if only some pods answered.
func settled(ctx context.Context, url components.URL, t target) result {
	deadline := time.Now().Add(patience)
	for {
		r := ask(ctx, url, t)
		if r.Statuses["200 OK"] < r.Requests || r.Problem == "" || time.Now().After(deadline) {
			return r
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// quantile of sorted durations by the nearest rank, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[rank].Microseconds()) / 1000
}

// verdict says what is wrong with the answers. A site that does not say which
// pod served it is judged by its statuses alone.
func (r result) verdict(ready int) error {
	ok := r.Statuses["200 OK"]
	switch {
	case ok < r.Requests:
		return fmt.Errorf("%d of %d requests were not answered with 200", r.Requests-ok, r.Requests)
	case len(r.Pods) > 0 && len(r.Pods) < ready:
		return fmt.Errorf("%d of the %d pods that are ready answered", len(r.Pods), ready)
	}
	return nil
}
