package cluster

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// implementations are API groups that identify what assigns addresses to LoadBalancer Services. kube-vip has none.
var implementations = map[string]string{
	"metallb.io": "MetalLB", "purelb.io": "PureLB", "network.openelb.io": "OpenELB", cilium: "Cilium",
}

// cilium is the API group of a pod network, which assigns addresses only if it has a pool of them
// (https://docs.cilium.io/en/stable/network/lb-ipam/).
const cilium = "cilium.io"

// withoutIdle removes the group of a Cilium without a pool. A pool that may not be listed may exist.
func (c *Client) withoutIdle(ctx context.Context, groups *metav1.APIGroupList) *metav1.APIGroupList {
	isIdle := func(group metav1.APIGroup) bool {
		if group.Name != cilium {
			return false
		}
		pools := schema.GroupVersionResource{Group: cilium, Version: group.PreferredVersion.Version, Resource: "ciliumloadbalancerippools"}
		found, err := c.metadata.Resource(pools).List(ctx, metav1.ListOptions{Limit: 1})
		return apierrors.IsNotFound(err) || err == nil && len(found.Items) == 0
	}
	return &metav1.APIGroupList{Groups: slices.DeleteFunc(slices.Clone(groups.Groups), isIdle)}
}

// clouds are the schemes of spec.providerID of nodes whose cloud controller manager assigns addresses
// (https://kubernetes.io/docs/concepts/architecture/cloud-controller/), and k3s, which has its own implementation.
// Others, such as rke2, metal3, vsphere or proxmox, are programs that create nodes on one's own machines.
var clouds = map[string]string{
	"aws": "the cloud AWS", "azure": "the cloud Azure", "gce": "Google Cloud", "digitalocean": "DigitalOcean", "hcloud": "Hetzner Cloud",
	"linode": "Linode", "oci": "Oracle Cloud", "openstack": "OpenStack", "scaleway": "Scaleway", "vultr": "Vultr",
	"ibm": "IBM Cloud", "alicloud": "Alibaba Cloud", "exoscale": "Exoscale", "upcloud": "UpCloud", "civo": "Civo",
	"k3s": "k3s's servicelb",
}

// loadBalancer names what assigns addresses to LoadBalancer Services: an implementation whose API the cluster has,
// what has assigned one to some Service, or the platform of its nodes.
func loadBalancer(groups *metav1.APIGroupList, nodes *corev1.NodeList, services []Service) string {
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
