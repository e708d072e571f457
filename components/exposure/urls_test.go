package exposure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/internal/cluster"
)

// A preview names the URLs that will have to answer, with angle brackets around what the cluster has yet to assign.
func TestForeseenURLs(t *testing.T) {
	service := func(typ string, nodePort int, addresses ...string) *cluster.Service {
		return &cluster.Service{Type: typ, Addresses: addresses, Ports: []cluster.Port{{Port: 80, NodePort: nodePort}}}
	}
	const ingress, external, node = "http://foo-balanced.bar:31716/balanced", "http://<external address>/", "http://10.0.0.1:<node port>/"
	for _, c := range []struct {
		name         string
		args         Settings
		loadBalancer string
		service      *cluster.Service
		want         []string
	}{
		{"clusterip", Settings{}, "", nil, []string{ingress}},
		{"nodeport", Settings{Type: NodePortService}, "", nil, []string{node}},
		{"nodeport after clusterip", Settings{Type: NodePortService}, "", service("ClusterIP", 0), []string{node}},
		{"nodeport as before", Settings{Type: NodePortService}, "", service("LoadBalancer", 31999), []string{"http://10.0.0.1:31999/"}},
		{"pinned", Settings{Type: NodePortService, NodePort: 31183}, "", service("NodePort", 31999), []string{"http://10.0.0.1:31183/"}},
		{"pending", Settings{Type: LoadBalancerService}, "", nil, []string{node}},
		{"pending, with Ingress", Settings{Type: LoadBalancerService, Ingress: new(true)}, "", nil, []string{ingress, node}},
		{"MetalLB", Settings{Type: LoadBalancerService}, "MetalLB", nil, []string{external, node}},
		{"MetalLB, as before", Settings{Type: LoadBalancerService}, "MetalLB", service("LoadBalancer", 31999, "10.0.0.200"),
			[]string{"http://10.0.0.200/", "http://10.0.0.1:31999/"}},
		{"MetalLB without node ports", Settings{Type: LoadBalancerService, AllocateLoadBalancerNodePorts: new(false)}, "MetalLB",
			service("LoadBalancer", 31999, "10.0.0.200"), []string{"http://10.0.0.200/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := newPlan(c.args.WithDefaults(), &cluster.Snapshot{
				Nodes:        []cluster.Node{{Addresses: []string{"10.0.0.1"}}},
				Controller:   &cluster.Service{Ports: []cluster.Port{{Name: "http", Port: 80, NodePort: 31716}}},
				LoadBalancer: c.loadBalancer, Service: c.service,
			})
			var warnings []string
			got := foreseen(plan, func(warning string) { warnings = append(warnings, warning) })
			if !slices.Equal(got, c.want) {
				t.Errorf("the URLs are %v, want %v", got, c.want)
			}
			if wantWarning := plan.Type == LoadBalancerService && c.loadBalancer == ""; (len(warnings) == 1) != wantWarning {
				t.Errorf("the warnings are %q, want one: %v", warnings, wantWarning)
			}
		})
	}
}

// In a large cluster only three nodes have a URL. A controller is also reached by its externalIPs.
func TestURLsOfALargeCluster(t *testing.T) {
	snapshot := &cluster.Snapshot{Controller: &cluster.Service{Type: "ClusterIP", ExternalIPs: []string{"192.0.2.7"}, Ports: []cluster.Port{{Name: "http", Port: 80, NodePort: 31716}}}}
	for i := range 50 {
		snapshot.Nodes = append(snapshot.Nodes, cluster.Node{Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}})
	}
	plan := newPlan(Settings{Type: NodePortService, Ingress: new(true), NodePort: 31183}.WithDefaults(), snapshot)
	got := foreseen(plan, func(warning string) { t.Error(warning) })
	if want := []string{"http://foo-balanced.bar/balanced", "http://10.0.0.0:31183/", "http://10.0.0.1:31183/", "http://10.0.0.2:31183/"}; !slices.Equal(got, want) {
		t.Errorf("the URLs are %q, want %q", got, want)
	}
	if got := snapshot.ControllerAddresses(); !slices.Equal(got, []string{"192.0.2.7"}) {
		t.Errorf("the controller is at %q", got)
	}
}

// A warning says why the Ingress's URL is unknown: the controller's port does not exist, or may not be read.
func TestLackingURL(t *testing.T) {
	for want, snapshot := range map[string]*cluster.Snapshot{
		"this login may not read the ingress controller's ports":                                {Denied: []cluster.Denial{{Fact: cluster.Controller, Doing: "list the pods"}}},
		"there is no Service haproxy-controller/haproxy-ingress":                                {},
		"haproxy-controller/haproxy-ingress does not expose port http (80) outside the cluster": {Controller: &cluster.Service{Ports: []cluster.Port{{Name: "http", Port: 80}}}},
	} {
		var got string
		if foreseen(newPlan(Settings{}.WithDefaults(), snapshot), func(warning string) { got = warning }); !strings.Contains(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// foreseen returns the URLs that a preview names.
func foreseen(plan *Plan, warn func(string)) []string {
	var urls []string
	for _, url := range plan.ways(warn).Foreseen() {
		urls = append(urls, url.URL)
	}
	return urls
}
