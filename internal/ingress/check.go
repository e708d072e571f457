package ingress

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
)

// Validate adds the problems of the Ingress's settings.
func (i *Ingress) Validate(p *check.Problems) {
	validateRuleHost(p, i.Host)
	if !check.IsURLPath(i.Path) {
		p.Add("path", i.Path, "is not a path of an Ingress rule", "use a path that starts with /, with letters, digits, dots, _, ~ and -, such as /balanced")
	}
	if !check.IsSubdomain(i.Class) {
		p.Add("ingressClass", i.Class, "is not a valid IngressClass name", "kubectl get ingressclass lists them")
	}
	if !check.IsObject(i.HAProxyConfigMap) {
		p.Add("haproxyConfigMap", i.HAProxyConfigMap, "is not NAMESPACE/NAME", "name the namespace and the object, such as haproxy-controller/haproxy-configmap")
	}
	check.Annotations(p, "ingressAnnotations", i.Annotations)
}

// validateRuleHost adds a problem if the API server would refuse the host of a rule: it accepts names in lower
// case, also with * as the first part
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

// Check adds the problems of the Ingress in the cluster.
func (i *Ingress) Check(p *check.Problems, now time.Time) {
	if i.Cluster.Knows(cluster.IngressClasses) {
		i.checkClass(p)
	}
	i.checkRule(p)
	i.controller().check(i, p)
	if i.SecretName != "" && i.Cluster.Knows(cluster.Secrets) {
		i.checkSecret(p, now)
	}
}

// checkRule finds another application at the same host and path, whose answers would be taken for this one's.
func (i *Ingress) checkRule(p *check.Problems) {
	path := func(text string) string { return strings.TrimSuffix(plainPath(text), "/") }
	for _, rule := range i.Cluster.Rules {
		if i.Identity.Owns(rule.Ingress) || rule.Ingress.Namespace == i.Cluster.Namespace && rule.Ingress.Name == i.IngressName() {
			continue // another check covers the latter's owner
		}
		if strings.EqualFold(rule.Host, i.Host) && path(rule.Path) == path(i.Path) {
			p.Add("path", i.Path, fmt.Sprintf("is already used, on the host %s, by the %s", i.Host, rule.Ingress), "use another path or host")
		}
	}
}

func (i *Ingress) checkClass(p *check.Problems) {
	var names []string
	for _, class := range i.Cluster.IngressClasses {
		if class.Name == i.Class {
			return
		}
		names = append(names, class.Name)
	}
	if len(names) == 0 {
		p.Add("ingressClass", i.Class, "is not an IngressClass of this cluster, which has none", "install an ingress controller, or set {type} to {value type NodePort}")
		return
	}
	next := "use " + check.Enumerate(names, "or")
	if near := check.Suggest(i.Class, names); near != "" {
		next = fmt.Sprintf("did you mean %s? the cluster has %s", near, check.Enumerate(names, "and"))
	}
	p.Add("ingressClass", i.Class, "is not an IngressClass of this cluster", next)
}

func (i *Ingress) checkSecret(problems *check.Problems, now time.Time) {
	const key = "tlsSecretName"
	secret, namespace := i.Cluster.Secret, i.Cluster.Namespace
	create := fmt.Sprintf("make one: kubectl --namespace %s create secret tls %s --cert=FILE --key=FILE", namespace, i.SecretName)
	switch {
	case secret != nil && i.Identity.Owns(secret.Object):
		problems.Add(key, i.SecretName, "is the Secret that this stack created for tls self-signed, and deletes when tls is secret", "put the certificate into a Secret of another name")
	case secret == nil:
		problems.Add(key, i.SecretName, "is not a Secret in the namespace "+namespace, create)
	case secret.Type != cluster.TLSSecret:
		problems.Add(key, i.SecretName, "is a Secret of type "+secret.Type+", not "+cluster.TLSSecret, create)
	case !i.Origins.Unknown("host"):
		if reason := certificate.Of(secret).Unfit(i.Host, now); reason != "" {
			problems.Add(key, i.SecretName, reason, "put a certificate for "+i.Host+" there")
		}
	}
}
