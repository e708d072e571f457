package exposure

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
)

// The names of what Traefik has beside the Ingress.
const (
	rewriteMiddleware  = "balanced-rewrite"
	redirectMiddleware = "balanced-redirect"
	redirectIngress    = "balanced-ingress-redirect"
	rewriteKind        = "replacePathRegex"
	redirectKind       = "redirectScheme"
)

const traefikAPI = "traefik.io"

// traefik is told by annotations of the Ingress, which name Middlewares, objects of a kind of its
// own (https://doc.traefik.io/traefik/routing/providers/kubernetes-ingress/#annotations).
type traefik struct{}

func (traefik) objects(a *Plan, namespace string) []cluster.Object {
	var objects []cluster.Object
	if a.rewrites() {
		objects = append(objects, cluster.Object{Kind: "Middleware", Namespace: namespace, Name: rewriteMiddleware})
	}
	if a.TLS != "off" {
		objects = append(objects, cluster.Object{Kind: "Middleware", Namespace: namespace, Name: redirectMiddleware},
			cluster.Object{Kind: "Ingress", Namespace: namespace, Name: redirectIngress})
	}
	return objects
}

// check finds a cluster without the kind Middleware.
func (t traefik) check(a *Plan, p *check.Problems) {
	if len(t.objects(a, "")) > 0 && a.Cluster.Knows(cluster.Groups) && !a.Cluster.HasGroup(traefikAPI) {
		p.Add("ingressClass", a.IngressClass, "is Traefik's, and the rewrite of the path and the redirect to https need its kind Middleware, which the cluster does not have",
			"install Traefik's custom resources and its provider for them, or set {path} to / and {tls} to off")
	}
}

// make makes the Ingress. With TLS that answers https only, and another one sends people there
// who come by http. Which port has which of the two, an Ingress does not know: the second one
// answers https too, then, and in the same way.
func (traefik) make(m ingressMaker) ([]pulumi.Resource, error) {
	var middlewares []pulumi.Resource
	middleware := func(name, object, kind string, spec pulumi.Map) error {
		made, err := apiextensions.NewCustomResource(m.ctx, m.name+"-"+name, &apiextensions.CustomResourceArgs{
			ApiVersion: pulumi.String(traefikAPI + "/v1alpha1"), Kind: pulumi.String("Middleware"),
			Metadata:    &metav1.ObjectMetaArgs{Name: pulumi.String(object), Namespace: m.namespace, Annotations: m.args.Annotations(nil)},
			OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{kind: spec}},
		}, m.made...)
		middlewares = append(middlewares, made)
		return err
	}
	var rewrite []string
	if m.args.rewrites() {
		rewrite = []string{rewriteMiddleware}
		if err := middleware("rewrite", rewriteMiddleware, rewriteKind, traefikRewrite(m.args.Path)); err != nil {
			return nil, err
		}
	}
	if m.args.TLS != "off" {
		if err := middleware("redirect", redirectMiddleware, redirectKind, traefikRedirect(m.args)); err != nil {
			return nil, err
		}
	}
	annotations := m.middlewares(rewrite...)
	if m.args.TLS != "off" {
		annotations["traefik.ingress.kubernetes.io/router.tls"] = pulumi.String("true")
	}
	ingress, err := m.ingress(ingressRule{annotations: annotations}, pulumi.DependsOn(middlewares))
	if err != nil || m.args.TLS == "off" {
		return append(middlewares, ingress), err
	}
	redirect, err := m.ingress(ingressRule{
		name: "-redirect-ingress", object: redirectIngress, plain: true,
		annotations: m.middlewares(append([]string{redirectMiddleware}, rewrite...)...),
	}, pulumi.DependsOn(append(middlewares, ingress)))
	return append(middlewares, ingress, redirect), err
}

// middlewares is the annotation that has an Ingress use Middlewares of its namespace.
func (m ingressMaker) middlewares(objects ...string) pulumi.StringMap {
	if len(objects) == 0 {
		return pulumi.StringMap{}
	}
	return pulumi.StringMap{"traefik.ingress.kubernetes.io/router.middlewares": m.namespace.ApplyT(func(namespace string) string {
		var names []string
		for _, object := range objects {
			names = append(names, fmt.Sprintf("%s-%s@kubernetescrd", namespace, object))
		}
		return strings.Join(names, ",")
	}).(pulumi.StringOutput)}
}

// traefikRedirect sends people to the port that they reach, which is not the one that Traefik
// listens on itself.
func traefikRedirect(a *Plan) pulumi.Map {
	redirect := pulumi.Map{"scheme": pulumi.String("https")}
	if a.Cluster == nil {
		redirect["port"] = unknownText()
	} else if port := a.controllerPort("https", 443); port != 0 && port != 443 {
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
