// Package ingress makes the Ingress of an application, and tells each ingress controller in its own
// way what an Ingress cannot say.
package ingress

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
)

// controller is an ingress controller. The fields of an Ingress cannot say that the rule's path
// is to be taken off, nor that people who come by http are to be sent to the https that it has:
// each controller is told that in its own way.
type controller interface {
	// objects are those that make makes in a namespace, beside the Ingress of the stack.
	objects(i *Ingress, namespace string) []cluster.Object
	// serviceAnnotations are what the Service says to it.
	serviceAnnotations(i *Ingress, namespace pulumi.StringInput) pulumi.StringMap
	// check adds the problems that it has in the cluster with what is wanted.
	check(i *Ingress, p *check.Problems)
	// make makes the Ingress and what else is needed.
	make(m maker) ([]pulumi.Resource, error)
}

// controllers are those that are known, by the beginning of the text in spec.controller of their
// IngressClasses, which each of them documents.
var controllers = map[string]controller{
	"haproxy.org/": haproxy{},
	// https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
	"k8s.io/ingress-nginx": ingressNginx{},
	// https://doc.traefik.io/traefik/providers/kubernetes-ingress/#ingressclass
	"traefik.io/ingress-controller": traefik{},
}

// usualClasses are the IngressClasses' names where nobody has chosen another.
var usualClasses = map[string]controller{"haproxy": haproxy{}, "nginx": ingressNginx{}, "traefik": traefik{}}

// controller is that of the Ingress's class.
func (i *Ingress) controller() controller {
	if class := i.class(); class != nil {
		for beginning, controller := range controllers {
			if strings.HasPrefix(class.Controller, beginning) {
				return controller
			}
		}
		return otherController{}
	}
	if controller, ok := usualClasses[i.Class]; ok {
		return controller
	}
	return otherController{}
}

// class is the Ingress's class, nil if the cluster does not have it, or could not be asked.
func (i *Ingress) class() *cluster.IngressClass {
	if i.Cluster != nil {
		for n, class := range i.Cluster.IngressClasses {
			if class.Name == i.Class {
				return &i.Cluster.IngressClasses[n]
			}
		}
	}
	return nil
}

// SetsKeys tells whether keys of the HAProxy controller's ConfigMap are to be set.
func (i *Ingress) SetsKeys() bool {
	_, isHAProxy := i.controller().(haproxy)
	return isHAProxy && len(i.HAProxy) > 0
}

// rewrites tells whether the rule has a path to take off.
func (i *Ingress) rewrites() bool { return i.Path != "/" }

// otherController is one of which nothing is known: it gets the Ingress alone.
type otherController struct{}

func (otherController) objects(*Ingress, string) []cluster.Object { return nil }

func (otherController) serviceAnnotations(*Ingress, pulumi.StringInput) pulumi.StringMap { return nil }

func (otherController) check(*Ingress, *check.Problems) {}

func (otherController) make(m maker) ([]pulumi.Resource, error) {
	var missing []string
	if m.rewrites() {
		missing = append(missing, "the rewrite (the application sees "+m.Path+" in front of every path)")
	}
	if m.TLS {
		missing = append(missing, "the redirect from HTTP to HTTPS")
	}
	if len(missing) > 0 {
		m.warn("the ingress class %s is of a controller that is not known here: not set for it are %s; set them by your controller's own means",
			m.Class, check.Enumerate(missing, "and"))
	}
	ingress, err := m.ingress(rule{})
	return []pulumi.Resource{ingress}, err
}
