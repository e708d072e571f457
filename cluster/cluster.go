// Package cluster reads what the program has to know of the cluster before it
// changes anything, and what is only known afterwards: nodes, the ingress
// controller's ports, addresses of load balancers. It never writes.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	networking "k8s.io/client-go/kubernetes/typed/networking/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// timeout of one request: an unreachable cluster is an error within seconds.
const timeout = 8 * time.Second

// Client reads a cluster.
type Client struct {
	core       core.CoreV1Interface
	networking networking.NetworkingV1Interface
	discovery  discovery.ServerGroupsInterface
	server     string
}

// Connect returns a client for the cluster that pulumi-kubernetes would use:
// kubeconfig (the text of one, or its path) and context come from the stack's
// kubernetes:kubeconfig and kubernetes:context; empty, from KUBECONFIG or
// ~/.kube/config. Nothing is sent yet.
func Connect(kubeconfig, context string) (*Client, error) {
	config, err := restConfig(kubeconfig, context)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.Timeout = timeout
	coreClient, err := core.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	networkingClient, err := networking.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{core: coreClient, networking: networkingClient, discovery: discoveryClient, server: config.Host}, nil
}

func restConfig(kubeconfig, context string) (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: context}
	if isPath := !strings.Contains(kubeconfig, "\n"); kubeconfig != "" && !(isPath && fileExists(kubeconfig)) {
		config, err := clientcmd.Load([]byte(kubeconfig))
		if err != nil {
			return nil, err
		}
		return clientcmd.NewDefaultClientConfig(*config, overrides).ClientConfig()
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Node is a node of the cluster.
type Node struct {
	Name    string
	Address string // its InternalIP
	// TakesPods reports whether a pod that tolerates no taint can be put there.
	TakesPods bool
}

// Service is what is known of a Service of the cluster.
type Service struct {
	Namespace, Name string
	Type            string
	ClusterIP       string
	// Addresses are those that a load balancer has given it.
	Addresses []string
	Ports     []Port
}

// Port is a port of a Service.
type Port struct {
	Name     string
	Port     int
	NodePort int // 0 for none
}

// ID is NAMESPACE/NAME.
func (s *Service) ID() string { return s.Namespace + "/" + s.Name }

// Port returns the port of that name, or else of that number; nil for none.
func (s *Service) Port(name string, number int) *Port {
	var byNumber *Port
	for i, port := range s.Ports {
		if port.Name == name {
			return &s.Ports[i]
		}
		if port.Port == number {
			byNumber = &s.Ports[i]
		}
	}
	return byNumber
}

// Snapshot is what the cluster was like when the program started.
type Snapshot struct {
	Nodes []Node
	// Controller is the ingress controller's Service, nil if there is none.
	Controller *Service
	// LoadBalancer names the implementation of LoadBalancer Services, empty if
	// the cluster seems to have none.
	LoadBalancer string
	// IngressClasses are those that the cluster has.
	IngressClasses []IngressClass
	// NodePorts are the node ports in use, by the Service (NAMESPACE/NAME) that
	// has them.
	NodePorts map[int]string
	// Namespace is the one that was asked for, and Secret the Secret in it, nil
	// if there is none.
	Namespace string
	Secret    *Secret
}

// IngressClass is a class of Ingress and the controller that serves it.
type IngressClass struct{ Name, Controller string }

// Secret is a Secret of the cluster.
type Secret struct {
	Type string
	Data map[string][]byte
}

// TLSSecret is the type of Secrets with a certificate.
const TLSSecret = string(corev1.SecretTypeTLS)

// Query says what to look at beside nodes, Services and classes.
type Query struct {
	Controller string // NAMESPACE/NAME of the ingress controller's Service
	Namespace  string // of the application
	Secret     string // name of a Secret there; empty for none
}

// Addresses returns the addresses of all nodes.
func (s *Snapshot) Addresses() []string {
	var addresses []string
	for _, node := range s.Nodes {
		addresses = append(addresses, node.Address)
	}
	return addresses
}

// Schedulable returns the names of the nodes that take pods.
func (s *Snapshot) Schedulable() []string {
	var names []string
	for _, node := range s.Nodes {
		if node.TakesPods {
			names = append(names, node.Name)
		}
	}
	return names
}

// Inspect takes a snapshot.
func (c *Client) Inspect(ctx context.Context, query Query) (*Snapshot, error) {
	snapshot := &Snapshot{Namespace: query.Namespace, NodePorts: map[int]string{}}
	nodes, err := c.core.Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, c.explain("list the nodes", err)
	}
	snapshot.Nodes = nodesOf(nodes)
	services, err := c.core.Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, c.explain("list the Services", err)
	}
	var all []*Service
	for i := range services.Items {
		service := serviceOf(&services.Items[i])
		all = append(all, service)
		if service.ID() == query.Controller {
			snapshot.Controller = service
		}
		for _, port := range service.Ports {
			if port.NodePort != 0 {
				snapshot.NodePorts[port.NodePort] = service.ID()
			}
		}
	}
	classes, err := c.networking.IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, c.explain("list the IngressClasses", err)
	}
	for _, class := range classes.Items {
		snapshot.IngressClasses = append(snapshot.IngressClasses, IngressClass{class.Name, class.Spec.Controller})
	}
	if query.Secret != "" {
		secret, err := c.core.Secrets(query.Namespace).Get(ctx, query.Secret, metav1.GetOptions{})
		switch {
		case err == nil:
			snapshot.Secret = &Secret{Type: string(secret.Type), Data: secret.Data}
		case !apierrors.IsNotFound(err):
			return nil, c.explain("read the Secret "+query.Namespace+"/"+query.Secret, err)
		}
	}
	groups, err := c.discovery.ServerGroups()
	if err != nil {
		return nil, c.explain("list the API groups", err)
	}
	snapshot.LoadBalancer = loadBalancer(groups, nodes, all)
	return snapshot, nil
}

// explain says which cluster did not answer.
func (c *Client) explain(doing string, err error) error {
	return fmt.Errorf("%s of the cluster at %s: %w", doing, c.server, err)
}

// nodesOf returns the nodes that have an InternalIP.
func nodesOf(list *corev1.NodeList) []Node {
	var nodes []Node
	for _, n := range list.Items {
		node := Node{Name: n.Name, TakesPods: !n.Spec.Unschedulable}
		for _, taint := range n.Spec.Taints {
			// A node that is not ready is tainted for as long as that lasts.
			passing := strings.HasPrefix(taint.Key, "node.kubernetes.io/")
			if taint.Effect != corev1.TaintEffectPreferNoSchedule && !passing {
				node.TakesPods = false
			}
		}
		for _, address := range n.Status.Addresses {
			if address.Type == corev1.NodeInternalIP && node.Address == "" {
				node.Address = address.Address
			}
		}
		if node.Address != "" {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// Service reads a Service; nil if there is none of that name.
func (c *Client) Service(ctx context.Context, namespace, name string) (*Service, error) {
	s, err := c.core.Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return serviceOf(s), nil
}

func serviceOf(s *corev1.Service) *Service {
	service := &Service{Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), ClusterIP: s.Spec.ClusterIP}
	for _, port := range s.Spec.Ports {
		service.Ports = append(service.Ports, Port{Name: port.Name, Port: int(port.Port), NodePort: int(port.NodePort)})
	}
	for _, ingress := range s.Status.LoadBalancer.Ingress {
		if address := ingress.IP + ingress.Hostname; address != "" {
			service.Addresses = append(service.Addresses, address)
		}
	}
	return service
}

// implementations are API groups by which those who assign addresses to
// LoadBalancer Services are known.
var implementations = map[string]string{
	"metallb.io": "MetalLB", "purelb.io": "PureLB", "network.openelb.io": "OpenELB",
}

// loadBalancer names the implementation of LoadBalancer Services: one whose
// API the cluster has, a cloud that its nodes belong to, or an unknown one that
// has given some Service an address.
func loadBalancer(groups *metav1.APIGroupList, nodes *corev1.NodeList, services []*Service) string {
	for _, group := range groups.Groups {
		if name := implementations[group.Name]; name != "" {
			return name
		}
	}
	for _, node := range nodes.Items {
		if cloud, _, found := strings.Cut(node.Spec.ProviderID, "://"); found && cloud != "kind" && cloud != "k3s" {
			return "the cloud " + cloud
		}
	}
	for _, s := range services {
		if s.Type == "LoadBalancer" && len(s.Addresses) > 0 {
			return "whatever gave " + s.ID() + " its address"
		}
	}
	return ""
}

// Pod is a pod of the application.
type Pod struct {
	Name, Node, IP string
	Ready          bool
}

// Pods lists the pods with a label app of that value.
func (c *Client) Pods(ctx context.Context, namespace, app string) ([]Pod, error) {
	list, err := c.core.Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil, c.explain("list the pods", err)
	}
	var pods []Pod
	for _, p := range list.Items {
		pod := Pod{Name: p.Name, Node: p.Spec.NodeName, IP: p.Status.PodIP}
		for _, condition := range p.Status.Conditions {
			if condition.Type == corev1.PodReady && p.DeletionTimestamp == nil {
				pod.Ready = condition.Status == corev1.ConditionTrue
			}
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

// ErrNoAddress says that a Service has no external address.
var ErrNoAddress = errors.New("no external address was assigned")

// WaitForAddress waits until a LoadBalancer Service has an external address,
// at most for so long.
func (c *Client) WaitForAddress(ctx context.Context, namespace, name string, patience time.Duration) ([]string, error) {
	deadline := time.Now().Add(patience)
	for {
		service, err := c.Service(ctx, namespace, name)
		switch {
		case err != nil:
			return nil, err
		case service != nil && len(service.Addresses) > 0:
			return service.Addresses, nil
		case time.Now().After(deadline):
			return nil, ErrNoAddress
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// ControllerAddresses returns where the ingress controller is reached: the
// addresses of its Service, or else every node's.
func (s *Snapshot) ControllerAddresses() []string {
	if s.Controller != nil && len(s.Controller.Addresses) > 0 {
		return s.Controller.Addresses
	}
	return s.Addresses()
}
