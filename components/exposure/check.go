package exposure

import (
	"fmt"
	"strings"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
)

// check returns the problems that the arguments have in this cluster: what
// cannot be reached there, or what somebody else has already.
func (a *Plan) check(now time.Time) check.Problems {
	var p check.Problems
	if a.Type == "loadbalancer" && a.NoLoadBalancerNodePorts && !a.hasIngress() && a.LoadBalancer == "absent" {
		p.Add("allocateLoadBalancerNodePorts", false,
			"leaves the application unreachable: {loadBalancer} is absent, so nothing gives addresses to Services of type LoadBalancer, and there is no Ingress",
			"set it to true, set {ingress} to true, or install an implementation such as MetalLB and set {loadBalancer} to auto")
	}
	a.checkNodePort(&p)
	if !a.hasIngress() {
		return p
	}
	if a.Cluster.Knows(cluster.IngressClasses) {
		a.checkClass(&p)
	}
	a.checkRule(&p)
	a.controller().check(a, &p)
	if a.TLS == "secret" && a.Cluster.Knows(cluster.Secrets) {
		a.checkSecret(&p, now)
	}
	return p
}

func (a *Plan) checkNodePort(p *check.Problems) {
	owner, taken := a.Cluster.NodePorts[a.NodePort]
	if a.NodePort != 0 && taken && owner != a.Cluster.Namespace+"/"+ServiceName {
		p.Add("nodePort", a.NodePort, "is taken by the Service "+owner, "use another, or 0 to have one allocated")
	}
}

// checkRule finds another application at the same host and path, whose answers would pass for
// this one's.
func (a *Plan) checkRule(p *check.Problems) {
	path := func(text string) string { return strings.TrimSuffix(plainPath(text), "/") }
	for _, rule := range a.Cluster.Rules {
		if a.Identity.Owns(rule.Ingress) || rule.Ingress.Namespace == a.Cluster.Namespace && rule.Ingress.Name == ingressName {
			continue // the latter's owner is looked at with all other objects
		}
		if strings.EqualFold(rule.Host, a.Host) && path(rule.Path) == path(a.Path) {
			p.Add("path", a.Path, fmt.Sprintf("of the host %s is that of the %s already", a.Host, rule.Ingress), "use another path or host")
		}
	}
}

func (a *Plan) checkClass(p *check.Problems) {
	var names []string
	for _, class := range a.Cluster.IngressClasses {
		if class.Name == a.IngressClass {
			return
		}
		names = append(names, class.Name)
	}
	if len(names) == 0 {
		p.Add("ingressClass", a.IngressClass, "is no IngressClass of this cluster, which has none", "install an ingress controller, or set {type} to nodeport")
		return
	}
	next := "use " + check.Enumerate(names, "or")
	if near := check.Nearest(a.IngressClass, names); near != "" {
		next = fmt.Sprintf("did you mean %s? the cluster has %s", near, check.Enumerate(names, "and"))
	}
	p.Add("ingressClass", a.IngressClass, "is no IngressClass of this cluster", next)
}

func (a *Plan) checkSecret(p *check.Problems, now time.Time) {
	secret, key := a.Cluster.Secret, "tlsSecretName"
	namespace := a.Cluster.Namespace
	create := fmt.Sprintf("make one: kubectl --namespace %s create secret tls %s --cert=FILE --key=FILE", namespace, a.TLSSecretName)
	switch {
	case secret != nil && a.Identity.Owns(secret.Object):
		p.Add(key, a.TLSSecretName, "is the Secret that this stack has made for tls self-signed, and goes when tls is secret", "put the certificate into a Secret of another name")
	case secret == nil:
		p.Add(key, a.TLSSecretName, "is no Secret in the namespace "+namespace, create)
	case secret.Type != cluster.TLSSecret:
		p.Add(key, a.TLSSecretName, "is a Secret of type "+secret.Type+", not "+cluster.TLSSecret, create)
	default:
		if reason := certificate.Of(secret).Unfit(a.Host, now); reason != "" {
			p.Add(key, a.TLSSecretName, reason, "put a certificate for "+a.Host+" there")
		}
	}
}

// secretName is the Secret with the Ingress's certificate for a value of the
// keys tls and tlsSecretName; empty for none.
func secretName(tls, named string) string {
	switch tls {
	case "self-signed":
		return SelfSignedSecret
	case "secret":
		return named
	}
	return ""
}
