package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// discovered is a cluster with third-party kinds, and a namespace with an object of each.
func discovered() map[string]string {
	object := func(kind, name, uid, more string) string {
		return fmt.Sprintf(`{"metadata":{"namespace":"web","name":%q,"uid":%q%s}}`, name, uid, more)
	}
	list := func(items ...string) string {
		return `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[` + strings.Join(items, ",") + `]}`
	}
	resources := func(version string, kinds ...string) string {
		var all []string
		for _, kind := range kinds {
			verbs, namespaced := `["get","list"]`, true
			switch kind {
			case "Binding":
				verbs = `["create"]`
			case "Node":
				namespaced = false
			}
			all = append(all, fmt.Sprintf(`{"name":%q,"kind":%q,"namespaced":%v,"verbs":%s}`, strings.ToLower(kind)+"s", kind, namespaced, verbs))
		}
		return `{"kind":"APIResourceList","groupVersion":"` + version + `","resources":[` + strings.Join(all, ",") + `]}`
	}
	group := func(name string) string {
		return fmt.Sprintf(`{"name":%q,"versions":[{"groupVersion":"%s/v1","version":"v1"}],"preferredVersion":{"groupVersion":"%s/v1","version":"v1"}}`, name, name, name)
	}
	owned := func(uid string) string {
		return `,"ownerReferences":[{"apiVersion":"a/v1","kind":"K","name":"n","uid":"` + uid + `"}]`
	}
	account := func(annotation, name string) string {
		return fmt.Sprintf(`,"annotations":{%q:%q}`, annotation, name)
	}
	marked := func(manager string) string {
		return account(OwnerAnnotation, "p/s 0123") + `,"managedFields":[{"manager":"` + manager + `","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{}}]`
	}
	return map[string]string{
		"/api":                             `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":                            `{"kind":"APIGroupList","apiVersion":"v1","groups":[` + group("apps") + `,` + group("databases.example") + `,` + group("metrics.k8s.io") + `]}`,
		"/api/v1":                          resources("v1", "ConfigMap", "Secret", "Event", "Endpoint", "Pod", "ServiceAccount", "Binding", "Node"),
		"/apis/apps/v1":                    resources("apps/v1", "ReplicaSet"),
		"/apis/databases.example/v1":       resources("databases.example/v1", "Postgre"),
		"/apis/metrics.k8s.io/v1":          resources("metrics.k8s.io/v1", "PodMetric"),
		"/api/v1/namespaces/web/events":    list(object("Event", "event", "1", "")),
		"/api/v1/namespaces/web/endpoints": list(object("Endpoints", "endpoints", "2", "")),
		"/api/v1/namespaces/web/configmaps": list(object("ConfigMap", "kube-root-ca.crt", "3", ""), object("ConfigMap", "of-a-node", "4", owned("a-node")), object("ConfigMap", "precious", "5", ""),
			object("ConfigMap", "ours", "15", marked("pulumi-kubernetes-1a2b")), object("ConfigMap", "a-copy-of-ours", "16", marked("kubectl-create"))),
		"/api/v1/namespaces/web/secrets": list(object("Secret", "default-token-x", "6", account("kubernetes.io/service-account.name", "default")),
			object("Secret", "robot-token", "7", account("kubernetes.io/service-account.name", "robot")), object("Secret", "of-the-database", "8", owned("11"))),
		"/api/v1/namespaces/web/serviceaccounts":             list(object("ServiceAccount", "default", "9", ""), object("ServiceAccount", "robot", "10", "")),
		"/apis/databases.example/v1/namespaces/web/postgres": list(object("Postgre", "database", "11", "")),
		"/apis/apps/v1/namespaces/web/replicasets":           list(object("ReplicaSet", "web-1", "12", owned("gone"))),
		"/api/v1/namespaces/web/pods":                        list(object("Pod", "web-1-a", "13", owned("12"))),
		"/apis/metrics.k8s.io/v1/namespaces/web/podmetrics":  list(object("PodMetrics", "web-1-a", "14", "")),
	}
}

// Contents lists objects of all kinds, but not what another object there has created, what each namespace
// has, and what comes and goes by itself.
func TestContents(t *testing.T) {
	names := func(objects []Object) []string {
		var names []string
		for _, o := range objects {
			if o.Owner != "" {
				o.Name += " of " + o.Owner
			}
			names = append(names, o.Kind+" "+o.Name)
		}
		return names
	}
	all := []string{"ConfigMap a-copy-of-ours", "ConfigMap of-a-node", "ConfigMap ours of p/s 0123", "ConfigMap precious", "Postgre database", "ReplicaSet web-1", "Secret robot-token", "ServiceAccount robot"}
	s := &Snapshot{}
	found, complete, err := serve(t, discovered(), nil, "").Contents(t.Context(), s, "web")
	if err != nil || !complete || len(s.Denied) > 0 || !slices.Equal(names(found), all) {
		t.Errorf("%q, complete %v, denied %q, %v; want %q", names(found), complete, s.Denied, err, all)
	}

	// An API server extension that does not answer hides only its own kinds.
	answers := discovered()
	delete(answers, "/apis/databases.example/v1")
	s = &Snapshot{}
	found, complete, err = serve(t, answers, nil, "").Contents(t.Context(), s, "web")
	without := []string{"ConfigMap a-copy-of-ours", "ConfigMap of-a-node", "ConfigMap ours of p/s 0123", "ConfigMap precious", "ReplicaSet web-1", "Secret of-the-database", "Secret robot-token", "ServiceAccount robot"}
	if err != nil || complete || !slices.Equal(names(found), without) {
		t.Errorf("%q, complete %v, %v; want %q", names(found), complete, err, without)
	}
	if want := (Denial{Contents, "list the kinds of databases.example in web"}); !slices.Contains(s.Denied, want) {
		t.Errorf("denied is %q, want %q", s.Denied, want)
	}
	// A group of measurements has no objects of people.
	answers = discovered()
	delete(answers, "/apis/metrics.k8s.io/v1")
	s = &Snapshot{}
	if _, complete, err = serve(t, answers, nil, "").Contents(t.Context(), s, "web"); err != nil || !complete {
		t.Errorf("complete %v, denied %q, %v", complete, s.Denied, err)
	}

	// The kinds that may not be listed are named, but not all of them.
	denied := []string{"/api/v1/namespaces/web/secrets", "/api/v1/namespaces/web/pods"}
	s = &Snapshot{}
	_, complete, err = serve(t, discovered(), denied, "").Contents(t.Context(), s, "web")
	if want := (Denial{Contents, "list the pods, secrets in web"}); err != nil || complete || !slices.Contains(s.Denied, want) {
		t.Errorf("complete %v, denied %q, %v; want %q", complete, s.Denied, err, want)
	}
	if got, want := some([]string{"a", "b", "c", "d", "e", "f", "g"}), "a, b, c, d, e and 2 other kinds"; got != want {
		t.Errorf("%q, want %q", got, want)
	}

	// Any other failure is an error.
	if _, _, err := serve(t, discovered(), nil, "/api/v1/namespaces/web/pods").Contents(t.Context(), &Snapshot{}, "web"); err == nil || !strings.Contains(err.Error(), "list the pods in web") {
		t.Errorf("%v", err)
	}
}

// Some fields of an object stay whatever is applied to it.
func TestLasting(t *testing.T) {
	client := serve(t, map[string]string{
		"/apis/apps/v1/namespaces/web/deployments/d":             `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"Exists"}]}}}`,
		"/api/v1/namespaces/web/secrets/s":                       `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"},"type":"Opaque"}`,
		"/api/v1/namespaces/web/services/v":                      `{"kind":"Service","apiVersion":"v1","metadata":{"name":"v"},"spec":{"clusterIP":"None","ports":[{"port":80,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]}}`,
		"/apis/traefik.io/v1alpha1/namespaces/web/middlewares/m": `{"kind":"Middleware","apiVersion":"traefik.io/v1alpha1","metadata":{"name":"m"},"spec":{"stripPrefix":{}}}`,
		"/apis/networking.k8s.io/v1/namespaces/web/ingresses/i":  `{"kind":"Ingress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"i"}}`,
	}, []string{"/api/v1/namespaces/web/services/denied"}, "")
	for object, want := range map[Object]string{
		{Kind: "Deployment", Name: "d"}:   "map[spec.selector:app=web,tier]",
		{Kind: "Secret", Name: "s"}:       "map[type:Opaque]",
		{Kind: "Service", Name: "v"}:      "map[spec.clusterIP:None spec.ports:80/TCP, 53/UDP]",
		{Kind: "Middleware", Name: "m"}:   "map[spec:stripPrefix]",
		{Kind: "Ingress", Name: "i"}:      "map[]",
		{Kind: "Service", Name: "gone"}:   "map[]",
		{Kind: "Service", Name: "denied"}: "map[]",
	} {
		object.Namespace = "web"
		s := &Snapshot{}
		got, err := client.Lasting(t.Context(), s, object)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("of the %s lasts %v, %v; want %s", object, got, err, want)
		}
		if s.Knows(Owners) == (object.Name == "denied") {
			t.Errorf("%s: denied is %q", object, s.Denied)
		}
	}
}
