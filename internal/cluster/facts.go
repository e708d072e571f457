package cluster

import "slices"

// Fact is something that the program reads from the cluster.
type Fact string

// The facts, and what depends on each.
const (
	Nodes          Fact = "whether there is room for the pods, and the nodes' addresses"
	Services       Fact = "which node ports are taken, and which load balancer there is"
	Controller     Fact = "the ingress controller's ports"
	IngressClasses Fact = "whether the ingress class exists"
	Ingresses      Fact = "whether another Ingress has the same host and path"
	ConfigMaps     Fact = "whether the controller reads the ConfigMap"
	Secrets        Fact = "whether the certificate is valid"
	Groups         Fact = "which load balancer there is, and which kinds of objects exist"
	Owners         Fact = "who owns the objects"
	Contents       Fact = "whether others have objects in the namespace"
	Autoscalers    Fact = "whether an autoscaler sets the number of pods"
)

// Denial is a fact that this login may not read.
type Denial struct {
	Fact  Fact
	Doing string // what is not permitted: "list the nodes"
}

// denier notes facts that may not be read.
type denier interface{ deny(fact Fact, doing string) }

func (s *Snapshot) deny(fact Fact, doing string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.Denied = append(s.Denied, Denial{fact, doing})
}

// Knows tells whether a fact could be read.
func (s *Snapshot) Knows(fact Fact) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return !slices.ContainsFunc(s.Denied, func(d Denial) bool { return d.Fact == fact })
}

func (o *overview) deny(fact Fact, doing string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.denied = append(o.denied, Denial{fact, doing})
}
