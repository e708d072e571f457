package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webapp-balanced/config"
	"webapp-balanced/internal/cluster"
)

const exportsCommand, siteCommand = "command:remote:Command share-exports", "command:remote:Command share-site"

// Drift on the host becomes part of the scripts' data, so that the update repairs it. Without new drift, the
// data repeats what the last update repaired.
func TestDriftIsAnInput(t *testing.T) {
	w := tutorial()
	w.found = "real /srv/nfs/weblb\nexports drift /etc/exports lacks: /srv/nfs/weblb 192.168.1.161(rw)\nexports repaired 2030-01-01T00:00:00Z something else\n" +
		"site repaired 2030-01-01T00:00:00Z index.php was changed\n"
	e, err := run(t, devConfig(t), w, true)
	if err != nil {
		t.Fatal(err)
	}
	exports, site := e.input(t, exportsCommand, "stdin"), e.input(t, siteCommand, "stdin")
	if !strings.Contains(exports, "Z /etc/exports lacks: /srv/nfs/weblb 192.168.1.161(rw)\nline ") || strings.Contains(exports, "something else") {
		t.Errorf("the exports' data is\n%.600s", exports)
	}
	if !strings.Contains(site, "\ndrift 2030-01-01T00:00:00Z index.php was changed\nfile ") {
		t.Errorf("the site's data is\n%.600s", site)
	}
	if len(w.commands) != 1 || w.commands[0].Line != "sh -s -- probe webapp-balanced/dev/share:/srv/nfs/weblb" {
		t.Errorf("%d commands were run: %.600q", len(w.commands), w.commands)
	}
}

// A preview reports every problem for which an update would fail, in one error.
func TestConflictsAreProblems(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":replicas"] = "5"
	w := tutorial()
	w.found = "real /etc/nfs\nconflict path /srv/nfs/weblb is really /etc/nfs, which belongs to the system\tuse another\nconflict path line 3 of /etc/exports already exports this directory\tremove it\nconflict site index.php is already in the share, and this stack did not publish it\tremove it, or set {adopt} to true, which replaces it\n"
	_, err := run(t, set, w, true)
	for _, want := range []string{"4 problems", "nfs.path = \"/srv/nfs/weblb\": line 3 of /etc/exports already exports this directory\n      remove it", `nfs.path = "/srv/nfs/weblb": /srv/nfs/weblb is really /etc/nfs, which belongs to the system`,
		"nfs.site = \"./site\": index.php is already in the share, and this stack did not publish it\n      remove it, or set nfs.adopt to true, which replaces it", `replicas = "5"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// With detectDrift false, the inspection of the host only resolves the directory's real path, which the volume uses.
func TestWithoutDriftDetection(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":nfs"] = strings.Replace(set[config.Project+":nfs"], `{`, `{"detectDrift":false,`, 1)
	w := tutorial()
	w.found = "real /data/nfs/weblb\n"
	e, err := run(t, set, w, true)
	if err != nil || len(w.commands) != 1 || !strings.Contains(w.commands[0].Stdin, "\ninspect nothing\n") {
		t.Fatalf("the commands are %.600q (%v)", w.commands, err)
	}
	if got := e.input(t, "kubernetes:core/v1:PersistentVolume app-volume-HASH", "spec.nfs.path"); got != "/data/nfs/weblb" {
		t.Errorf("the volume's path is %q", got)
	}
	if got := e.input(t, exportsCommand, "stdin"); !strings.Contains(got, "\nline /srv/nfs/weblb 192.168.1.160(") {
		t.Errorf("the exports' data is\n%.600s", got)
	}
	w.hostError = errors.New("the host is down")
	if _, err := run(t, set, w, false); err == nil || !strings.Contains(err.Error(), "the host is down") {
		t.Errorf("the error is %v", err)
	}
}

// Only the files that the host lacks are staged, and none in a preview.
func TestStaging(t *testing.T) {
	hash := func(e *engine) string {
		_, after, _ := strings.Cut(e.input(t, siteCommand, "stdin"), "\nfile ")
		return after[:64]
	}
	for _, c := range []struct {
		preview, lacking bool
		want             int
	}{{true, true, 0}, {false, true, 1}, {false, false, 0}} {
		w := tutorial()
		e, err := run(t, devConfig(t), w, true)
		if err != nil {
			t.Fatal(err)
		}
		w.found = "site lacking " + strings.Repeat("0", 64) + "\n"
		if c.lacking {
			w.found = "site lacking " + hash(e) + "\n"
		}
		if _, err := run(t, devConfig(t), w, c.preview); err != nil {
			t.Fatal(err)
		}
		if len(w.staged) != c.want {
			t.Errorf("%+v: %d files were staged", c, len(w.staged))
		}
	}
}

// The inspection gets "deployed yes" if the stack's state has the share. It then reports drift even if both the
// block and the notes are gone.
func TestDeployedIsKnownFromTheState(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		want        bool
	}{
		{"", "", false},
		{"share-exports", ":\ndirectory /srv/nfs/other\nline x\n", false},
		{"other-exports", ":\ndirectory /srv/nfs/weblb\nline x\n", false},
		{"share-exports", ":\ndirectory /srv/nfs/weblb\nline x\n", true},
	} {
		w, e := tutorial(), newEngine()
		if c.name != "" {
			e.state[resource.PropertyKey("urn:pulumi:dev::webapp-balanced::command:remote:Command::"+c.name)] = resource.NewObjectProperty(resource.PropertyMap{
				"outputs": resource.NewObjectProperty(resource.PropertyMap{"stdin": resource.NewStringProperty(c.stdin)}),
			})
		}
		if err := e.run(devConfig(t), w, true); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(w.commands[0].Stdin, "\ndeployed yes\n"); got != c.want {
			t.Errorf("with %q %q in the state, deployed is %v", c.name, c.stdin, got)
		}
	}
}

// Only facts that the login may not read go unchecked.
func TestDeniedFacts(t *testing.T) {
	denied := func(fact cluster.Fact) []cluster.Denial { return []cluster.Denial{{Fact: fact, Doing: "x"}} }
	noClients := func(c map[string]string) {
		c[config.Project+":nfs"] = strings.Replace(c[config.Project+":nfs"], `"clients":["192.168.1.160","192.168.1.161","192.168.1.162"],`, "", 1)
	}
	for _, c := range []struct {
		name    string
		set     func(map[string]string)
		world   func(*world)
		preview bool
		want    string
	}{
		{"the nodes, with clients", nil, func(w *world) { w.snapshot.Nodes, w.snapshot.Denied = nil, denied(cluster.Nodes) }, false, ""},
		{"the nodes, without clients", noClients, func(w *world) { w.snapshot.Nodes, w.snapshot.Denied = nil, denied(cluster.Nodes) }, true,
			"nfs.clients: is empty, so it means the cluster's nodes, and this login may not list them\n      name the nodes' addresses, or permit it to list nodes"},
		{"the classes", nil, func(w *world) {
			w.snapshot.IngressClasses, w.snapshot.Denied = nil, denied(cluster.IngressClasses)
		}, false, ""},
		{"the Secret that is named", func(c map[string]string) {
			c[config.Project+":tls"], c[config.Project+":tlsSecretName"] = "secret", "mine"
		},
			func(w *world) { w.snapshot.Denied = denied(cluster.Secrets) }, false, ""},
		{"the Secret of ours, in a preview", func(c map[string]string) { c[config.Project+":tls"] = "self-signed" },
			func(w *world) { w.snapshot.Denied = denied(cluster.Secrets) }, true, ""},
		{"the Secret of ours, in an update", func(c map[string]string) { c[config.Project+":tls"] = "self-signed" },
			func(w *world) { w.snapshot.Denied = denied(cluster.Secrets) }, false, "permit this login to read it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := devConfig(t)
			if c.set != nil {
				c.set(set)
			}
			w := tutorial()
			c.world(w)
			_, err := run(t, set, w, c.preview)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// If a preview cannot reach the cluster, it shows values that depend on it as unknown.
func TestUnknownIsShownAsUnknown(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":tls"] = "self-signed"
	w := tutorial()
	w.snapshot, w.clusterError = nil, errors.New("no route to host")
	e, err := run(t, set, w, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.ignored["exposure-certificate"]; !slices.Equal(got, []string{"stringData"}) {
		t.Errorf("of the Secret it ignores %q", got)
	}
	if !e.isUnknown(t, "kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", `metadata.annotations["haproxy.org/ssl-redirect-port"]`) {
		t.Error("the port of the redirect is known")
	}
	if !e.isUnknown(t, "kubernetes:apps/v1:Deployment app-deployment", "spec.strategy") {
		t.Error("the strategy is known")
	}
}

// Pulumi starts the Kubernetes plugin while the program inspects the host, but not for a cluster that does not answer,
// for which the plugin would wait.
func TestPluginStartsEarly(t *testing.T) {
	for want, clusterError := range []error{errors.New("no route to host"), nil} {
		w := tutorial()
		w.clusterError = clusterError
		e, err := run(t, devConfig(t), w, true)
		if err != nil || e.started != want {
			t.Errorf("with the cluster's error %v the plugin is started %d times, want %d (%v)", clusterError, e.started, want, err)
		}
	}
}

// The login to the NFS host begins before the cluster is inspected.
func TestLoginStartsEarly(t *testing.T) {
	w := tutorial()
	if _, err := run(t, devConfig(t), w, true); err != nil || !slices.Equal(w.events, []string{"log in", "inspect the cluster"}) {
		t.Errorf("the events are %q (%v)", w.events, err)
	}
}

// The NFS host is inspected beside the cluster, if the clients are configured.
func TestInspectsAtOnce(t *testing.T) {
	w := tutorial()
	ran := make(chan struct{})
	w.onRun = func() { close(ran) }
	w.onInspect = func() {
		select {
		case <-ran:
		case <-time.After(10 * time.Second):
			t.Error("the host is inspected after the cluster")
		}
	}
	if _, err := run(t, devConfig(t), w, true); err != nil {
		t.Error(err)
	}
}
