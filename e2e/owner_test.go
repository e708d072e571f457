package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// In a cluster that is shared with others, no object of others is taken over, changed or destroyed without consent.
func TestOthersInTheCluster(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-owner")
	kubectl := func(t *testing.T, arguments ...string) string {
		t.Helper()
		s.t = t
		return strings.TrimSpace(s.must(append([]string{"kubectl"}, arguments...)...))
	}
	const theirs = "e2e-owner-theirs"
	kubectl(t, "create", "namespace", theirs)
	t.Cleanup(func() { kubectl(t, "delete", "namespace", theirs, "--ignore-not-found") })
	kubectl(t, "--namespace", theirs, "create", "configmap", "precious", "--from-literal=a=b")
	uidOf := func(t *testing.T, kind, namespace, name string) string {
		t.Helper()
		return kubectl(t, "--namespace", namespace, "get", kind, name, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")
	}
	contentOf := func(t *testing.T, kind, name string) string {
		t.Helper()
		return kubectl(t, "--namespace", theirs, "get", kind, name, "-o", "jsonpath={.metadata.uid}{.data}{.metadata.labels}{.metadata.annotations}")
	}
	namespace, precious := contentOf(t, "namespace", theirs), contentOf(t, "configmap", "precious")
	unchanged := func(t *testing.T) {
		t.Helper()
		if got := contentOf(t, "namespace", theirs); got != namespace {
			t.Errorf("the namespace of others is %q, and was %q", got, namespace)
		}
		if got := contentOf(t, "configmap", "precious"); got != precious {
			t.Errorf("the ConfigMap of others is %q, and was %q", got, precious)
		}
		if got := kubectl(t, "get", "namespace", theirs, "-o", "jsonpath={.metadata.labels.name}{.metadata.annotations}"); strings.Contains(got, "webapp-balanced") {
			t.Errorf("the namespace of others has %s", got)
		}
	}
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { s.t = t; f(t) })
	}
	run("a namespace that is there is refused", func(t *testing.T) {
		s.set("namespace", theirs)
		contains(t, s.fails("preview"), `namespace = "`+theirs+`": exists, and this stack did not create it`, "set createNamespace to false")
		unchanged(t)
	})
	run("it is used, and what others make while an update runs is not taken over", func(t *testing.T) {
		s.set("createNamespace", "false")
		// The update has read the cluster, and now waits for the host's exports.
		release := lockExports(t)
		update := make(chan string)
		go func() {
			out, err := s.command("pulumi", "up", "--yes", "--skip-preview")
			update <- fmt.Sprint(out, err)
		}()
		eventually(t, time.Minute, func() error {
			if out := ssh(t, "kubemaster", "pgrep -f '[a]pply webapp-balanced/e2e-owner/share' || true"); out == "" {
				return notYet("the update has come to the exports")
			}
			return nil
		})
		kubectl(t, "--namespace", theirs, "create", "service", "clusterip", "balanced-service", "--tcp=80:80")
		release()
		contains(t, <-update, "exit status", "has objects that this stack did not create, with names that it needs: Service "+theirs+"/balanced-service")
		if got := kubectl(t, "--namespace", theirs, "get", "service", "balanced-service", "-o", "jsonpath={.metadata.annotations}{.spec.selector}"); got != `{"app":"balanced-service"}` {
			t.Errorf("the Service of others has %s", got)
		}
	})
	run("objects made by hand are refused", func(t *testing.T) {
		contains(t, s.fails("preview"), "has objects that this stack did not create", "Service "+theirs+"/balanced-service", "set adopt to true")
	})
	run("adopt takes them over", func(t *testing.T) {
		s.set("adopt", "true")
		kubectl(t, "--namespace", theirs, "patch", "service", "balanced-service", "--type=json", `--patch=[{"op": "add", "path": "/spec/ports/-", "value": {"name": "other", "port": 443}}]`)
		contains(t, s.fails("preview"), "would take over the Service "+theirs+"/balanced-service: its spec.ports is 80/TCP, 443/TCP and cannot be changed, and this stack needs 80/TCP")
		kubectl(t, "--namespace", theirs, "patch", "service", "balanced-service", "--type=json", `--patch=[{"op": "remove", "path": "/spec/ports/1"}]`)
		service := uidOf(t, "service", theirs, "balanced-service")
		contains(t, s.up(), "adopt is true: this stack takes over objects that it did not create, and a destroy deletes them: Service "+theirs+"/balanced-service")
		if got := uidOf(t, "service", theirs, "balanced-service"); got != service {
			t.Errorf("the Service was recreated: %s, %s before", got, service)
		}
		s.set("adopt", "false")
		s.up()
		s.must("pulumi", "preview", "--expect-no-changes")
		unchanged(t)
	})
	run("a second stack of the same objects is refused", func(t *testing.T) {
		second := newShare(t, "e2e-owner-2")
		second.set("namespace", theirs)
		second.set("createNamespace", "false")
		second.set("adopt", "true")
		contains(t, second.fails("preview"), "has objects of the stack webapp-balanced/e2e-owner with names that this stack needs: Deployment "+theirs+"/webapp-balanced", "has objects of the stack webapp-balanced/e2e-owner with names that this stack needs: Service "+theirs+"/balanced-service")
		second.set("namespace", "e2e-owner-2") // for its destroy
	})
	run("a move leaves it as it was", func(t *testing.T) {
		s.set("createNamespace", "true")
		s.set("namespace", "e2e-owner")
		s.up()
		if got := kubectl(t, "--namespace", theirs, "get", "deployments,services,ingresses,persistentvolumeclaims,secrets", "-o", "name"); got != "" {
			t.Errorf("left behind is %s", got)
		}
		unchanged(t)
	})
	run("others in a namespace of ours", func(t *testing.T) {
		// With our mark, as in a copy of one of our objects.
		mark := kubectl(t, "get", "namespace", "e2e-owner", "-o", `jsonpath={.metadata.annotations.webapp-balanced/owner}`)
		kubectl(t, "--namespace", "e2e-owner", "create", "configmap", "precious", "--from-literal=a=b")
		kubectl(t, "--namespace", "e2e-owner", "annotate", "configmap", "precious", "webapp-balanced/owner="+mark)
		contains(t, s.up(), "others have objects in the namespace e2e-owner, so a destroy keeps it: ConfigMap e2e-owner/precious")
		// Objects of a kind that the program does not know count, too.
		kubectl(t, "--namespace", "e2e-owner", "create", "-f", lease(t))
		contains(t, s.up(), "ConfigMap e2e-owner/precious, Lease e2e-owner/precious")
		s.set("namespace", "e2e-owner-elsewhere")
		contains(t, s.fails("preview"), "moves the stack away from e2e-owner, which it created and would delete, and others have objects there: ConfigMap e2e-owner/precious")
		s.set("namespace", "e2e-owner")
		s.set("createNamespace", "false")
		uid := uidOf(t, "namespace", "e2e-owner", "e2e-owner")
		s.up()
		s.must("pulumi", "preview", "--expect-no-changes")
		s.set("createNamespace", "true")
		s.set("namespace", "e2e-owner-elsewhere")
		s.up()
		if got := uidOf(t, "namespace", "e2e-owner", "e2e-owner"); got != uid || uidOf(t, "configmap", "e2e-owner", "precious") == "" {
			t.Errorf("the namespace is %q, and was %q", got, uid)
		}
		kubectl(t, "delete", "namespace", "e2e-owner")
	})
	run("a move that fails does not hide what was left", func(t *testing.T) {
		objects := func() string {
			return kubectl(t, "--namespace", "e2e-owner-elsewhere", "get", "deployments,services,persistentvolumeclaims", "-o", "jsonpath={.items[*].metadata['name','uid','deletionTimestamp']}")
		}
		before := objects()
		image := strings.TrimSpace(s.must("pulumi", "config", "get", "image"))
		s.setAll("namespace", "e2e-owner-third", "image", "lab.local/misspelt:v1", "replicas", "1", "rolloutTimeout", "5s")
		s.fails("up", "--yes", "--skip-preview")
		kubectl(t, "--namespace", "e2e-owner-elsewhere", "create", "configmap", "precious", "--from-literal=a=b")
		contains(t, s.fails("up", "--yes", "--skip-preview"), "moves the stack away from e2e-owner-elsewhere, which it created and would delete, and others have objects there: ConfigMap e2e-owner-elsewhere/precious")
		kubectl(t, "--namespace", "e2e-owner-elsewhere", "delete", "configmap", "precious")
		s.setAll("namespace", "e2e-owner-elsewhere", "image", image, "replicas", "0")
		s.up()
		if got := objects(); got != before {
			t.Errorf("the objects are %s, and were %s", got, before)
		}
		if got := uidOf(t, "namespace", "e2e-owner-third", "e2e-owner-third"); got != "" {
			t.Error("the namespace of the move that failed is still there")
		}
		s.must("pulumi", "preview", "--expect-no-changes")
	})
	run("a destroy takes what is ours, and nothing else", func(t *testing.T) {
		kubectl(t, "--namespace", "e2e-owner-elsewhere", "create", "configmap", "precious", "--from-literal=a=b")
		s.up()
		s.must("pulumi", "destroy", "--yes", "--skip-preview")
		if got := kubectl(t, "--namespace", "e2e-owner-elsewhere", "get", "configmap,deployments,services,persistentvolumeclaims", "-o", "name"); got != "configmap/kube-root-ca.crt\nconfigmap/precious" {
			t.Errorf("left is %s", got)
		}
		kubectl(t, "delete", "namespace", "e2e-owner-elsewhere")
		unchanged(t)
	})
}

// lockExports makes every update of the host's exports wait until release is called.
func lockExports(t *testing.T) (release func()) {
	t.Helper()
	command := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "-o", "ControlPath=none", "kubemaster", "flock /etc sh -c 'echo locked; cat'")
	hold, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, len("locked"))); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		_ = hold.Close()
		_ = command.Wait()
	})
	t.Cleanup(release)
	return release
}

// lease returns the file of an object of a kind that no list here names.
func lease(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lease.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: precious}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
