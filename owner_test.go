package main

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webapp-balanced/components/owner"
	"webapp-balanced/config"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
)

const (
	other = "webapp-balanced/home 0123456789abcdef"
	mine  = "webapp-balanced/was " + identity // renamed since
)

// Every object has the owner annotation.
func TestObjectsAreMarked(t *testing.T) {
	set := devConfig(t)
	set[config.Project+":tls"] = "self-signed"
	e, err := run(t, set, tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	marked := 0
	for name := range e.resources {
		if !strings.HasPrefix(name, "kubernetes:") || strings.Contains(name, "Patch ") {
			continue // a patch changes an object of another owner, or one that is marked
		}
		if got := e.input(t, name, `metadata.annotations["webapp-balanced/owner"]`); got != "webapp-balanced/dev "+identity {
			t.Errorf("%s is marked as %q", name, got)
		}
		if _, short, _ := strings.Cut(name, " "); !e.hooked[short] {
			t.Errorf("%s is not looked for before it is made", name)
		}
		marked++
	}
	if marked != 8 {
		t.Errorf("%d objects are marked", marked)
	}
}

// The program reads the state again if reading fails because the engine writes it.
func TestStateIsWrittenMeanwhile(t *testing.T) {
	e := newEngine()
	e.unread = 2
	if err := e.run(devConfig(t), tutorial(), false); err != nil {
		t.Error(err)
	}
	if e.unread != 0 {
		t.Error("the state was not read")
	}
}

// A preview refuses objects of another stack and names that stack. It refuses objects made by hand unless
// adopt is true.
func TestObjectsOfOthers(t *testing.T) {
	object := func(kind, name, owner string) cluster.Object {
		return cluster.Object{Kind: kind, Namespace: "webapp-balanced", Name: name, UID: kind + "-uid", Owner: owner}
	}
	namespace := func(owner string) cluster.Object {
		return cluster.Object{Kind: "Namespace", Name: "webapp-balanced", UID: "namespace-uid", Owner: owner}
	}
	deployment := func(owner string) cluster.Object { return object("Deployment", "webapp-balanced", owner) }
	service := func(owner string) cluster.Object { return object("Service", "balanced-service", owner) }
	state := resource.PropertyMap{"urn:pulumi:dev::p::kubernetes:apps/v1:Deployment::app-deployment": outputs(`{"metadata": {"uid": "Deployment-uid"}}`)}
	const byHand = `namespace = "webapp-balanced": has objects that this stack did not create, with names that it needs: Deployment webapp-balanced/webapp-balanced
      use another namespace, or set adopt to true, which takes them over: the stack changes them, and a destroy deletes them`
	const byHandToo = `namespace = "webapp-balanced": has objects that this stack did not create, with names that it needs: Service webapp-balanced/balanced-service`
	const anotherStacks = `namespace = "webapp-balanced": has objects of the stack webapp-balanced/home with names that this stack needs: Deployment webapp-balanced/webapp-balanced
      use another namespace`
	const existing = `namespace = "webapp-balanced": exists, and this stack did not create it: a destroy would delete it and everything in it
      use another namespace, or set createNamespace to false: the stack then uses it as it is, and never deletes it`
	for _, c := range []struct {
		name    string
		objects []cluster.Object
		set     map[string]string
		state   resource.PropertyMap
		want    []string // problems; none for success
	}{
		{"no objects", nil, nil, nil, nil},
		{"ours", []cluster.Object{namespace(mine), deployment(mine)}, nil, nil, nil},
		{"ours by the state, of a version without marks", []cluster.Object{deployment("")}, nil, state, nil},
		{"a namespace made by hand", []cluster.Object{namespace("")}, nil, nil, []string{existing}},
		{"a namespace made by hand, with adopt", []cluster.Object{namespace("")}, map[string]string{"adopt": "true"}, nil, []string{existing}},
		{"a namespace made by hand, used", []cluster.Object{namespace("")}, map[string]string{"createNamespace": "false"}, nil, nil},
		{"no namespace to use", nil, map[string]string{"createNamespace": "false"}, nil, []string{`createNamespace = "false": needs an existing namespace, and the cluster has no namespace webapp-balanced
      set it to true, or make the namespace: kubectl create namespace webapp-balanced`}},
		{"another stack's namespace", []cluster.Object{namespace(other), deployment(other)}, nil, nil, []string{
			`namespace = "webapp-balanced": belongs to the stack webapp-balanced/home, whose destroy deletes it`, anotherStacks}},
		{"another stack's objects", []cluster.Object{namespace(other), deployment(other)}, map[string]string{"createNamespace": "false", "adopt": "true"}, nil, []string{anotherStacks}},
		{"objects made by hand", []cluster.Object{namespace(""), deployment(""), service("")}, map[string]string{"createNamespace": "false"}, nil, []string{byHand, byHandToo}},
		{"objects made by hand, adopted", []cluster.Object{namespace(""), deployment(""), service("")}, map[string]string{"createNamespace": "false", "adopt": "true"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := devConfig(t)
			for key, value := range c.set {
				set[config.Project+":"+key] = value
			}
			w := tutorial()
			w.objects = c.objects
			e := newEngine()
			if c.state != nil {
				e.state = c.state
			}
			err := e.run(set, w, true)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v\nwant %s", err, want)
				}
			}
			if c.want == nil && err != nil {
				t.Error(err)
			}
			if c.want == nil && c.set["adopt"] == "true" {
				for _, name := range []string{"kubernetes:core/v1:Service exposure-service", "kubernetes:core/v1:PersistentVolumeClaim app-claim-HASH"} {
					if e.input(t, name, `metadata.annotations["pulumi.com/patchForce"]`) != "true" {
						t.Errorf("%s does not take fields over", name)
					}
				}
			}
		})
	}
}

// An object that another client creates during an update is refused just before the update would take it over.
func TestMadeMeanwhile(t *testing.T) {
	w := tutorial()
	w.objects = []cluster.Object{{Kind: "Service", Namespace: "webapp-balanced", Name: "balanced-service", UID: "1"}}
	for object, want := range map[cluster.Object]string{
		{Kind: "Service", Namespace: "webapp-balanced", Name: "balanced-service"}: "has objects that this stack did not create, with names that it needs: Service webapp-balanced/balanced-service",
		{Kind: "Service", Namespace: "other", Name: "balanced-service"}:           "",
	} {
		o := owner.Ownership{Identity: owner.Identity{ID: identity}}
		if err := o.CheckAgain(t.Context(), w, object); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", object, err, want)
		}
		o.Adopt = true
		if err := o.CheckAgain(t.Context(), w, object); err != nil {
			t.Errorf("%s is to be taken over: %v", object, err)
		}
	}
}

// An object is not taken over if a field that an apply does not change differs from what the stack needs.
func TestAdoptedAsItIs(t *testing.T) {
	for _, c := range []struct {
		object  cluster.Object
		lasting map[string]string
		want    string
	}{
		{cluster.Object{Kind: "Deployment", Namespace: "webapp-balanced", Name: "webapp-balanced"}, map[string]string{"spec.selector": "app=webapp-balanced"}, ""},
		{cluster.Object{Kind: "Deployment", Namespace: "webapp-balanced", Name: "webapp-balanced"}, map[string]string{"spec.selector": "app=web"},
			`adopt = "true": would take over the Deployment webapp-balanced/webapp-balanced: its spec.selector is app=web and cannot be changed, and this stack needs app=webapp-balanced
      delete that object, rename it, or use another namespace`},
		{cluster.Object{Kind: "Service", Namespace: "webapp-balanced", Name: "balanced-service"}, map[string]string{"spec.ports": "80/TCP"}, ""},
		{cluster.Object{Kind: "Service", Namespace: "webapp-balanced", Name: "balanced-service"}, map[string]string{"spec.ports": "80/TCP, 443/TCP"}, "its spec.ports is 80/TCP, 443/TCP and cannot be changed"},
		{cluster.Object{Kind: "Service", Namespace: "webapp-balanced", Name: "balanced-service"}, map[string]string{"spec.ports": "80/TCP", "spec.clusterIP": "None"}, "its spec.clusterIP is None and cannot be changed"},
		{cluster.Object{Kind: "Secret", Namespace: "webapp-balanced", Name: "balanced-tls"}, map[string]string{"type": "kubernetes.io/tls"}, ""},
		{cluster.Object{Kind: "Secret", Namespace: "webapp-balanced", Name: "balanced-tls"}, map[string]string{"type": "Opaque"}, "its type is Opaque and cannot be changed, and this stack needs kubernetes.io/tls"},
		{cluster.Object{Kind: "Ingress", Namespace: "webapp-balanced", Name: "balanced-ingress"}, nil, ""},
	} {
		set := devConfig(t)
		set[config.Project+":adopt"], set[config.Project+":tls"] = "true", "self-signed"
		w := tutorial()
		w.objects = []cluster.Object{{Kind: "Namespace", Name: "webapp-balanced", Owner: mine}, c.object}
		w.lasting = map[string]map[string]string{c.object.String(): c.lasting}
		_, err := run(t, set, w, true)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: %v, want %q", c.object, c.lasting, err, c.want)
		}
	}
}

// Objects whose deletion a killed destroy has begun are still in Pulumi's state, and would be missing after
// the update. An update waits until they are gone, and names the command that recreates them.
func TestObjectsOnTheirWayOut(t *testing.T) {
	for _, preview := range []bool{true, false} {
		w := tutorial()
		w.objects = []cluster.Object{{Kind: "Namespace", Name: "webapp-balanced", Owner: mine},
			{Kind: "Deployment", Namespace: "webapp-balanced", Name: "webapp-balanced", Owner: mine, Deleting: true}}
		_, err := run(t, devConfig(t), w, preview)
		const want = "has objects of this stack whose deletion has begun, such as by a pulumi destroy that was killed: Deployment webapp-balanced/webapp-balanced"
		switch {
		case preview && err != nil:
			t.Errorf("the preview: %v", err)
		case !preview && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "run pulumi up --refresh")):
			t.Errorf("the update: %v", err)
		}
	}
}

// tlsSecretName may not name the Secret of tls self-signed: the stack deletes that one when tls is secret.
func TestOwnSecretIsNotNamed(t *testing.T) {
	cert, err := certificate.SelfSigned(certificate.Pair{}, "foo-balanced.bar", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[string]string{
		mine:  `tlsSecretName = "balanced-tls": is the Secret that this stack created for tls self-signed, and deletes when tls is secret`,
		other: "",
	} {
		set := devConfig(t)
		set[config.Project+":tls"], set[config.Project+":tlsSecretName"] = "secret", "balanced-tls"
		w := tutorial()
		w.snapshot.Secret = &cluster.Secret{
			Object: cluster.Object{Kind: "Secret", Namespace: "webapp-balanced", Name: "balanced-tls", UID: "1", Owner: owner},
			Type:   cluster.TLSSecret, Data: map[string][]byte{"tls.crt": []byte(cert.Cert), "tls.key": []byte(cert.Key)},
		}
		_, err := run(t, set, w, true)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("of %s: %v, want %q", owner, err, want)
		}
	}
}

// An Ingress of another owner with the same host and path is refused: its answers would count as this application's.
func TestRuleOfOthers(t *testing.T) {
	rule := func(namespace, name, host, path, owner string) cluster.Rule {
		return cluster.Rule{Ingress: cluster.Object{Kind: "Ingress", Namespace: namespace, Name: name, Owner: owner}, Host: host, Path: path}
	}
	for _, c := range []struct {
		rule cluster.Rule
		want string
	}{
		{rule("a", "web", "Foo-balanced.bar", "/balanced/", ""), `path = "/balanced": is already used, on the host foo-balanced.bar, by the Ingress a/web`},
		{rule("a", "web", "foo-balanced.bar", "/balanced", other), `path = "/balanced": is already used, on the host foo-balanced.bar, by the Ingress a/web`},
		{rule("before", "balanced-ingress", "foo-balanced.bar", "/balanced", mine), ""}, // the stack's own, in the namespace that it leaves
		{rule("a", "web", "foo-balanced.bar", "/other", ""), ""},
		{rule("a", "web", "foo.bar", "/balanced", ""), ""},
	} {
		w := tutorial()
		w.snapshot.Rules = []cluster.Rule{c.rule}
		_, err := run(t, devConfig(t), w, true)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.rule, err, c.want)
		}
	}
}
