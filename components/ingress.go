package components

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newIngress makes the Ingress, with the certificate that it serves, in the
// namespace that settled gives.
func (a ExposureArgs) newIngress(ctx *pulumi.Context, name string, settled pulumi.StringOutput, service *corev1.Service, exposure pulumi.Resource) (*networkingv1.Ingress, error) {
	annotations := a.annotations(skipAwait)
	if a.isHAProxy() {
		maps.Copy(annotations, a.haproxyAnnotations())
	}
	var tls networkingv1.IngressTLSArray
	if a.TLS != "off" {
		secretName, err := a.secret(ctx, name, settled, exposure)
		if err != nil {
			return nil, err
		}
		tls = networkingv1.IngressTLSArray{networkingv1.IngressTLSArgs{
			Hosts: pulumi.StringArray{pulumi.String(a.Host)}, SecretName: secretName,
		}}
	}
	return networkingv1.NewIngress(ctx, name+"-ingress", &networkingv1.IngressArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(ingressName), Namespace: settled,
			Labels: pulumi.StringMap{"app": pulumi.String(AppName)}, Annotations: annotations,
		},
		Spec: &networkingv1.IngressSpecArgs{
			IngressClassName: pulumi.String(a.IngressClass),
			Tls:              tls,
			Rules: networkingv1.IngressRuleArray{networkingv1.IngressRuleArgs{
				Host: pulumi.String(a.Host),
				Http: &networkingv1.HTTPIngressRuleValueArgs{Paths: networkingv1.HTTPIngressPathArray{
					networkingv1.HTTPIngressPathArgs{
						Path: pulumi.String(a.Path), PathType: pulumi.String("Prefix"),
						Backend: &networkingv1.IngressBackendArgs{Service: &networkingv1.IngressServiceBackendArgs{
							Name: service.Metadata.Name().Elem(),
							Port: &networkingv1.ServiceBackendPortArgs{Number: pulumi.Int(80)},
						}},
					},
				}},
			}},
		},
	}, pulumi.Parent(exposure))
}

// secret returns the name of the Secret with the certificate: the named one,
// which stays its owner's, or one of ours.
func (a ExposureArgs) secret(ctx *pulumi.Context, name string, settled pulumi.StringOutput, exposure pulumi.Resource) (pulumi.StringPtrInput, error) {
	if a.TLS == "secret" {
		return pulumi.String(a.TLSSecretName), nil
	}
	options := []pulumi.ResourceOption{pulumi.Parent(exposure), pulumi.AdditionalSecretOutputs([]string{"data", "stringData"})}
	if a.CertificateUnknown {
		if !ctx.DryRun() {
			return nil, fmt.Errorf("make the certificate of tls self-signed: the Secret %s cannot be read, so that each update would make a new one: permit this login to read it", SelfSignedSecret)
		}
		// As far as a preview can tell it stays what it is.
		options = append(options, pulumi.IgnoreChanges([]string{"stringData"}))
	}
	secret, err := corev1.NewSecret(ctx, name+"-certificate", &corev1.SecretArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(SelfSignedSecret), Namespace: settled, Annotations: a.annotations(nil),
			Labels: pulumi.StringMap{"app": pulumi.String(AppName)},
		},
		Type: pulumi.String("kubernetes.io/tls"),
		StringData: pulumi.StringMap{
			"tls.crt": pulumi.String(a.Certificate.Cert),
			"tls.key": pulumi.ToSecret(pulumi.String(a.Certificate.Key)).(pulumi.StringOutput),
		},
	}, options...)
	if err != nil {
		return nil, err
	}
	return secret.Metadata.Name(), nil
}

// unknownText is what a preview cannot tell.
func unknownText() pulumi.StringOutput {
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
}

// isHAProxy reports whether the Ingress's class is the HAProxy controller's.
func (a ExposureArgs) isHAProxy() bool {
	if a.Cluster != nil {
		for _, class := range a.Cluster.IngressClasses {
			if class.Name == a.IngressClass {
				return strings.HasPrefix(class.Controller, "haproxy.org/")
			}
		}
	}
	return a.IngressClass == "haproxy"
}

// haproxyAnnotations say to the HAProxy controller what the Ingress's own
// fields cannot.
func (a ExposureArgs) haproxyAnnotations() pulumi.StringMap {
	annotations := pulumi.StringMap{}
	if rewrite := a.rewrite(); rewrite != "" {
		annotations["haproxy.org/path-rewrite"] = pulumi.String(rewrite)
	}
	if a.TLS == "off" {
		return annotations
	}
	annotations["haproxy.org/ssl-redirect"] = pulumi.String("true")
	// The controller would send people to the port that it listens on itself.
	if a.Cluster == nil {
		annotations["haproxy.org/ssl-redirect-port"] = unknownText()
	} else if port := a.controllerPort("https", 443); port != 0 {
		annotations["haproxy.org/ssl-redirect-port"] = pulumi.String(strconv.Itoa(port))
	}
	return annotations
}

// rewrite is the value of the HAProxy controller's annotation path-rewrite: it
// takes the rule's path off, and keeps what follows, so that files below the
// path are found (a plain "/" sends every one of them to the index page).
func (a ExposureArgs) rewrite() string {
	path := strings.TrimSuffix(a.Path, "/")
	if path == "" {
		return ""
	}
	return fmt.Sprintf(`^%s/?(.*)$ /\1`, regexp.QuoteMeta(path))
}

// newConfigMapPatch sets keys in the controller's ConfigMap, which is another's:
// only those keys, as a field owner of its own. It comes after the Ingress, and
// so when that is settled.
func (a ExposureArgs) newConfigMapPatch(ctx *pulumi.Context, name string, ingress, exposure pulumi.Resource) (*corev1.ConfigMapPatch, error) {
	namespace, configMap, _ := strings.Cut(a.HAProxyConfigMap, "/")
	data := pulumi.StringMap{}
	for _, key := range slices.Sorted(maps.Keys(a.HAProxy)) {
		data[key] = pulumi.String(a.HAProxy[key])
	}
	return corev1.NewConfigMapPatch(ctx, name+"-haproxy", &corev1.ConfigMapPatchArgs{
		Metadata: &metav1.ObjectMetaPatchArgs{Name: pulumi.String(configMap), Namespace: pulumi.String(namespace)},
		Data:     data,
	}, pulumi.Parent(exposure), pulumi.DependsOn([]pulumi.Resource{ingress}))
}

// warnOfOtherController says what the Ingress lacks with a controller whose
// annotations are not known here.
func (a ExposureArgs) warnOfOtherController(ctx *pulumi.Context, exposure pulumi.Resource) {
	missing := []string{"the ConfigMap keys of haproxy"}
	if rewrite := a.rewrite(); rewrite != "" {
		missing = append(missing, fmt.Sprintf("the rewrite (the application sees %s in front of every path)", a.Path))
	}
	if a.TLS != "off" {
		missing = append(missing, "the redirect from HTTP to HTTPS")
	}
	_ = ctx.Log.Warn(fmt.Sprintf("the ingress class %s is not the HAProxy controller's: not set for it are %s; set them by your controller's own means",
		a.IngressClass, enumerate(missing, "and")), &pulumi.LogArgs{Resource: exposure})
}
