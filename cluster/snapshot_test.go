package cluster

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func apiNode(name, address string, change func(*corev1.Node)) corev1.Node {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: address}}
	if change != nil {
		change(&n)
	}
	return n
}

func taint(key string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: key, Effect: effect}} }
}

func TestNodesThatTakePods(t *testing.T) {
	s := Snapshot{Nodes: nodesOf(&corev1.NodeList{Items: []corev1.Node{
		apiNode("master", "10.0.0.1", taint("node-role.kubernetes.io/control-plane", corev1.TaintEffectNoSchedule)),
		apiNode("plain", "10.0.0.2", nil),
		apiNode("not-ready", "10.0.0.3", taint("node.kubernetes.io/not-ready", corev1.TaintEffectNoSchedule)),
		apiNode("rather-not", "10.0.0.4", taint("busy", corev1.TaintEffectPreferNoSchedule)),
		apiNode("cordoned", "10.0.0.5", func(n *corev1.Node) { n.Spec.Unschedulable = true }),
		apiNode("no-address", "", func(n *corev1.Node) { n.Status.Addresses = nil }),
	}})}
	if got, want := s.Schedulable(), []string{"plain", "not-ready", "rather-not"}; !slices.Equal(got, want) {
		t.Errorf("%v take pods, want %v", got, want)
	}
	if got, want := s.Addresses(), []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"}; !slices.Equal(got, want) {
		t.Errorf("the addresses are %v, want %v", got, want)
	}
}

func TestLoadBalancer(t *testing.T) {
	pending := &Service{Namespace: "a", Name: "pending", Type: "LoadBalancer"}
	given := &Service{Namespace: "a", Name: "given", Type: "LoadBalancer", Addresses: []string{"10.0.0.200"}}
	cloud := apiNode("n", "10.0.0.1", func(n *corev1.Node) { n.Spec.ProviderID = "aws:///eu/i-1" })
	kind := apiNode("n", "10.0.0.1", func(n *corev1.Node) { n.Spec.ProviderID = "kind://docker/n" })
	for _, c := range []struct {
		name, group string
		node        corev1.Node
		services    []*Service
		want        string
	}{
		{"nothing", "apps", apiNode("n", "10.0.0.1", nil), []*Service{pending}, ""},
		{"MetalLB's API", "metallb.io", apiNode("n", "10.0.0.1", nil), nil, "MetalLB"},
		{"a cloud's nodes", "apps", cloud, nil, "the cloud aws"},
		{"kind is no cloud", "apps", kind, nil, ""},
		{"somebody gives addresses", "apps", apiNode("n", "10.0.0.1", nil), []*Service{pending, given}, "whatever gave a/given its address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			groups := &metav1.APIGroupList{Groups: []metav1.APIGroup{{Name: c.group}}}
			if got := loadBalancer(groups, &corev1.NodeList{Items: []corev1.Node{c.node}}, c.services); got != c.want {
				t.Errorf("the implementation is %q, want %q", got, c.want)
			}
		})
	}
}

func TestPort(t *testing.T) {
	s := Service{Ports: []Port{{Name: "web", Port: 80, NodePort: 1}, {Name: "https", Port: 8443, NodePort: 2}}}
	for _, c := range []struct {
		name         string
		number, want int
	}{{"http", 80, 1}, {"https", 443, 2}} {
		if port := s.Port(c.name, c.number); port == nil || port.NodePort != c.want {
			t.Errorf("port %s or %d is %v, want node port %d", c.name, c.number, port, c.want)
		}
	}
	if port := s.Port("stat", 1024); port != nil {
		t.Errorf("a port that is not there is %v", port)
	}
}
