package exposure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/internal/cluster"
)

// A preview names the URLs that will have to answer, and writes what the
// cluster is still to decide in angle brackets.
func TestForeseenURLs(t *testing.T) {
	service := func(typ string, nodePort int, addresses ...string) *cluster.Service {
		return &cluster.Service{Type: typ, Addresses: addresses, Ports: []cluster.Port{{Port: 80, NodePort: nodePort}}}
	}
	const ingress, external, node = "http://foo-balanced.bar:31716/balanced", "http://<external address>/", "http://10.0.0.1:<node port>/"
	for _, c := range []struct {
		name         string
		args         ExposureArgs
		loadBalancer string
		service      *cluster.Service
		want         []string
	}{
		{"clusterip", ExposureArgs{}, "", nil, []string{ingress}},
		{"nodeport", ExposureArgs{Type: "nodeport"}, "", nil, []string{node}},
		{"nodeport after clusterip", ExposureArgs{Type: "nodeport"}, "", service("ClusterIP", 0), []string{node}},
		{"nodeport as before", ExposureArgs{Type: "nodeport"}, "", service("LoadBalancer", 31999), []string{"http://10.0.0.1:31999/"}},
		{"pinned", ExposureArgs{Type: "nodeport", NodePort: 31183}, "", service("NodePort", 31999), []string{"http://10.0.0.1:31183/"}},
		{"pending", ExposureArgs{Type: "loadbalancer"}, "", nil, []string{node}},
		{"pending, with Ingress", ExposureArgs{Type: "loadbalancer", Ingress: "true"}, "", nil, []string{ingress, node}},
		{"MetalLB", ExposureArgs{Type: "loadbalancer"}, "MetalLB", nil, []string{external, node}},
		{"MetalLB, as before", ExposureArgs{Type: "loadbalancer"}, "MetalLB", service("LoadBalancer", 31999, "10.0.0.200"),
			[]string{"http://10.0.0.200/", "http://10.0.0.1:31999/"}},
		{"MetalLB without node ports", ExposureArgs{Type: "loadbalancer", NoLoadBalancerNodePorts: true}, "MetalLB",
			service("LoadBalancer", 31999, "10.0.0.200"), []string{"http://10.0.0.200/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &Plan{ExposureArgs: c.args.WithDefaults()}
			a.Cluster = &cluster.Snapshot{
				Nodes:        []cluster.Node{{Addresses: []string{"10.0.0.1"}}},
				Controller:   &cluster.Service{Ports: []cluster.Port{{Name: "http", Port: 80, NodePort: 31716}}},
				LoadBalancer: c.loadBalancer, Service: c.service,
			}
			var warnings []string
			warn := func(format string, values ...any) { warnings = append(warnings, fmt.Sprintf(format, values...)) }
			var got []string
			ways, lacking := a.ways(a.foreseen(warn))
			for _, w := range ways {
				got = append(got, w.URL.URL)
			}
			if lacking != "" {
				t.Error(lacking)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("the URLs are %v, want %v", got, c.want)
			}
			if wantWarning := a.Type == "loadbalancer" && c.loadBalancer == ""; (len(warnings) == 1) != wantWarning {
				t.Errorf("the warnings are %q, want one: %v", warnings, wantWarning)
			}
		})
	}
}

// On a large cluster three nodes have a URL, and a controller is also reached by its externalIPs.
func TestURLsOfALargeCluster(t *testing.T) {
	a := &Plan{ExposureArgs: ExposureArgs{Type: "nodeport", Ingress: "true", NodePort: 31183}.WithDefaults()}
	a.Cluster = &cluster.Snapshot{Controller: &cluster.Service{Type: "ClusterIP", ExternalIPs: []string{"192.0.2.7"}, Ports: []cluster.Port{{Name: "http", Port: 80, NodePort: 31716}}}}
	for i := range 50 {
		a.Cluster.Nodes = append(a.Cluster.Nodes, cluster.Node{Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}})
	}
	warn := func(format string, values ...any) { t.Errorf(format, values...) }
	var got []string
	ways, _ := a.ways(a.foreseen(warn))
	for _, w := range ways {
		got = append(got, w.URL.URL)
	}
	if want := []string{"http://foo-balanced.bar/balanced", "http://10.0.0.0:31183/", "http://10.0.0.1:31183/", "http://10.0.0.2:31183/"}; !slices.Equal(got, want) {
		t.Errorf("the URLs are %q, want %q", got, want)
	}
	if got := a.Cluster.ControllerAddresses(); !slices.Equal(got, []string{"192.0.2.7"}) {
		t.Errorf("the controller is at %q", got)
	}
}

// Why the Ingress's URL cannot be told: it is not there, or may not be read.
func TestLackingURL(t *testing.T) {
	for want, snapshot := range map[string]cluster.Snapshot{
		"this login may not read at which ports":                                                {Denied: []cluster.Denial{{Fact: cluster.Controller, Doing: "list the pods"}}},
		"there is no Service haproxy-controller/haproxy-ingress":                                {},
		"haproxy-controller/haproxy-ingress has no port http (80) that is reached from outside": {Controller: &cluster.Service{Ports: []cluster.Port{{Name: "http", Port: 80}}}},
	} {
		a := &Plan{ExposureArgs: ExposureArgs{}.WithDefaults()}
		a.Cluster = &snapshot
		if _, got := a.ways(reached{}); !strings.Contains(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}
