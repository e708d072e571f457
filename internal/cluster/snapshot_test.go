package cluster

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
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

// Every address of the best type of a node counts, one per IP family.
func TestAddressesOfNodes(t *testing.T) {
	of := func(addresses ...string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Status.Addresses = nil
			for _, text := range addresses {
				kind, address, _ := strings.Cut(text, " ")
				n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeAddressType(kind), Address: address})
			}
		}
	}
	s := Snapshot{Nodes: nodesOf(&corev1.NodeList{Items: []corev1.Node{
		apiNode("dual", "", of("Hostname dual", "InternalIP 10.0.0.1", "InternalIP fd00::1", "ExternalIP 192.0.2.1")),
		apiNode("outside", "", of("Hostname outside", "ExternalIP 192.0.2.2")),
		apiNode("named", "", of("Hostname named.example.com")),
	}})}
	if got, want := s.Addresses(), []string{"10.0.0.1", "fd00::1", "192.0.2.2", "named.example.com"}; !slices.Equal(got, want) {
		t.Errorf("the addresses are %q, want %q", got, want)
	}
	if got, want := s.NodeAddresses(), []string{"10.0.0.1", "192.0.2.2", "named.example.com"}; !slices.Equal(got, want) {
		t.Errorf("of each node it is %q, want %q", got, want)
	}
}

// An entry of a load balancer may have both an address and a name.
func TestAddressesOfAService(t *testing.T) {
	s := &corev1.Service{}
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1", Hostname: "lb.example.com"}, {Hostname: "two.example.com"}, {}}
	if got, want := serviceOf(s).Addresses, []string{"192.0.2.1", "lb.example.com", "two.example.com"}; !slices.Equal(got, want) {
		t.Errorf("the addresses are %q, want %q", got, want)
	}
}

func TestRules(t *testing.T) {
	ingress := networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"}}
	ingress.Spec.Rules = []networkingv1.IngressRule{{Host: "no.paths"}, {Host: "x.example.com", IngressRuleValue: networkingv1.IngressRuleValue{
		HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/one"}, {}}},
	}}}
	var got []string
	for _, rule := range rulesOf(ingress) {
		got = append(got, rule.Ingress.String()+" "+rule.Host+rule.Path)
	}
	if want := []string{"Ingress a/b x.example.com/one", "Ingress a/b x.example.com/"}; !slices.Equal(got, want) {
		t.Errorf("the rules are %q, want %q", got, want)
	}
}

// The program and the plugin select the same cluster.
func TestAccess(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", filepath.Join(home, ".kube/config"))
	text := func(name, server string) string {
		return "apiVersion: v1\nkind: Config\ncurrent-context: " + name + "\nclusters:\n- {name: one, cluster: {server: " + server + "/one}}\n- {name: two, cluster: {server: " + server + "/two}}\n" +
			"contexts:\n- {name: first, context: {cluster: one}}\n- {name: second, context: {cluster: two}}\n"
	}
	for name, server := range map[string]string{".kube/config": "https://default", "other": "https://other"} {
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text("first", server)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		access Access
		want   string
	}{
		{Access{}, "https://default/one"},
		{Access{Kubeconfig: "~/other"}, "https://other/one"},
		{Access{Kubeconfig: filepath.Join(home, "other"), Context: "second"}, "https://other/two"},
		{Access{Kubeconfig: "~/other", Cluster: "two"}, "https://other/two"},
		{Access{Kubeconfig: text("second", "https://text")}, "https://text/two"},
		{Access{Kubeconfig: text("second", "https://text"), Cluster: "one"}, "https://text/one"},
	} {
		config, err := c.access.restConfig()
		if err != nil || config.Host != c.want {
			t.Errorf("%+v: %v, %v, want %s", c.access, config, err, c.want)
		}
	}
}

// What identifies a distribution from outside: the API groups, spec.providerID of its nodes.
func TestLoadBalancer(t *testing.T) {
	pending := Service{Namespace: "a", Name: "pending", Type: "LoadBalancer"}
	given := Service{Namespace: "a", Name: "given", Type: "LoadBalancer", Addresses: []string{"10.0.0.200"}}
	for _, c := range []struct {
		name, group, providerID string
		services                []Service
		want                    string
	}{
		{"kubeadm", "apps", "", []Service{pending}, ""},
		{"kubeadm with MetalLB", "metallb.io", "", nil, "MetalLB"},
		{"kubeadm with kube-vip, before the first address", "apps", "", []Service{pending}, ""},
		{"kubeadm with kube-vip", "apps", "", []Service{pending, given}, "whatever gave a/given its address"},
		{"Cilium's LB-IPAM", "cilium.io", "", nil, "Cilium"},
		{"k3s", "k3s.cattle.io", "k3s://node", nil, "k3s's servicelb"},
		{"RKE2", "helm.cattle.io", "rke2://node", nil, ""},
		{"MicroK8s", "apps", "", nil, ""},
		{"Talos", "apps", "", nil, ""},
		{"OpenShift on metal", "route.openshift.io", "baremetalhost:///openshift-machine-api/node", nil, ""},
		{"Metal3", "apps", "metal3://1", nil, ""},
		{"vSphere", "apps", "vsphere://1", nil, ""},
		{"Proxmox", "apps", "proxmox://1", nil, ""},
		{"libvirt", "apps", "libvirt:///1", nil, ""},
		{"kind", "apps", "kind://docker/n", nil, ""},
		{"a cloud", "apps", "aws:///eu/i-1", nil, "the cloud AWS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			groups := &metav1.APIGroupList{Groups: []metav1.APIGroup{{Name: c.group}}}
			node := apiNode("n", "10.0.0.1", func(n *corev1.Node) { n.Spec.ProviderID = c.providerID })
			if got := loadBalancer(groups, &corev1.NodeList{Items: []corev1.Node{node}}, c.services); got != c.want {
				t.Errorf("the implementation is %q, want %q", got, c.want)
			}
		})
	}
}

func TestClientPort(t *testing.T) {
	ports := []Port{{Name: "web", Port: 80, NodePort: 1}, {Name: "https", Port: 8443, NodePort: 2}}
	hostPorts := []Port{{Name: "http", Port: 8080, HostPort: 80}, {Port: 443, HostPort: 444}}
	for _, c := range []struct {
		service     Service
		http, https int
		stat        int
	}{
		{Service{Ports: ports}, 1, 2, 0},
		{Service{Ports: ports, Addresses: []string{"10.0.0.9"}}, 80, 8443, 0},
		{Service{Ports: ports, ExternalIPs: []string{"10.0.0.9"}}, 80, 8443, 0},
		{Service{HostPorts: hostPorts}, 80, 444, 0},
		{Service{Ports: []Port{{Name: "http", Port: 80}}, HostPorts: hostPorts}, 80, 444, 0},
		{Service{Ports: []Port{{Name: "http", Port: 80}}}, 0, 0, 0},
	} {
		if http, https, stat := c.service.ClientPort("http", 80), c.service.ClientPort("https", 443), c.service.ClientPort("stat", 1024); http != c.http || https != c.https || stat != c.stat {
			t.Errorf("%+v is reached at %d, %d and %d", c.service, http, https, stat)
		}
	}
}

func TestManagersOfKeys(t *testing.T) {
	fields := func(manager, text string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, FieldsV1: &metav1.FieldsV1{Raw: []byte(text)}}
	}
	got, emptied := managersOf([]metav1.ManagedFieldsEntry{
		fields("helm", `{"f:data":{".":{},"f:a":{},"f:b":{}},"f:metadata":{"f:labels":{"f:c":{}}}}`), fields("kubectl", `{"f:data":{"f:b":{}}}`), {Manager: "old"}, fields("argocd", `{"f:data":{}}`),
	})
	if want := map[string][]string{"a": {"helm"}, "b": {"helm", "kubectl"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("the managers are %v, want %v", got, want)
	}
	if want := []string{"argocd"}; !reflect.DeepEqual(emptied, want) {
		t.Errorf("it was emptied by %q, want %q", emptied, want)
	}
}
