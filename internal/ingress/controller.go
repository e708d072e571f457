// Package ingress creates the Ingress of an application, and configures each ingress controller in its own
// way for what an Ingress cannot express.
package ingress

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
)

// controller is an ingress controller. An Ingress has no fields to strip the rule's path, or to redirect http
// to https: each controller has its own settings for that.
type controller interface {
	// objects are those that make creates in a namespace, in addition to the stack's Ingress.
	objects(i *Ingress, namespace string) []cluster.Object
	// serviceAnnotations are the Service's annotations for the controller.
	serviceAnnotations(i *Ingress, namespace pulumi.StringInput) pulumi.StringMap
	// check adds the problems of the settings with this controller in the cluster.
	check(i *Ingress, p *check.Problems)
	// make creates the Ingress and its other objects.
	make(m maker) ([]pulumi.Resource, error)
}

// controllers has the known controllers, by the prefix of spec.controller of their IngressClasses, which each of
// them documents.
var controllers = map[string]controller{
	"haproxy.org/": haproxy{},
	// https://kubernetes.github.io/ingress-nginx/user-guide/multiple-ingress/
	"k8s.io/ingress-nginx": ingressNginx{},
	// https://doc.traefik.io/traefik/providers/kubernetes-ingress/#ingressclass
	"traefik.io/ingress-controller": traefik{},
}

// usualClasses are the default names of the IngressClasses.
var usualClasses = map[string]controller{"haproxy": haproxy{}, "nginx": ingressNginx{}, "traefik": traefik{}}

// controller returns the controller of the Ingress's class.
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

// class returns the Ingress's class, nil if the cluster does not have it, or could not be read.
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

// SetsKeys tells whether to set keys of the HAProxy controller's ConfigMap.
func (i *Ingress) SetsKeys() bool {
	_, isHAProxy := i.controller().(haproxy)
	return isHAProxy && len(i.HAProxy) > 0
}

// rewrites tells whether the rule has a path to strip.
func (i *Ingress) rewrites() bool { return i.Path != "/" }

// otherController is an unknown controller: it gets only the Ingress.
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
		m.warn("the program does not know the controller of the ingress class %s, so it does not set %s: set them as that controller's documentation says",
			m.Class, check.Enumerate(missing, "and"))
	}
	ingress, err := m.ingress(rule{})
	return []pulumi.Resource{ingress}, err
}
