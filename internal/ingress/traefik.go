package ingress

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/input"
)

// Suffixes for the names of Traefik's additional objects, and the kinds of Middleware.
const (
	rewriteMiddleware  = "-rewrite"
	redirectMiddleware = "-redirect"
	retryMiddleware    = "-retry"
	transport          = "-transport"
	redirectIngress    = "-ingress-redirect"
	rewriteKind        = "replacePathRegex"
	redirectKind       = "redirectScheme"
	retryKind          = "retry"
)

const traefikAPI = "traefik.io"

// traefik is configured by annotations of the Ingress, which name Middlewares, objects of its own kind
// (https://doc.traefik.io/traefik/routing/providers/kubernetes-ingress/#annotations).
type traefik struct{}

func (traefik) objects(i *Ingress, namespace string) []cluster.Object {
	var objects []cluster.Object
	if hasTraefikKinds(i) {
		objects = append(objects, cluster.Object{Kind: "Middleware", Namespace: namespace, Name: i.Name + retryMiddleware},
			cluster.Object{Kind: "ServersTransport", Namespace: namespace, Name: i.Name + transport})
	}
	if i.rewrites() {
		objects = append(objects, cluster.Object{Kind: "Middleware", Namespace: namespace, Name: i.Name + rewriteMiddleware})
	}
	if i.TLS {
		objects = append(objects, cluster.Object{Kind: "Middleware", Namespace: namespace, Name: i.Name + redirectMiddleware},
			cluster.Object{Kind: "Ingress", Namespace: namespace, Name: i.Name + redirectIngress})
	}
	return objects
}

// check finds a cluster without the kind Middleware.
func (traefik) check(i *Ingress, p *check.Problems) {
	if (i.rewrites() || i.TLS) && !hasTraefikKinds(i) {
		p.Add("ingressClass", i.Class, "is Traefik's, and the rewrite of the path and the redirect to https need its kind Middleware, which the cluster does not have",
			"install Traefik's custom resources and its provider for them, or set {path} to / and {tls} to off")
	}
}

// hasTraefikKinds tells whether the cluster has Traefik's own kinds, as far as is known.
func hasTraefikKinds(i *Ingress) bool {
	return i.Cluster == nil || !i.Cluster.Knows(cluster.Groups) || i.Cluster.HasGroup(traefikAPI)
}

// transportSpec gives up a connection to a pod whose node is dead after a second, and opens a new one for each
// request: over an existing one it would wait for an answer. The Middleware retry then tries what was not
// connected with another pod.
var transportSpec = pulumi.Map{"forwardingTimeouts": pulumi.Map{"dialTimeout": pulumi.String("1s")}, "maxIdleConnsPerHost": pulumi.Int(-1)}

var retrySpec = pulumi.Map{"attempts": pulumi.Int(10)}

// serviceAnnotations names the ServersTransport.
func (traefik) serviceAnnotations(i *Ingress, namespace pulumi.StringInput) pulumi.StringMap {
	if !hasTraefikKinds(i) {
		return nil
	}
	return pulumi.StringMap{"traefik.ingress.kubernetes.io/service.serverstransport": inNamespace(namespace, i.Name+transport)}
}

// make creates the Ingress. With TLS, this one answers https only, and a second one redirects http to it. An Ingress
// does not know which port is for http and which for https: so the second one also answers https, in the same way.
func (traefik) make(m maker) ([]pulumi.Resource, error) {
	var middlewares []pulumi.Resource
	custom := func(kind, name, object string, spec pulumi.Map) error {
		made, err := apiextensions.NewCustomResource(m.Ctx, m.Resource+"-"+name, &apiextensions.CustomResourceArgs{
			ApiVersion: pulumi.String(traefikAPI + "/v1alpha1"), Kind: pulumi.String(kind),
			Metadata:    &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: m.Namespace, Annotations: m.Ownership.Annotations(nil)},
			OtherFields: kubernetes.UntypedArgs{"spec": spec},
		}, m.Made...)
		middlewares = append(middlewares, made)
		return err
	}
	middleware := func(name, object, kind string, spec pulumi.Map) error {
		return custom("Middleware", name, object, pulumi.Map{kind: spec})
	}
	var rewrite []string
	if hasTraefikKinds(m.Ingress) {
		rewrite = []string{m.Name + retryMiddleware}
		err := errors.Join(custom("ServersTransport", "transport", m.Name+transport, transportSpec),
			middleware("retry", m.Name+retryMiddleware, retryKind, retrySpec))
		if err != nil {
			return nil, err
		}
	}
	if m.rewrites() {
		rewrite = append(rewrite, m.Name+rewriteMiddleware)
		if err := middleware("rewrite", m.Name+rewriteMiddleware, rewriteKind, traefikRewrite(m.Path)); err != nil {
			return nil, err
		}
	}
	if m.TLS {
		if err := middleware("redirect", m.Name+redirectMiddleware, redirectKind, traefikRedirect(m.Ingress)); err != nil {
			return nil, err
		}
	}
	annotations := m.middlewares(rewrite...)
	if m.TLS {
		annotations["traefik.ingress.kubernetes.io/router.tls"] = pulumi.String("true")
	}
	ingress, err := m.ingress(rule{annotations: annotations}, pulumi.DependsOn(middlewares))
	if err != nil || !m.TLS {
		return append(middlewares, ingress), err
	}
	redirect, err := m.ingress(rule{
		name: "-redirect-ingress", object: m.Name + redirectIngress, plain: true,
		annotations: m.middlewares(append([]string{m.Name + redirectMiddleware}, rewrite...)...),
	}, pulumi.DependsOn(append(middlewares, ingress)))
	return append(middlewares, ingress, redirect), err
}

// middlewares returns the annotation that makes an Ingress use Middlewares of its namespace.
func (m maker) middlewares(objects ...string) pulumi.StringMap {
	if len(objects) == 0 {
		return pulumi.StringMap{}
	}
	return pulumi.StringMap{"traefik.ingress.kubernetes.io/router.middlewares": inNamespace(m.Namespace, objects...)}
}

// inNamespace returns the names of objects of Traefik's own kinds for an annotation.
func inNamespace(namespace pulumi.StringInput, objects ...string) pulumi.StringOutput {
	return namespace.ToStringOutput().ApplyT(func(namespace string) string {
		var names []string
		for _, object := range objects {
			names = append(names, fmt.Sprintf("%s-%s@kubernetescrd", namespace, object))
		}
		return strings.Join(names, ",")
	}).(pulumi.StringOutput)
}

// traefikRedirect redirects to the port for clients, which is not the one that Traefik listens on itself.
func traefikRedirect(i *Ingress) pulumi.Map {
	redirect := pulumi.Map{"scheme": pulumi.String("https")}
	if i.Cluster == nil {
		redirect["port"] = input.UnknownText()
	} else if port := i.Cluster.ControllerPort("https", 443); port != 0 && port != 443 {
		redirect["port"] = pulumi.String(strconv.Itoa(port))
	}
	return redirect
}

// traefikRewrite strips the rule's path and keeps the rest.
func traefikRewrite(path string) pulumi.Map {
	return pulumi.Map{
		"regex":       pulumi.String("^" + regexp.QuoteMeta(strings.TrimSuffix(path, "/")) + "/?(.*)"),
		"replacement": pulumi.String("/$1"),
	}
}
