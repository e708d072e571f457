package exposure

import (
	"cmp"
	"fmt"
	"maps"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/app"
	"webapp-balanced/components/owner"
)

// ingressMaker makes Ingresses for the Service of an Exposure.
type ingressMaker struct {
	ctx      *pulumi.Context
	name     string // of the Exposure
	args     *Plan
	exposure pulumi.Resource
	made     owner.Options // of what is made
	// namespace is known when every pod is ready.
	namespace, service pulumi.StringOutput
	secret             pulumi.StringPtrInput // with the certificate; nil without TLS
}

// ingressRule is what one Ingress says in the way of its controller.
type ingressRule struct {
	name, object   string // of the resource and the object; default the stack's Ingress
	path, pathType string // default the stack's path and what is below it
	annotations    pulumi.StringMap
	plain          bool // without TLS
}

func (m ingressMaker) ingress(r ingressRule, more ...pulumi.ResourceOption) (*networkingv1.Ingress, error) {
	annotations := m.args.Annotations(skipAwait)
	maps.Copy(annotations, r.annotations)
	var tls networkingv1.IngressTLSArray
	if m.secret != nil && !r.plain {
		tls = networkingv1.IngressTLSArray{networkingv1.IngressTLSArgs{
			Hosts: pulumi.StringArray{pulumi.String(m.args.Host)}, SecretName: m.secret,
		}}
	}
	return networkingv1.NewIngress(m.ctx, m.name+cmp.Or(r.name, "-ingress"), &networkingv1.IngressArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(cmp.Or(r.object, ingressName)), Namespace: m.namespace,
			Labels: pulumi.StringMap{"app": pulumi.String(app.AppName)}, Annotations: annotations,
		},
		Spec: &networkingv1.IngressSpecArgs{
			IngressClassName: pulumi.String(m.args.IngressClass),
			Tls:              tls,
			Rules: networkingv1.IngressRuleArray{networkingv1.IngressRuleArgs{
				Host: pulumi.String(m.args.Host),
				Http: &networkingv1.HTTPIngressRuleValueArgs{Paths: networkingv1.HTTPIngressPathArray{
					networkingv1.HTTPIngressPathArgs{
						Path: pulumi.String(cmp.Or(r.path, m.args.Path)), PathType: pulumi.String(cmp.Or(r.pathType, "Prefix")),
						Backend: &networkingv1.IngressBackendArgs{Service: &networkingv1.IngressServiceBackendArgs{
							Name: m.service,
							Port: &networkingv1.ServiceBackendPortArgs{Number: pulumi.Int(80)},
						}},
					},
				}},
			}},
		},
	}, m.made.And(more...)...)
}

func (m ingressMaker) warn(format string, values ...any) {
	_ = m.ctx.Log.Warn(fmt.Sprintf(format, values...), &pulumi.LogArgs{Resource: m.exposure})
}

// newIngress makes the Ingress, with the certificate that it serves and what its controller
// needs, and returns all of it.
func (a *Plan) newIngress(ctx *pulumi.Context, settled pulumi.StringOutput, service *corev1.Service, exposure pulumi.Resource, made owner.Options) ([]pulumi.Resource, error) {
	m := ingressMaker{ctx: ctx, name: a.name, args: a, exposure: exposure, made: made, namespace: settled, service: service.Metadata.Name().Elem()}
	if a.TLS != "off" {
		var err error
		if m.secret, err = a.secret(ctx, settled, made); err != nil {
			return nil, err
		}
	}
	if _, isHAProxy := a.controller().(haproxy); !isHAProxy && len(a.HAProxy) > 0 && !maps.Equal(a.HAProxy, defaultHAProxy) {
		m.warn("the keys of haproxy are set for HAProxy's ingress controller only, and the ingress class %s is of another", a.IngressClass)
	}
	return a.controller().make(m)
}

// secret returns the name of the Secret with the certificate: the named one,
// which stays its owner's, or one of ours.
func (a *Plan) secret(ctx *pulumi.Context, settled pulumi.StringOutput, made owner.Options) (pulumi.StringPtrInput, error) {
	if a.TLS == "secret" {
		return pulumi.String(a.TLSSecretName), nil
	}
	made = made.And(pulumi.AdditionalSecretOutputs([]string{"data", "stringData"}))
	if a.certificateUnknown {
		if !ctx.DryRun() {
			return nil, fmt.Errorf("make the certificate of tls self-signed: the Secret %s cannot be read, so that each update would make a new one: permit this login to read it", SelfSignedSecret)
		}
		// As far as a preview can tell it stays what it is.
		made = made.And(pulumi.IgnoreChanges([]string{"stringData"}))
	}
	secret, err := corev1.NewSecret(ctx, a.name+"-certificate", &corev1.SecretArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(SelfSignedSecret), Namespace: settled, Annotations: a.Annotations(nil),
			Labels: pulumi.StringMap{"app": pulumi.String(app.AppName)},
		},
		Type: pulumi.String("kubernetes.io/tls"),
		StringData: pulumi.StringMap{
			"tls.crt": pulumi.String(a.certificate.Cert),
			"tls.key": pulumi.ToSecret(pulumi.String(a.certificate.Key)).(pulumi.StringOutput),
		},
	}, made...)
	if err != nil {
		return nil, err
	}
	return secret.Metadata.Name(), nil
}

// unknownText is what a preview cannot tell.
func unknownText() pulumi.StringOutput {
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
}
