package pods

import (
	"encoding/json"
	"strings"
	"testing"

	"webapp-balanced/components/check"
)

func pod(patch string) Pod {
	return Pod{
		Name: "web", Labels: map[string]string{"app": "web", "more": "x"}, Selector: map[string]string{"app": "web"},
		Image: "web:v1", Port: 8080, MountPath: "/site", ReadinessPath: "/", AntiAffinity: "required", TolerationSeconds: 10, Claim: "files", Patch: json.RawMessage(patch),
	}
}

// at returns a value in a template, by its path.
func at(t *testing.T, template map[string]any, path ...any) string {
	t.Helper()
	var value any = template
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				t.Fatalf("%v has no %d", list, step)
			}
			value = list[step]
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A patch changes the fields that it names, adds missing ones, deletes the ones it marks for that, and keeps
// the rest, like kubectl patch.
func TestPatch(t *testing.T) {
	type path = []any
	container := func(more ...any) path { return append(path{"spec", "containers", 0}, more...) }
	for _, c := range []struct {
		name, patch string
		path        path
		want        string
	}{
		{"nothing", `{}`, container("name"), `"web"`},
		{"an unpatched default", `{}`, container("securityContext"), `{"allowPrivilegeEscalation":false}`},
		{"its own container by its name", `{"spec": {"containers": [{"name": "web", "securityContext": {"runAsUser": 7}}]}}`, container("securityContext"), `{"allowPrivilegeEscalation":false,"runAsUser":7}`},
		{"beside that it is what it was", `{"spec": {"containers": [{"name": "web", "securityContext": {"runAsUser": 7}}]}}`, container("image"), `"web:v1"`},
		{"a probe of another kind", `{"spec": {"containers": [{"name": "web", "readinessProbe": {"httpGet": null, "exec": {"command": ["ready"]}}}]}}`, container("readinessProbe"), `{"exec":{"command":["ready"]},"periodSeconds":2,"timeoutSeconds":20}`},
		{"a handler taken away", `{"spec": {"containers": [{"name": "web", "lifecycle": null}]}}`, container("lifecycle"), `null`},
		{"a sidecar", `{"spec": {"containers": [{"name": "side", "image": "side:v1"}]}}`, path{"spec", "containers", 1, "name"}, `"web"`},
		{"a second volume", `{"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}`, path{"spec", "volumes", 0}, `{"emptyDir":{},"name":"tmp"}`},
		{"the share stays", `{"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}`, path{"spec", "volumes", 1, "persistentVolumeClaim", "claimName"}, `"files"`},
		{"of a dead node", `{}`, path{"spec", "tolerations"}, `[{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":10},{"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":10}]`},
		{"tolerations", `{"spec": {"tolerations": [{"operator": "Exists"}]}}`, path{"spec", "tolerations"}, `[{"operator":"Exists"}]`},
		{"labels of its own", `{"metadata": {"labels": {"team": "web"}}}`, path{"metadata", "labels"}, `{"app":"web","more":"x","team":"web"}`},
		{"another service account", `{"spec": {"serviceAccountName": "web", "automountServiceAccountToken": true}}`, path{"spec", "automountServiceAccountToken"}, `true`},
		{"a list replaced whole", `{"spec": {"containers": [{"name": "web", "ports": [{"$patch": "replace"}, {"containerPort": 9}]}]}}`, container("ports"), `[{"containerPort":9}]`},
	} {
		merged, err := pod(c.patch).merged()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := at(t, merged, c.path...); got != c.want {
			t.Errorf("%s: %v is %s, want %s", c.name, c.path, got, c.want)
		}
	}
}

// The error of an invalid patch names the field.
func TestBadPatch(t *testing.T) {
	for patch, want := range map[string]string{
		`[]`: "is not an object",
		`{"spec": {"containers": [{"name": "web", "imagePullPolicyy": "Always"}]}}`:      `has fields that Kubernetes does not know: unknown field "spec.containers[0].imagePullPolicyy"`,
		`{"spec": {"terminationGracePeriodSeconds": "long"}}`:                            "does not fit: ",
		`{"metadata": {"labels": {"app": "other"}}}`:                                     "changes the label app, by which the Service finds the pods",
		`{"spec": {"containers": [{"name": "wep", "env": []}]}}`:                         "has a container wep without an image; the application's own container is called web",
		`{"spec": {"containers": [{"$patch": "delete", "name": "web"}]}}`:                "removes the application's own container web",
		`{"spec": {"containers": [{"$patch": "replace"}, {"name": "x", "image": "y"}]}}`: "removes the application's own container web",
	} {
		var p check.Problems
		pod(patch).Check(&p)
		if len(p) != 1 || p[0].Property != "podTemplate" || !strings.Contains(p[0].Reason, want) {
			t.Errorf("%s: %v, want %s", patch, p, want)
		}
	}
}

// Resources are the user's, or default requests for the scheduler.
func TestResources(t *testing.T) {
	p := pod("")
	merged, err := p.merged()
	if err != nil {
		t.Fatal(err)
	}
	if got := at(t, merged, "spec", "containers", 0, "resources"); got != `{"requests":{"cpu":"50m","memory":"64Mi"}}` {
		t.Errorf("by default they are %s", got)
	}
	p.Resources = json.RawMessage(`{"limits": {"memory": "1Gi"}}`)
	if merged, err = p.merged(); err != nil {
		t.Fatal(err)
	}
	if got := at(t, merged, "spec", "containers", 0, "resources"); got != `{"limits":{"memory":"1Gi"}}` {
		t.Errorf("they are %s", got)
	}
}

// The template has no duplicate and no empty fields.
func TestTemplateIsPlain(t *testing.T) {
	merged, err := pod("").merged()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	for _, empty := range []string{"null", "{}", "[]", `""`} {
		if strings.Contains(string(text), ":"+empty) {
			t.Errorf("the template has %s: %s", empty, text)
		}
	}
	if got := textsIn(merged); !got["web:v1"] || !got["files"] {
		t.Errorf("its texts are %v", got)
	}
}
