package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"gopkg.in/yaml.v3"

	"webapp-balanced/cluster"
	"webapp-balanced/components"
	"webapp-balanced/nfshost"
)

// engine is a fake of Pulumi's engine: it records what is registered and
// answers with the inputs, and with what a cluster would add.
type engine struct {
	mu        sync.Mutex
	resources map[string]resource.PropertyMap // inputs by TYPE NAME
	parents   map[string]bool
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resources[args.TypeToken+" "+args.Name] = args.Inputs
	if !strings.HasPrefix(args.TypeToken, project+":") && args.RegisterRPC.GetParent() != "" {
		e.parents[args.Name] = true
	}
	outputs := args.Inputs.Copy()
	if args.TypeToken == "kubernetes:core/v1:Service" {
		spec := outputs["spec"].ObjectValue()
		spec["clusterIP"] = resource.NewStringProperty("198.19.0.7")
		if spec["type"].StringValue() != "ClusterIP" {
			spec["ports"].ArrayValue()[0].ObjectValue()["nodePort"] = resource.NewNumberProperty(31707)
		}
	}
	return args.Name + "-id", outputs, nil
}

func (e *engine) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// input returns a property of a resource's inputs by its path, as JSON would
// have it.
func (e *engine) input(t *testing.T, resourceName, path string) string {
	t.Helper()
	inputs, ok := e.resources[resourceName]
	if !ok {
		t.Fatalf("there is no resource %s", resourceName)
	}
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		t.Fatal(err)
	}
	value, ok := parsed.Get(resource.NewObjectProperty(inputs))
	if !ok {
		return ""
	}
	if value.IsSecret() {
		return "[secret]"
	}
	return fmt.Sprint(value.Mappable())
}

// world is a fake of what lies outside: the tutorial's cluster.
type world struct {
	snapshot     *cluster.Snapshot
	clusterError error
	hostError    error
	silent       []string // URLs that do not answer
	logins       []nfshost.Login
	probes       [2]string // what the looks at the exports and at the site print
	commands     []nfshost.Command
	staged       []nfshost.File
	onReady      func() // while the pods are waited for
}

func tutorial() *world {
	return &world{snapshot: &cluster.Snapshot{
		Nodes: []cluster.Node{
			{Name: "kubemaster", Address: "192.168.1.160"},
			{Name: "kubenode1", Address: "192.168.1.161", TakesPods: true},
			{Name: "kubenode2", Address: "192.168.1.162", TakesPods: true},
		},
		Controller: &cluster.Service{Type: "NodePort", Ports: []cluster.Port{
			{Name: "http", Port: 80, NodePort: 31716}, {Name: "https", Port: 443, NodePort: 32613},
		}},
		IngressClasses: []cluster.IngressClass{{Name: "haproxy", Controller: "haproxy.org/ingress-controller/haproxy"}},
		NodePorts:      map[int]string{31716: "haproxy-controller/haproxy-ingress"},
		Namespace:      "webapp-balanced",
	}}
}

func (w *world) Cluster(*pulumi.Context, cluster.Query) (*cluster.Snapshot, components.Reach, error) {
	return w.snapshot, w, w.clusterError
}

func (w *world) NFSServer(login nfshost.Login) components.NFSServer {
	w.logins = append(w.logins, login)
	return w
}

func (w *world) Run(_ context.Context, commands ...nfshost.Command) ([]string, error) {
	w.commands = append(w.commands, commands...)
	return append([]string{}, w.probes[:len(commands)]...), w.hostError
}

func (w *world) Stage(_ context.Context, directory string, files []nfshost.File, progress func(done, all int64)) error {
	w.staged = append(w.staged, files...)
	return nil
}

func (w *world) Ready(context.Context, string, string, int) error {
	if w.onReady != nil {
		w.onReady()
	}
	return nil
}

func (w *world) ExternalAddresses(context.Context, string, string) ([]string, error) {
	return []string{"192.168.1.200"}, nil
}

func (w *world) Answers(_ context.Context, url string, _ []string, _ string) error {
	if slices.Contains(w.silent, url) {
		return errors.New("connection refused")
	}
	return nil
}

// devConfig is Pulumi.dev.yaml over the defaults of Pulumi.yaml, as Pulumi
// hands it to the program.
func devConfig(t *testing.T) map[string]string {
	t.Helper()
	config := map[string]string{}
	var declared struct {
		Config map[string]struct{ Default any }
	}
	readYAML(t, "Pulumi.yaml", &declared)
	for key, declaration := range declared.Config {
		config[project+":"+key] = jsonText(t, declaration.Default)
	}
	var dev struct{ Config map[string]any }
	readYAML(t, "Pulumi.dev.yaml", &dev)
	for key, value := range dev.Config {
		config[key] = jsonText(t, value)
	}
	return config
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func jsonText(t *testing.T, value any) string {
	t.Helper()
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs the program under mocks and returns what it registered.
func run(t *testing.T, config map[string]string, outside outside, preview bool) (*engine, error) {
	t.Helper()
	e := newEngine()
	return e, e.run(config, outside, preview)
}

func newEngine() *engine {
	return &engine{resources: map[string]resource.PropertyMap{}, parents: map[string]bool{}}
}

func (e *engine) run(config map[string]string, outside outside, preview bool) error {
	return pulumi.RunErr(func(ctx *pulumi.Context) error { return deploy(ctx, outside) }, pulumi.WithMocks(project, "dev", e), func(info *pulumi.RunInfo) {
		info.Config = config
		info.DryRun = preview
	})
}

// The tutorial's stack has the tutorial's objects, in their corrected form.
func TestTutorial(t *testing.T) {
	e, err := run(t, devConfig(t), tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	wantResources := []string{
		"command:remote:Command share-exports",
		"command:remote:Command share-site",
		"kubernetes:apps/v1:Deployment app-deployment",
		"kubernetes:core/v1:ConfigMapPatch exposure-haproxy",
		"kubernetes:core/v1:Namespace app-namespace",
		"kubernetes:core/v1:PersistentVolume app-volume",
		"kubernetes:core/v1:PersistentVolumeClaim app-claim",
		"kubernetes:core/v1:Service exposure-service",
		"kubernetes:core/v1:ServicePatch exposure-node-port",
		"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress",
		"webapp-balanced:index:BalancedApp app",
		"webapp-balanced:index:Exposure exposure",
		"webapp-balanced:index:NfsShare share",
	}
	var resources []string
	for name := range e.resources {
		if !strings.HasPrefix(name, "pulumi:") {
			resources = append(resources, name)
		}
	}
	slices.Sort(resources)
	if !slices.Equal(resources, wantResources) {
		t.Errorf("the resources are\n%s\nwant\n%s", strings.Join(resources, "\n"), strings.Join(wantResources, "\n"))
	}
	for _, c := range []struct{ resource, path, want string }{
		{"kubernetes:core/v1:Namespace app-namespace", "metadata.name", "webapp-balanced"},
		{"kubernetes:core/v1:PersistentVolume app-volume", "metadata.namespace", ""},
		{"kubernetes:core/v1:PersistentVolume app-volume", "spec.persistentVolumeReclaimPolicy", "Retain"},
		{"kubernetes:core/v1:PersistentVolume app-volume", "spec.mountOptions", "[hard nfsvers=4.1]"},
		{"kubernetes:core/v1:PersistentVolume app-volume", "spec.nfs", "map[path:/srv/nfs/weblb server:192.168.1.160]"},
		{"kubernetes:core/v1:PersistentVolumeClaim app-claim", "metadata.namespace", "webapp-balanced"},
		{"kubernetes:apps/v1:Deployment app-deployment", "spec.replicas", "2"},
		{"kubernetes:apps/v1:Deployment app-deployment", "spec.strategy.rollingUpdate", "map[maxSurge:0 maxUnavailable:1]"},
		{"kubernetes:apps/v1:Deployment app-deployment", "spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey", "kubernetes.io/hostname"},
		{"kubernetes:core/v1:Service exposure-service", "spec.type", "LoadBalancer"},
		{"kubernetes:core/v1:Service exposure-service", `metadata.annotations["pulumi.com/skipAwait"]`, "true"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "spec.ingressClassName", "haproxy"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "spec.rules[0].host", "foo-balanced.bar"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "spec.rules[0].http.paths[0].path", "/balanced"},
		{"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", `metadata.annotations["haproxy.org/path-rewrite"]`, `^/balanced/?(.*)$ /\1`},
		{"kubernetes:core/v1:ConfigMapPatch exposure-haproxy", "metadata.namespace", "haproxy-controller"},
		{"kubernetes:core/v1:ConfigMapPatch exposure-haproxy", "data", "map[servers-increment:42 ssl-redirect:OFF]"},
		{"command:remote:Command share-exports", "create", "sh -s -- apply webapp-balanced/dev/share:/srv/nfs/weblb"},
		{"command:remote:Command share-exports", "delete", "sh -s -- remove webapp-balanced/dev/share:/srv/nfs/weblb"},
		{"command:remote:Command share-exports", "connection", "[secret]"},
		// Another host may be another name of the same one: nothing is removed there.
		{"command:remote:Command share-exports", "triggers", "[/srv/nfs/weblb]"},
		{"command:remote:Command share-site", "triggers", "[/srv/nfs/weblb]"},
	} {
		if got := e.input(t, c.resource, c.path); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.path, c.resource, got, c.want)
		}
	}
	wantData := `data() { cat <<'END OF DATA'
block webapp-balanced/dev/share:/srv/nfs/weblb
directory /srv/nfs/weblb
state webapp-balanced.dev.share.d99e8d22
line /srv/nfs/weblb 192.168.1.160(rw,sync,no_subtree_check)
line /srv/nfs/weblb 192.168.1.161(rw,sync,no_subtree_check)
line /srv/nfs/weblb 192.168.1.162(rw,sync,no_subtree_check)
END OF DATA
}
`
	if stdin := e.input(t, "command:remote:Command share-exports", "stdin"); !strings.HasPrefix(stdin, wantData) {
		t.Errorf("the exports' data is\n%s\nwant\n%s", stdin, wantData)
	}
	for _, name := range []string{"share-exports", "app-deployment", "exposure-service"} {
		if !e.parents[name] {
			t.Errorf("%s has no parent", name)
		}
	}
}

func TestServiceTypes(t *testing.T) {
	for _, c := range []struct {
		exposure, ingress string
		wantType          string
		wantIngress       bool
	}{
		{"clusterip", "auto", "ClusterIP", true},
		{"ClusterIP", "true", "ClusterIP", true},
		{"nodeport", "auto", "NodePort", false},
		{"NODEPORT", "true", "NodePort", true},
		{"loadbalancer", "auto", "LoadBalancer", false},
		{"loadbalancer", "true", "LoadBalancer", true},
		{"LoadBalancer", "false", "LoadBalancer", false},
	} {
		t.Run(c.exposure+" ingress "+c.ingress, func(t *testing.T) {
			config := devConfig(t)
			config[project+":exposure"], config[project+":ingress"] = c.exposure, c.ingress
			e, err := run(t, config, tutorial(), false)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.input(t, "kubernetes:core/v1:Service exposure-service", "spec.type"); got != c.wantType {
				t.Errorf("the type is %s, want %s", got, c.wantType)
			}
			_, ingress := e.resources["kubernetes:networking.k8s.io/v1:Ingress exposure-ingress"]
			_, patch := e.resources["kubernetes:core/v1:ConfigMapPatch exposure-haproxy"]
			if ingress != c.wantIngress || patch != c.wantIngress {
				t.Errorf("there is an Ingress: %v, a patch: %v, want %v", ingress, patch, c.wantIngress)
			}
			allocate := e.input(t, "kubernetes:core/v1:Service exposure-service", "spec.allocateLoadBalancerNodePorts")
			if want := map[bool]string{true: "true", false: ""}[c.wantType == "LoadBalancer"]; allocate != want {
				t.Errorf("allocateLoadBalancerNodePorts is %q, want %q", allocate, want)
			}
		})
	}
}

// The clients are the cluster's nodes where none are named.
func TestClientsFromCluster(t *testing.T) {
	config := devConfig(t)
	config[project+":nfs"] = strings.Replace(config[project+":nfs"], `"clients":["192.168.1.160","192.168.1.161","192.168.1.162"],`, "", 1)
	w := tutorial()
	w.snapshot.Nodes[2].Address = "192.168.1.99"
	e, err := run(t, config, w, false)
	if err != nil {
		t.Fatal(err)
	}
	stdin := e.input(t, "command:remote:Command share-exports", "stdin")
	if !strings.Contains(stdin, "line /srv/nfs/weblb 192.168.1.99(") || strings.Contains(stdin, "192.168.1.162") {
		t.Errorf("the data is\n%s", stdin[:400])
	}
}

// What cannot be reached is an error at an update and a warning in a preview;
// nothing is registered after the error.
func TestUnreachable(t *testing.T) {
	down := &world{clusterError: errors.New("the cluster is down"), hostError: errors.New("the host is down")}
	e, err := run(t, devConfig(t), down, false)
	if err == nil || !strings.Contains(err.Error(), "the cluster is down\nthe host is down") {
		t.Errorf("the error is %v, want both problems", err)
	}
	for name := range e.resources {
		if !strings.HasPrefix(name, "pulumi:") {
			t.Errorf("%s was registered", name)
		}
	}
	if _, err := run(t, devConfig(t), down, true); err != nil {
		t.Errorf("the preview failed: %v", err)
	}
}

// No SSH connection is made for a configuration with problems.
func TestProblemsComeFirst(t *testing.T) {
	config := devConfig(t)
	config[project+":exposure"] = "nodport"
	w := tutorial()
	if _, err := run(t, config, w, true); err == nil || len(w.logins) > 0 {
		t.Errorf("error %v after %d logins", err, len(w.logins))
	}
}

// TLS adds the certificate, the redirect and nothing else; the private key is
// secret.
func TestSelfSignedTLS(t *testing.T) {
	config := devConfig(t)
	config[project+":tls"] = "self-signed"
	e, err := run(t, config, tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	const ingress, secret = "kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "kubernetes:core/v1:Secret exposure-certificate"
	for _, c := range []struct{ resource, path, want string }{
		{secret, "type", "kubernetes.io/tls"},
		{secret, "stringData", "[secret]"},
		{ingress, "spec.tls", "[map[hosts:[foo-balanced.bar] secretName:balanced-tls]]"},
		{ingress, `metadata.annotations["haproxy.org/ssl-redirect"]`, "true"},
		{ingress, `metadata.annotations["haproxy.org/ssl-redirect-port"]`, "32613"},
	} {
		if got := e.input(t, c.resource, c.path); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.path, c.resource, got, c.want)
		}
	}
}

// What makes the ingress controller change HAProxy's configuration comes after
// the last pod.
func TestIngressComesAfterThePods(t *testing.T) {
	config := devConfig(t)
	config[project+":tls"] = "self-signed"
	e, w := newEngine(), tutorial()
	afterPods := []string{
		"kubernetes:networking.k8s.io/v1:Ingress exposure-ingress",
		"kubernetes:core/v1:Secret exposure-certificate",
		"kubernetes:core/v1:ConfigMapPatch exposure-haproxy",
	}
	w.onReady = func() {
		time.Sleep(100 * time.Millisecond) // for what does not wait
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, name := range afterPods {
			if _, ok := e.resources[name]; ok {
				t.Errorf("%s was there before the pods", name)
			}
		}
	}
	if err := e.run(config, w, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range afterPods {
		if _, ok := e.resources[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
}

// The controller of another class gets none of HAProxy's annotations and keys.
func TestOtherController(t *testing.T) {
	config := devConfig(t)
	config[project+":ingressClass"] = "nginx"
	w := tutorial()
	w.snapshot.IngressClasses = append(w.snapshot.IngressClasses, cluster.IngressClass{Name: "nginx", Controller: "k8s.io/ingress-nginx"})
	e, err := run(t, config, w, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.input(t, "kubernetes:networking.k8s.io/v1:Ingress exposure-ingress", "metadata.annotations"); got != "map[pulumi.com/skipAwait:true]" {
		t.Errorf("the annotations are %s", got)
	}
	if _, ok := e.resources["kubernetes:core/v1:ConfigMapPatch exposure-haproxy"]; ok {
		t.Error("HAProxy's ConfigMap is changed")
	}
}
