package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/config"
	"webapp-balanced/internal/devconfig"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/hostscripts"
	"webapp-balanced/internal/poll"
)

// devConfig is the tutorial's configuration.
func devConfig(t *testing.T) map[string]string { return devconfig.Read(t, ".") }

// run runs the program under mocks and returns what it registered.
func run(t *testing.T, set map[string]string, world env.World, preview bool) (*engine, error) {
	t.Helper()
	e := newEngine()
	return e, e.run(set, world, preview)
}

// The tutorial's stack has the tutorial's objects, in their corrected form.
func TestTutorial(t *testing.T) {
	e, err := run(t, devConfig(t), tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	wantResources := []string{
		"command:remote:Command share-exports",
		"command:remote:Command share-site",
		"kubernetes:apps/v1:Deployment app-deployment",
		"kubernetes:core/v1:ConfigMapPatch exposure-haproxy",
		"kubernetes:core/v1:Namespace app-namespace",
		"kubernetes:core/v1:PersistentVolume app-volume-HASH",
		"kubernetes:core/v1:PersistentVolumeClaim app-claim-HASH",
		"kubernetes:core/v1:Service exposure-service",
		"kubernetes:core/v1:ServicePatch exposure-node-port",
		"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress",
		"kubernetes:policy/v1:PodDisruptionBudget app-budget",
		"webapp-balanced:index:BalancedApp app",
		"webapp-balanced:index:Exposure exposure",
		"webapp-balanced:index:NfsShare share",
	}
	var resources []string
	for name := range e.resources {
		if !strings.HasPrefix(name, "pulumi:") {
			resources = append(resources, name)
		}
	}
	slices.Sort(resources)
	if !slices.Equal(resources, wantResources) {
		t.Errorf("the resources are\n%s\nwant\n%s", strings.Join(resources, "\n"), strings.Join(wantResources, "\n"))
	}
	for _, c := range []struct{ resource, path, want string }{
		{"kubernetes:core/v1:Namespace app-namespace", "metadata.name", "webapp-balanced"},
		{"kubernetes:core/v1:PersistentVolume app-volume-HASH", "metadata.namespace", absent},
		{"kubernetes:core/v1:PersistentVolume app-volume-HASH", "spec.persistentVolumeReclaimPolicy", "Retain"},
		{"kubernetes:core/v1:PersistentVolume app-volume-HASH", "spec.mountOptions", "[hard nfsvers=4.1]"},
		{"kubernetes:core/v1:PersistentVolume app-volume-HASH", "spec.nfs", "map[path:/srv/nfs/weblb server:192.168.1.160]"},
		{"kubernetes:core/v1:PersistentVolumeClaim app-claim-HASH", "metadata.namespace", "webapp-balanced"},
		{"kubernetes:core/v1:PersistentVolumeClaim app-claim-HASH", "spec.volumeName", absent},
		{"kubernetes:apps/v1:Deployment app-deployment", "spec.replicas", "2"},
		{"kubernetes:apps/v1:Deployment app-deployment", "spec.strategy.rollingUpdate", "map[maxSurge:0 maxUnavailable:1]"},
		{"kubernetes:apps/v1:Deployment app-deployment", "spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey", "kubernetes.io/hostname"},
		{"kubernetes:core/v1:Service exposure-service", "spec.type", "LoadBalancer"},
		{"kubernetes:core/v1:Service exposure-service", `metadata.annotations["pulumi.com/skipAwait"]`, "true"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "spec.ingressClassName", "haproxy"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "spec.rules[0].host", "foo-balanced.bar"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "spec.rules[0].http.paths[0].path", "/balanced"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", `metadata.annotations["haproxy.org/path-rewrite"]`, `^/balanced/?(.*)$ /\1`},
		{"kubernetes:core/v1:ConfigMapPatch exposure-haproxy", "metadata.namespace", "haproxy-controller"},
		{"kubernetes:core/v1:ConfigMapPatch exposure-haproxy", "data", "map[servers-increment:42 ssl-redirect:OFF]"},
		{"command:remote:Command share-exports", "update", "sh -s -- apply webapp-balanced/dev/share:/srv/nfs/weblb"},
		{"command:remote:Command share-exports", "connection", "[secret]"},
		// The host is not a trigger: another name may mean the same machine, so nothing is removed there.
		{"command:remote:Command share-exports", "triggers", "[/srv/nfs/weblb]"},
		{"command:remote:Command share-site", "triggers", "[/srv/nfs/weblb]"},
	} {
		if got := e.input(t, c.resource, c.path); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.path, c.resource, got, c.want)
		}
	}
	// Split as for the comment on a pull request.
	data, script, ok := hostscripts.SplitInput(e.input(t, "command:remote:Command share-exports", "stdin"))
	if !ok || !strings.Contains(data, "\nline /srv/nfs/weblb 192.168.1.161(rw,sync,no_subtree_check)") || strings.Contains(data, "()") || !strings.Contains(script, "set -") {
		t.Errorf("the data is\n%s\nand the script has %d characters", data, len(script))
	}
	// delete names the generation of create, and becomes root as its input says.
	const exports = "command:remote:Command share-exports"
	created, deleted := e.input(t, exports, "create"), e.input(t, exports, "delete")
	if want := "sh -s -- apply webapp-balanced/dev/share:/srv/nfs/weblb "; !strings.HasPrefix(created, want) || len(created) != len(want)+16 {
		t.Errorf("create is %q", created)
	} else if want := " $run remove webapp-balanced/dev/share:/srv/nfs/weblb " + created[len(want):] + "'"; !strings.HasPrefix(deleted, "sh -c 'read -r _ as; ") || !strings.HasSuffix(deleted, want) {
		t.Errorf("delete is %q, want %q", deleted, want)
	}
	wantData := `:
exec 3<<'END OF DATA'
block webapp-balanced/dev/share:/srv/nfs/weblb
owner 6f1c0a2be4d75a13
directory /srv/nfs/weblb
state 6f1c0a2be4d75a13.share.d99e8d22
was webapp-balanced.dev.share.d99e8d22
line /srv/nfs/weblb 192.168.1.160(rw,sync,no_subtree_check)
line /srv/nfs/weblb 192.168.1.161(rw,sync,no_subtree_check)
line /srv/nfs/weblb 192.168.1.162(rw,sync,no_subtree_check)
END OF DATA
`
	if stdin := e.input(t, "command:remote:Command share-exports", "stdin"); !strings.HasPrefix(stdin, wantData) {
		t.Errorf("the exports' data is\n%s\nwant\n%s", stdin, wantData)
	}
	for _, name := range []string{"share-exports", "app-deployment", "exposure-service"} {
		if !e.parents[name] {
			t.Errorf("%s has no parent", name)
		}
	}
}

func TestServiceTypes(t *testing.T) {
	for _, c := range []struct {
		exposure, ingress string
		wantType          string
		wantIngress       bool
	}{
		{"clusterip", "auto", "ClusterIP", true},
		{"ClusterIP", "true", "ClusterIP", true},
		{"nodeport", "auto", "NodePort", false},
		{"NODEPORT", "true", "NodePort", true},
		{"loadbalancer", "auto", "LoadBalancer", false},
		{"loadbalancer", "true", "LoadBalancer", true},
		{"LoadBalancer", "false", "LoadBalancer", false},
	} {
		t.Run(c.exposure+" ingress "+c.ingress, func(t *testing.T) {
			set := devConfig(t)
			set[config.Project+":exposure"], set[config.Project+":ingress"] = c.exposure, c.ingress
			e, err := run(t, set, tutorial(), false)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.input(t, "kubernetes:core/v1:Service exposure-service", "spec.type"); got != c.wantType {
				t.Errorf("the type is %s, want %s", got, c.wantType)
			}
			_, ingress := e.resources["kubernetes:networking.k8s.io/v1:Ingress exposure-ingress"]
			_, patch := e.resources["kubernetes:core/v1:ConfigMapPatch exposure-haproxy"]
			if ingress != c.wantIngress || patch != c.wantIngress {
				t.Errorf("there is an Ingress: %v, a patch: %v, want %v", ingress, patch, c.wantIngress)
			}
			allocate := e.input(t, "kubernetes:core/v1:Service exposure-service", "spec.allocateLoadBalancerNodePorts")
			if want := map[bool]string{true: "true", false: absent}[c.wantType == "LoadBalancer"]; allocate != want {
				t.Errorf("allocateLoadBalancerNodePorts is %q, want %q", allocate, want)
			}
		})
	}
}

// Without nfs.clients, the clients are the cluster's nodes.
func TestClientsFromCluster(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":nfs"] = strings.Replace(set[config.Project+":nfs"], `"clients":["192.168.1.160","192.168.1.161","192.168.1.162"],`, "", 1)
	w := tutorial()
	w.snapshot.Nodes[2].Addresses = []string{"192.168.1.99"}
	e, err := run(t, set, w, false)
	if err != nil {
		t.Fatal(err)
	}
	stdin := e.input(t, "command:remote:Command share-exports", "stdin")
	if !strings.Contains(stdin, "line /srv/nfs/weblb 192.168.1.99(") || strings.Contains(stdin, "192.168.1.162") {
		t.Errorf("the data is\n%s", stdin[:400])
	}
}

// An unreachable cluster or host is an error in an update and a warning in a preview. Nothing is registered
// after the error.
func TestUnreachable(t *testing.T) {
	down := &world{clusterError: errors.New("the cluster is down"), hostError: errors.New("the host is down")}
	e, err := run(t, devConfig(t), down, false)
	if err == nil || !strings.Contains(err.Error(), "the cluster is down\nthe host is down") {
		t.Errorf("the error is %v, want both problems", err)
	}
	for name := range e.resources {
		if !strings.HasPrefix(name, "pulumi:") {
			t.Errorf("%s was registered", name)
		}
	}
	e, err = run(t, devConfig(t), down, true)
	if err != nil {
		t.Errorf("the preview failed: %v", err)
	}
	if want := check.Incomplete + ": the cluster is down\nthe host is down"; !slices.Contains(e.warnings, want) {
		t.Errorf("the warnings are %q, want %q", e.warnings, want)
	}
}

// No SSH connection is made for a configuration with problems.
func TestProblemsComeFirst(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":exposure"] = "nodport"
	w := tutorial()
	if _, err := run(t, set, w, true); err == nil || len(w.logins) > 0 {
		t.Errorf("error %v after %d logins", err, len(w.logins))
	}
}

// TLS adds the certificate, the redirect and no other resource; the private key is secret.
func TestSelfSignedTLS(t *testing.T) {
	set := devConfig(t)
	without, err := run(t, set, tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	set[config.Project+":tls"] = "self-signed"
	e, err := run(t, set, tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	const ingress, secret = "kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "kubernetes:core/v1:Secret exposure-certificate"
	if got, want := slices.Sorted(maps.Keys(e.resources)), slices.Sorted(maps.Keys(without.resources)); !slices.Equal(slices.DeleteFunc(got, func(name string) bool { return name == secret }), want) {
		t.Errorf("the resources are %q, and without TLS %q", got, want)
	}
	for _, c := range []struct{ resource, path, want string }{
		{secret, "type", "kubernetes.io/tls"},
		{secret, "stringData", "[secret]"},
		{ingress, "spec.tls", "[map[hosts:[foo-balanced.bar] secretName:balanced-tls]]"},
		{ingress, `metadata.annotations["haproxy.org/ssl-redirect"]`, "true"},
		{ingress, `metadata.annotations["haproxy.org/ssl-redirect-port"]`, "32613"},
	} {
		if got := e.input(t, c.resource, c.path); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.path, c.resource, got, c.want)
		}
	}
}

// Resources that make the ingress controller change HAProxy's configuration come after the last pod.
func TestIngressComesAfterThePods(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":tls"] = "self-signed"
	afterPods := []string{
		"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress",
		"kubernetes:core/v1:Secret exposure-certificate",
		"kubernetes:core/v1:ConfigMapPatch exposure-haproxy",
	}
	all, err := run(t, set, tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range afterPods {
		if _, ok := all.resources[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	for range 5 { // what does not wait may still come late
		e, w := newEngine(), tutorial()
		w.onReady = func() {
			err := poll.Until(t.Context(), 5*time.Second, func() (bool, error) {
				e.mu.Lock()
				defer e.mu.Unlock()
				for _, name := range afterPods {
					if _, ok := e.resources[name]; ok {
						return false, fmt.Errorf("%s was there before the pods", name)
					}
				}
				return len(e.resources) >= len(all.resources)-len(afterPods), nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		if err := e.run(set, w, false); err != nil {
			t.Fatal(err)
		}
	}
}
