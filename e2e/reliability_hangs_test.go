package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// If the pods never become ready, the update fails in bounded time and repeats the pods' messages.
func TestReliabilityHangs(t *testing.T) {
	parallel(t)
	for _, c := range []struct {
		name, failure, sees string
		config              map[string]string
		says                []string
	}{
		{"crash", "a pod crashes", "the update fails after rolloutTimeout, with the end of the pod's log", map[string]string{
			"app.podTemplate.spec.containers[0].name":       "webapp-balanced",
			"app.podTemplate.spec.containers[0].command[0]": "sh",
			"app.podTemplate.spec.containers[0].command[1]": "-c",
			"app.podTemplate.spec.containers[0].command[2]": "echo cannot open the ledger; exit 3",
		}, []string{"cannot open the ledger"}},
		// To a client of another share, the server reports that there is no such file, instead of refusing it.
		{"denied", "a mount is denied", "the update fails after rolloutTimeout, with mount's error", map[string]string{"nfs.clients[0]": master}, []string{"FailedMount", " by server"}},
		{"image", "an image does not exist", "the update fails after rolloutTimeout, with the registry's error", map[string]string{"image": "lab.local/misspelt:v1"}, []string{"lab.local/misspelt:v1", "ImagePull"}},
		{"claim", "a claim of the podTemplate does not bind", "the update fails after rolloutTimeout, with the scheduler's message", map[string]string{
			"createNamespace":                      "false",
			"app.podTemplate.spec.volumes[0].name": "ledger",
			"app.podTemplate.spec.volumes[0].persistentVolumeClaim.claimName": "ledger",
		}, []string{"unbound immediate PersistentVolumeClaims"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "claim" {
				unboundClaim(t, "e2e-hangs-claim", "ledger")
			}
			s := newStack(t, "e2e-hangs-"+c.name)
			s.setAll("exposure", "nodeport", "ingress", "false", "replicas", "1", "rolloutTimeout", "20s")
			for key, value := range c.config {
				s.setPath(key, value)
			}
			start := time.Now()
			out, err := s.command("pulumi", "up", "--yes", "--skip-preview")
			if err == nil {
				t.Errorf("the update succeeds:\n%s", out)
			}
			contains(t, out, c.says...)
			outcome{Section: atTheUpdate, Failure: c.failure + shortTimeout, Sees: c.sees, Fails: time.Since(start), Within: 2 * time.Minute}.record(t)
		})
	}
}

// unboundClaim creates a namespace with a claim of a class that has no provisioner.
func unboundClaim(t *testing.T, namespace, name string) {
	t.Helper()
	kubectl(t, "create", "namespace", namespace)
	t.Cleanup(func() { kubectl(t, "delete", "namespace", namespace) })
	file := filepath.Join(t.TempDir(), "claim.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: %s, namespace: %s},
		spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Mi}}}}`, name, namespace), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "apply", "-f", file)
}
