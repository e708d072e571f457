package exposure

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// hasNodePort reports whether the Service has a node port.
func (a ExposureArgs) hasNodePort() bool {
	return a.Type == "nodeport" || (a.Type == "loadbalancer" && !a.NoLoadBalancerNodePorts)
}

// knownNodePort is the node port as far as it is known before the update: 0
// for none, and not known where the cluster is still to allocate one.
func (a *Plan) knownNodePort() (port int, known bool) {
	switch {
	case !a.hasNodePort():
		return 0, true
	case a.NodePort != 0:
		return a.NodePort, true
	case a.Cluster == nil || a.Cluster.Service == nil:
		return 0, false
	}
	for _, p := range a.Cluster.Service.Ports {
		port = p.NodePort
	}
	return port, port != 0
}

// nodePort is the Service's node port, 0 for none. In a preview it may be
// unknown: a dry run answers with a port that it will not be.
func (a *Plan) nodePort(ctx *pulumi.Context, service *corev1.Service) pulumi.IntOutput {
	if port, known := a.knownNodePort(); known && (ctx.DryRun() || port == 0) {
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

// newNodePortPatch takes the node port that the cluster has allocated into the
// stack's ownership. A port that nobody owns stays with the Service for ever:
// allocateLoadBalancerNodePorts does not free it later
// (https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-nodeport-allocation),
// and an explicit 0, which would, is dropped on its way by pulumi-kubernetes.
// One that is owned is freed when its owner gives it up.
func (a *Plan) newNodePortPatch(ctx *pulumi.Context, service *corev1.Service, port pulumi.IntOutput, exposure pulumi.Resource) error {
	_, err := corev1.NewServicePatch(ctx, a.name+"-node-port", &corev1.ServicePatchArgs{
		Metadata: &metav1.ObjectMetaPatchArgs{Name: service.Metadata.Name(), Namespace: service.Metadata.Namespace(), Annotations: skipAwait},
		Spec: &corev1.ServiceSpecPatchArgs{Ports: corev1.ServicePortPatchArray{corev1.ServicePortPatchArgs{
			Port: pulumi.Int(80), Protocol: pulumi.String("TCP"), NodePort: port,
		}}},
	}, pulumi.Parent(exposure))
	return err
}
