package components

import (
	"context"
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

	"webapp-balanced/cluster"
)

// The names of the tutorial's objects.
const (
	serviceName = "balanced-service"
	ingressName = "balanced-ingress"
)

// SelfSignedSecret is the Secret with the certificate of TLS self-signed.
const SelfSignedSecret = "balanced-tls"

// Exposure is how the world reaches the application: a Service, an Ingress if
// one is wanted, and the URLs that answer.
type Exposure struct {
	pulumi.ResourceState

	// URLs are those that answered, the first the one to give to people.
	URLs URLArrayOutput
	// ServiceType is the Service's type as Kubernetes spells it.
	ServiceType pulumi.StringOutput `pulumi:"serviceType"`
	// NodePort is the Service's node port, 0 for none.
	NodePort pulumi.IntOutput `pulumi:"nodePort"`
}

// ExposureArgs says how the application is reached. Every change is made in
// place.
type ExposureArgs struct {
	// Type of the Service: clusterip, nodeport or loadbalancer, in any case.
	// Default clusterip.
	Type string
	// Ingress says whether there is one: true, false, or auto, which means
	// exactly when Type is clusterip. Default auto.
	Ingress string
	// TLS of the Ingress: off, self-signed or secret. Default off.
	TLS string
	// TLSSecretName is the Secret for TLS secret.
	TLSSecretName string
	// Host and Path are the Ingress's rule. Default foo-balanced.bar, /balanced.
	Host, Path string
	// IngressClass is the Ingress's class. Default haproxy.
	IngressClass string
	// ControllerService is NAMESPACE/NAME of the Service of the ingress
	// controller. Default haproxy-controller/haproxy-ingress.
	ControllerService string
	// HAProxyConfigMap is NAMESPACE/NAME of the ConfigMap that the HAProxy
	// controller reads. Default haproxy-controller/haproxy-configmap.
	HAProxyConfigMap string
	// HAProxy are the keys to set in it, and only those. Default
	// servers-increment "42" and ssl-redirect "OFF".
	HAProxy map[string]string
	// NodePort pins the node port; 0 lets the cluster choose.
	NodePort int
	// NoLoadBalancerNodePorts makes a LoadBalancer Service without node ports.
	NoLoadBalancerNodePorts bool

	// Certificate is what the Ingress serves: made by [SelfSigned] for TLS
	// self-signed, read from the Secret for TLS secret.
	Certificate Certificate

	// Namespace of the Service and the Ingress. Required.
	Namespace pulumi.StringInput
	// Replicas is known when the pods are ready to answer. Required.
	Replicas pulumi.IntInput
	// Cluster is what the cluster was like before; nil, in a preview only, when
	// it could not be read.
	Cluster *cluster.Snapshot
	// Reach looks at the result. Required.
	Reach Reach
}

// Reach finds out, once everything is there, how it can be reached. Both wait,
// for a bounded time.
type Reach interface {
	// ExternalAddresses returns what a load balancer gave the Service.
	ExternalAddresses(ctx context.Context, namespace, service string) ([]string, error)
	// Answers returns why a URL does not answer, nil if it does. A host name is
	// looked for at addresses; an https URL must show the certificate.
	Answers(ctx context.Context, url string, addresses []string, certificate string) error
}

func (a ExposureArgs) withDefaults() ExposureArgs {
	a.Type = strings.ToLower(orDefault(a.Type, "clusterip"))
	a.Ingress = strings.ToLower(orDefault(a.Ingress, "auto"))
	a.TLS = strings.ToLower(orDefault(a.TLS, "off"))
	a.Host = orDefault(a.Host, "foo-balanced.bar")
	a.Path = orDefault(a.Path, "/balanced")
	a.IngressClass = orDefault(a.IngressClass, "haproxy")
	a.ControllerService = orDefault(a.ControllerService, "haproxy-controller/haproxy-ingress")
	a.HAProxyConfigMap = orDefault(a.HAProxyConfigMap, "haproxy-controller/haproxy-configmap")
	if a.HAProxy == nil {
		a.HAProxy = map[string]string{"servers-increment": "42", "ssl-redirect": "OFF"}
	}
	return a
}

// hasIngress reports whether there is an Ingress.
func (a ExposureArgs) hasIngress() bool {
	return a.Ingress == "true" || (a.Ingress == "auto" && a.Type == "clusterip")
}

// serviceTypes are Kubernetes' spellings.
var serviceTypes = map[string]string{"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}

// urlPath is an absolute path that needs no escape, neither in a URL nor in
// the regular expression of the rewrite.
var urlPath = regexp.MustCompile(`^/[A-Za-z0-9_~/-]*$`)

// objectName is a name of Kubernetes with its namespace.
var objectName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// Validate returns every problem of the arguments, under their config keys.
func (a ExposureArgs) Validate() Problems {
	a = a.withDefaults()
	var p Problems
	p.oneOf("exposure", a.Type, "clusterip", "nodeport", "loadbalancer")
	p.oneOf("ingress", a.Ingress, "auto", "true", "false")
	p.oneOf("tls", a.TLS, "off", "self-signed", "secret")
	a.validateCombination(&p)
	if reason := notDNSName(a.Host); reason != "" {
		p.add("host", a.Host, reason, "use a name such as foo-balanced.bar")
	}
	if !urlPath.MatchString(a.Path) || strings.Contains(a.Path, "//") {
		p.add("path", a.Path, "is no path of an Ingress rule", "use a path from / on with letters, digits, _, ~ and -, such as /balanced")
	}
	if !label.MatchString(a.IngressClass) {
		p.add("ingressClass", a.IngressClass, "is no name of an IngressClass", "kubectl get ingressclass lists them")
	}
	for key, value := range map[string]string{"ingressControllerService": a.ControllerService, "haproxyConfigMap": a.HAProxyConfigMap} {
		if !objectName.MatchString(value) {
			p.add(key, value, "is not NAMESPACE/NAME", "name the namespace and the object, such as haproxy-controller/haproxy-ingress")
		}
	}
	return p
}

// validateCombination refuses what can be reached from nowhere, and settings
// that would do nothing.
func (a ExposureArgs) validateCombination(p *Problems) {
	if a.Type == "clusterip" && a.Ingress == "false" {
		p.add("ingress", a.Ingress, "leaves the application unreachable from outside: a ClusterIP Service has no port there",
			"set ingress to auto or true, or exposure to nodeport or loadbalancer")
	}
	if a.TLS != "off" && !a.hasIngress() {
		p.add("tls", a.TLS, "needs an Ingress, which is what serves TLS", "set ingress to true, or tls to off")
	}
	if a.TLS == "secret" && !label.MatchString(a.TLSSecretName) {
		p.add("tlsSecretName", a.TLSSecretName, "names no Secret", "name a Secret of type kubernetes.io/tls in the namespace")
	}
	if a.NoLoadBalancerNodePorts && a.Type != "loadbalancer" {
		p.add("allocateLoadBalancerNodePorts", false, "has a meaning for LoadBalancer Services only, and exposure is "+a.Type,
			"set exposure to loadbalancer, or allocateLoadBalancerNodePorts to true")
	}
	switch {
	case a.NodePort == 0:
	case a.NodePort < 30000 || a.NodePort > 32767:
		p.add("nodePort", a.NodePort, "is not one of Kubernetes' node ports", "use 30000 to 32767, or 0 to have one allocated")
	case a.Type == "clusterip":
		p.add("nodePort", a.NodePort, "needs a Service with node ports, and exposure is clusterip", "set exposure to nodeport, or nodePort to 0")
	case a.NoLoadBalancerNodePorts:
		p.add("nodePort", a.NodePort, "contradicts allocateLoadBalancerNodePorts false", "set one of the two back to its default")
	}
}

// NewExposure makes the Service and the Ingress and finds the URLs.
func NewExposure(ctx *pulumi.Context, name string, args ExposureArgs, opts ...pulumi.ResourceOption) (*Exposure, error) {
	args = args.withDefaults()
	if err := args.Validate().OrNil(); err != nil {
		return nil, err
	}
	exposure := &Exposure{}
	if err := ctx.RegisterComponentResource("webapp-balanced:index:Exposure", name, exposure, opts...); err != nil {
		return nil, err
	}
	service, err := args.newService(ctx, name, exposure)
	if err != nil {
		return nil, err
	}
	var objects pulumi.Array
	if args.hasIngress() {
		ingress, err := args.newIngress(ctx, name, service, exposure)
		if err != nil {
			return nil, err
		}
		objects = append(objects, ingress.ID())
		if !args.isHAProxy() {
			args.warnOfOtherController(ctx, exposure)
		} else if len(args.HAProxy) > 0 {
			patch, err := args.newConfigMapPatch(ctx, name, exposure)
			if err != nil {
				return nil, err
			}
			objects = append(objects, patch.ID())
		}
	}
	exposure.ServiceType = service.Spec.Type().Elem()
	exposure.NodePort = service.Spec.ApplyT(func(spec corev1.ServiceSpec) int {
		for _, port := range spec.Ports {
			if port.NodePort != nil {
				return *port.NodePort
			}
		}
		return 0
	}).(pulumi.IntOutput)
	exposure.URLs = args.urls(ctx, exposure, service, objects)
	return exposure, ctx.RegisterResourceOutputs(exposure, pulumi.Map{
		"urls": exposure.URLs, "serviceType": exposure.ServiceType, "nodePort": exposure.NodePort,
	})
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

// skipAwait keeps Pulumi from waiting for what may never come: the address of
// a load balancer that the cluster does not have, or of an Ingress whose
// controller does not write one. The URLs are looked at instead.
var skipAwait = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}

func (a ExposureArgs) newService(ctx *pulumi.Context, name string, exposure pulumi.Resource) (*corev1.Service, error) {
	port := corev1.ServicePortArgs{
		Name: pulumi.String("http"), Protocol: pulumi.String("TCP"),
		Port: pulumi.Int(80), TargetPort: pulumi.Int(80),
	}
	// An explicit 0 frees the port that was allocated before; to say nothing
	// leaves it where it is.
	if a.NodePort != 0 || a.NoLoadBalancerNodePorts {
		port.NodePort = pulumi.Int(a.NodePort)
	}
	spec := &corev1.ServiceSpecArgs{
		Type:     pulumi.String(serviceTypes[a.Type]),
		Selector: pulumi.StringMap{"app": pulumi.String(AppName)},
		Ports:    corev1.ServicePortArray{port},
	}
	if a.Type == "loadbalancer" {
		spec.AllocateLoadBalancerNodePorts = pulumi.Bool(!a.NoLoadBalancerNodePorts)
	}
	return corev1.NewService(ctx, name+"-service", &corev1.ServiceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(serviceName), Namespace: a.Namespace, Annotations: skipAwait},
		Spec:     spec,
	}, pulumi.Parent(exposure))
}

func (a ExposureArgs) newIngress(ctx *pulumi.Context, name string, service *corev1.Service, exposure pulumi.Resource) (*networkingv1.Ingress, error) {
	annotations := maps.Clone(skipAwait)
	if a.isHAProxy() {
		maps.Copy(annotations, a.haproxyAnnotations())
	}
	var tls networkingv1.IngressTLSArray
	if a.TLS != "off" {
		secretName, err := a.secret(ctx, name, exposure)
		if err != nil {
			return nil, err
		}
		tls = networkingv1.IngressTLSArray{networkingv1.IngressTLSArgs{
			Hosts: pulumi.StringArray{pulumi.String(a.Host)}, SecretName: secretName,
		}}
	}
	return networkingv1.NewIngress(ctx, name+"-ingress", &networkingv1.IngressArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(ingressName), Namespace: a.Namespace,
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
func (a ExposureArgs) secret(ctx *pulumi.Context, name string, exposure pulumi.Resource) (pulumi.StringPtrInput, error) {
	if a.TLS == "secret" {
		return pulumi.String(a.TLSSecretName), nil
	}
	secret, err := corev1.NewSecret(ctx, name+"-certificate", &corev1.SecretArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(SelfSignedSecret), Namespace: a.Namespace,
			Labels: pulumi.StringMap{"app": pulumi.String(AppName)},
		},
		Type: pulumi.String("kubernetes.io/tls"),
		StringData: pulumi.StringMap{
			"tls.crt": pulumi.String(a.Certificate.Cert),
			"tls.key": pulumi.ToSecret(pulumi.String(a.Certificate.Key)).(pulumi.StringOutput),
		},
	}, pulumi.Parent(exposure), pulumi.AdditionalSecretOutputs([]string{"data", "stringData"}))
	if err != nil {
		return nil, err
	}
	return secret.Metadata.Name(), nil
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
	if port := a.controllerPort("https", 443); port != 0 {
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
	return fmt.Sprintf(`^%s/?(.*)$ /\1`, path)
}

// newConfigMapPatch sets keys in the controller's ConfigMap, which is another's:
// only those keys, as a field owner of its own.
func (a ExposureArgs) newConfigMapPatch(ctx *pulumi.Context, name string, exposure pulumi.Resource) (*corev1.ConfigMapPatch, error) {
	namespace, configMap, _ := strings.Cut(a.HAProxyConfigMap, "/")
	data := pulumi.StringMap{}
	for _, key := range slices.Sorted(maps.Keys(a.HAProxy)) {
		data[key] = pulumi.String(a.HAProxy[key])
	}
	return corev1.NewConfigMapPatch(ctx, name+"-haproxy", &corev1.ConfigMapPatchArgs{
		Metadata: &metav1.ObjectMetaPatchArgs{Name: pulumi.String(configMap), Namespace: pulumi.String(namespace)},
		Data:     data,
	}, pulumi.Parent(exposure))
}
