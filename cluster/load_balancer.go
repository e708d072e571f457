package cluster

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
