package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/app"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/link"
	"webapp-balanced/components/share"
	"webapp-balanced/internal/cluster"
)

const testHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPPu256k8DGoZos+llW0QbJGCIcciR8dBMfCWOFNUak9 kubemaster.jadbp.lab"

// unknownText returns an unknown output, as of a resource that does not exist yet.
func unknownText() pulumi.StringOutput {
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
}

var nfs = link.MountArgs{Server: pulumi.String("192.168.1.160"), Path: pulumi.String("/srv/nfs/weblb")}

// A program can have several components of each type. Each has its own names, labels and objects.
func TestTwoApplications(t *testing.T) {
	program := func(ctx *pulumi.Context) error {
		files, err := share.NewNfsShare(ctx, "files", &share.NfsShareArgs{
			Connection: share.ConnectionArgs{Host: pulumi.String("192.168.1.160"), HostKey: pulumi.String(testHostKey)},
			Path:       pulumi.String("/srv/nfs/files"),
			Clients:    []pulumi.StringInput{pulumi.String("192.168.1.161")},
		})
		if err != nil {
			return err
		}
		blog, err := app.NewBalancedApp(ctx, "blog", &app.BalancedAppArgs{Mount: files.Mount, Replicas: pulumi.Int(2)})
		if err != nil {
			return err
		}
		shop, err := app.NewBalancedApp(ctx, "shop", &app.BalancedAppArgs{
			Mount: files.Mount, Namespace: blog.Namespace, CreateNamespace: new(false), Port: 8080, Image: pulumi.String("shop:v1"),
			Env: map[string]pulumi.StringInput{"TOKEN": pulumi.ToSecret(pulumi.String("s3cret")).(pulumi.StringOutput), "PLAIN": pulumi.String("yes")},
		})
		if err != nil {
			return err
		}
		if _, err := exposure.NewExposure(ctx, "blog", &exposure.ExposureArgs{App: blog.Workload}); err != nil {
			return err
		}
		_, err = exposure.NewExposure(ctx, "shop", &exposure.ExposureArgs{App: shop.Workload, Type: exposure.NodePortService, Port: 8000})
		return err
	}
	for _, preview := range []bool{true, false} {
		e := newEngine()
		if err := e.runProgram(program, nil, tutorial(), preview); err != nil {
			t.Fatal(err)
		}
		const shop = "kubernetes:apps/v1:Deployment shop-deployment"
		const labels = "map[app.kubernetes.io/instance:shop app.kubernetes.io/name:shop]"
		for _, c := range []struct{ resource, path, want string }{
			{"kubernetes:core/v1:Namespace blog-namespace", "metadata.name", "blog"},
			{"kubernetes:apps/v1:Deployment blog-deployment", "metadata.name", "blog"},
			{"kubernetes:apps/v1:Deployment blog-deployment", "metadata.namespace", "blog"},
			{shop, "metadata.name", "shop"},
			{shop, "metadata.namespace", "blog"},
			{shop, "spec.selector.matchLabels", labels},
			{shop, "spec.template.metadata.labels", labels},
			{shop, "spec.template.spec.containers[0].ports", "[map[containerPort:8080 name:http]]"},
			{shop, "spec.template.spec.containers[0].env[0]", "map[name:PLAIN value:yes]"},
			{shop, "spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.key", "TOKEN"},
			{"kubernetes:core/v1:Secret shop-env", "stringData", "[secret]"},
			{"kubernetes:core/v1:Secret shop-env", "immutable", "true"},
			{"kubernetes:core/v1:Service shop-service", "metadata.name", "shop-service"},
			{"kubernetes:core/v1:Service shop-service", "metadata.namespace", "blog"},
			{"kubernetes:core/v1:Service shop-service", "spec.selector", labels},
			{"kubernetes:core/v1:Service shop-service", "spec.ports[0].port", "8000"},
			{"kubernetes:core/v1:Service shop-service", "spec.ports[0].targetPort", "8080"},
			{"kubernetes:networking.k8s.io/v1:Ingress blog-ingress", "metadata.name", "blog-ingress"},
			{"command:remote:Command files-exports", "update", "sh -s -- apply webapp-balanced/dev/files:/srv/nfs/files"},
		} {
			if got := e.input(t, c.resource, c.path); got != c.want {
				t.Errorf("preview %v: %s of %s is %q, want %q", preview, c.path, c.resource, got, c.want)
			}
		}
		for _, name := range []string{"kubernetes:core/v1:Namespace shop-namespace", "command:remote:Command files-site", "kubernetes:policy/v1:PodDisruptionBudget shop-budget"} {
			if _, ok := e.resources[name]; ok {
				t.Errorf("there is %s", name)
			}
		}
		// Five components share one read of the state.
		if e.read != 1 {
			t.Errorf("preview %v: the state is read %d times", preview, e.read)
		}
	}
}

// In a preview, values of other resources are unknown, and no other values are. With an unknown path, the NFS
// host is not read.
func TestUnknownInputs(t *testing.T) {
	w := tutorial()
	e := newEngine()
	err := e.runProgram(func(ctx *pulumi.Context) error {
		files, err := share.NewNfsShare(ctx, "files", &share.NfsShareArgs{
			Connection: share.ConnectionArgs{Host: pulumi.String("192.168.1.160"), HostKey: pulumi.String(testHostKey)},
			Path:       unknownText(),
			Clients:    []pulumi.StringInput{unknownText(), pulumi.String("192.168.1.161")},
		})
		if err != nil {
			return err
		}
		web, err := app.NewBalancedApp(ctx, "web", &app.BalancedAppArgs{
			Mount: files.Mount, Image: unknownText(), Kubeconfig: unknownText(), Env: map[string]pulumi.StringInput{"A": unknownText()},
			Replicas: pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) int { return 0 }).(pulumi.IntOutput),
		})
		if err != nil {
			return err
		}
		_, err = exposure.NewExposure(ctx, "web", &exposure.ExposureArgs{App: web.Workload, Host: unknownText(), Kubeconfig: unknownText()})
		return err
	}, nil, w, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.commands) > 0 {
		t.Errorf("the host was asked by %v", w.commands)
	}
	const deployment = "kubernetes:apps/v1:Deployment web-deployment"
	for _, c := range []struct{ resource, path string }{
		{"command:remote:Command files-exports", "stdin"},
		{"kubernetes:core/v1:PersistentVolume web-volume-unknown", "spec.nfs.path"},
		{deployment, "spec.replicas"},
		{deployment, "spec.template.spec.containers[0].image"},
		{deployment, "spec.template.spec.containers[0].env[0].value"},
		{"kubernetes:networking.k8s.io/v1:Ingress web-ingress", "spec.rules[0].host"},
	} {
		if !e.isUnknown(t, c.resource, c.path) {
			t.Errorf("%s of %s is known", c.path, c.resource)
		}
	}
	if got := e.input(t, deployment, "spec.template.spec.containers[0].ports[0].containerPort"); got != "80" {
		t.Errorf("the port is %q", got)
	}
}

// All bad arguments are reported in one error, under their own names, before any resource is created.
func TestProblemsOfArguments(t *testing.T) {
	for _, c := range []struct {
		name    string
		program pulumi.RunFunc
		want    []string
	}{
		{"a share", func(ctx *pulumi.Context) error {
			_, err := share.NewNfsShare(ctx, "files", &share.NfsShareArgs{Path: pulumi.String("srv")})
			return err
		}, []string{"connection.host: is missing", "connection.hostKey: is missing", `path = "srv": is not absolute`, "clients: no client may mount the share"}},
		{"an application", func(ctx *pulumi.Context) error {
			_, err := app.NewBalancedApp(ctx, "web", &app.BalancedAppArgs{
				Name: "Web", MountPath: "public", Port: 70000, ReadinessPath: pulumi.String("health"), AntiAffinity: "always",
				Env: map[string]pulumi.StringInput{"A-B": pulumi.String("x")}, StorageClass: "a b",
				Resources: corev1.ResourceRequirementsArgs{Requests: pulumi.StringMap{"cpu": pulumi.String("much")}},
			})
			return err
		}, []string{`name = "Web": is not a valid application name`, `mountPath = "public": is not a directory of a container`, `port = "70000": is not a TCP port`,
			`readinessPath = "health": is not a path to request`, `antiAffinity = "always": is not an allowed value`, `env = "A-B": is not an environment variable name`,
			`storageClass = "a b": is not a valid StorageClass name`, "mount.server: is missing", "resources: does not fit: quantities must match"}},
		{"a patch without sense", func(ctx *pulumi.Context) error {
			_, err := app.NewBalancedApp(ctx, "web", &app.BalancedAppArgs{Mount: nfs, PodTemplate: corev1.PodTemplateSpecPatchArgs{
				Spec: corev1.PodSpecPatchArgs{Containers: corev1.ContainerPatchArray{corev1.ContainerPatchArgs{Name: pulumi.String("wep")}}},
			}})
			return err
		}, []string{"podTemplate: has a container wep without an image; the application's own container is called web"}},
		{"an exposure", func(ctx *pulumi.Context) error {
			_, err := exposure.NewExposure(ctx, "web", &exposure.ExposureArgs{
				Type: "nodeport", Port: -1, Ingress: new(false), LoadBalancerClass: "x", ServiceAnnotations: map[string]pulumi.StringInput{"pulumi.com/x": pulumi.String("")},
				IngressAnnotations: map[string]pulumi.StringInput{"a b": pulumi.String("")},
			})
			return err
		}, []string{"app: is missing", `type = "nodeport": is not an allowed value; did you mean NodePort?`, `port = "-1": is not a TCP port`,
			`loadBalancerClass = "x": applies only to LoadBalancer Services, and type is nodeport`, `serviceAnnotations = "pulumi.com/x": is reserved for this program and for Pulumi`,
			`ingressAnnotations = "a b": is not an annotation name`}},
		{"an exposure of something else", func(ctx *pulumi.Context) error {
			_, err := exposure.NewExposure(ctx, "web", &exposure.ExposureArgs{Type: exposure.NodePortService, App: link.WorkloadArgs{
				Namespace: pulumi.String("Bad NS"), Name: pulumi.String("Bad name"), Port: pulumi.Int(-1), Replicas: pulumi.Int(-1), Selector: pulumi.StringMap{"bad key!": pulumi.String("b d")},
			}})
			return err
		}, []string{`app.namespace = "Bad NS": is not a valid namespace name`, `app.name = "Bad name": is not a valid Deployment name`, `app.port = "-1": is not a TCP port`,
			`app.replicas = "-1": is below 0`, `app.selector = "bad key!=b d": is not a valid label`}},
		{"a provider whose cluster is not known", func(ctx *pulumi.Context) error {
			provider, err := kubernetes.NewProvider(ctx, "other", &kubernetes.ProviderArgs{Kubeconfig: pulumi.String("{}")})
			if err != nil {
				return err
			}
			_, err = app.NewBalancedApp(ctx, "web", &app.BalancedAppArgs{Mount: nfs}, pulumi.Providers(provider))
			return err
		}, []string{"kubeconfig: is missing: the component has its own provider"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine()
			err := e.runProgram(c.program, nil, tutorial(), false)
			if err == nil {
				t.Fatal("it is accepted")
			}
			told := strings.ReplaceAll(err.Error(), "\n      ", "; ")
			for _, want := range c.want {
				if !strings.Contains(told, want) {
					t.Errorf("the error is\n%s\nand lacks\n%s", told, want)
				}
			}
			for name := range e.resources {
				if !strings.HasPrefix(name, "pulumi:") && !strings.HasPrefix(name, "webapp-balanced:") {
					t.Errorf("%s was made", name)
				}
			}
		})
	}
}

// A problem does not contain a secret value.
func TestErrorsHideSecrets(t *testing.T) {
	err := newEngine().runProgram(func(ctx *pulumi.Context) error {
		_, err := app.NewBalancedApp(ctx, "web", &app.BalancedAppArgs{Mount: nfs, Image: pulumi.ToSecret(pulumi.String("S3CRET")).(pulumi.StringOutput)})
		return err
	}, nil, tutorial(), true)
	if err == nil || strings.Contains(err.Error(), "S3CRET") || !strings.Contains(err.Error(), "image: is not an image reference") {
		t.Errorf("the error is %v", err)
	}
}

// With an explicit provider, the component reads the cluster of its argument kubeconfig, and its resources
// use the provider.
func TestExplicitProvider(t *testing.T) {
	w := tutorial()
	e := newEngine()
	err := e.runProgram(func(ctx *pulumi.Context) error {
		provider, err := kubernetes.NewProvider(ctx, "other", &kubernetes.ProviderArgs{})
		if err != nil {
			return err
		}
		_, err = app.NewBalancedApp(ctx, "web", &app.BalancedAppArgs{Mount: nfs, Kubeconfig: pulumi.String("the other's")}, pulumi.Providers(provider))
		return err
	}, map[string]string{"kubernetes:kubeconfig": "the default one", "kubernetes:context": "here"}, w, false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []cluster.Access{{Kubeconfig: "the other's"}}; !slices.Equal(w.accesses, want) {
		t.Errorf("inspected were %v, want %v", w.accesses, want)
	}
	if got := e.providers["web-deployment"]; !strings.Contains(got, "::other::") {
		t.Errorf("the Deployment has the provider %q", got)
	}
}

// If an autoscaler exists, changes of spec.replicas are ignored. Before Kubernetes 1.30, preStop runs the
// image's own sleep program.
func TestWhatTheClusterHas(t *testing.T) {
	w := tutorial()
	w.autoscaled, w.snapshot.Major, w.snapshot.Minor = true, 1, 29
	set := devConfig(t)
	set["webapp-balanced:replicas"] = "7" // which is above the number of nodes
	e, err := run(t, set, w, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.ignored["app-deployment"]; !slices.Equal(got, []string{"spec.replicas"}) {
		t.Errorf("ignored are changes of %q", got)
	}
	const preStop = "spec.template.spec.containers[0].lifecycle.preStop"
	if got := e.input(t, "kubernetes:apps/v1:Deployment app-deployment", preStop); got != "map[exec:map[command:[sleep 6]]]" {
		t.Errorf("before its end a pod does %s", got)
	}
	if e, err = run(t, devConfig(t), tutorial(), false); err != nil {
		t.Fatal(err)
	}
	if got := e.input(t, "kubernetes:apps/v1:Deployment app-deployment", preStop); got != "map[sleep:map[seconds:6]]" {
		t.Errorf("before its end a pod does %s", got)
	}
}

// A namespace that another component of the stack made is not missed by a component that only uses it.
func TestNamespaceOfAnotherComponent(t *testing.T) {
	e, w := newEngine(), tutorial()
	e.state["urn:pulumi:dev::webapp-balanced::webapp-balanced:index:BalancedApp$kubernetes:core/v1:Namespace::blog-namespace"] = outputs(`{"metadata": {"name": "blog"}}`)
	w.objects = []cluster.Object{{Kind: "Namespace", Name: "blog", Owner: "webapp-balanced/dev 0123456789abcdef"}}
	err := e.runProgram(func(ctx *pulumi.Context) error {
		_, err := app.NewBalancedApp(ctx, "shop", &app.BalancedAppArgs{Mount: nfs, Namespace: pulumi.String("blog"), CreateNamespace: new(false)})
		return err
	}, nil, w, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range e.warnings {
		if strings.Contains(warning, "missing from the cluster") {
			t.Errorf("the warning %q", warning)
		}
	}
}
