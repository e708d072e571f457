package components

import (
	"net/netip"
	"regexp"
	"strings"
)

// urlPath is an absolute path that needs no escape, neither in a URL nor in
// the regular expression of the rewrite, in which a dot is quoted.
var urlPath = regexp.MustCompile(`^/[A-Za-z0-9_~./-]*$`)

// dots are parts of a path that a browser takes out.
var dots = regexp.MustCompile(`/\.{1,2}(/|$)`)

// objectName is a name of Kubernetes with its namespace.
var objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// Validate returns every problem of the arguments, under their config keys.
func (a ExposureArgs) Validate() Problems {
	a = a.withDefaults()
	var p Problems
	p.oneOf("exposure", a.Type, "clusterip", "nodeport", "loadbalancer")
	p.oneOf("ingress", a.Ingress, "auto", "true", "false")
	p.oneOf("answers", a.Answers, "required", "reported", "off")
	p.oneOf("loadBalancer", a.LoadBalancer, "auto", "present", "absent")
	p.oneOf("tls", a.TLS, "off", "self-signed", "secret")
	a.validateCombination(&p)
	validateRuleHost(&p, a.Host)
	if !isURLPath(a.Path) {
		p.add("path", a.Path, "is no path of an Ingress rule", "use a path from / on with letters, digits, dots, _, ~ and -, such as /balanced")
	}
	validateAnswer(&p, a.AnswerPath, a.AnswerStatus)
	if !isSubdomain(a.IngressClass) {
		p.add("ingressClass", a.IngressClass, "is no name of an IngressClass", "kubectl get ingressclass lists them")
	}
	for key, value := range map[string]string{"ingressControllerService": a.ControllerService, "haproxyConfigMap": a.HAProxyConfigMap} {
		if !objectName.MatchString(value) {
			p.add(key, value, "is not NAMESPACE/NAME", "name the namespace and the object, such as haproxy-controller/haproxy-ingress")
		}
	}
	return p
}

// isURLPath tells whether a path is one that everybody takes as it is.
func isURLPath(path string) bool {
	return urlPath.MatchString(path) && !strings.Contains(path, "//") && !dots.MatchString(path)
}

// validateAnswer adds the problems of what the application is asked for.
func validateAnswer(p *Problems, path string, status int) {
	if !isURLPath(path) {
		p.add("answerPath", path, "is no path to ask for", "use a path from / on with letters, digits, dots, _, ~ and -, such as /health")
	}
	if status != 0 && (status < 200 || status > 599) {
		p.add("answerStatus", status, "is no status that an answer ends with", "use 200 to 599, such as 401, or 0 for any of 200 to 399")
	}
}

// validateRuleHost adds a problem if the API server would refuse the host of a rule: it takes
// names in small letters, and one with * for its first part
// (https://kubernetes.io/docs/concepts/services-networking/ingress/#hostname-wildcards).
func validateRuleHost(p *Problems, host string) {
	const next = "use a name such as foo-balanced.bar, or *.foo-balanced.bar for all names of one part more"
	name := strings.TrimPrefix(host, "*.")
	if _, err := netip.ParseAddr(host); err == nil {
		p.add("host", host, "is an address, and the rule of an Ingress takes names only", next)
	} else if reason := notDNSName(name); reason != "" {
		p.add("host", host, reason, next)
	} else if lower := strings.ToLower(host); lower != host {
		p.add("host", host, "has capital letters, which Kubernetes does not take", "use "+lower)
	}
}

// isSubdomain tells whether a name is one that most objects of Kubernetes can have, with dots
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
func isSubdomain(name string) bool { return notDNSName(name) == "" && strings.ToLower(name) == name }

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
	if a.TLS == "secret" && !isSubdomain(a.TLSSecretName) {
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
