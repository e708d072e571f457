package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Node is a node of the cluster.
type Node struct {
	Name string
	// Addresses are its InternalIPs, one for each IP family that it has; of a node without
	// any its ExternalIPs, or else its Hostname.
	Addresses []string
	// TakesPods reports whether a pod that tolerates no taint can be put there.
	TakesPods bool
}

// Service is what is known of a Service of the cluster.
type Service struct {
	Namespace, Name string
	Type            string
	// Addresses are those that a load balancer has given it, ExternalIPs those that its
	// owner has (spec.externalIPs).
	Addresses, ExternalIPs []string
	Ports                  []Port
}

// Port is a port of a Service.
type Port struct {
	Name     string
	Port     int
	NodePort int // 0 for none
}

// Outside returns the addresses at which it is reached by its own ports.
func (s *Service) Outside() []string { return slices.Concat(s.Addresses, s.ExternalIPs) }

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
	// LoadBalancer names what gives addresses to LoadBalancer Services, as far as that
	// can be told from outside; empty if nothing was found.
	LoadBalancer string
	// IngressClasses are those that the cluster has.
	IngressClasses []IngressClass
	// ConfigMap is the one that was asked for, nil if there is none.
	ConfigMap *ConfigMap
	// Denied are the facts that may not be read; what they are about is empty here.
	Denied []Denial
	// Rules are those of the Ingresses of all namespaces.
	Rules []Rule
	// NodePorts are the node ports in use, by the Service (NAMESPACE/NAME) that
	// has them.
	NodePorts map[int]string
	// Namespace is the one that was asked for, Service and Secret those that were
	// asked for in it, nil where there is none.
	Namespace string
	Service   *Service
	Secret    *Secret
}

// Rule is a rule of an Ingress: a host, empty for any, and a path.
type Rule struct {
	Ingress    Object
	Host, Path string
}

// IngressClass is a class of Ingress and the controller that serves it.
type IngressClass struct{ Name, Controller string }

// Secret is a Secret of the cluster.
type Secret struct {
	Object
	Type string
	Data map[string][]byte
}

// ConfigMap is a ConfigMap of the cluster.
type ConfigMap struct {
	Data map[string]string
	// Managers are those who have set a key (metadata.managedFields).
	Managers map[string][]string
}

// TLSSecret is the type of Secrets with a certificate.
const TLSSecret = string(corev1.SecretTypeTLS)

// Fact is what the program wants to know of the cluster.
type Fact string

// The facts, and what depends on each.
const (
	Nodes          Fact = "whether there is room for the pods, and at which addresses the nodes are"
	Services       Fact = "which node ports are taken, and what gives addresses to Services"
	Controller     Fact = "at which ports the ingress controller is reached"
	IngressClasses Fact = "whether there is such an ingress class"
	Ingresses      Fact = "whether another Ingress has that host and path"
	ConfigMaps     Fact = "whether the controller reads that ConfigMap"
	Secrets        Fact = "whether the certificate is good"
	Groups         Fact = "what gives addresses to Services"
	Owners         Fact = "whose the objects are"
	Contents       Fact = "whether others have something in the namespace"
)

// Denial is a fact that this login may not read.
type Denial struct {
	Fact  Fact
	Doing string // what is not permitted: "list the nodes"
}

// Knows tells whether a fact could be read.
func (s *Snapshot) Knows(fact Fact) bool {
	return !slices.ContainsFunc(s.Denied, func(d Denial) bool { return d.Fact == fact })
}

// Query says what to look at beside nodes, Services and classes.
type Query struct {
	Controller string // NAMESPACE/NAME of the ingress controller's Service
	Namespace  string // of the application
	Service    string // name of its Service there
	Secret     string // name of a Secret there; empty for none
	ConfigMap  string // NAMESPACE/NAME of the ingress controller's ConfigMap; empty for none
}

// Addresses returns the addresses of all nodes, of each IP family.
func (s *Snapshot) Addresses() []string {
	var addresses []string
	for _, node := range s.Nodes {
		addresses = append(addresses, node.Addresses...)
	}
	return addresses
}

// NodeAddresses returns the first address of each node.
func (s *Snapshot) NodeAddresses() []string {
	var addresses []string
	for _, node := range s.Nodes {
		if len(node.Addresses) > 0 {
			addresses = append(addresses, node.Addresses[0])
		}
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

// ControllerAddresses returns where the ingress controller is reached: the
// addresses of its Service, or else every node's.
func (s *Snapshot) ControllerAddresses() []string {
	if s.Controller != nil && len(s.Controller.Outside()) > 0 {
		return s.Controller.Outside()
	}
	return s.Addresses()
}

// Inspect takes a snapshot. Each fact is asked for by itself: of one that may not be read,
// Denied tells, and only what depends on it is not known.
func (c *Client) Inspect(ctx context.Context, query Query) (*Snapshot, error) {
	s := &Snapshot{Namespace: query.Namespace, NodePorts: map[int]string{}}
	nodes, err := c.core.Nodes().List(ctx, metav1.ListOptions{})
	if err := c.known(s, Nodes, "list the nodes", err); err != nil {
		return nil, err
	}
	s.Nodes = nodesOf(nodes)
	services, err := c.services(ctx, query, s)
	if err != nil {
		return nil, err
	}
	classes, err := c.networking.IngressClasses().List(ctx, metav1.ListOptions{})
	if err := c.known(s, IngressClasses, "list the IngressClasses", err); err != nil {
		return nil, err
	}
	for _, class := range classes.Items {
		s.IngressClasses = append(s.IngressClasses, IngressClass{class.Name, class.Spec.Controller})
	}
	ingresses, err := c.networking.Ingresses("").List(ctx, metav1.ListOptions{})
	if err := c.known(s, Ingresses, "list the Ingresses of all namespaces", err); err != nil {
		return nil, err
	}
	for _, ingress := range ingresses.Items {
		s.Rules = append(s.Rules, rulesOf(ingress)...)
	}
	if query.Secret != "" {
		secret, err := c.core.Secrets(query.Namespace).Get(ctx, query.Secret, metav1.GetOptions{})
		if err := c.known(s, Secrets, "read the Secret "+query.Namespace+"/"+query.Secret, ignoreNotFound(err)); err != nil {
			return nil, err
		}
		if err == nil {
			s.Secret = &Secret{
				Object: Object{"Secret", secret.Namespace, secret.Name, string(secret.UID), secret.Annotations[OwnerAnnotation]},
				Type:   string(secret.Type), Data: secret.Data,
			}
		}
	}
	if namespace, name, ok := strings.Cut(query.ConfigMap, "/"); ok {
		configMap, err := c.core.ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
		if err := c.known(s, ConfigMaps, "read the ConfigMap "+query.ConfigMap, ignoreNotFound(err)); err != nil {
			return nil, err
		}
		if err == nil {
			s.ConfigMap = &ConfigMap{Data: configMap.Data, Managers: managersOf(configMap.ManagedFields)}
		}
	}
	groups, err := c.discovery.ServerGroups()
	if err := c.known(s, Groups, "list the API groups", err); err != nil {
		return nil, err
	}
	if groups == nil {
		groups = &metav1.APIGroupList{}
	}
	s.LoadBalancer = loadBalancer(groups, nodes, services)
	return s, nil
}

// known notes that a fact may not be read, and returns any other error of asking for it.
func (c *Client) known(s *Snapshot, fact Fact, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		s.Denied = append(s.Denied, Denial{fact, doing})
		return nil
	}
	return c.explain(doing, err)
}

// managersOf returns who has set which key of the data.
func managersOf(entries []metav1.ManagedFieldsEntry) map[string][]string {
	managers := map[string][]string{}
	for _, entry := range entries {
		var fields struct {
			Data map[string]json.RawMessage `json:"f:data"`
		}
		if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.Raw, &fields) != nil {
			continue
		}
		for field := range fields.Data {
			if key, ok := strings.CutPrefix(field, "f:"); ok {
				managers[key] = append(managers[key], entry.Manager)
			}
		}
	}
	return managers
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// services reads all Services, or else those that the query names.
func (c *Client) services(ctx context.Context, query Query, s *Snapshot) ([]*Service, error) {
	list, err := c.core.Services("").List(ctx, metav1.ListOptions{})
	if err := c.known(s, Services, "list the Services of all namespaces", err); err != nil {
		return nil, err
	}
	if !s.Knows(Services) {
		namespace, name, _ := strings.Cut(query.Controller, "/")
		if s.Controller, err = c.Service(ctx, namespace, name); err != nil {
			if err := c.known(s, Controller, "read the Service "+query.Controller, err); err != nil {
				return nil, err
			}
		}
		if s.Service, err = c.Service(ctx, query.Namespace, query.Service); err != nil {
			return nil, c.known(s, Services, "read the Service "+query.Namespace+"/"+query.Service, err)
		}
		return nil, nil
	}
	var all []*Service
	for i := range list.Items {
		service := serviceOf(&list.Items[i])
		all = append(all, service)
		switch service.ID() {
		case query.Controller:
			s.Controller = service
		case query.Namespace + "/" + query.Service:
			s.Service = service
		}
		for _, port := range service.Ports {
			if port.NodePort != 0 {
				s.NodePorts[port.NodePort] = service.ID()
			}
		}
	}
	return all, nil
}

// nodesOf returns what the program wants to know of the nodes that have an address.
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
		for _, kind := range []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeExternalIP, corev1.NodeHostName} {
			if len(node.Addresses) > 0 {
				break
			}
			for _, address := range n.Status.Addresses {
				if address.Type == kind {
					node.Addresses = append(node.Addresses, address.Address)
				}
			}
		}
		if len(node.Addresses) > 0 {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func rulesOf(ingress networkingv1.Ingress) []Rule {
	var rules []Rule
	object := Object{"Ingress", ingress.Namespace, ingress.Name, string(ingress.UID), ingress.Annotations[OwnerAnnotation]}
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			rules = append(rules, Rule{Ingress: object, Host: rule.Host, Path: cmp.Or(path.Path, "/")})
		}
	}
	return rules
}

// serviceOf returns what the program wants to know of a Service.
func serviceOf(s *corev1.Service) *Service {
	service := &Service{Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), ExternalIPs: s.Spec.ExternalIPs}
	for _, port := range s.Spec.Ports {
		service.Ports = append(service.Ports, Port{Name: port.Name, Port: int(port.Port), NodePort: int(port.NodePort)})
	}
	for _, ingress := range s.Status.LoadBalancer.Ingress {
		for _, address := range []string{ingress.IP, ingress.Hostname} {
			if address != "" {
				service.Addresses = append(service.Addresses, address)
			}
		}
	}
	return service
}

// implementations are API groups by which those who assign addresses to
// LoadBalancer Services are known. kube-vip has none.
var implementations = map[string]string{
	"metallb.io": "MetalLB", "purelb.io": "PureLB", "network.openelb.io": "OpenELB", "cilium.io": "Cilium",
}

// clouds are the schemes of spec.providerID of nodes whose cloud controller manager assigns
// addresses (https://kubernetes.io/docs/concepts/architecture/cloud-controller/), and k3s, which
// has an implementation of its own. Others, such as rke2, metal3, vsphere or proxmox, are
// programs that make nodes on machines of one's own.
var clouds = map[string]string{
	"aws": "the cloud AWS", "azure": "the cloud Azure", "gce": "Google Cloud", "digitalocean": "DigitalOcean", "hcloud": "Hetzner Cloud",
	"linode": "Linode", "oci": "Oracle Cloud", "openstack": "OpenStack", "scaleway": "Scaleway", "vultr": "Vultr",
	"ibm": "IBM Cloud", "alicloud": "Alibaba Cloud", "exoscale": "Exoscale", "upcloud": "UpCloud", "civo": "Civo",
	"k3s": "k3s's servicelb",
}

// loadBalancer names what gives addresses to LoadBalancer Services: what has given some
// Service one, an implementation whose API the cluster has, or what its nodes belong to.
func loadBalancer(groups *metav1.APIGroupList, nodes *corev1.NodeList, services []*Service) string {
	for _, group := range groups.Groups {
		if name := implementations[group.Name]; name != "" {
			return name
		}
	}
	for _, s := range services {
		if s.Type == "LoadBalancer" && len(s.Addresses) > 0 {
			return "whatever gave " + s.ID() + " its address"
		}
	}
	for _, node := range nodes.Items {
		scheme, _, _ := strings.Cut(node.Spec.ProviderID, "://")
		if name := clouds[scheme]; name != "" {
			return name
		}
	}
	return ""
}
