package ingress

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/input"
)

// haproxy is the controller of HAProxy Technologies, configured by annotations
// (https://github.com/haproxytech/kubernetes-ingress/tree/master/documentation/annotations.md) and by a ConfigMap.
type haproxy struct{}

func (haproxy) objects(*Ingress, string) []cluster.Object { return nil }

func (haproxy) serviceAnnotations(*Ingress, pulumi.StringInput) pulumi.StringMap { return nil }

func (haproxy) make(m maker) ([]pulumi.Resource, error) {
	ingress, err := m.ingress(rule{annotations: haproxyAnnotations(m)})
	if err != nil || len(m.HAProxy) == 0 {
		return []pulumi.Resource{ingress}, err
	}
	// The ConfigMap is not ours: set only these keys, with a field manager of their own, and only once the
	// Ingress is there, and so every pod.
	namespace, configMap, _ := strings.Cut(m.HAProxyConfigMap, "/")
	data := pulumi.StringMap{}
	for _, key := range slices.Sorted(maps.Keys(m.HAProxy)) {
		data[key] = pulumi.String(m.HAProxy[key])
	}
	patchName := m.Resource + "-haproxy"
	patch, err := corev1.NewConfigMapPatch(m.Ctx, patchName, &corev1.ConfigMapPatchArgs{
		Metadata: &metav1.ObjectMetaPatchArgs{Name: pulumi.String(configMap), Namespace: pulumi.String(namespace)},
		Data:     data,
	}, m.Identity.Before(patchName, "ConfigMapPatch", namespace, configMap).And(pulumi.Parent(m.Exposure), pulumi.DependsOn([]pulumi.Resource{ingress}))...)
	return []pulumi.Resource{ingress, patch}, err
}

// haproxyBackend makes sure that no request is lost to a pod whose node is dead. A connection that is not
// answered in a second goes to another pod; so does a GET or HEAD that was sent to the dead node over an
// existing connection and is not acknowledged. After two checks without an answer, within about 3 s, the pod
// gets no requests until it answers again. (HAProxy's configuration manual; by default the controller waits
// for 5 s, and tries the same pod again.) A busy node answers late, too: if no pod passes the checks, the
// Service's address, which is not checked, gets the requests, and they are tried for 11 s.
const haproxyBackend = `timeout connect 1s
retries 10
option redispatch 1
retry-on conn-failure empty-response
http-request disable-l7-retry unless METH_GET
default-server tcp-ut 2s fall 2 fastinter 500ms
server service %s backup no-check`

func haproxyAnnotations(m maker) pulumi.StringMap {
	i := m.Ingress
	port := strconv.Itoa(i.Port)
	annotations := pulumi.StringMap{
		"haproxy.org/check-interval": pulumi.String("1s"),
		"haproxy.org/backend-config-snippet": m.ClusterIP.ApplyT(func(address string) string {
			return fmt.Sprintf(haproxyBackend, net.JoinHostPort(address, port))
		}).(pulumi.StringOutput),
	}
	if i.rewrites() {
		annotations["haproxy.org/path-rewrite"] = pulumi.String(haproxyRewrite(i.Path))
	}
	if !i.TLS {
		return annotations
	}
	annotations["haproxy.org/ssl-redirect"] = pulumi.String("true")
	// By default, the controller redirects to the port that it listens on itself.
	if i.Cluster == nil {
		annotations["haproxy.org/ssl-redirect-port"] = input.UnknownText()
	} else if port := i.Cluster.ControllerPort("https", 443); port != 0 {
		annotations["haproxy.org/ssl-redirect-port"] = pulumi.String(strconv.Itoa(port))
	}
	return annotations
}

// haproxyRewrite returns a pattern and its replacement: it strips the rule's path and keeps the rest, so that
// files below the path are found (a plain "/" sends all of them to the index page).
func haproxyRewrite(path string) string {
	return fmt.Sprintf(`^%s/?(.*)$ /\1`, regexp.QuoteMeta(strings.TrimSuffix(path, "/")))
}

// check finds a ConfigMap that the controller does not read because it does not exist, and keys that another
// field manager has set to another value, such as Helm, which would set them back.
func (haproxy) check(i *Ingress, p *check.Problems) {
	if len(i.HAProxy) == 0 || !i.Cluster.Knows(cluster.ConfigMaps) {
		return
	}
	configMap := i.Cluster.ConfigMap
	namespace, name, _ := strings.Cut(i.HAProxyConfigMap, "/")
	if configMap == nil {
		p.Add("haproxyConfigMap", i.HAProxyConfigMap, "does not exist in the cluster, so the controller does not read it",
			fmt.Sprintf("use the ConfigMap that the controller's argument --configmap names, create this one (kubectl --namespace %s create configmap %s), or set {haproxy} to {}", namespace, name))
		return
	}
	if len(configMap.Emptied) > 0 {
		p.Add("haproxyConfigMap", i.HAProxyConfigMap, "has its data set to empty (data: {}) by "+check.Enumerate(configMap.Emptied, "and")+", so this program cannot set a key",
			"set the keys of {haproxy} in the tool that manages this ConfigMap, and {haproxy} to {}")
	}
	for _, key := range slices.Sorted(maps.Keys(i.HAProxy)) {
		if configMap.Data[key] == i.HAProxy[key] {
			continue
		}
		var others []string
		for _, manager := range configMap.Managers[key] {
			switch {
			case i.Identity.Manages("ConfigMapPatch", manager):
			case strings.HasPrefix(manager, "pulumi-kubernetes-"):
				others = append(others, "another Pulumi stack (field manager "+manager+")")
			default:
				others = append(others, manager)
			}
		}
		if len(others) > 0 {
			p.Add("haproxy."+key, i.HAProxy[key], fmt.Sprintf("is %q in the ConfigMap %s, set by %s", configMap.Data[key], i.HAProxyConfigMap, check.Enumerate(others, "and")),
				"remove it from {haproxy}, or change it where it is set")
		}
	}
}
