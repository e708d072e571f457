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
	Class           string // of load balancer; empty for the default one
	// Addresses are those that a load balancer has given it, ExternalIPs those that its
	// owner has (spec.externalIPs).
	Addresses, ExternalIPs []string
	Ports                  []Port
	// Hosts are the addresses of the nodes on which its pods have ports of the node itself, and
	// HostPorts are those; they are looked at only where the Service has no other way in.
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

// Outside returns the addresses at which it is reached by its own ports.
func (s *Service) Outside() []string { return slices.Concat(s.Addresses, s.ExternalIPs) }

// ID is NAMESPACE/NAME.
func (s *Service) ID() string { return s.Namespace + "/" + s.Name }

// Reached returns the port at which people reach the port of that name, or else of that number;
// 0 for none: its own at an address of its own, a node port, or a port of its pods' nodes.
func (s *Service) Reached(name string, number int) int {
	port, hostPort := portOf(s.Ports, name, number), portOf(s.HostPorts, name, number)
	switch {
	case len(s.Outside()) > 0 && port != nil:
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

// Snapshot is what the cluster was like when the program started.
type Snapshot struct {
	Nodes []Node
	// Controller is the ingress controller's Service, nil if there is none; of one without a
	// Service it has the ports of its pods' nodes.
	Controller *Service
	// LoadBalancer names what gives addresses to LoadBalancer Services, as far as that
	// can be told from outside; empty if nothing was found.
	LoadBalancer string
	// Groups are the names of the API's groups.
	Groups []string
	// Major and Minor are the version of Kubernetes; 0 if it is not known.
	Major, Minor int
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

	mutex sync.Mutex // of Denied, while facts are asked for
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
	// Emptied are those who have said that the data has no key (data: {}).
	Emptied []string
}

// TLSSecret is the type of Secrets with a certificate.
const TLSSecret = string(corev1.SecretTypeTLS)

// HasGroup tells whether the cluster has a group of the API.
func (s *Snapshot) HasGroup(name string) bool { return slices.Contains(s.Groups, name) }

// HasVersion tells whether Kubernetes is of that version or a later one, as far as is known.
func (s *Snapshot) HasVersion(major, minor int) bool {
	return s.Major == 0 || s.Major > major || s.Major == major && s.Minor >= minor
}

// Query says what to look at beside nodes, Services and classes.
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

// ControllerAddresses returns where the ingress controller is reached: the addresses of its
// Service, the nodes that have its pods where those have ports of the node, or else every node.
func (s *Snapshot) ControllerAddresses() []string {
	switch {
	case s.Controller != nil && len(s.Controller.Outside()) > 0:
		return s.Controller.Outside()
	case s.Controller != nil && len(s.Controller.Hosts) > 0:
		return s.Controller.Hosts
	}
	return s.Addresses()
}

// ControllerPort is the port at which people reach a port of the ingress controller; 0 when there
// is none, or nothing is known of it.
func (s *Snapshot) ControllerPort(name string, number int) int {
	if s == nil || s.Controller == nil {
		return 0
	}
	return s.Controller.Reached(name, number)
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

// serviceOf returns what the program wants to know of a Service.
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
