package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"webapp-balanced/cluster"
	"webapp-balanced/components"
	"webapp-balanced/reach"
)

// result is how a URL answered.
type result struct {
	components.URL
	requests int
	statuses map[string]int // by status line, or error
	pods     map[string]int // by X-Served-By
}

// timeout of one request.
const timeout = 5 * time.Second

// ask requests a URL so many times.
func ask(ctx context.Context, url components.URL, addresses []string, requests int) result {
	r := result{URL: url, requests: requests, statuses: map[string]int{}, pods: map[string]int{}}
	client := reach.Client(addresses, timeout)
	for range requests {
		status, pod := once(ctx, client, url.URL)
		r.statuses[status]++
		if pod != "" {
			r.pods[pod]++
		}
	}
	return r
}

func once(ctx context.Context, client *http.Client, url string) (status, pod string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error(), ""
	}
	response, err := client.Do(request)
	if err != nil {
		return err.Error(), ""
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err.Error(), ""
	}
	if response.StatusCode != http.StatusOK {
		return response.Status, ""
	}
	return response.Status, response.Header.Get("X-Served-By")
}

// verdict says what is wrong with the answers.
func (r result) verdict(ready int) error {
	ok := r.statuses["200 OK"]
	switch {
	case ok < r.requests:
		return fmt.Errorf("%s: %d of %d requests were not answered with 200", r.URL.URL, r.requests-ok, r.requests)
	case len(r.pods) < ready:
		return fmt.Errorf("%s: %d of the %d pods that are ready answered", r.URL.URL, len(r.pods), ready)
	}
	return nil
}

// width of the longest bar.
const width = 30

// print writes the URL, the statuses and a bar for each pod.
func (r result) print(out io.Writer, pods []cluster.Pod) {
	fmt.Fprintf(out, "\n%s  (%s)\n", r.URL.URL, r.Via)
	for _, status := range slices.Sorted(maps.Keys(r.statuses)) {
		fmt.Fprintf(out, "  %3d × %s\n", r.statuses[status], status)
	}
	nodes := map[string]string{}
	names := maps.Clone(r.pods)
	for _, pod := range pods {
		nodes[pod.Name] = pod.Node
		names[pod.Name] = 0 // a pod that never answered is shown too
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		count := r.pods[name]
		fmt.Fprintf(out, "  %-36s %-12s %s %d\n", name, nodes[name], strings.Repeat("█", count*width/r.requests), count)
	}
}
