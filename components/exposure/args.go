package exposure

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/input"
)

// ExposureArgs says how an application is reached.
type ExposureArgs struct {
	// App is what is exposed, such as a BalancedApp's workload. Required. A change is made in place; to another
	// namespace it makes everything anew there, and removes the old then.
	App link.WorkloadInput `pulumi:"app"`
	// Name begins the names of what is made: NAME-service, NAME-ingress, NAME-tls. A part of a DNS name of at most
	// 50 characters. Default the component's name. A change makes everything anew under the other name, and
	// removes the old then.
	Name string `pulumi:"name,optional"`
	// Type of the Service: ClusterIP, NodePort or LoadBalancer. Default ClusterIP. A change is made in place.
	Type ServiceType `pulumi:"type,optional"`
	// Port of the Service, 1 to 65535. Default 80. A change is made in place.
	Port int `pulumi:"port,optional"`
	// NodePort pins the node port, 30000 to 32767; 0 lets the cluster choose. Default 0. A change is made in
	// place.
	NodePort int `pulumi:"nodePort,optional"`
	// AllocateLoadBalancerNodePorts gives a Service of type LoadBalancer node ports, too. Default true. A change
	// is made in place.
	AllocateLoadBalancerNodePorts *bool `pulumi:"allocateLoadBalancerNodePorts,optional"`
	// LoadBalancerClass names what is to give the Service its address, PREFIX/NAME
	// (https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-class). Default the
	// cluster's own. A change is refused while the Service is of type LoadBalancer: Kubernetes does not take it.
	LoadBalancerClass string `pulumi:"loadBalancerClass,optional"`
	// LoadBalancer says whether something in the cluster gives addresses to Services of type LoadBalancer:
	// present, absent, or auto, which looks for it, and in doubt warns. Default auto. A change touches no object.
	LoadBalancer LoadBalancer `pulumi:"loadBalancer,optional"`
	// ServiceAnnotations are put on the Service, such as metallb.io/address-pool. Default none. A change is made
	// in place.
	ServiceAnnotations map[string]pulumi.StringInput `pulumi:"serviceAnnotations,optional"`
	// Ingress says whether there is one. Default true for a Service of type ClusterIP, else false. A change makes
	// it or removes it, and leaves the Service.
	Ingress *bool `pulumi:"ingress,optional"`
	// IngressClass is the class of the Ingress. Default haproxy. A change is made in place.
	IngressClass string `pulumi:"ingressClass,optional"`
	// IngressAnnotations are put on the Ingress, such as cert-manager.io/cluster-issuer. One that the ingress
	// controller is told by wins over what the component would say. Default none. A change is made in place.
	IngressAnnotations map[string]pulumi.StringInput `pulumi:"ingressAnnotations,optional"`
	// Host of the Ingress's rule, a name, or *.NAME. Default foo-balanced.bar. A change is made in place.
	Host pulumi.StringPtrInput `pulumi:"host,optional"`
	// Path of the Ingress's rule, from / on, which is taken off before the application sees it. Default /balanced.
	// A change is made in place.
	Path string `pulumi:"path,optional"`
	// TLS of the Ingress: off, self-signed (a certificate that is made, and renewed by updates) or secret (that of
	// tlsSecretName). Default off. A change is made in place.
	TLS TLS `pulumi:"tls,optional"`
	// TLSSecretName is the Secret with the certificate, of type kubernetes.io/tls, in the namespace of the
	// application. Required where tls is secret. Default none. A change is made in place.
	TLSSecretName string `pulumi:"tlsSecretName,optional"`
	// ControllerService is NAMESPACE/NAME of the Service of the ingress controller, or else of a DaemonSet or
	// Deployment whose pods have ports of their nodes (hostPort, hostNetwork). Default
	// haproxy-controller/haproxy-ingress. A change changes the URLs.
	ControllerService string `pulumi:"controllerService,optional"`
	// HAProxyConfigMap is NAMESPACE/NAME of the ConfigMap that HAProxy's controller reads. Default
	// haproxy-controller/haproxy-configmap. A change takes the keys out of the one and sets them in the other.
	HAProxyConfigMap string `pulumi:"haproxyConfigMap,optional"`
	// HAProxy are the keys to set in haproxyConfigMap, and only those. Default servers-increment "42" and
	// ssl-redirect "OFF". A change is made in place.
	HAProxy map[string]string `pulumi:"haproxy,optional"`
	// Answers says what an update does that no URL answers after: required fails, reported warns, for a computer
	// that cannot reach the URLs, off does not ask. Default required. A change touches no object.
	Answers Answers `pulumi:"answers,optional"`
	// AnswerPath is asked for below every URL. Default /. A change touches no object.
	AnswerPath string `pulumi:"answerPath,optional"`
	// AnswerStatus is the status of an answer, 200 to 599; 0 for any of 200 to 399. Default 0. A change touches no
	// object.
	AnswerStatus int `pulumi:"answerStatus,optional"`
	// RolloutTimeout is how long the last pod may take after the others, a Go duration such as 3m or 90s, from 1s
	// to 24h. Default 3m. A change touches no object.
	RolloutTimeout string `pulumi:"rolloutTimeout,optional"`
	// Adopt takes over objects of the cluster that nobody's mark is on, such as those that were made with kubectl.
	// Those of another stack are never taken over. Default false. A change counts for what the next update finds.
	Adopt bool `pulumi:"adopt,optional"`
	// Kubeconfig is that of an explicit Kubernetes provider, as text or a path: the component looks at the cluster
	// itself. Required with one. Default the default provider's. A change touches no object.
	Kubeconfig pulumi.StringPtrInput `pulumi:"kubeconfig,optional" provider:"secret"`
}

// ServiceType is the type of a Service.
type ServiceType string

// A Service is reached inside the cluster only, at a port of every node, or at a load balancer's address.
const (
	ClusterIPService    ServiceType = "ClusterIP"
	NodePortService     ServiceType = "NodePort"
	LoadBalancerService ServiceType = "LoadBalancer"
)

// TLS says what certificate an Ingress has.
type TLS string

// There is none, one that the component makes and renews, or that of a Secret.
const (
	NoTLS      TLS = "off"
	SelfSigned TLS = "self-signed"
	FromSecret TLS = "secret"
)

// LoadBalancer says whether something gives addresses to Services of type LoadBalancer.
type LoadBalancer string

// It is looked for, which refuses nothing, since what is not found may still be there; it is there, or not.
const (
	LookFor LoadBalancer = "auto"
	Present LoadBalancer = "present"
	Absent  LoadBalancer = "absent"
)

// Answers says what an update does that no URL answers after.
type Answers string

// It fails, it warns, for a computer that cannot reach the URLs, or nothing is asked.
const (
	AnswersRequired Answers = "required"
	AnswersReported Answers = "reported"
	AnswersOff      Answers = "off"
)

// settings waits for the values.
func (a *ExposureArgs) settings(ctx *pulumi.Context, name string) (Settings, error) {
	r := input.NewReader(ctx)
	s := Settings{
		App:  input.Of[link.Workload](r, "app", a.App),
		Name: a.Name, Type: a.Type, Port: a.Port, NodePort: a.NodePort, AllocateLoadBalancerNodePorts: a.AllocateLoadBalancerNodePorts,
		LoadBalancerClass: a.LoadBalancerClass, LoadBalancer: a.LoadBalancer, ServiceAnnotations: input.Texts(r, "serviceAnnotations", a.ServiceAnnotations),
		Ingress: a.Ingress, IngressClass: a.IngressClass, IngressAnnotations: input.Texts(r, "ingressAnnotations", a.IngressAnnotations),
		Host: input.Of[string](r, "host", a.Host), Path: a.Path, TLS: a.TLS, TLSSecretName: a.TLSSecretName,
		ControllerService: a.ControllerService, HAProxyConfigMap: a.HAProxyConfigMap, HAProxy: a.HAProxy,
		Answers: a.Answers, AnswerPath: a.AnswerPath, AnswerStatus: a.AnswerStatus, RolloutTimeout: a.RolloutTimeout,
		Kubeconfig: input.Of[string](r, "kubeconfig", a.Kubeconfig),
	}
	if s.Name == "" {
		s.Name = name
	}
	s.Adopt = a.Adopt
	var err error
	s.Origins, err = r.Done()
	return s.WithDefaults(), err
}
