// Package app has the component BalancedApp: a web application in several pods that serve the
// same files from a share.
package app

import (
	"cmp"
	"errors"
	"regexp"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// AppName is the name of the Deployment and the value of its pods' label app.
const AppName = "webapp-balanced"

// DefaultNamespace is that of an application of which nothing else is said.
const DefaultNamespace = "webapp-balanced"

const appType = "webapp-balanced:index:BalancedApp"

// instanceLabel tells volumes apart.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
const instanceLabel = "app.kubernetes.io/instance"

// BalancedApp is a web application in several pods, on different nodes, that
// serve the same files from an NFS share: Namespace, PersistentVolume,
// PersistentVolumeClaim and Deployment.
type BalancedApp struct {
	pulumi.ResourceState

	// Namespace is the namespace's name, known when the namespace is there.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Replicas is the number of pods that are wanted, known when they are ready.
	Replicas pulumi.IntOutput `pulumi:"replicas"`
}

// BalancedAppArgs says what runs and what it serves.
type BalancedAppArgs struct {
	// Ownership marks what is made.
	owner.Ownership
	// Namespace to make and use. Default webapp-balanced. A change moves
	// everything: made anew there, then removed here. Give the component another name,
	// too: where an update fails that replaces a resource, and the change is taken back, Pulumi
	// deletes what was to be replaced after it has made it again.
	Namespace string
	// ExistingNamespace uses a namespace that somebody else has made, and neither changes
	// nor deletes it. One that this stack has made before is left to the cluster then.
	ExistingNamespace bool
	// Image of the web server, which serves /var/www/public on port 80.
	// Default quay.io/rhte_2019/webapp:v1. A change rolls the pods over.
	Image string
	// Replicas is the number of pods. A change scales in place; the number
	// that kubectl scale has set is overridden.
	Replicas int
	// AntiAffinity says whether two pods may share a node: required (never),
	// preferred (when there is no other), off. Default required.
	AntiAffinity string
	// RolloutTimeout is how long one pod may take to become ready, a Go duration such as 3m
	// or 90s (https://pkg.go.dev/time#ParseDuration), from 1s to 24h. Pods are replaced one after the
	// other, so that an update may take as many times that. Default 3m.
	RolloutTimeout string
	// AnswerPath is asked for to see that a pod is ready, and AnswerStatus is what it answers
	// with, 0 for any status of 200 to 399. A kubelet takes no other for an answer, so that
	// with one from 400 on a pod is ready when its port can be connected to. Default /.
	AnswerPath   string
	AnswerStatus int
	// Server is the NFS server's address as the nodes reach it. Required. A
	// change of Server or Path makes a new volume and rolls the pods over.
	Server string
	// Path of the share on the server. Required.
	Path string
	// StorageCapacity of the volume and StorageRequest of the claim are
	// quantities of Kubernetes, the request at most the capacity. NFS enforces
	// neither. Defaults 10Gi and 2Gi. A change makes a new volume and rolls the
	// pods over.
	StorageCapacity, StorageRequest string
}

func (a BalancedAppArgs) WithDefaults() BalancedAppArgs {
	a.Namespace = cmp.Or(a.Namespace, DefaultNamespace)
	a.Image = cmp.Or(a.Image, "quay.io/rhte_2019/webapp:v1")
	a.AntiAffinity = cmp.Or(a.AntiAffinity, "required")
	a.RolloutTimeout = cmp.Or(a.RolloutTimeout, "3m")
	a.AnswerPath = cmp.Or(a.AnswerPath, "/")
	a.StorageCapacity = cmp.Or(a.StorageCapacity, "10Gi")
	a.StorageRequest = cmp.Or(a.StorageRequest, "2Gi")
	return a
}

// imageReference is repository[:tag][@digest], without the rarer forms.
var imageReference = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._/:-]*(@sha256:[0-9a-f]{64})?$`)

// Validate returns every problem of the arguments, under their properties.
func (a BalancedAppArgs) Validate() check.Problems {
	var p check.Problems
	if !check.IsLabel(a.Namespace) {
		p.Add("namespace", a.Namespace, "is no name of a namespace", "use up to 63 lower-case letters, digits and - (RFC 1123)")
	}
	if !imageReference.MatchString(a.Image) {
		p.Add("image", a.Image, "is no image reference", "use repository:tag, such as quay.io/rhte_2019/webapp:v1")
	}
	if a.Replicas < 0 {
		p.Add("replicas", a.Replicas, "is below 0", "use the number of pods that you want; 0 stops the application")
	}
	p.OneOf("antiAffinity", a.AntiAffinity, "required", "preferred", "off")
	if d := a.rolloutTimeout(); d < time.Second || d > 24*time.Hour {
		p.Add("rolloutTimeout", a.RolloutTimeout, "is no duration from a second to a day", "use a number with a unit, such as 90s or 3m: it is for one pod")
	}
	check.Answer(&p, a.AnswerPath, a.AnswerStatus)
	check.Host(&p, "server", a.Server, "set it to the NFS server's address as the nodes reach it")
	capacity := p.Quantity("storageCapacity", a.StorageCapacity)
	request := p.Quantity("storageRequest", a.StorageRequest)
	if !capacity.IsZero() && request.Cmp(capacity) > 0 {
		p.Add("storageRequest", a.StorageRequest, "is more than storageCapacity ("+a.StorageCapacity+"): the claim would get no volume", "use at most "+a.StorageCapacity)
	}
	return p
}

// NewBalancedApp looks at the cluster, and makes the application. It waits until the pods are
// ready.
func NewBalancedApp(ctx *pulumi.Context, name string, args BalancedAppArgs, opts ...pulumi.ResourceOption) (*BalancedApp, error) {
	there, snapshot, err := outside.Look(ctx, cluster.Query{Namespace: args.Namespace})
	if err != nil {
		return nil, err
	}
	plan, problems, err := Prepare(ctx, name, args.WithDefaults(), there, snapshot)
	if err := errors.Join(problems.OrNil(), err); err != nil {
		return nil, err
	}
	return plan.Make(ctx, opts...)
}

// Make makes the application.
func (a *Plan) Make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (*BalancedApp, error) {
	app := &BalancedApp{}
	if err := ctx.RegisterComponentResource(appType, a.name, app, opts...); err != nil {
		return nil, err
	}
	made, err := a.Made(ctx, app, a.name, a.there)
	if err != nil {
		return nil, err
	}
	namespaceName, err := a.namespace(ctx, app, made)
	if err != nil {
		return nil, err
	}
	claim, err := a.newVolume(ctx, namespaceName, made)
	if err != nil {
		return nil, err
	}
	deployment, err := a.newDeployment(ctx, namespaceName, claim, made)
	if err != nil {
		return nil, err
	}
	app.Namespace = namespaceName
	app.Replicas = deployment.Spec.Replicas().Elem()
	return app, ctx.RegisterResourceOutputs(app, pulumi.Map{
		"namespace": app.Namespace, "replicas": app.Replicas, "namespaceExisted": pulumi.Bool(a.ExistingNamespace),
	})
}

// objects are those that the stack is to have in the cluster, and its namespace.
func (a BalancedAppArgs) objects(stack string) []cluster.Object {
	objects := []cluster.Object{
		{Kind: "PersistentVolume", Name: a.volumeName(stack)},
		{Kind: "PersistentVolumeClaim", Namespace: a.Namespace, Name: a.volumeName(stack)},
		{Kind: "Deployment", Namespace: a.Namespace, Name: AppName},
	}
	return append([]cluster.Object{{Kind: "Namespace", Name: a.Namespace}}, objects...)
}

// lasting is what it has in those fields of an object that last, as [cluster.Client.Lasting].
func lasting(object cluster.Object) map[string]string {
	if object.Kind == "Deployment" {
		return map[string]string{"spec.selector": "app=" + AppName}
	}
	return nil
}
