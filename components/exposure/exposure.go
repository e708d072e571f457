// Package exposure has the component Exposure: how the world reaches an application.
package exposure

import (
	"cmp"
	"errors"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/app"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/outside"
)

// The names of the tutorial's objects.
const (
	ServiceName = "balanced-service"
	ingressName = "balanced-ingress"
)

// SelfSignedSecret is the Secret with the certificate of TLS self-signed.
const SelfSignedSecret = "balanced-tls"

// Exposure is how the world reaches the application: a Service, an Ingress if
// one is wanted, and the URLs that answer.
type Exposure struct {
	pulumi.ResourceState

	// URLs are those that answered, the first the one to give to people.
	URLs URLArrayOutput
	// ServiceType is the Service's type as Kubernetes spells it.
	ServiceType pulumi.StringOutput `pulumi:"serviceType"`
	// NodePort is the Service's node port, 0 for none.
	NodePort pulumi.IntOutput `pulumi:"nodePort"`
}

// ExposureArgs says how the application is reached. Every change is made in
// place.
type ExposureArgs struct {
	// Ownership marks what is made.
	owner.Ownership
	// Type of the Service: clusterip, nodeport or loadbalancer.
	// Default clusterip.
	Type string
	// Ingress says whether there is one: true, false, or auto, which means
	// exactly when Type is clusterip. Default auto.
	Ingress string
	// TLS of the Ingress: off, self-signed or secret. Default off.
	TLS string
	// TLSSecretName is the Secret for TLS secret.
	TLSSecretName string
	// Host and Path are the Ingress's rule. Default foo-balanced.bar, /balanced.
	Host, Path string
	// IngressClass is the Ingress's class. Default haproxy.
	IngressClass string
	// ControllerService is NAMESPACE/NAME of the Service of the ingress controller, or else of a
	// DaemonSet or Deployment whose pods have ports of their nodes (hostPort, hostNetwork).
	// Default haproxy-controller/haproxy-ingress.
	ControllerService string
	// HAProxyConfigMap is NAMESPACE/NAME of the ConfigMap that the HAProxy
	// controller reads. Default haproxy-controller/haproxy-configmap.
	HAProxyConfigMap string
	// HAProxy are the keys to set in it, and only those. Default
	// servers-increment "42" and ssl-redirect "OFF".
	HAProxy map[string]string
	// LoadBalancer says whether something in the cluster gives addresses to Services of type
	// LoadBalancer: present, absent, or auto, which looks for it. What is not found may still
	// be there, so that auto refuses nothing. Default auto.
	LoadBalancer string
	// Answers says what an update does that no URL answers after: required fails, reported
	// warns, for a computer that cannot reach them, and off does not ask. Default required.
	Answers string
	// AnswerPath, below a URL, is asked for, and AnswerStatus is what it answers with, 0 for
	// any status of 200 to 399. Default /.
	AnswerPath   string
	AnswerStatus int
	// NodePort pins the node port; 0 lets the cluster choose.
	NodePort int
	// NoLoadBalancerNodePorts makes a LoadBalancer Service without node ports.
	NoLoadBalancerNodePorts bool

	// Namespace of the Service and the Ingress. Required.
	Namespace pulumi.StringInput
	// Replicas is known when the pods have been started. Required.
	Replicas pulumi.IntInput
	// RolloutTimeout is how long the last pod may take after the others. Default 3m.
	RolloutTimeout time.Duration
}

var defaultHAProxy = map[string]string{"servers-increment": "42", "ssl-redirect": "OFF"}

// WithDefaults returns the arguments with the defaults in place.
func (a ExposureArgs) WithDefaults() ExposureArgs {
	a.Type = cmp.Or(a.Type, "clusterip")
	a.Ingress = cmp.Or(a.Ingress, "auto")
	a.TLS = cmp.Or(a.TLS, "off")
	a.Host = cmp.Or(a.Host, "foo-balanced.bar")
	a.Path = cmp.Or(a.Path, "/balanced")
	a.Answers = cmp.Or(a.Answers, "required")
	a.AnswerPath = cmp.Or(a.AnswerPath, "/")
	a.LoadBalancer = cmp.Or(a.LoadBalancer, "auto")
	a.RolloutTimeout = cmp.Or(a.RolloutTimeout, 3*time.Minute)
	a.IngressClass = cmp.Or(a.IngressClass, "haproxy")
	a.ControllerService = cmp.Or(a.ControllerService, "haproxy-controller/haproxy-ingress")
	a.HAProxyConfigMap = cmp.Or(a.HAProxyConfigMap, "haproxy-controller/haproxy-configmap")
	if a.HAProxy == nil {
		a.HAProxy = defaultHAProxy
	}
	return a
}

// hasIngress reports whether there is an Ingress.
func (a ExposureArgs) hasIngress() bool {
	return a.Ingress == "true" || (a.Ingress == "auto" && a.Type == "clusterip")
}

// serviceTypes are Kubernetes' spellings.
var serviceTypes = map[string]string{"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}

// NewExposure looks at the cluster, makes the Service and the Ingress, and finds the URLs.
func NewExposure(ctx *pulumi.Context, name string, args ExposureArgs, opts ...pulumi.ResourceOption) (*Exposure, error) {
	args = args.WithDefaults()
	there, snapshot, err := outside.Look(ctx, args.Query(""))
	if err != nil {
		return nil, err
	}
	plan, problems, err := Prepare(ctx, name, args, there, snapshot)
	if err := errors.Join(problems.OrNil(), err); err != nil {
		return nil, err
	}
	return plan.Make(ctx, args.Namespace, args.Replicas, opts...)
}

// Make makes the exposure of an application: its namespace, and its pods, known when they have
// been started.
func (a *Plan) Make(ctx *pulumi.Context, namespace pulumi.StringInput, replicas pulumi.IntInput, opts ...pulumi.ResourceOption) (*Exposure, error) {
	a.Namespace, a.Replicas = namespace, replicas
	exposure := &Exposure{}
	if err := ctx.RegisterComponentResource("webapp-balanced:index:Exposure", a.name, exposure, opts...); err != nil {
		return nil, err
	}
	made, err := a.Made(ctx, exposure, a.name, a.there)
	if err != nil {
		return nil, err
	}
	service, err := a.newService(ctx, made)
	if err != nil {
		return nil, err
	}
	settled := a.settled(ctx, exposure, service)
	var objects pulumi.Array
	if a.hasIngress() {
		all, err := a.newIngress(ctx, settled, service, exposure, made)
		if err != nil {
			return nil, err
		}
		for _, resource := range all {
			objects = append(objects, resource.(pulumi.CustomResource).ID())
		}
	}
	exposure.ServiceType = service.Spec.Type().Elem()
	exposure.NodePort = a.nodePort(ctx, service)
	if a.hasNodePort() {
		if err := a.newNodePortPatch(ctx, service, exposure.NodePort, exposure); err != nil {
			return nil, err
		}
	}
	exposure.URLs = a.urls(ctx, exposure, settled, service, exposure.NodePort, objects)
	return exposure, ctx.RegisterResourceOutputs(exposure, pulumi.Map{
		"urls": exposure.URLs, "serviceType": exposure.ServiceType, "nodePort": exposure.NodePort,
	})
}

// settled is the namespace, in an update not before the Service leads to every
// pod. The Ingress waits for that: the HAProxy controller tells the HAProxy that
// is running of a new pod, and a pod that comes while another HAProxy is taking
// over after a change of the configuration is lost until the next change.
// Pulumi's own wait is over when one pod less than all is ready.
func (a *Plan) settled(ctx *pulumi.Context, exposure pulumi.Resource, service *corev1.Service) pulumi.StringOutput {
	if ctx.DryRun() {
		return a.Namespace.ToStringOutput()
	}
	return pulumi.All(a.Namespace, a.Replicas, service.Metadata.Name().Elem()).ApplyT(func(values []any) string {
		namespace, replicas, name := values[0].(string), values[1].(int), values[2].(string)
		if err := a.there.WaitForPods(ctx.Context(), namespace, app.AppName, name, replicas, a.RolloutTimeout); err != nil {
			*a.notReady = err
			_ = ctx.Log.Warn(err.Error(), &pulumi.LogArgs{Resource: exposure})
		}
		return namespace
	}).(pulumi.StringOutput)
}

// skipAwait keeps Pulumi from waiting for what may never come: the address of
// a load balancer that the cluster does not have, or of an Ingress whose
// controller does not write one. The URLs are looked at instead.
var skipAwait = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}

func (a *Plan) newService(ctx *pulumi.Context, made owner.Options) (*corev1.Service, error) {
	port := corev1.ServicePortArgs{
		Name: pulumi.String("http"), Protocol: pulumi.String("TCP"),
		Port: pulumi.Int(80), TargetPort: pulumi.Int(80),
	}
	if a.NodePort != 0 {
		port.NodePort = pulumi.Int(a.NodePort)
	}
	spec := &corev1.ServiceSpecArgs{
		Type:     pulumi.String(serviceTypes[a.Type]),
		Selector: pulumi.StringMap{"app": pulumi.String(app.AppName)},
		Ports:    corev1.ServicePortArray{port},
	}
	if a.Type == "loadbalancer" {
		spec.AllocateLoadBalancerNodePorts = pulumi.Bool(!a.NoLoadBalancerNodePorts)
	}
	annotations := a.Annotations(skipAwait)
	// A pinned node port takes the place of one that newNodePortPatch owns.
	annotations["pulumi.com/patchForce"] = pulumi.String("true")
	return corev1.NewService(ctx, a.name+"-service", &corev1.ServiceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(ServiceName), Namespace: a.Namespace, Annotations: annotations},
		Spec:     spec,
	}, made...)
}
