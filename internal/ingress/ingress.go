package ingress

import (
	"cmp"
	"fmt"
	"maps"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/input"
)

// Ingress is the desired route of a host and a path to a Service.
type Ingress struct {
	// Ownership marks the resources.
	owner.Ownership
	// Origins says which values are unknown.
	Origins input.Origins
	Name    string // NAME-ingress is the Ingress
	Labels  map[string]string
	Class   string
	Host    string
	Path    string
	TLS     bool
	// SecretName is the Secret with the certificate; empty for one of ours, NAME-tls.
	SecretName string
	Port       int // of the Service
	// Annotations are the user's, and override the controller's of the same names.
	Annotations map[string]string
	// HAProxyConfigMap is NAMESPACE/NAME, and HAProxy are the keys to set there; IsUsual says that they
	// are the defaults.
	HAProxyConfigMap string
	HAProxy          map[string]string
	IsUsual          bool
	// Cluster is the inspected cluster, nil in a preview that could not reach it.
	Cluster *cluster.Snapshot
}

// IngressName returns the name of the Ingress.
func (i *Ingress) IngressName() string { return i.Name + "-ingress" }

// Objects returns the objects that Make creates in a namespace.
func (i *Ingress) Objects(namespace string) []cluster.Object {
	objects := append([]cluster.Object{{Kind: "Ingress", Namespace: namespace, Name: i.IngressName()}}, i.controller().objects(i, namespace)...)
	if i.TLS && i.SecretName == "" {
		objects = append(objects, cluster.Object{Kind: "Secret", Namespace: namespace, Name: i.CertificateName()})
	}
	return objects
}

// Lasting returns the desired values of the fields that [cluster.Client.Lasting] returns for an object.
func (i *Ingress) Lasting(object cluster.Object) map[string]string {
	if object.Kind == "Secret" {
		return map[string]string{"type": cluster.TLSSecret}
	}
	if object.Kind != "Middleware" {
		return nil
	}
	kinds := map[string]string{i.Name + rewriteMiddleware: rewriteKind, i.Name + redirectMiddleware: redirectKind, i.Name + retryMiddleware: retryKind}
	return map[string]string{"spec": kinds[object.Name]}
}

// ServiceAnnotations returns the annotations for the controller of the Service in a namespace.
func (i *Ingress) ServiceAnnotations(namespace pulumi.StringInput) pulumi.StringMap {
	return i.controller().serviceAnnotations(i, namespace)
}

// Maker makes an Ingress's objects.
type Maker struct {
	Ctx      *pulumi.Context
	Resource string // prefix of the resources' names
	Exposure pulumi.Resource
	Made     owner.Options // of the resources
	// Namespace is known when every pod is ready.
	Namespace, Service pulumi.StringOutput
	// ClusterIP is the Service's address.
	ClusterIP pulumi.StringOutput
	// Certificate is for the Ingress, in a Secret of ours; CertificateUnknown says that it could not be
	// read: a preview shows it as unknown, and an update that would have to create it fails.
	Certificate        certificate.Pair
	CertificateUnknown bool
}

// Make creates the Ingress and what else its controller needs, and returns all of it.
func (i *Ingress) Make(m Maker) ([]pulumi.Resource, error) {
	making := maker{Maker: m, Ingress: i}
	if i.TLS {
		var err error
		if making.certificate, err = making.secret(); err != nil {
			return nil, err
		}
	}
	if _, isHAProxy := i.controller().(haproxy); !isHAProxy && len(i.HAProxy) > 0 && !i.IsUsual {
		making.warn("the keys of haproxy are not set: the ingress class %s does not belong to HAProxy's controller", i.Class)
	}
	return i.controller().make(making)
}

// maker creates the objects of an Ingress.
type maker struct {
	Maker
	*Ingress
	certificate pulumi.StringPtrInput // the name of its Secret; nil without TLS
}

// rule is one Ingress with its controller's settings.
type rule struct {
	name, object   string // of the resource and the object; default the stack's Ingress
	path, pathType string // default the stack's path and what is below it
	annotations    pulumi.StringMap
	plain          bool // without TLS, and the user's annotations
}

func (m maker) ingress(r rule, more ...pulumi.ResourceOption) (*networkingv1.Ingress, error) {
	annotations := m.Ownership.Annotations(owner.SkipAwait)
	maps.Copy(annotations, r.annotations)
	var tls networkingv1.IngressTLSArray
	if !r.plain {
		for name, value := range m.Ingress.Annotations {
			annotations[name] = m.Origins.Text("ingressAnnotations."+name, value)
		}
	}
	host := m.Origins.Text("host", m.Host)
	if m.certificate != nil && !r.plain {
		tls = networkingv1.IngressTLSArray{networkingv1.IngressTLSArgs{Hosts: pulumi.StringArray{host}, SecretName: m.certificate}}
	}
	return networkingv1.NewIngress(m.Ctx, m.Resource+cmp.Or(r.name, "-ingress"), &networkingv1.IngressArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(cmp.Or(r.object, m.IngressName())), Namespace: m.Namespace,
			Labels: pulumi.ToStringMap(m.Labels), Annotations: annotations,
		},
		Spec: &networkingv1.IngressSpecArgs{
			IngressClassName: pulumi.String(m.Class),
			Tls:              tls,
			Rules: networkingv1.IngressRuleArray{networkingv1.IngressRuleArgs{
				Host: host.ToStringOutput().ToStringPtrOutput(),
				Http: &networkingv1.HTTPIngressRuleValueArgs{Paths: networkingv1.HTTPIngressPathArray{
					networkingv1.HTTPIngressPathArgs{
						Path: pulumi.String(cmp.Or(r.path, m.Path)), PathType: pulumi.String(cmp.Or(r.pathType, "Prefix")),
						Backend: &networkingv1.IngressBackendArgs{Service: &networkingv1.IngressServiceBackendArgs{
							Name: m.Service,
							Port: &networkingv1.ServiceBackendPortArgs{Number: pulumi.Int(m.Port)},
						}},
					},
				}},
			}},
		},
	}, m.Made.And(more...)...)
}

func (m maker) warn(format string, values ...any) {
	_ = m.Ctx.Log.Warn(fmt.Sprintf(format, values...), &pulumi.LogArgs{Resource: m.Exposure})
}
