package ingress

import (
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

// The names of what Traefik has beside the Ingress, after the exposure's, and the kinds of Middleware.
const (
	rewriteMiddleware  = "-rewrite"
	redirectMiddleware = "-redirect"
	redirectIngress    = "-ingress-redirect"
	rewriteKind        = "replacePathRegex"
	redirectKind       = "redirectScheme"
)

const traefikAPI = "traefik.io"

// traefik is told by annotations of the Ingress, which name Middlewares, objects of a kind of its
// own (https://doc.traefik.io/traefik/routing/providers/kubernetes-ingress/#annotations).
type traefik struct{}

func (traefik) objects(i *Ingress, namespace string) []cluster.Object {
	var objects []cluster.Object
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
func (t traefik) check(i *Ingress, p *check.Problems) {
	if len(t.objects(i, "")) > 0 && i.Cluster.Knows(cluster.Groups) && !i.Cluster.HasGroup(traefikAPI) {
		p.Add("ingressClass", i.Class, "is Traefik's, and the rewrite of the path and the redirect to https need its kind Middleware, which the cluster does not have",
			"install Traefik's custom resources and its provider for them, or set {path} to / and {tls} to off")
	}
}

// make makes the Ingress. With TLS that answers https only, and another one sends people there
// who come by http. Which port has which of the two, an Ingress does not know: the second one
// answers https too, then, and in the same way.
func (traefik) make(m maker) ([]pulumi.Resource, error) {
	var middlewares []pulumi.Resource
	middleware := func(name, object, kind string, spec pulumi.Map) error {
		made, err := apiextensions.NewCustomResource(m.Ctx, m.Resource+"-"+name, &apiextensions.CustomResourceArgs{
			ApiVersion: pulumi.String(traefikAPI + "/v1alpha1"), Kind: pulumi.String("Middleware"),
			Metadata:    &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: m.Namespace, Annotations: m.Ownership.Annotations(nil)},
			OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{kind: spec}},
		}, m.Made...)
		middlewares = append(middlewares, made)
		return err
	}
	var rewrite []string
	if m.rewrites() {
		rewrite = []string{m.Name + rewriteMiddleware}
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

// middlewares is the annotation that has an Ingress use Middlewares of its namespace.
func (m maker) middlewares(objects ...string) pulumi.StringMap {
	if len(objects) == 0 {
		return pulumi.StringMap{}
	}
	return pulumi.StringMap{"traefik.ingress.kubernetes.io/router.middlewares": m.Namespace.ApplyT(func(namespace string) string {
		var names []string
		for _, object := range objects {
			names = append(names, fmt.Sprintf("%s-%s@kubernetescrd", namespace, object))
		}
		return strings.Join(names, ",")
	}).(pulumi.StringOutput)}
}

// traefikRedirect sends people to the port that they reach, which is not the one that Traefik
// listens on itself.
func traefikRedirect(i *Ingress) pulumi.Map {
	redirect := pulumi.Map{"scheme": pulumi.String("https")}
	if i.Cluster == nil {
		redirect["port"] = input.UnknownText()
	} else if port := i.Cluster.ControllerPort("https", 443); port != 0 && port != 443 {
		redirect["port"] = pulumi.String(strconv.Itoa(port))
	}
	return redirect
}

// traefikRewrite takes the rule's path off and keeps what follows.
func traefikRewrite(path string) pulumi.Map {
	return pulumi.Map{
		"regex":       pulumi.String("^" + regexp.QuoteMeta(strings.TrimSuffix(path, "/")) + "/?(.*)"),
		"replacement": pulumi.String("/$1"),
	}
}
