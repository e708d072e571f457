package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Kubernetes gives a volume whose claim is gone to no other claim. The next update makes it usable again, and
// the data stays.
func TestReleasedVolume(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-released")
	s.up()
	ssh(t, "kubemaster", "echo theirs >"+s.share+"/theirs")
	phase := func() string {
		return s.must("kubectl", "get", "persistentvolumes", "-l", "app=webapp-balanced", "-o", "jsonpath={.items[?(@.spec.claimRef.namespace==\""+s.namespace+"\")].status.phase}")
	}
	bound := func(t *testing.T) {
		t.Helper()
		s.must("kubectl", "--namespace", s.namespace, "wait", "--timeout=60s", "--for=jsonpath={.status.phase}=Bound", "persistentvolumeclaims", "--all")
		if got := phase(); got != "Bound" {
			t.Errorf("the volume is %s", got)
		}
		s.must("pulumi", "preview", "--expect-no-changes")
		if got := ssh(t, "kubemaster", "cat "+s.share+"/theirs"); got != "theirs" {
			t.Errorf("the data is %q", got)
		}
	}
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { s.t = t; f(t) })
	}
	run("the claim is deleted", func(t *testing.T) {
		bound(t)
		s.must("kubectl", "--namespace", s.namespace, "delete", "persistentvolumeclaims", "--all")
		if got := phase(); got != "Released" {
			t.Fatalf("the volume is %s", got)
		}
		contains(t, s.must("pulumi", "preview"), "the claim of the volume is gone from the cluster", "PersistentVolume app-e2e-released-volume-", "3 to replace")
		s.up()
		bound(t)
	})
	run("the deletion of the claim waits for a pod", func(t *testing.T) {
		s.set("replicas", "1")
		s.up()
		s.must("kubectl", "--namespace", s.namespace, "delete", "persistentvolumeclaims", "--all", "--wait=false")
		contains(t, s.must("pulumi", "preview"), "the PersistentVolumeClaim "+s.namespace+"/webapp-balanced-nfs-", "set replicas to 0 and run pulumi up, then set it back and run pulumi up --refresh")
		s.set("replicas", "0")
		s.up()
		s.must("kubectl", "--namespace", s.namespace, "wait", "--timeout=60s", "--for=delete", "persistentvolumeclaims", "--all")
		s.must("pulumi", "up", "--yes", "--skip-preview", "--refresh")
		bound(t)
	})
	run("a change of the volume fails and is taken back", func(t *testing.T) {
		claims := func() string {
			return s.must("kubectl", "--namespace", s.namespace, "get", "persistentvolumeclaims", "-o", "jsonpath={.items[*].metadata['uid','deletionTimestamp']}")
		}
		before := claims()
		image := strings.TrimSpace(s.must("pulumi", "config", "get", "image"))
		s.setAll("replicas", "1", "rolloutTimeout", "5s", "image", "lab.local/misspelt:v1", "storageRequest", "1Gi")
		s.fails("up", "--yes", "--skip-preview")
		s.setAll("replicas", "0", "rolloutTimeout", "3m", "image", image, "storageRequest", "2Gi")
		s.up()
		bound(t)
		if got := claims(); got != before {
			t.Errorf("the claims are %s, and were %s", got, before)
		}
	})
	run("the namespace is deleted", func(t *testing.T) {
		s.must("kubectl", "delete", "namespace", s.namespace)
		contains(t, s.must("pulumi", "preview"), "If the namespace is gone, too, run pulumi up --refresh.")
		s.must("pulumi", "up", "--yes", "--skip-preview", "--refresh")
		bound(t)
	})
}

// The ingress controller's ConfigMap is checked before anything is changed.
func TestControllersConfigMap(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-configmap")
	s.set("haproxyConfigMap", "haproxy-controller/haproxi-configmap")
	contains(t, s.fails("preview"), `haproxyConfigMap = "haproxy-controller/haproxi-configmap": does not exist in the cluster, so the controller does not read it`)
	s.set("haproxyConfigMap", "haproxy/haproxy-configmap")
	contains(t, s.fails("preview"), `haproxyConfigMap = "haproxy/haproxy-configmap": does not exist in the cluster`)
	// As in docs/exposures.md: pulumi config set would store a text.
	s.must("pulumi", "config", "set-all", "--json", `{"webapp-balanced:haproxy": {"objectValue": {}, "value": "{}"}}`)
	s.must("pulumi", "preview")
	s.set("haproxyConfigMap", "haproxy-controller/haproxy-configmap")
	file := filepath.Join(t.TempDir(), "configmap.yaml")
	helm := func(namespace, name, data string) {
		text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: %s}\n%s\n", name, namespace, data)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.must("kubectl", "apply", "--server-side", "--field-manager=helm", "-f", file)
	}
	// A key of another manager, which no test sets.
	helm("haproxy-controller", "haproxy-configmap", "data: {timeout-check: 7s}")
	t.Cleanup(func() { helm("haproxy-controller", "haproxy-configmap", "") })
	s.setPath("haproxy.timeout-check", "9s")
	contains(t, s.fails("preview"), `haproxy.timeout-check = "9s": is "7s" in the ConfigMap haproxy-controller/haproxy-configmap, set by helm`)
	s.setPath("haproxy.timeout-check", "7s")
	s.must("pulumi", "preview")
	// Kubernetes treats that as a conflict with every key.
	helm("default", "e2e-configmap", "data: {}")
	t.Cleanup(func() { s.must("kubectl", "--namespace=default", "delete", "configmap", "e2e-configmap") })
	s.set("haproxyConfigMap", "default/e2e-configmap")
	contains(t, s.fails("preview"), `haproxyConfigMap = "default/e2e-configmap": has its data set to empty (data: {}) by helm`)
}
