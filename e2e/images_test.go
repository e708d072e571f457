package e2e

import (
	"strings"
	"testing"
)

// An image unlike the tutorial's needs only configuration: another port, another directory, no shell, no
// root, an environment with a secret.
func TestAnotherImage(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-image")
	s.setAll("exposure", "clusterip", "image", "lab.local/static:v1")
	for path, value := range map[string]string{
		"app.port": "8080", "app.mountPath": "/site", "app.readinessPath": "/healthz",
		"app.resources.requests.cpu": "20m", "app.resources.limits.memory": "100Mi",
		"app.podTemplate.spec.containers[0].name":                                 "webapp-balanced",
		"app.podTemplate.spec.containers[0].securityContext.runAsNonRoot":         "true",
		"app.podTemplate.spec.containers[0].securityContext.capabilities.drop[0]": "ALL",
		"app.podTemplate.spec.tolerations[0].operator":                            "Exists",
		`serviceAnnotations["example.com/team"]`:                                  "web",
		`ingressAnnotations["example.com/team"]`:                                  "edge",
	} {
		s.setPath(path, value)
	}
	s.set("storageClass", "e2e-by-hand")
	const secret = "s3cret-of-the-environment"
	s.must("pulumi", "config", "set", "--secret", "--path", "app.env.GREETING", secret)
	s.up()
	s.must("pulumi", "preview", "--expect-no-changes")

	url := s.outputs().URL
	if got := servers(t, url, node1, 40); len(got) != 2 {
		t.Errorf("%s is answered by %v, want two pods", url, got)
	}
	if _, _, body, err := get(url+"/greeting", node1); err != nil || body != secret {
		t.Errorf("the container has %q, %v", body, err)
	}
	for _, c := range []struct{ what, path, want string }{
		{"deployment", "{.spec.template.spec.containers[0].securityContext}", `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"runAsNonRoot":true}`},
		{"deployment", "{.spec.template.spec.containers[0].resources}", `{"limits":{"memory":"100Mi"},"requests":{"cpu":"20m"}}`},
		{"deployment", "{.spec.template.spec.containers[0].lifecycle.preStop}", `{"sleep":{"seconds":6}}`},
		{"deployment", "{.spec.template.spec.tolerations}", `[{"operator":"Exists"}]`},
		{"service", "{.items[0].metadata.annotations.example\\.com/team}", "web"},
		{"ingress", "{.items[0].metadata.annotations.example\\.com/team}", "edge"},
		{"persistentvolumeclaims", "{.items[0].spec.storageClassName}", "e2e-by-hand"},
		{"poddisruptionbudgets", "{.items[0].status.disruptionsAllowed}", "1"},
	} {
		args := []string{"get", c.what}
		if c.what == "deployment" {
			args = append(args, "webapp-balanced")
		}
		if got := s.kubectl(append(args, "-o", "jsonpath="+c.path)...); got != c.want {
			t.Errorf("%s of the %s is %s, want %s", c.path, c.what, got, c.want)
		}
	}

	// Another secret replaces the pods, and no output contains it. The API server accepts the new pods under
	// the strictest Pod Security Standard.
	kubectl(t, "label", "namespace", s.namespace, "pod-security.kubernetes.io/enforce=restricted")
	const another = "an0ther-secret-of-the-environment"
	s.must("pulumi", "config", "set", "--secret", "--path", "app.env.GREETING", another)
	told := s.must("pulumi", "preview", "--diff") + s.up() + s.must("pulumi", "stack", "export") + s.kubectl("get", "deployment", "-o", "yaml")
	if strings.Contains(told, secret) || strings.Contains(told, another) {
		t.Error("the output contains the secret")
	}
	if _, _, body, err := get(url+"/greeting", node1); err != nil || body != another {
		t.Errorf("the container has %q, %v", body, err)
	}

	// An autoscaler sets the number of pods from now on.
	t.Cleanup(func() { kubectl(t, "delete", "namespace", s.namespace, "--ignore-not-found") }) // it contains an object of another owner
	s.kubectl("autoscale", "deployment", "webapp-balanced", "--min=1", "--max=2")
	s.kubectl("scale", "deployment", "webapp-balanced", "--replicas=1")
	s.set("rolloutTimeout", "4m") // a change of the Deployment
	s.up()
	if got := s.kubectl("get", "deployment", "webapp-balanced", "-o", "jsonpath={.spec.replicas}"); got != "1" {
		t.Errorf("the update has set %s replicas", got)
	}

	// An unknown field is refused.
	s.setPath("app.podTemplate.spec.tolerations[0].efect", "NoSchedule")
	contains(t, s.fails("preview"), `app.podTemplate: has fields that Kubernetes does not know: unknown field "spec.tolerations[0].efect"`)
}
