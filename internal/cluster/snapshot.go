package cluster

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// Node is a node of the cluster.
type Node struct {
	Name string
	// Addresses are its InternalIPs, one per IP family; without any, its ExternalIPs, or else its Hostname.
	Addresses []string
	// TakesPods reports whether a pod without tolerations can be scheduled there.
	TakesPods bool
}

// Service describes a Service of the cluster.
type Service struct {
	Namespace, Name string
	Type            string
	Class           string // of load balancer; empty for the default one
	// Addresses are from a load balancer, ExternalIPs from the owner of the Service (spec.externalIPs).
	Addresses, ExternalIPs []string
	Ports                  []Port
	// Hosts are the addresses of the nodes on which its pods have host ports, and HostPorts are these
	// ports; they are read only if the Service has no other access from outside.
	Hosts     []string
	HostPorts []Port

	selector map[string]string // of its pods
}

// Port is a port of a Service.
type Port struct {
	Name     string
	Port     int
	NodePort int // 0 for none
	HostPort int // of a pod; 0 for none
}

// ExternalAddresses returns the addresses at which the Service has its own ports.
func (s *Service) ExternalAddresses() []string { return slices.Concat(s.Addresses, s.ExternalIPs) }

// ID is NAMESPACE/NAME.
func (s *Service) ID() string { return s.Namespace + "/" + s.Name }

// ClientPort returns the port for clients that leads to the port of that name, or else of that number; 0 for
// none: its own at an address of its own, a node port, or a host port of its pods.
func (s *Service) ClientPort(name string, number int) int {
	port, hostPort := portOf(s.Ports, name, number), portOf(s.HostPorts, name, number)
	switch {
	case len(s.ExternalAddresses()) > 0 && port != nil:
		return port.Port
	case port != nil && port.NodePort != 0:
		return port.NodePort
	case hostPort != nil:
		return hostPort.HostPort
	}
	return 0
}

func portOf(ports []Port, name string, number int) *Port {
	var byNumber *Port
	for i, port := range ports {
		if port.Name == name {
			return &ports[i]
		}
		if port.Port == number || port.HostPort == number {
			byNumber = &ports[i]
		}
	}
	return byNumber
}

// Snapshot is the state of the cluster when the program started.
type Snapshot struct {
	Nodes []Node
	// Controller is the ingress controller's Service, nil if there is none; without a Service, it has
	// the host ports of the controller's pods.
	Controller *Service
	// LoadBalancer names what gives addresses to LoadBalancer Services, as far as visible from
	// outside; empty if nothing was found.
	LoadBalancer string
	// Groups are the names of the API groups.
	Groups []string
	// Major and Minor are the version of Kubernetes; 0 if unknown.
	Major, Minor int
	// IngressClasses are those that the cluster has.
	IngressClasses []IngressClass
	// ConfigMap is the one of the query, nil if there is none.
	ConfigMap *ConfigMap
	// Rules are the rules of the Ingresses in all namespaces.
	Rules []Rule
	// NodePorts maps the node ports in use to their Services (NAMESPACE/NAME).
	NodePorts map[int]string
	// Namespace is the one of the query, Service and Secret the queried objects in it, nil if there is none.
	Namespace string
	Service   *Service
	Secret    *Secret

	// Denied are the facts that may not be read; their fields are empty.
	Denied []Denial
	mutex  sync.Mutex // of Denied, while facts are asked for
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
	// Managers are the field managers of each key (metadata.managedFields).
	Managers map[string][]string
	// Emptied are the field managers that have set the data to no keys (data: {}).
	Emptied []string
}

// TLSSecret is the type of Secrets with a certificate.
const TLSSecret = string(corev1.SecretTypeTLS)

// HasGroup tells whether the cluster has a group of the API.
func (s *Snapshot) HasGroup(name string) bool { return slices.Contains(s.Groups, name) }

// HasVersion tells whether Kubernetes has that version or a later one, as far as known.
func (s *Snapshot) HasVersion(major, minor int) bool {
	return s.Major == 0 || s.Major > major || s.Major == major && s.Minor >= minor
}

// Query says what to read in addition to nodes, Services and classes.
type Query struct {
	Controller string // NAMESPACE/NAME of the ingress controller's Service, or else DaemonSet or Deployment
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

// ControllerAddresses returns the addresses of the ingress controller: those of its Service, of the nodes
// whose host ports lead to its pods, or else of every node.
func (s *Snapshot) ControllerAddresses() []string {
	switch {
	case s.Controller != nil && len(s.Controller.ExternalAddresses()) > 0:
		return s.Controller.ExternalAddresses()
	case s.Controller != nil && len(s.Controller.Hosts) > 0:
		return s.Controller.Hosts
	}
	return s.Addresses()
}

// ControllerPort is the port for clients that leads to a port of the ingress controller; 0 if there is none,
// or it is unknown.
func (s *Snapshot) ControllerPort(name string, number int) int {
	if s == nil || s.Controller == nil {
		return 0
	}
	return s.Controller.ClientPort(name, number)
}

// nodesOf converts the nodes that have an address.
func nodesOf(list *corev1.NodeList) []Node {
	var nodes []Node
	for _, n := range list.Items {
		node := Node{Name: n.Name, TakesPods: !n.Spec.Unschedulable}
		for _, taint := range n.Spec.Taints {
			// Kubernetes taints a node for as long as a condition lasts, such as not ready.
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
	object := Object{Kind: "Ingress", Namespace: ingress.Namespace, Name: ingress.Name, UID: string(ingress.UID), Owner: ownerOf(ingress.ObjectMeta)}
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

// serviceOf converts a Service.
func serviceOf(s *corev1.Service) *Service {
	service := &Service{Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), ExternalIPs: s.Spec.ExternalIPs, selector: s.Spec.Selector}
	if s.Spec.LoadBalancerClass != nil {
		service.Class = *s.Spec.LoadBalancerClass
	}
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
