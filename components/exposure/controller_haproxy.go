package exposure

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
)

// haproxy is the controller of HAProxy Technologies, which is told by annotations
// (https://github.com/haproxytech/kubernetes-ingress/tree/master/documentation/annotations.md)
// and by a ConfigMap.
type haproxy struct{}

func (haproxy) objects(*Plan, string) []cluster.Object { return nil }

func (haproxy) make(m ingressMaker) ([]pulumi.Resource, error) {
	ingress, err := m.ingress(ingressRule{annotations: haproxyAnnotations(m.args)})
	if err != nil || len(m.args.HAProxy) == 0 {
		return []pulumi.Resource{ingress}, err
	}
	// The ConfigMap is another's: only those keys are set, as a field owner of its own, and when
	// the Ingress is there, and so every pod.
	namespace, configMap, _ := strings.Cut(m.args.HAProxyConfigMap, "/")
	data := pulumi.StringMap{}
	for _, key := range slices.Sorted(maps.Keys(m.args.HAProxy)) {
		data[key] = pulumi.String(m.args.HAProxy[key])
	}
	patchName := m.name + "-haproxy"
	patch, err := corev1.NewConfigMapPatch(m.ctx, patchName, &corev1.ConfigMapPatchArgs{
		Metadata: &metav1.ObjectMetaPatchArgs{Name: pulumi.String(configMap), Namespace: pulumi.String(namespace)},
		Data:     data,
	}, m.args.Identity.Before(patchName, "ConfigMapPatch", namespace, configMap).And(pulumi.Parent(m.exposure), pulumi.DependsOn([]pulumi.Resource{ingress}))...)
	return []pulumi.Resource{ingress, patch}, err
}

func haproxyAnnotations(a *Plan) pulumi.StringMap {
	annotations := pulumi.StringMap{}
	if a.rewrites() {
		annotations["haproxy.org/path-rewrite"] = pulumi.String(haproxyRewrite(a.Path))
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

// haproxyRewrite is a pattern and what takes its place: the rule's path is taken off, and what
// follows is kept, so that files below the path are found (a plain "/" sends every one of them
// to the index page).
func haproxyRewrite(path string) string {
	return fmt.Sprintf(`^%s/?(.*)$ /\1`, regexp.QuoteMeta(strings.TrimSuffix(path, "/")))
}

// check finds a ConfigMap that the controller does not read, since it is not there, and keys that
// somebody else has set to another value, such as Helm, who would set them back.
func (haproxy) check(a *Plan, p *check.Problems) {
	if len(a.HAProxy) == 0 || !a.Cluster.Knows(cluster.ConfigMaps) {
		return
	}
	configMap := a.Cluster.ConfigMap
	namespace, name, _ := strings.Cut(a.HAProxyConfigMap, "/")
	if configMap == nil {
		p.Add("haproxyConfigMap", a.HAProxyConfigMap, "is no ConfigMap of the cluster, so that the controller does not read it",
			fmt.Sprintf("name the one of the controller's argument --configmap, make it (kubectl --namespace %s create configmap %s), or set {haproxy} to {}", namespace, name))
		return
	}
	if len(configMap.Emptied) > 0 {
		p.Add("haproxyConfigMap", a.HAProxyConfigMap, "has data that is said to be empty, by "+check.Enumerate(configMap.Emptied, "and")+", so that no key can be set beside that",
			"set the keys of {haproxy} there, and {haproxy} to {}")
	}
	own := a.Identity.FieldManager("ConfigMapPatch")
	for _, key := range slices.Sorted(maps.Keys(a.HAProxy)) {
		if configMap.Data[key] == a.HAProxy[key] {
			continue
		}
		var others []string
		for _, manager := range configMap.Managers[key] {
			switch {
			case manager == own:
			case strings.HasPrefix(manager, "pulumi-kubernetes-"):
				others = append(others, "another Pulumi stack (field manager "+manager+")")
			default:
				others = append(others, manager)
			}
		}
		if len(others) > 0 {
			p.Add("haproxy."+key, a.HAProxy[key], fmt.Sprintf("is %q in the ConfigMap %s, set by %s", configMap.Data[key], a.HAProxyConfigMap, check.Enumerate(others, "and")),
				"leave it out of {haproxy}, or change it where that takes it from")
		}
	}
}
