package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/poll"
	"webapp-balanced/internal/probe"
)

// result has the answers of a URL. Its JSON is the output of -o json.
type result struct {
	link.URL
	Requests int            `json:"requests"`
	Statuses map[string]int `json:"statuses"` // by status line, or error
	Failed   int            `json:"failed"`   // requests without an answer or with an unwanted one
	// Silent are the addresses that do not answer, with the reasons; the others were asked.
	Silent map[string]string `json:"silent,omitempty"`
	// Pods counts the answers by the pod in X-Served-By; empty for a site without that header.
	Pods map[string]int `json:"pods"`
	// MedianMS and P99MS are latencies in milliseconds, including the connection.
	MedianMS float64  `json:"medianMs"`
	P99MS    float64  `json:"p99Ms"`
	TLS      *tlsInfo `json:"tls,omitempty"`
	Problem  string   `json:"problem,omitempty"`

	silent probe.Silences
	reason error // of a failure
}

// tlsInfo describes the TLS connection to an https server.
type tlsInfo struct {
	Issuer  string    `json:"issuer"`
	Expires time.Time `json:"expires"`
	Version string    `json:"version"`
}

// ask sends the requests to a URL, each over its own connection.
func ask(ctx context.Context, url link.URL, t target) result {
	r := result{URL: url, Requests: t.Requests, Statuses: map[string]int{}, Pods: map[string]int{}}
	target := t.Target
	target.URL = url.URL
	if answering, silent := target.Answering(ctx, 0); len(answering) > 0 && len(silent) > 0 {
		target.Addresses, r.silent = answering, silent
		r.Silent = map[string]string{}
		for _, s := range silent {
			r.Silent[s.Address] = s.Reason.Error()
		}
	}
	get := target.Getter()
	var latencies []time.Duration
	for range t.Requests {
		start := time.Now()
		answer, err := get(ctx)
		latencies = append(latencies, time.Since(start))
		if answer.Status != "" {
			r.Statuses[answer.Status]++
		} else {
			r.Statuses[err.Error()]++
		}
		if err != nil {
			r.Failed++
			r.reason = err
			continue
		}
		if answer.ServedBy != "" {
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

// patience is how long a pod that has just become ready may be left out: an ingress controller adds new pods
// every 5 s.
const patience = 12 * time.Second

// askUntilBalanced asks, and retries for a while if only some pods answered.
func askUntilBalanced(ctx context.Context, url link.URL, t target) (r result) {
	_ = poll.Until(ctx, patience, func() (bool, error) { // after that time the last result counts
		r = ask(ctx, url, t)
		return r.Failed > 0 || r.Problem == "", nil
	})
	return r
}

// quantile of sorted durations by the nearest rank, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[rank].Microseconds()) / 1000
}

// verdict says what is wrong with the answers. If a site does not say which pod served it, only its statuses count.
func (r result) verdict(ready int) error {
	switch {
	case r.Failed > 0:
		return fmt.Errorf("%d of %d requests failed: %w", r.Failed, r.Requests, r.reason)
	case len(r.Pods) > 0 && len(r.Pods) < ready:
		return fmt.Errorf("%d of the %d pods that are ready answered", len(r.Pods), ready)
	}
	return nil
}
