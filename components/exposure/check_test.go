package exposure

import (
	"strings"
	"testing"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
)

var now = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func certificateFor(t *testing.T, host string, made time.Time) certificate.Pair {
	t.Helper()
	c, err := certificate.SelfSigned(certificate.Pair{}, host, made)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func secretOf(c certificate.Pair) *cluster.Secret {
	return &cluster.Secret{Type: cluster.TLSSecret, Data: map[string][]byte{"tls.crt": []byte(c.Cert), "tls.key": []byte(c.Key)}}
}

// Settings that cannot work in the cluster are refused, with key, value, reason and next step.
func TestCheck(t *testing.T) {
	good := certificateFor(t, "foo-balanced.bar", now)
	const makeOne = "make one: kubectl --namespace web create secret tls mine --cert=FILE --key=FILE"
	ownership := owner.Ownership{Identity: owner.Identity{State: map[string]map[string]any{
		"urn:pulumi:s::p::webapp-balanced:index:Exposure$kubernetes:core/v1:ConfigMapPatch::exposure-haproxy": {"__fieldManager": "pulumi-kubernetes-1a2b"},
	}}}
	for _, c := range []struct {
		name string
		args Settings
		set  func(*cluster.Snapshot)
		want string
	}{
		{"all is well", Settings{}, nil, ""},
		{"nothing gives addresses", Settings{Type: LoadBalancerService, AllocateLoadBalancerNodePorts: new(false), LoadBalancer: Absent}, nil,
			`allocateLoadBalancerNodePorts = "false": leaves the application unreachable: loadBalancer is absent, so nothing gives addresses to Services of type LoadBalancer, and there is no Ingress; set it to true, set ingress to true, or install an implementation such as MetalLB and set loadBalancer to auto`},
		{"nothing gives addresses, but there is an Ingress", Settings{Type: LoadBalancerService, AllocateLoadBalancerNodePorts: new(false), Ingress: new(true), LoadBalancer: Absent}, nil, ""},
		{"nothing was found that gives addresses", Settings{Type: LoadBalancerService, AllocateLoadBalancerNodePorts: new(false)}, nil, ""},
		{"MetalLB gives addresses", Settings{Type: LoadBalancerService, AllocateLoadBalancerNodePorts: new(false)},
			func(s *cluster.Snapshot) { s.LoadBalancer = "MetalLB" }, ""},
		{"node port of another", Settings{Type: NodePortService, NodePort: 31716}, nil,
			`nodePort = "31716": is taken by the Service haproxy-controller/haproxy-ingress; use another, or 0 to have one allocated`},
		{"node port of our own", Settings{Type: NodePortService, NodePort: 31183},
			func(s *cluster.Snapshot) { s.NodePorts[31183] = "web/balanced-service" }, ""},
		{"no ConfigMap", Settings{HAProxyConfigMap: "kube-system/haproxy"}, func(s *cluster.Snapshot) { s.ConfigMap = nil },
			`haproxyConfigMap = "kube-system/haproxy": does not exist in the cluster, so the controller does not read it; use the ConfigMap that the controller's argument --configmap names, create this one (kubectl --namespace kube-system create configmap haproxy), or set haproxy to {}`},
		{"no ConfigMap, and no key", Settings{HAProxy: map[string]string{}}, func(s *cluster.Snapshot) { s.ConfigMap = nil }, ""},
		{"a key of Helm's", Settings{}, func(s *cluster.Snapshot) {
			s.ConfigMap = &cluster.ConfigMap{Data: map[string]string{"servers-increment": "7", "ssl-redirect": "OFF"}, Managers: map[string][]string{"servers-increment": {"helm"}, "ssl-redirect": {"helm"}}}
		}, `haproxy.servers-increment = "42": is "7" in the ConfigMap haproxy-controller/haproxy-configmap, set by helm; remove it from haproxy, or change it where it is set`},
		{"a key of ours", Settings{Ownership: ownership}, func(s *cluster.Snapshot) {
			s.ConfigMap = &cluster.ConfigMap{Data: map[string]string{"servers-increment": "7"}, Managers: map[string][]string{"servers-increment": {"pulumi-kubernetes-1a2b"}}}
		}, ""},
		{"a key of another stack's", Settings{Ownership: ownership}, func(s *cluster.Snapshot) {
			s.ConfigMap = &cluster.ConfigMap{Data: map[string]string{"servers-increment": "7"}, Managers: map[string][]string{"servers-increment": {"pulumi-kubernetes-3c4d", "helm"}}}
		}, `haproxy.servers-increment = "42": is "7" in the ConfigMap haproxy-controller/haproxy-configmap, set by another Pulumi stack (field manager pulumi-kubernetes-3c4d) and helm; remove it from haproxy, or change it where it is set`},
		{"data that others have emptied", Settings{}, func(s *cluster.Snapshot) {
			s.ConfigMap = &cluster.ConfigMap{Emptied: []string{"helm"}}
		}, `haproxyConfigMap = "haproxy-controller/haproxy-configmap": has its data set to empty (data: {}) by helm, so this program cannot set a key; set the keys of haproxy in the tool that manages this ConfigMap, and haproxy to {}`},
		{"unknown class", Settings{IngressClass: "nginx"}, nil,
			`ingressClass = "nginx": is not an IngressClass of this cluster; use haproxy or traefik`},
		{"misspelt class", Settings{IngressClass: "haproxi"}, nil,
			`ingressClass = "haproxi": is not an IngressClass of this cluster; did you mean haproxy? the cluster has haproxy and traefik`},
		{"no classes", Settings{}, func(s *cluster.Snapshot) { s.IngressClasses = nil },
			`ingressClass = "haproxy": is not an IngressClass of this cluster, which has none; install an ingress controller, or set type to NodePort`},
		{"a class is nothing to a stack without an Ingress", Settings{Type: NodePortService, IngressClass: "nginx"}, nil, ""},
		{"a good Secret", Settings{TLS: FromSecret, TLSSecretName: "mine"}, func(s *cluster.Snapshot) { s.Secret = secretOf(good) }, ""},
		{"no Secret", Settings{TLS: FromSecret, TLSSecretName: "mine"}, nil,
			`tlsSecretName = "mine": is not a Secret in the namespace web; ` + makeOne},
		{"a Secret of another type", Settings{TLS: FromSecret, TLSSecretName: "mine"},
			func(s *cluster.Snapshot) { s.Secret = &cluster.Secret{Type: "Opaque"} },
			`tlsSecretName = "mine": is a Secret of type Opaque, not kubernetes.io/tls; ` + makeOne},
		{"an expired certificate", Settings{TLS: FromSecret, TLSSecretName: "mine"},
			func(s *cluster.Snapshot) {
				s.Secret = secretOf(certificateFor(t, "foo-balanced.bar", now.AddDate(-2, 0, 0)))
			},
			`tlsSecretName = "mine": holds a certificate that expired on 2029-06-01; put a certificate for foo-balanced.bar there`},
		{"a certificate for another host", Settings{TLS: FromSecret, TLSSecretName: "mine", Host: "other.example"},
			func(s *cluster.Snapshot) { s.Secret = secretOf(good) },
			`tlsSecretName = "mine": holds a certificate for foo-balanced.bar, which does not cover the host other.example; put a certificate for other.example there`},
		{"a key of another certificate", Settings{TLS: FromSecret, TLSSecretName: "mine"},
			func(s *cluster.Snapshot) {
				s.Secret = secretOf(certificate.Pair{Cert: good.Cert, Key: certificateFor(t, "foo-balanced.bar", now).Key})
			},
			`tlsSecretName = "mine": holds no certificate with its key (tls: private key does not match public key); put a certificate for foo-balanced.bar there`},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := c.args.WithDefaults()
			settings.Name = "balanced"
			snapshot := &cluster.Snapshot{
				Namespace:      "web",
				NodePorts:      map[int]string{31716: "haproxy-controller/haproxy-ingress"},
				ConfigMap:      &cluster.ConfigMap{},
				IngressClasses: []cluster.IngressClass{{Name: "haproxy", Controller: "haproxy.org/ingress-controller"}, {Name: "traefik"}},
			}
			if c.set != nil {
				c.set(snapshot)
			}
			if got := oneLine(newPlan(settings, snapshot).check(now)); got != c.want {
				t.Errorf("the problems are\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// oneLine returns the problems without the heading, each on one line.
func oneLine(p check.Problems) string {
	_, list, _ := strings.Cut(p.Error(), "\n  ")
	return strings.ReplaceAll(list, "\n      ", "; ")
}
