package exposure

import (
	"slices"
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
	objects(a *Plan, namespace string) []cluster.Object
	// check adds the problems that it has in the cluster with what is wanted.
	check(a *Plan, p *check.Problems)
	// make makes the Ingress and what else is needed.
	make(m ingressMaker) ([]pulumi.Resource, error)
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
func (a *Plan) controller() controller {
	if class := a.class(); class != nil {
		for beginning, controller := range controllers {
			if strings.HasPrefix(class.Controller, beginning) {
				return controller
			}
		}
		return otherController{}
	}
	if controller, ok := usualClasses[a.IngressClass]; ok {
		return controller
	}
	return otherController{}
}

// class is the Ingress's class, nil if the cluster does not have it, or could not be asked.
func (a *Plan) class() *cluster.IngressClass {
	if a.Cluster != nil {
		for i, class := range a.Cluster.IngressClasses {
			if class.Name == a.IngressClass {
				return &a.Cluster.IngressClasses[i]
			}
		}
	}
	return nil
}

// setsKeys tells whether keys of the HAProxy controller's ConfigMap are to be set.
func (a *Plan) setsKeys() bool {
	_, isHAProxy := a.controller().(haproxy)
	return a.hasIngress() && isHAProxy && len(a.HAProxy) > 0
}

// Relevant are those of the denials that matter to what is made.
func (a *Plan) Relevant(denied []cluster.Denial) []cluster.Denial {
	return slices.DeleteFunc(slices.Clone(denied), func(d cluster.Denial) bool {
		return d.Fact == cluster.ConfigMaps && !a.setsKeys()
	})
}

// rewrites tells whether the rule has a path to take off.
func (a ExposureArgs) rewrites() bool { return a.Path != "/" }

// otherController is one of which nothing is known: it gets the Ingress alone.
type otherController struct{}

func (otherController) objects(*Plan, string) []cluster.Object { return nil }

func (otherController) check(*Plan, *check.Problems) {}

func (otherController) make(m ingressMaker) ([]pulumi.Resource, error) {
	var missing []string
	if m.args.rewrites() {
		missing = append(missing, "the rewrite (the application sees "+m.args.Path+" in front of every path)")
	}
	if m.args.TLS != "off" {
		missing = append(missing, "the redirect from HTTP to HTTPS")
	}
	if len(missing) > 0 {
		m.warn("the ingress class %s is of a controller that is not known here: not set for it are %s; set them by your controller's own means",
			m.args.IngressClass, check.Enumerate(missing, "and"))
	}
	ingress, err := m.ingress(ingressRule{})
	return []pulumi.Resource{ingress}, err
}
