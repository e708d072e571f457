package ingress

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
)

// ingressNginx is the controller of the Kubernetes project, configured by annotations
// (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/). It redirects
// http to https by itself if an Ingress has TLS.
type ingressNginx struct{}

func (ingressNginx) objects(*Ingress, string) []cluster.Object { return nil }

func (ingressNginx) serviceAnnotations(*Ingress, pulumi.StringInput) pulumi.StringMap { return nil }

func (ingressNginx) check(*Ingress, *check.Problems) {}

func (ingressNginx) make(m maker) ([]pulumi.Resource, error) {
	// A connection that a dead node does not answer goes to another pod; the default is after 5 s.
	own := rule{annotations: pulumi.StringMap{"nginx.ingress.kubernetes.io/proxy-connect-timeout": pulumi.String("1")}}
	if m.rewrites() {
		own.path, own.pathType = nginxPath(m.Path), "ImplementationSpecific"
		own.annotations["nginx.ingress.kubernetes.io/use-regex"] = pulumi.String("true")
		own.annotations["nginx.ingress.kubernetes.io/rewrite-target"] = pulumi.String("/$2")
	}
	// Its redirects can have no other port: use-port-in-redirects gives the one that it listens on itself.
	if port := m.Cluster.ControllerPort("https", 443); m.TLS && port != 0 && port != 443 {
		m.warn("ingress-nginx redirects http to https on port 443, and clients reach its https at port %d: publish the https URL, or give the controller's Service an address of its own (MetalLB, externalIPs)", port)
	}
	ingress, err := m.ingress(own)
	return []pulumi.Resource{ingress}, err
}

// nginxRest follows the path: what is below it is the second group.
const nginxRest = "(/|$)(.*)"

// plainPath reverts nginxPath.
func plainPath(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path, nginxRest), "[.]", ".")
}

// nginxPath returns the rule's path as a regular expression. A dot is in brackets: not every version accepts a
// backslash.
func nginxPath(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path, "/"), ".", "[.]") + nginxRest
}
