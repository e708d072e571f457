// Package service makes the Service of an application, with its node port.
package service

import (
	"fmt"
	"maps"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/input"
)

// Service is an application's Service.
type Service struct {
	// Ownership marks the resources.
	owner.Ownership
	// Origins says which values are unknown.
	Origins          input.Origins
	Name             string
	Labels, Selector map[string]string // of the pods
	TargetPort       int               // of the pods
	// Type is a Service type, as Kubernetes spells it.
	Type               string
	Port, NodePort     int
	AllocatesNodePorts bool              // for type LoadBalancer
	Class              string            // of load balancer
	Annotations        map[string]string // the user's
	// Controller returns the annotations for an ingress controller; nil for none.
	Controller func(namespace pulumi.StringInput) pulumi.StringMap
	Cluster    *cluster.Snapshot // nil in a preview that could not reach it
}

// The types of Services.
const (
	ClusterIP    = "ClusterIP"
	NodePort     = "NodePort"
	LoadBalancer = "LoadBalancer"
)

// HasNodePort reports whether it has a node port.
func (s *Service) HasNodePort() bool {
	return s.Type == NodePort || s.Type == LoadBalancer && s.AllocatesNodePorts
}

// Validate adds the problems of settings that have no effect, or that Kubernetes rejects.
func (s *Service) Validate(p *check.Problems) {
	check.Port(p, "port", s.Port, "use 1 to 65535; HTTP is 80")
	isBalanced := s.Type == LoadBalancer
	if !s.AllocatesNodePorts && !isBalanced {
		p.Add("allocateLoadBalancerNodePorts", false, "applies only to LoadBalancer Services, and {type} is {value type "+s.Type+"}",
			"set {type} to {value type LoadBalancer}, or {allocateLoadBalancerNodePorts} to true")
	}
	switch {
	case s.Class == "":
	case !isBalanced:
		p.Add("loadBalancerClass", s.Class, "applies only to LoadBalancer Services, and {type} is {value type "+s.Type+"}",
			"set {type} to {value type LoadBalancer}, or remove {loadBalancerClass}")
	case len(validation.IsQualifiedName(s.Class)) > 0:
		p.Add("loadBalancerClass", s.Class, "is not a load balancer class", "use NAME or PREFIX/NAME, as the load balancer's documentation says, such as metallb.universe.tf/metallb")
	}
	switch {
	case s.NodePort == 0:
	case s.NodePort < 30000 || s.NodePort > 32767:
		p.Add("nodePort", s.NodePort, "is not one of Kubernetes' node ports", "use 30000 to 32767, or 0 to have one allocated")
	case s.Type == ClusterIP:
		p.Add("nodePort", s.NodePort, "needs a Service with node ports, and {type} is {value type ClusterIP}", "set {type} to {value type NodePort}, or {nodePort} to 0")
	case !s.AllocatesNodePorts:
		p.Add("nodePort", s.NodePort, "contradicts {allocateLoadBalancerNodePorts} false", "set one of the two back to its default")
	}
	check.Annotations(p, "serviceAnnotations", s.Annotations)
}

// Check adds the problems of the Service in the cluster.
func (s *Service) Check(p *check.Problems) {
	owner, taken := s.Cluster.NodePorts[s.NodePort]
	if s.NodePort != 0 && taken && owner != s.Cluster.Namespace+"/"+s.Name {
		p.Add("nodePort", s.NodePort, "is taken by the Service "+owner, "use another, or 0 to have one allocated")
	}
	before := s.Cluster.Service
	if before != nil && before.Type == LoadBalancer && s.Type == LoadBalancer && before.Class != s.Class {
		p.Add("loadBalancerClass", s.Class, fmt.Sprintf("is not that of the Service, %q, and Kubernetes does not allow a change while the type is LoadBalancer", before.Class),
			"set {type} to {value type NodePort} without it, run pulumi up, and set both then")
	}
}

// Make creates the Service.
func (s *Service) Make(ctx *pulumi.Context, resource string, namespace pulumi.StringInput, made owner.Options) (*corev1.Service, error) {
	port := corev1.ServicePortArgs{
		Name: pulumi.String("http"), Protocol: pulumi.String("TCP"),
		Port: pulumi.Int(s.Port), TargetPort: s.Origins.Integer("app", s.TargetPort),
	}
	if s.NodePort != 0 {
		port.NodePort = pulumi.Int(s.NodePort)
	}
	spec := &corev1.ServiceSpecArgs{
		Type:     pulumi.String(s.Type),
		Selector: pulumi.ToStringMap(s.Selector),
		Ports:    corev1.ServicePortArray{port},
	}
	if s.Origins.Unknown("app") {
		spec.Selector = pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) map[string]string { return nil }).(pulumi.StringMapOutput)
	}
	if s.Type == LoadBalancer {
		spec.AllocateLoadBalancerNodePorts = pulumi.Bool(s.AllocatesNodePorts)
		if s.Class != "" {
			spec.LoadBalancerClass = pulumi.String(s.Class)
		}
	}
	annotations := s.Ownership.Annotations(owner.SkipAwait)
	// A pinned node port replaces one that OwnNodePort owns.
	annotations["pulumi.com/patchForce"] = pulumi.String("true")
	if s.Controller != nil {
		maps.Copy(annotations, s.Controller(namespace))
	}
	for name, value := range s.Annotations {
		annotations[name] = s.Origins.Text("serviceAnnotations."+name, value)
	}
	return corev1.NewService(ctx, resource+"-service", &corev1.ServiceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(s.Name), Namespace: namespace.ToStringOutput().ToStringPtrOutput(), Annotations: annotations, Labels: pulumi.ToStringMap(s.Labels),
		},
		Spec: spec,
	}, made...)
}

// KnownNodePort returns the node port as far as known before the update: 0 for none; known is false if the
// cluster still has to allocate one.
func (s *Service) KnownNodePort() (port int, known bool) {
	switch {
	case !s.HasNodePort():
		return 0, true
	case s.NodePort != 0:
		return s.NodePort, true
	case s.Cluster == nil || s.Cluster.Service == nil:
		return 0, false
	}
	for _, servicePort := range s.Cluster.Service.Ports {
		port = servicePort.NodePort
	}
	return port, port != 0
}

// NodePortOf returns the Service's node port, 0 for none. In a preview it may be unknown: a dry run returns a
// port that the Service will not get.
func (s *Service) NodePortOf(ctx *pulumi.Context, service *corev1.Service) pulumi.IntOutput {
	if port, known := s.KnownNodePort(); known && (ctx.DryRun() || port == 0) {
		return pulumi.Int(port).ToIntOutput()
	}
	if ctx.DryRun() {
		return pulumi.UnsafeUnknownOutput([]pulumi.Resource{service}).ApplyT(func(any) int { return 0 }).(pulumi.IntOutput)
	}
	return service.Spec.ApplyT(nodePortOf).(pulumi.IntOutput)
}

func nodePortOf(spec corev1.ServiceSpec) int {
	for _, port := range spec.Ports {
		if port.NodePort != nil {
			return *port.NodePort
		}
	}
	return 0
}

// OwnNodePort makes the stack own the node port that the cluster has allocated. A port without an owner stays
// with the Service for ever: allocateLoadBalancerNodePorts does not free it later
// (https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-nodeport-allocation), and
// pulumi-kubernetes drops an explicit 0, which would. A port with an owner is freed when the owner gives it up.
func (s *Service) OwnNodePort(ctx *pulumi.Context, resource string, service *corev1.Service, port pulumi.IntOutput, exposure pulumi.Resource) error {
	_, err := corev1.NewServicePatch(ctx, resource+"-node-port", &corev1.ServicePatchArgs{
		Metadata: &metav1.ObjectMetaPatchArgs{Name: service.Metadata.Name(), Namespace: service.Metadata.Namespace(), Annotations: owner.SkipAwait},
		Spec: &corev1.ServiceSpecPatchArgs{Ports: corev1.ServicePortPatchArray{corev1.ServicePortPatchArgs{
			Port: pulumi.Int(s.Port), Protocol: pulumi.String("TCP"), NodePort: port,
		}}},
	}, pulumi.Parent(exposure))
	return err
}
