package e2e

import (
	"strings"
	"testing"
)

// In a cluster that others use, too, nothing of theirs is taken, changed or destroyed.
func TestOthersInTheCluster(t *testing.T) {
	beside(t)
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
	namespace, precious := uidOf(t, "namespace", theirs, theirs), uidOf(t, "configmap", theirs, "precious")
	unchanged := func(t *testing.T) {
		t.Helper()
		if got := uidOf(t, "namespace", theirs, theirs); got != namespace {
			t.Errorf("the namespace of others is %q, and was %q", got, namespace)
		}
		if got := uidOf(t, "configmap", theirs, "precious"); got != precious {
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
		contains(t, s.fails("preview"), `namespace = "`+theirs+`": exists, and this stack did not make it`, "set createNamespace to false")
		unchanged(t)
	})
	run("it is used, and objects made by hand are refused", func(t *testing.T) {
		s.set("createNamespace", "false")
		kubectl(t, "--namespace", theirs, "create", "service", "clusterip", "balanced-service", "--tcp=80:80")
		contains(t, s.fails("preview"), "has objects that this stack did not make", "Service "+theirs+"/balanced-service", "set adopt to true")
	})
	run("they are taken over when that is said", func(t *testing.T) {
		service := uidOf(t, "service", theirs, "balanced-service")
		s.set("adopt", "true")
		contains(t, s.up(), "adopt is true: what this stack did not make becomes its own, and goes with it: Service "+theirs+"/balanced-service")
		if got := uidOf(t, "service", theirs, "balanced-service"); got != service {
			t.Errorf("the Service was made anew: %s, %s before", got, service)
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
		contains(t, second.fails("preview"), "has objects of the stack webapp-balanced/e2e-owner, of names that this one needs: Deployment "+theirs+"/webapp-balanced and Service "+theirs+"/balanced-service")
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
		kubectl(t, "--namespace", "e2e-owner", "create", "configmap", "precious", "--from-literal=a=b")
		contains(t, s.up(), "others have put something into the namespace e2e-owner, which therefore stays when this stack goes: ConfigMap e2e-owner/precious")
		s.set("namespace", "e2e-owner-elsewhere")
		contains(t, s.fails("preview"), "moves the stack away from e2e-owner, which it has made and would delete, with what others have there: ConfigMap e2e-owner/precious")
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
