package exposure

import (
	"net/netip"
	"regexp"
	"strings"

	"webapp-balanced/components/check"
)

// objectName is a name of Kubernetes with its namespace.
var objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// Validate returns every problem of the arguments, under their properties.
func (a ExposureArgs) Validate() check.Problems {
	var p check.Problems
	p.OneOf("type", a.Type, "clusterip", "nodeport", "loadbalancer")
	p.OneOf("ingress", a.Ingress, "auto", "true", "false")
	p.OneOf("answers", a.Answers, "required", "reported", "off")
	p.OneOf("loadBalancer", a.LoadBalancer, "auto", "present", "absent")
	p.OneOf("tls", a.TLS, "off", "self-signed", "secret")
	a.validateCombination(&p)
	validateRuleHost(&p, a.Host)
	if !check.IsURLPath(a.Path) {
		p.Add("path", a.Path, "is no path of an Ingress rule", "use a path from / on with letters, digits, dots, _, ~ and -, such as /balanced")
	}
	check.Answer(&p, a.AnswerPath, a.AnswerStatus)
	if !check.IsSubdomain(a.IngressClass) {
		p.Add("ingressClass", a.IngressClass, "is no name of an IngressClass", "kubectl get ingressclass lists them")
	}
	for key, value := range map[string]string{"controllerService": a.ControllerService, "haproxyConfigMap": a.HAProxyConfigMap} {
		if !objectName.MatchString(value) {
			p.Add(key, value, "is not NAMESPACE/NAME", "name the namespace and the object, such as haproxy-controller/haproxy-ingress")
		}
	}
	return p
}

// validateRuleHost adds a problem if the API server would refuse the host of a rule: it takes
// names in small letters, and one with * for its first part
// (https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards).
func validateRuleHost(p *check.Problems, host string) {
	const next = "use a name such as foo-balanced.bar, or *.foo-balanced.bar for all names of one part more"
	name := strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(host); err == nil {
		p.Add("host", host, "is an address, and the rule of an Ingress takes names only", next)
	} else if reason := check.DNSName(name); reason != "" {
		p.Add("host", host, reason, next)
	} else if lower := strings.ToLower(host); lower != host {
		p.Add("host", host, "has capital letters, which Kubernetes does not take", "use "+lower)
	}
}

// validateCombination refuses what can be reached from nowhere, and settings
// that would do nothing.
func (a ExposureArgs) validateCombination(p *check.Problems) {
	if a.Type == "clusterip" && a.Ingress == "false" {
		p.Add("ingress", a.Ingress, "leaves the application unreachable from outside: a ClusterIP Service has no port there",
			"set {ingress} to auto or true, or {type} to nodeport or loadbalancer")
	}
	if a.TLS != "off" && !a.hasIngress() {
		p.Add("tls", a.TLS, "needs an Ingress, which is what serves TLS", "set {ingress} to true, or {tls} to off")
	}
	if a.TLS == "secret" && !check.IsSubdomain(a.TLSSecretName) {
		p.Add("tlsSecretName", a.TLSSecretName, "names no Secret", "name a Secret of type kubernetes.io/tls in the namespace")
	}
	if a.NoLoadBalancerNodePorts && a.Type != "loadbalancer" {
		p.Add("allocateLoadBalancerNodePorts", false, "has a meaning for LoadBalancer Services only, and {type} is "+a.Type,
			"set {type} to loadbalancer, or {allocateLoadBalancerNodePorts} to true")
	}
	switch {
	case a.NodePort == 0:
	case a.NodePort < 30000 || a.NodePort > 32767:
		p.Add("nodePort", a.NodePort, "is not one of Kubernetes' node ports", "use 30000 to 32767, or 0 to have one allocated")
	case a.Type == "clusterip":
		p.Add("nodePort", a.NodePort, "needs a Service with node ports, and {type} is clusterip", "set {type} to nodeport, or {nodePort} to 0")
	case a.NoLoadBalancerNodePorts:
		p.Add("nodePort", a.NodePort, "contradicts {allocateLoadBalancerNodePorts} false", "set one of the two back to its default")
	}
}
