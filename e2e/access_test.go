package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A login with only the rights in docs/ci/update-access.yaml deploys, changes and destroys a stack in an
// existing namespace that also has objects of others.
func TestSmallestRole(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-role")
	kubectl(t, "create", "namespace", s.namespace)
	t.Cleanup(func() { kubectl(t, "delete", "namespace", s.namespace, "--ignore-not-found") })
	s.kubectl("create", "configmap", "precious", "--from-literal=a=b")
	// The tutorial's image starts as root, which the standard "restricted" does not permit.
	kubectl(t, "label", "namespace", s.namespace, "pod-security.kubernetes.io/enforce=baseline")
	s.setAll("exposure", "clusterip", "createNamespace", "false", "replicas", "2", "tls", "self-signed")
	manifest, err := os.ReadFile(filepath.Join(root, "docs/ci/update-access.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "access.yaml")
	text := strings.ReplaceAll(string(manifest), "namespace: webapp-balanced\n", "namespace: "+s.namespace+"\n")
	text = strings.ReplaceAll(text, "namespace: webapp-balanced}", "namespace: "+s.namespace+"}")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(kubeconfigOf(t, "update", file, s.namespace)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.set("kubernetes:kubeconfig", kubeconfig)
	t.Cleanup(func() { s.must("pulumi", "config", "rm", "kubernetes:kubeconfig") })
	for _, replicas := range []string{"1", "2"} {
		s.set("replicas", replicas)
		if out := s.up(); strings.Contains(out, "may not") {
			t.Errorf("rights are missing:\n%s", out)
		}
		s.must("pulumi", "preview", "--expect-no-changes")
	}
	s.must("pulumi", "destroy", "--yes", "--skip-preview")
	if left := s.kubectl("get", "all,ingress,pvc,configmaps", "-o", "name"); strings.Contains(left, "balanced") || !strings.Contains(left, "configmap/precious") {
		t.Errorf("left is %s", left)
	}
}

// kubeconfigOf applies a manifest of docs/ci, for previews or updates, and returns the
// kubeconfig of the login that it makes in a namespace.
func kubeconfigOf(t *testing.T, what, manifest, namespace string) string {
	t.Helper()
	kubectl(t, "apply", "-f", manifest)
	t.Cleanup(func() { kubectl(t, "delete", "--ignore-not-found", "-f", manifest) })
	var token string
	eventually(t, 20*time.Second, func() error {
		encoded := kubectl(t, "--namespace="+namespace, "get", "secret", "webapp-balanced-"+what, "-o", "jsonpath={.data.token}")
		content, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(content) == 0 {
			return notYet("there is no token: %v", err)
		}
		token = string(content)
		return nil
	})
	path := filepath.Join(t.TempDir(), "kubeconfig")
	mine, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, mine, 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "--kubeconfig="+path, "config", "set-credentials", what, "--token="+token)
	kubectl(t, "--kubeconfig="+path, "config", "set-context", "--current", "--user="+what)
	return kubectl(t, "--kubeconfig="+path, "config", "view", "--minify", "--raw")
}
