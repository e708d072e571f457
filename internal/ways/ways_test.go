package ways

import (
	"context"
	"slices"
	"testing"
	"time"

	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/probe"
)

// there is a cluster whose load balancer gives an address after a request to the node port.
type there struct {
	env.Cluster
	asked    chan string
	patience time.Duration
	address  []string
}

func (c *there) Answering(_ context.Context, target probe.Target) ([]string, probe.Silences) {
	c.asked <- target.URL
	return []string{""}, nil
}

func (c *there) WaitForAddress(_ context.Context, _, _ string, patience time.Duration) ([]string, error) {
	c.patience = patience
	select {
	case <-c.asked:
	case <-time.After(5 * time.Second):
	}
	if c.address == nil {
		return nil, cluster.ErrNoAddress
	}
	return c.address, nil
}

func TestAnsweringWhileAnAddressIsWaitedFor(t *testing.T) {
	loadBalancer := &cluster.Service{Type: "LoadBalancer"}
	for _, c := range []struct {
		name     string
		before   *cluster.Service
		found    string
		address  []string
		patience time.Duration
		urls     []string
	}{
		{"an address comes", nil, "MetalLB", []string{"192.0.2.7"}, time.Minute, []string{"http://192.0.2.7/", "http://10.0.0.1:31183/"}},
		{"the same address comes twice", nil, "MetalLB", []string{"192.0.2.7", "192.0.2.7"}, time.Minute, []string{"http://192.0.2.7/", "http://192.0.2.7/", "http://10.0.0.1:31183/"}},
		{"nothing gives one, as far as is known", nil, "", nil, 3 * time.Second, []string{"http://10.0.0.1:31183/"}},
		{"nothing has given one", loadBalancer, "", nil, 0, []string{"http://10.0.0.1:31183/"}},
		{"it was of another type", &cluster.Service{Type: "NodePort"}, "", nil, 3 * time.Second, []string{"http://10.0.0.1:31183/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			world := &there{asked: make(chan string, 4), address: c.address}
			e := &Exposure{
				There: world, Type: "LoadBalancer", LoadBalancer: "auto", HasNodePort: true, Answers: "required", Warn: func(string) {},
				Cluster: &cluster.Snapshot{LoadBalancer: c.found, Service: c.before, Nodes: []cluster.Node{{Addresses: []string{"10.0.0.1"}}}},
			}
			start := time.Now()
			urls, err := e.Answering(t.Context(), "web", Endpoints{NodePort: "31183"}, nil)
			if err != nil || world.patience != c.patience {
				t.Errorf("%v, after %s of patience, want %s", err, world.patience, c.patience)
			}
			if time.Since(start) > 4*time.Second {
				t.Error("the node port was asked only after the address")
			}
			var got []string
			for _, url := range urls {
				got = append(got, url.URL)
			}
			if !slices.Equal(got, c.urls) {
				t.Errorf("the URLs are %q, want %q", got, c.urls)
			}
		})
	}
}
