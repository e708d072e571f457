package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"webapp-balanced/internal/cluster"
)

// width of the longest bar.
const width = 30

// print writes the answers of a URL: the statuses, the latencies, the silent addresses, the certificate, and a bar
// for each pod.
func (r result) print(out io.Writer, pods []cluster.Pod) {
	fmt.Fprintf(out, "\n%s  (%s)\n", r.URL.URL, r.Via)
	for _, status := range slices.Sorted(maps.Keys(r.Statuses)) {
		fmt.Fprintf(out, "  %3d × %s\n", r.Statuses[status], status)
	}
	fmt.Fprintf(out, "  median %.1f ms, 99th percentile %.1f ms\n", r.MedianMS, r.P99MS)
	if len(r.silent) > 0 {
		fmt.Fprintf(out, "  it does not answer everywhere: not at %v\n", r.silent)
	}
	if r.TLS != nil {
		fmt.Fprintf(out, "  %s, issued by %s, good until %s\n", r.TLS.Version, r.TLS.Issuer, r.TLS.Expires.Format(time.DateOnly))
	}
	if len(r.Pods) == 0 {
		fmt.Fprintln(out, "  which pods answered is not known: the site sends no X-Served-By")
		return
	}
	nodes := map[string]string{}
	names := maps.Clone(r.Pods)
	for _, pod := range pods {
		nodes[pod.Name] = pod.Node
		names[pod.Name] = 0 // also show a pod that never answered
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		count := r.Pods[name]
		fmt.Fprintf(out, "  %-36s %-12s %s %d\n", name, nodes[name], strings.Repeat("█", count*width/r.Requests), count)
	}
}
