package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webapp-balanced/config"
	"webapp-balanced/internal/cluster"
)

// The stack does not delete its namespace if others have put objects into it.
func TestOthersInOurNamespace(t *testing.T) {
	const appURN = "urn:pulumi:dev::p::webapp-balanced:index:BalancedApp::app"
	const namespaceURN, elsewhereURN = "urn:pulumi:dev::p::webapp-balanced:index:BalancedApp$kubernetes:core/v1:Namespace::app-namespace", "urn:pulumi:dev::p::webapp-balanced:index:BalancedApp$kubernetes:core/v1:Namespace::app-elsewhere-namespace"
	marked := func(name string) resource.PropertyValue {
		return outputs(`{"metadata": {"name": "` + name + `", "annotations": {"webapp-balanced/owner": "` + mine + `"}}}`)
	}
	state := func(existed string) resource.PropertyMap {
		state := resource.PropertyMap{appURN: outputs(`{}`), namespaceURN: marked("webapp-balanced")}
		switch existed {
		case "true", "false":
			state[appURN] = outputs(`{"namespace": "webapp-balanced", "namespaceExisted": ` + existed + `}`)
		case "not told": // after an update that failed
		case "a failed move": // from there to elsewhere
			state[elsewhereURN] = marked("elsewhere")
		case "of old": // by a version that marked nothing
			return resource.PropertyMap{appURN: outputs(`{"namespace": "webapp-balanced"}`), namespaceURN: outputs(`{"metadata": {"name": "webapp-balanced"}}`)}
		case "elsewhere of old": // by a version that had one name for all
			return resource.PropertyMap{appURN: outputs(`{"namespace": "elsewhere", "namespaceExisted": false}`), namespaceURN: marked("elsewhere")}
		}
		return state
	}
	theirs := cluster.Object{Kind: "ConfigMap", Namespace: "webapp-balanced", Name: "theirs", UID: "1"}
	itself := cluster.Object{Kind: "Namespace", Name: "webapp-balanced", UID: "3", Owner: mine}
	ours := cluster.Object{Kind: "Secret", Namespace: "webapp-balanced", Name: "balanced-tls", UID: "2", Owner: mine}
	const refused = `namespace = "elsewhere": moves the stack away from webapp-balanced, which it created and would delete, and others have objects there: ConfigMap webapp-balanced/theirs
      leave the namespace to them first: with namespace webapp-balanced, set createNamespace to false, and run pulumi up`
	for _, c := range []struct {
		name      string
		namespace string
		objects   []cluster.Object
		existed   string
		want      string
		kept      bool
		partly    bool
	}{
		{"nothing of others", "webapp-balanced", []cluster.Object{ours}, "false", "", false, false},
		{"something of others", "webapp-balanced", []cluster.Object{ours, theirs}, "false", "", true, false},
		{"what is there cannot be seen", "webapp-balanced", []cluster.Object{ours}, "false", "", true, true},
		{"moved, nothing of others", "elsewhere", []cluster.Object{ours}, "false", "", false, false},
		{"moved, something of others", "elsewhere", []cluster.Object{ours, theirs}, "false", refused, false, false},
		{"of a version before, something of others", "webapp-balanced", []cluster.Object{ours, theirs}, "of old", "", true, false},
		{"moved from one of a version before, something of others", "elsewhere", []cluster.Object{ours, theirs}, "of old", refused, false, false},
		{"elsewhere, and of a version before, something of others", "elsewhere", []cluster.Object{{Kind: "ConfigMap", Namespace: "elsewhere", Name: "theirs"}}, "elsewhere of old", "", true, false},
		{"after a failed update, something of others", "webapp-balanced", []cluster.Object{itself, ours, theirs}, "not told", "", true, false},
		{"moved after a failed update, something of others", "elsewhere", []cluster.Object{ours, theirs}, "not told", refused, false, false},
		{"after a move that failed, something of others", "elsewhere", []cluster.Object{ours, theirs}, "a failed move", refused, false, false},
		{"left to the cluster and taken back, something of others", "webapp-balanced", []cluster.Object{itself, ours, theirs}, "true", "", true, false},
		{"moved, and what is there cannot be seen", "elsewhere", []cluster.Object{ours}, "false", `namespace = "elsewhere": moves the stack away from webapp-balanced, which it created and would delete, and others may have objects there: this login may not list everything
      permit it to, or leave the namespace to them first:`, false, true},
		{"moved, the namespace was there before", "elsewhere", []cluster.Object{ours, theirs}, "true", "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := devConfig(t)
			set[config.Project+":namespace"] = c.namespace
			w := tutorial()
			w.objects, w.partly = c.objects, c.partly
			e := newEngine()
			e.state = state(c.existed)
			err := e.run(set, w, false)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			app := "app"
			var aliases []string
			if c.namespace != "webapp-balanced" {
				app += "-" + c.namespace
			}
			if c.existed == "elsewhere of old" {
				aliases = []string{"app"}
			}
			if err == nil && e.retained[app+"-namespace"] != c.kept {
				t.Errorf("the namespace is kept: %v, want %v", !c.kept, c.kept)
			}
			if got := e.aliases[app]; err == nil && !slices.Equal(got, aliases) {
				t.Errorf("the application was %q before, want %q", got, aliases)
			}
		})
	}
}

// A released volume is recreated, once. The annotation that caused this stays.
func TestReleasedVolume(t *testing.T) {
	const volume, path = "kubernetes:core/v1:PersistentVolume app-volume-HASH", `metadata.annotations["webapp-balanced/released"]`
	first, err := run(t, devConfig(t), tutorial(), true)
	if err != nil {
		t.Fatal(err)
	}
	name := first.input(t, volume, "metadata.name")
	state := resource.PropertyMap{"urn:pulumi:dev::p::kubernetes:core/v1:PersistentVolume::app-volume": outputs(`{"metadata": {"name": "` + name + `", "annotations": {"webapp-balanced/released": "before"}}}`)}
	for _, c := range []struct {
		released string
		state    resource.PropertyMap
		want     string
	}{{"", nil, absent}, {"gone", nil, "gone"}, {"", state, "before"}, {"gone", state, "gone"}} {
		w := tutorial()
		w.released = c.released
		e := newEngine()
		if c.state != nil {
			e.state = c.state
		}
		if err := e.run(devConfig(t), w, true); err != nil {
			t.Fatal(err)
		}
		if got := e.input(t, volume, path); got != c.want {
			t.Errorf("%+v: it is told by %q", c, got)
		}
		if got, want := e.deleted["app-volume-HASH"], c.released != ""; got != want {
			t.Errorf("%+v: it is deleted first: %v", c, got)
		}
		var aliases []string
		if c.state != nil {
			aliases = []string{"app-volume"} // the name in earlier versions
		}
		if got := e.aliases["app-volume-HASH"]; !slices.Equal(got, aliases) {
			t.Errorf("%+v: it was %q before, want %q", c, got, aliases)
		}
		if got := e.replaced["app-volume-HASH"]; !slices.Equal(got, []string{path}) {
			t.Errorf("%+v: it is replaced on changes of %q", c, got)
		}
	}
}
