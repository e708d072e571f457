package e2e

import (
	"strings"
	"testing"
)

// row is a way to expose the application: its configuration, the objects that
// it has, and where it answers and where it does not.
type row struct {
	name    string
	config  map[string]string // over the defaults of rowDefaults
	metalLB bool              // the cluster has MetalLB

	serviceType string
	ingress     bool
	tls         bool
	secret      string // of the stack's own, empty for none
	nodePort    bool
	external    bool
	via         []string // of the URLs, each way once
}

// rowDefaults are all keys that a row may set.
var rowDefaults = map[string]string{
	"exposure": "clusterip", "ingress": "auto", "tls": "off", "tlsSecretName": "",
	"nodePort": "0", "allocateLoadBalancerNodePorts": "true",
}

const (
	pinned    = "31183"
	httpsPort = "32613" // of the ingress controller
)

var rows = []row{
	{
		name: "clusterip", serviceType: "ClusterIP", ingress: true, via: []string{"ingress"},
	}, {
		name: "nodeport", config: map[string]string{"exposure": "nodeport"},
		serviceType: "NodePort", nodePort: true, via: []string{"nodeport"},
	}, {
		name: "nodeport pinned", config: map[string]string{"exposure": "nodeport", "nodePort": pinned},
		serviceType: "NodePort", nodePort: true, via: []string{"nodeport"},
	}, {
		name: "loadbalancer, without an implementation", config: map[string]string{"exposure": "loadbalancer"},
		serviceType: "LoadBalancer", nodePort: true, via: []string{"nodeport"},
	}, {
		name: "loadbalancer with Ingress, without an implementation", config: map[string]string{"exposure": "loadbalancer", "ingress": "true"},
		serviceType: "LoadBalancer", ingress: true, nodePort: true, via: []string{"ingress", "nodeport"},
	}, {
		name: "clusterip, self-signed", config: map[string]string{"tls": "self-signed"},
		serviceType: "ClusterIP", ingress: true, tls: true, secret: "balanced-tls", via: []string{"ingress"},
	}, {
		name: "clusterip, secret", config: map[string]string{"tls": "secret", "tlsSecretName": "mine"},
		serviceType: "ClusterIP", ingress: true, tls: true, via: []string{"ingress"},
	}, {
		name: "loadbalancer by MetalLB", metalLB: true, config: map[string]string{"exposure": "loadbalancer"},
		serviceType: "LoadBalancer", nodePort: true, external: true, via: []string{"loadbalancer", "nodeport"},
	}, {
		name: "loadbalancer by MetalLB without node ports", metalLB: true,
		config:      map[string]string{"exposure": "loadbalancer", "allocateLoadBalancerNodePorts": "false"},
		serviceType: "LoadBalancer", external: true, via: []string{"loadbalancer"},
	},
}

func rowNamed(t *testing.T, name string) row {
	t.Helper()
	for _, r := range rows {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("there is no row %q", name)
	return row{}
}

// walk visits every row, with these transitions in this order. Those with MetalLB come last, since a cluster
// has it or not.
var walk = []string{
	"clusterip",
	"nodeport",
	"nodeport pinned",
	"clusterip, self-signed",
	"loadbalancer with Ingress, without an implementation",
	"clusterip, secret",
	"loadbalancer, without an implementation",
	"clusterip",
	"clusterip, self-signed",
	"clusterip, secret",
	"nodeport",
	"loadbalancer, without an implementation",
	"nodeport pinned",
	// from here on with MetalLB
	"loadbalancer by MetalLB",
	"loadbalancer by MetalLB without node ports",
	"nodeport",
	"loadbalancer by MetalLB without node ports",
	"clusterip",
	"loadbalancer by MetalLB",
}

// shares reports whether a URL of the previous row is also one of this row: the same way at the same port.
func (r row) shares(via, url string) bool {
	switch via {
	case "ingress":
		return r.ingress && r.tls == strings.HasPrefix(url, "https:")
	case "nodeport":
		// A pinned port changes the Service's node port.
		return r.nodePort && (r.config["nodePort"] == "" || strings.Contains(url, ":"+r.config["nodePort"]+"/"))
	case "loadbalancer":
		return r.external
	}
	return false
}
