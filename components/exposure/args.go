package exposure

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/input"
)

// ExposureArgs describes how users reach an application.
type ExposureArgs struct {
	// App is the application to expose, such as a BalancedApp's workload. Required. A change is made in
	// place. A change to another namespace creates all objects there, then deletes the old ones.
	App link.WorkloadInput `pulumi:"app"`
	// Name is the beginning of the objects' names: NAME-service, NAME-ingress, NAME-tls. It is a DNS label of
	// at most 50 characters. Default the component's name. A change creates all objects under the new name,
	// then deletes the old ones.
	Name string `pulumi:"name,optional"`
	// Type of the Service: ClusterIP, NodePort or LoadBalancer. Default ClusterIP. A change is made in place.
	Type ServiceType `pulumi:"type,optional"`
	// Port of the Service, 1 to 65535. Default 80. A change is made in place.
	Port int `pulumi:"port,optional"`
	// NodePort pins the node port, 30000 to 32767; 0 lets the cluster choose. Default 0. A change is made in place.
	NodePort int `pulumi:"nodePort,optional"`
	// AllocateLoadBalancerNodePorts also gives node ports to a Service of type LoadBalancer. Default true. A
	// change is made in place.
	AllocateLoadBalancerNodePorts *bool `pulumi:"allocateLoadBalancerNodePorts,optional"`
	// LoadBalancerClass names the load balancer that gives the Service its address, PREFIX/NAME
	// (https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-class). Default the cluster's
	// own. A change is refused while the Service is of type LoadBalancer: Kubernetes does not allow it.
	LoadBalancerClass string `pulumi:"loadBalancerClass,optional"`
	// LoadBalancer says whether something in the cluster gives addresses to Services of type LoadBalancer: present,
	// absent, or auto, which looks for it and warns if in doubt. Default auto. A change touches no object.
	LoadBalancer LoadBalancer `pulumi:"loadBalancer,optional"`
	// ServiceAnnotations are annotations of the Service, such as metallb.io/address-pool. Default none. A
	// change is made in place.
	ServiceAnnotations map[string]pulumi.StringInput `pulumi:"serviceAnnotations,optional"`
	// Ingress says whether to create an Ingress. Default true for a Service of type ClusterIP, else false. A
	// change creates or deletes the Ingress, and keeps the Service.
	Ingress *bool `pulumi:"ingress,optional"`
	// IngressClass is the class of the Ingress. Default haproxy. A change is made in place.
	IngressClass string `pulumi:"ingressClass,optional"`
	// IngressAnnotations are annotations of the Ingress, such as cert-manager.io/cluster-issuer. Those for
	// the ingress controller override the component's own. Default none. A change is made in place.
	IngressAnnotations map[string]pulumi.StringInput `pulumi:"ingressAnnotations,optional"`
	// Host of the Ingress's rule, a name, or *.NAME. Default foo-balanced.bar. A change is made in place.
	Host pulumi.StringPtrInput `pulumi:"host,optional"`
	// Path of the Ingress's rule, from / on. HAProxy, Traefik and ingress-nginx remove it from the request.
	// Default /balanced. A change is made in place.
	Path string `pulumi:"path,optional"`
	// TLS of the Ingress: off, self-signed (a certificate that updates create and renew) or secret (the
	// certificate in tlsSecretName). Default off. A change is made in place.
	TLS TLS `pulumi:"tls,optional"`
	// TLSSecretName is the Secret with the certificate, of type kubernetes.io/tls, in the namespace of the
	// application. Required if tls is secret. Default none. A change is made in place.
	TLSSecretName string `pulumi:"tlsSecretName,optional"`
	// ControllerService is NAMESPACE/NAME of the ingress controller's Service, or of its DaemonSet or
	// Deployment if the pods use ports of their nodes (hostPort, hostNetwork). Default
	// haproxy-controller/haproxy-ingress. A change changes the URLs.
	ControllerService string `pulumi:"controllerService,optional"`
	// HAProxyConfigMap is NAMESPACE/NAME of the ConfigMap that the HAProxy controller reads. Default
	// haproxy-controller/haproxy-configmap. A change removes the keys from the old ConfigMap and sets them in
	// the new one.
	HAProxyConfigMap string `pulumi:"haproxyConfigMap,optional"`
	// HAProxy are the keys to set in haproxyConfigMap, and only those. Default servers-increment "42" and
	// ssl-redirect "OFF". A change is made in place.
	HAProxy map[string]string `pulumi:"haproxy,optional"`
	// Answers says what an update does if no URL answers after it: required fails, reported warns (for a computer
	// that cannot reach the URLs), off sends no requests. Default required. A change touches no object.
	Answers Answers `pulumi:"answers,optional"`
	// AnswerPath is the path that is requested below every URL. Default /. A change touches no object.
	AnswerPath string `pulumi:"answerPath,optional"`
	// AnswerStatus is the expected status of the answers, 200 to 599; 0 for any of 200 to 399. Default 0. A
	// change touches no object.
	AnswerStatus int `pulumi:"answerStatus,optional"`
	// RolloutTimeout is how long the last pod may take after the others, a Go duration such as 3m or 90s, from 1s
	// to 24h. Default 3m. A change touches no object.
	RolloutTimeout string `pulumi:"rolloutTimeout,optional"`
	// Adopt takes over objects of the cluster without the annotation webapp-balanced/owner, such as those that were made with kubectl. It
	// never takes over objects of another stack. Default false. A change applies to what the next update finds.
	Adopt bool `pulumi:"adopt,optional"`
	// Kubeconfig is the kubeconfig of an explicit Kubernetes provider, as text or a path: the component itself reads
	// the cluster. Required with an explicit provider. Default the default provider's. A change touches no object.
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

// An Ingress has no certificate, one that the component creates and renews, or the one in a Secret.
const (
	NoTLS      TLS = "off"
	SelfSigned TLS = "self-signed"
	FromSecret TLS = "secret"
)

// LoadBalancer says whether something gives addresses to Services of type LoadBalancer.
type LoadBalancer string

// auto looks for it and refuses nothing, since what is not found may still exist; present and absent state it.
const (
	LookFor LoadBalancer = "auto"
	Present LoadBalancer = "present"
	Absent  LoadBalancer = "absent"
)

// Answers says what an update does if no URL answers after it.
type Answers string

// The update fails, it warns (for a computer that cannot reach the URLs), or it sends no requests.
const (
	AnswersRequired Answers = "required"
	AnswersReported Answers = "reported"
	AnswersOff      Answers = "off"
)

// settings waits for the values and returns them with the defaults.
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
