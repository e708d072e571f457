package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/config"
	"webapp-balanced/internal/cluster"
)

// Each ingress controller gets the rewrite and the redirect in its own way, and no settings of another controller.
func TestControllers(t *testing.T) {
	const (
		ingress  = "kubernetes:networking.k8s.io/v1:Ingress exposure-ingress"
		second   = "kubernetes:networking.k8s.io/v1:Ingress exposure-redirect-ingress"
		rewrite  = "kubernetes:traefik.io/v1alpha1:Middleware exposure-rewrite"
		redirect = "kubernetes:traefik.io/v1alpha1:Middleware exposure-redirect"
		retry    = "kubernetes:traefik.io/v1alpha1:Middleware exposure-retry"
		dial     = "kubernetes:traefik.io/v1alpha1:ServersTransport exposure-transport"
		service  = "kubernetes:core/v1:Service exposure-service"
		patch    = "kubernetes:core/v1:ConfigMapPatch exposure-haproxy"
		secret   = "kubernetes:core/v1:Secret exposure-certificate"
	)
	const own = "pulumi.com/skipAwait:true webapp-balanced/owner:webapp-balanced/dev " + identity + "]"
	// These settings keep requests from being lost when a node fails.
	const deadNode = `haproxy.org/backend-config-snippet:timeout connect 1s
retries 10
option redispatch 1
retry-on conn-failure empty-response
http-request disable-l7-retry unless METH_GET
default-server tcp-ut 2s fall 2 fastinter 500ms
server service 198.19.0.7:80 backup no-check haproxy.org/check-interval:1s `
	const middlewares = "traefik.ingress.kubernetes.io/router.middlewares:"
	const retries = "webapp-balanced-balanced-retry@kubernetescrd"
	type input struct{ resource, path, want string }
	for _, c := range []struct {
		name, class, controller string
		config                  map[string]string
		made                    []string
		inputs                  []input
	}{
		{"HAProxy", "haproxy", "haproxy.org/ingress-controller/haproxy", nil, []string{ingress, patch}, []input{
			{ingress, "metadata.annotations", "map[" + deadNode + `haproxy.org/path-rewrite:^/balanced/?(.*)$ /\1 ` + own},
		}},
		{"HAProxy by another name", "mine", "haproxy.org/ingress-controller/haproxy", map[string]string{"path": "/"}, []string{ingress, patch}, []input{
			{ingress, "metadata.annotations", "map[" + deadNode + own},
		}},
		{"ingress-nginx", "nginx", "k8s.io/ingress-nginx", map[string]string{"path": "/v1.2"}, []string{ingress}, []input{
			{ingress, "metadata.annotations", "map[nginx.ingress.kubernetes.io/proxy-connect-timeout:1 nginx.ingress.kubernetes.io/rewrite-target:/$2 nginx.ingress.kubernetes.io/use-regex:true " + own},
			{ingress, "spec.rules[0].http.paths[0].path", "/v1[.]2(/|$)(.*)"},
			{ingress, "spec.rules[0].http.paths[0].pathType", "ImplementationSpecific"},
		}},
		{"ingress-nginx without a rewrite", "nginx", "k8s.io/ingress-nginx", map[string]string{"path": "/", "tls": "self-signed"}, []string{ingress, secret}, []input{
			{ingress, "metadata.annotations", "map[nginx.ingress.kubernetes.io/proxy-connect-timeout:1 " + own},
			{ingress, "spec.rules[0].http.paths[0].pathType", "Prefix"},
			{ingress, "spec.tls[0].secretName", "balanced-tls"},
		}},
		{"Traefik", "traefik", "traefik.io/ingress-controller", nil, []string{ingress, rewrite, retry, dial}, []input{
			{ingress, "metadata.annotations", "map[pulumi.com/skipAwait:true " + middlewares + retries + ",webapp-balanced-balanced-rewrite@kubernetescrd webapp-balanced/owner:webapp-balanced/dev " + identity + "]"},
			{rewrite, "spec.replacePathRegex", "map[regex:^/balanced/?(.*) replacement:/$1]"},
			{rewrite, "metadata.namespace", "webapp-balanced"},
			{retry, "spec", "map[retry:map[attempts:10]]"},
			{dial, "spec", "map[forwardingTimeouts:map[dialTimeout:1s] maxIdleConnsPerHost:-1]"},
			{service, `metadata.annotations["traefik.ingress.kubernetes.io/service.serverstransport"]`, "webapp-balanced-balanced-transport@kubernetescrd"},
			{rewrite, "metadata.annotations", "map[webapp-balanced/owner:webapp-balanced/dev " + identity + "]"},
		}},
		{"Traefik without a rewrite", "traefik", "traefik.io/ingress-controller", map[string]string{"path": "/"}, []string{ingress, retry, dial}, []input{
			{ingress, "metadata.annotations", "map[pulumi.com/skipAwait:true " + middlewares + retries + " webapp-balanced/owner:webapp-balanced/dev " + identity + "]"},
		}},
		{"Traefik with TLS", "traefik", "traefik.io/ingress-controller", map[string]string{"tls": "self-signed"}, []string{ingress, second, rewrite, redirect, secret, retry, dial}, []input{
			{ingress, `metadata.annotations["traefik.ingress.kubernetes.io/router.tls"]`, "true"},
			{ingress, `metadata.annotations["traefik.ingress.kubernetes.io/router.middlewares"]`, retries + ",webapp-balanced-balanced-rewrite@kubernetescrd"},
			{ingress, "spec.tls[0].secretName", "balanced-tls"},
			{second, "metadata.annotations", "map[pulumi.com/skipAwait:true " + middlewares + "webapp-balanced-balanced-redirect@kubernetescrd," + retries + ",webapp-balanced-balanced-rewrite@kubernetescrd webapp-balanced/owner:webapp-balanced/dev " + identity + "]"},
			{second, "metadata.name", "balanced-ingress-redirect"},
			{second, "spec.tls", absent},
			{redirect, "spec.redirectScheme", "map[port:32613 scheme:https]"},
		}},
		{"another", "kong", "ingress-controllers.konghq.com/kong", nil, []string{ingress}, []input{
			{ingress, "metadata.annotations", "map[" + own},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := devConfig(t)
			set[config.Project+":ingress"], set[config.Project+":ingressClass"] = "true", c.class
			for key, value := range c.config {
				set[config.Project+":"+key] = value
			}
			w := tutorial()
			w.snapshot.IngressClasses = append(w.snapshot.IngressClasses, cluster.IngressClass{Name: c.class, Controller: c.controller})
			if c.class == "haproxy" {
				w.snapshot.IngressClasses = w.snapshot.IngressClasses[:1]
			}
			w.snapshot.Groups = []string{"traefik.io"}
			e, err := run(t, set, w, false)
			if err != nil {
				t.Fatal(err)
			}
			var made []string
			for _, name := range slices.Sorted(maps.Keys(e.resources)) {
				if strings.Contains(name, " exposure-") && !strings.Contains(name, "v1:Service") {
					made = append(made, name)
				}
			}
			if slices.Sort(c.made); !slices.Equal(made, c.made) {
				t.Errorf("made are %q, want %q", made, c.made)
			}
			for _, i := range c.inputs {
				if got := e.input(t, i.resource, i.path); got != i.want {
					t.Errorf("%s: %s is\n%s\nwant\n%s", i.resource, i.path, got, i.want)
				}
			}
		})
	}
}

// A preview fails if the cluster lacks Traefik's kinds, or has an object with a needed name that the stack
// did not make.
func TestTraefikRefused(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":ingress"], set[config.Project+":ingressClass"] = "true", "traefik"
	w := tutorial()
	w.snapshot.IngressClasses = []cluster.IngressClass{{Name: "traefik", Controller: "traefik.io/ingress-controller"}}
	_, err := run(t, set, w, true)
	if want := `ingressClass = "traefik": is Traefik's, and the rewrite of the path and the redirect to https need its kind Middleware, which the cluster does not have`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	w.snapshot.Groups = []string{"traefik.io"}
	w.objects = []cluster.Object{{Kind: "Middleware", Namespace: "webapp-balanced", Name: "balanced-rewrite", UID: "1"}}
	_, err = run(t, set, w, true)
	if err == nil || !strings.Contains(err.Error(), "has objects that this stack did not create, with names that it needs: Middleware webapp-balanced/balanced-rewrite") {
		t.Errorf("%v", err)
	}
}
