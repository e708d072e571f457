package components

import (
	"regexp"
	"strings"
)

// urlPath is an absolute path that needs no escape, neither in a URL nor in
// the regular expression of the rewrite.
var urlPath = regexp.MustCompile(`^/[A-Za-z0-9_~/-]*$`)

// objectName is a name of Kubernetes with its namespace.
var objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// Validate returns every problem of the arguments, under their config keys.
func (a ExposureArgs) Validate() Problems {
	a = a.withDefaults()
	var p Problems
	p.oneOf("exposure", a.Type, "clusterip", "nodeport", "loadbalancer")
	p.oneOf("ingress", a.Ingress, "auto", "true", "false")
	p.oneOf("tls", a.TLS, "off", "self-signed", "secret")
	a.validateCombination(&p)
	if reason := notDNSName(a.Host); reason != "" {
		p.add("host", a.Host, reason, "use a name such as foo-balanced.bar")
	}
	if !urlPath.MatchString(a.Path) || strings.Contains(a.Path, "//") {
		p.add("path", a.Path, "is no path of an Ingress rule", "use a path from / on with letters, digits, _, ~ and -, such as /balanced")
	}
	if !label.MatchString(a.IngressClass) {
		p.add("ingressClass", a.IngressClass, "is no name of an IngressClass", "kubectl get ingressclass lists them")
	}
	for key, value := range map[string]string{"ingressControllerService": a.ControllerService, "haproxyConfigMap": a.HAProxyConfigMap} {
		if !objectName.MatchString(value) {
			p.add(key, value, "is not NAMESPACE/NAME", "name the namespace and the object, such as haproxy-controller/haproxy-ingress")
		}
	}
	return p
}

// validateCombination refuses what can be reached from nowhere, and settings
// that would do nothing.
func (a ExposureArgs) validateCombination(p *Problems) {
	if a.Type == "clusterip" && a.Ingress == "false" {
		p.add("ingress", a.Ingress, "leaves the application unreachable from outside: a ClusterIP Service has no port there",
			"set ingress to auto or true, or exposure to nodeport or loadbalancer")
	}
	if a.TLS != "off" && !a.hasIngress() {
		p.add("tls", a.TLS, "needs an Ingress, which is what serves TLS", "set ingress to true, or tls to off")
	}
	if a.TLS == "secret" && !label.MatchString(a.TLSSecretName) {
		p.add("tlsSecretName", a.TLSSecretName, "names no Secret", "name a Secret of type kubernetes.io/tls in the namespace")
	}
	if a.NoLoadBalancerNodePorts && a.Type != "loadbalancer" {
		p.add("allocateLoadBalancerNodePorts", false, "has a meaning for LoadBalancer Services only, and exposure is "+a.Type,
			"set exposure to loadbalancer, or allocateLoadBalancerNodePorts to true")
	}
	switch {
	case a.NodePort == 0:
	case a.NodePort < 30000 || a.NodePort > 32767:
		p.add("nodePort", a.NodePort, "is not one of Kubernetes' node ports", "use 30000 to 32767, or 0 to have one allocated")
	case a.Type == "clusterip":
		p.add("nodePort", a.NodePort, "needs a Service with node ports, and exposure is clusterip", "set exposure to nodeport, or nodePort to 0")
	case a.NoLoadBalancerNodePorts:
		p.add("nodePort", a.NodePort, "contradicts allocateLoadBalancerNodePorts false", "set one of the two back to its default")
	}
}
