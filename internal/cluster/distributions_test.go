package cluster

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// facts are the state of a distribution after its installation, according to its documentation, and what the
// program finds in it.
type facts struct {
	name       string
	providerID string
	group      string
	pools      int // of addresses, for Cilium
	class      networkingv1.IngressClassSpec
	query      string // the value of ingressControllerService
	services   []corev1.Service
	daemonSet  *appsv1.DaemonSet
	deployment *appsv1.Deployment
	pods       []corev1.Pod

	loadBalancer string
	http, https  int // the controller's ports for clients; 0 for none
	at           []string
}

func service(namespace, name string, kind corev1.ServiceType, change func(*corev1.Service)) corev1.Service {
	s := corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.ServiceSpec{Type: kind, Selector: map[string]string{"app": "controller"}}}
	if change != nil {
		change(&s)
	}
	return s
}

func ports(names [2]string, nodePorts [2]int32) []corev1.ServicePort {
	return []corev1.ServicePort{{Name: names[0], Port: 80, NodePort: nodePorts[0]}, {Name: names[1], Port: 443, NodePort: nodePorts[1]}}
}

// onHost is a pod with host ports on the node n1.
func onHost(ready corev1.ConditionStatus, ports ...corev1.ContainerPort) corev1.Pod {
	return corev1.Pod{
		Spec: corev1.PodSpec{Containers: []corev1.Container{{}, {Ports: ports}}},
		Status: corev1.PodStatus{
			HostIPs:    []corev1.HostIP{{IP: "10.0.0.1"}},
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}},
		},
	}
}

var selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "controller"}}

var distributions = []facts{
	{
		name:  "kubeadm, with the HAProxy controller",
		class: networkingv1.IngressClassSpec{Controller: "haproxy.org/ingress-controller/haproxy"},
		query: "haproxy-controller/haproxy-ingress",
		services: []corev1.Service{service("haproxy-controller", "haproxy-ingress", "NodePort", func(s *corev1.Service) {
			s.Spec.Ports = ports([2]string{"http", "https"}, [2]int32{31716, 32613})
		})},
		http: 31716, https: 32613, at: []string{"10.0.0.1", "10.0.0.2"},
	},
	{
		name: "k3s", providerID: "k3s://n1", group: "traefik.io",
		class: networkingv1.IngressClassSpec{Controller: "traefik.io/ingress-controller"},
		query: "kube-system/traefik",
		services: []corev1.Service{service("kube-system", "traefik", "LoadBalancer", func(s *corev1.Service) {
			s.Spec.Ports = ports([2]string{"web", "websecure"}, [2]int32{31000, 31001})
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "10.0.0.1"}, {IP: "10.0.0.2"}}
		})},
		loadBalancer: "whatever gave kube-system/traefik its address",
		http:         80, https: 443, at: []string{"10.0.0.1", "10.0.0.2"},
	},
	{
		name: "RKE2", providerID: "rke2://n1",
		class: networkingv1.IngressClassSpec{Controller: "k8s.io/ingress-nginx"},
		query: "kube-system/rke2-ingress-nginx-controller",
		services: []corev1.Service{service("kube-system", "rke2-ingress-nginx-controller-admission", "ClusterIP", func(s *corev1.Service) {
			s.Spec.Ports = []corev1.ServicePort{{Name: "https-webhook", Port: 443}}
		})},
		daemonSet: &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Selector: selector}},
		pods: []corev1.Pod{onHost("True", corev1.ContainerPort{Name: "http", ContainerPort: 80, HostPort: 80},
			corev1.ContainerPort{Name: "https", ContainerPort: 443, HostPort: 443}, corev1.ContainerPort{Name: "webhook", ContainerPort: 8443})},
		http: 80, https: 443, at: []string{"10.0.0.1"},
	},
	{
		name:      "MicroK8s",
		class:     networkingv1.IngressClassSpec{Controller: "k8s.io/ingress-nginx"},
		query:     "ingress/nginx-ingress-microk8s-controller",
		daemonSet: &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Selector: selector}},
		pods: []corev1.Pod{
			onHost("False", corev1.ContainerPort{ContainerPort: 80, HostPort: 80}, corev1.ContainerPort{ContainerPort: 443, HostPort: 443}),
			onHost("True", corev1.ContainerPort{ContainerPort: 80, HostPort: 80}, corev1.ContainerPort{ContainerPort: 443, HostPort: 443}),
		},
		http: 80, https: 443, at: []string{"10.0.0.1"},
	},
	{
		name: "Talos, with Cilium and a pool", group: "cilium.io", pools: 1, query: "haproxy-controller/haproxy-ingress",
		loadBalancer: "Cilium", at: []string{"10.0.0.1", "10.0.0.2"},
	},
	{
		name: "Talos, with Cilium for the network alone", group: "cilium.io", query: "haproxy-controller/haproxy-ingress",
		at: []string{"10.0.0.1", "10.0.0.2"},
	},
	{
		name: "OpenShift on metal", providerID: "baremetalhost:///openshift-machine-api/n1/0123",
		class: networkingv1.IngressClassSpec{Controller: "openshift.io/ingress-to-route"},
		query: "openshift-ingress/router-default",
		services: []corev1.Service{service("openshift-ingress", "router-internal-default", "ClusterIP", func(s *corev1.Service) {
			s.Spec.Ports = ports([2]string{"http", "https"}, [2]int32{})
		})},
		deployment: &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Selector: selector}},
		// In the host network, Kubernetes sets the hostPort of each.
		pods: []corev1.Pod{onHost("True", corev1.ContainerPort{Name: "http", ContainerPort: 80, HostPort: 80}, corev1.ContainerPort{Name: "https", ContainerPort: 443, HostPort: 443},
			corev1.ContainerPort{Name: "metrics", ContainerPort: 1936, HostPort: 1936})},
		http: 80, https: 443, at: []string{"10.0.0.1"},
	},
	{
		name: "a cloud", providerID: "aws:///eu-west-1a/i-0123",
		class: networkingv1.IngressClassSpec{Controller: "k8s.io/ingress-nginx"},
		query: "ingress-nginx/ingress-nginx-controller",
		services: []corev1.Service{service("ingress-nginx", "ingress-nginx-controller", "LoadBalancer", func(s *corev1.Service) {
			s.Spec.Ports = ports([2]string{"http", "https"}, [2]int32{31000, 31001})
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: "lb.example.com"}}
		})},
		loadBalancer: "whatever gave ingress-nginx/ingress-nginx-controller its address",
		http:         80, https: 443, at: []string{"lb.example.com"},
	},
	{
		name: "a ClusterIP Service before pods with ports of their nodes", query: "ingress/controller",
		services: []corev1.Service{service("ingress", "controller", "ClusterIP", func(s *corev1.Service) {
			s.Spec.Ports = ports([2]string{"http", "https"}, [2]int32{})
		})},
		pods: []corev1.Pod{onHost("True", corev1.ContainerPort{Name: "http", ContainerPort: 8080, HostPort: 8080}, corev1.ContainerPort{Name: "https", ContainerPort: 8443, HostPort: 8443})},
		http: 8080, https: 8443, at: []string{"10.0.0.1"},
	},
}

// The program finds the right facts on each distribution.
func TestDistributions(t *testing.T) {
	for _, f := range distributions {
		t.Run(f.name, func(t *testing.T) {
			s, err := f.serve(t).Inspect(t.Context(), Query{Controller: f.query, Namespace: "web", Service: "balanced-service"})
			if err != nil {
				t.Fatal(err)
			}
			var http, https int
			if s.Controller != nil {
				http, https = s.Controller.ClientPort("http", 80), s.Controller.ClientPort("https", 443)
			}
			if http != f.http || https != f.https || !slices.Equal(s.ControllerAddresses(), f.at) {
				t.Errorf("the controller is reached at %d and %d of %q, want %d and %d of %q", http, https, s.ControllerAddresses(), f.http, f.https, f.at)
			}
			if s.LoadBalancer != f.loadBalancer {
				t.Errorf("addresses come from %q, want %q", s.LoadBalancer, f.loadBalancer)
			}
			if len(s.Denied) > 0 {
				t.Errorf("denied are %q", s.Denied)
			}
		})
	}
}

// serve is the API server of such a cluster of two nodes.
func (f facts) serve(t *testing.T) *Client {
	t.Helper()
	answers := map[string]string{"/api": `{"kind":"APIVersions","versions":["v1"]}`}
	list := func(path string, object any) {
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		answers[path] = string(text)
	}
	provided := func(n *corev1.Node) { n.Spec.ProviderID = f.providerID }
	list("/api/v1/nodes", corev1.NodeList{Items: []corev1.Node{apiNode("n1", "10.0.0.1", provided), apiNode("n2", "10.0.0.2", provided)}})
	list("/api/v1/services", corev1.ServiceList{Items: f.services})
	list("/apis/networking.k8s.io/v1/ingressclasses", networkingv1.IngressClassList{Items: []networkingv1.IngressClass{{Spec: f.class}}})
	list("/apis/networking.k8s.io/v1/ingresses", networkingv1.IngressList{})
	list("/apis", metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{{Name: f.group, PreferredVersion: metav1.GroupVersionForDiscovery{Version: "v2"}}}})
	list("/apis/cilium.io/v2/ciliumloadbalancerippools", metav1.PartialObjectMetadataList{
		TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadataList", APIVersion: "meta.k8s.io/v1"}, Items: make([]metav1.PartialObjectMetadata, f.pools),
	})
	namespace, name, _ := strings.Cut(f.query, "/")
	list("/api/v1/namespaces/"+namespace+"/pods", corev1.PodList{Items: f.pods})
	if f.daemonSet != nil {
		list("/apis/apps/v1/namespaces/"+namespace+"/daemonsets/"+name, f.daemonSet)
	}
	if f.deployment != nil {
		list("/apis/apps/v1/namespaces/"+namespace+"/deployments/"+name, f.deployment)
	}
	return serve(t, answers, nil, "")
}
