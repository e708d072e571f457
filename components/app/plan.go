package app

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
	"webapp-balanced/internal/pods"
	"webapp-balanced/internal/volume"
)

// Plan is an application of which nothing is made yet: its settings, and what was found in the
// cluster.
type Plan struct {
	Settings
	name       string
	there      outside.Cluster // nil if it could not be reached
	deployment pods.Deployment
	volume     volume.Volume
	// keepNamespace leaves the namespace when the stack goes: others have put something
	// into it.
	keepNamespace bool
}

// Prepare looks at what the cluster has: room for the pods, whose the objects are that are to be
// made, what others have in namespaces that the stack has made, whether the volume was given
// back, and whether an autoscaler sets the number of pods. The snapshot is nil, in a preview only,
// where it could not be read.
func Prepare(ctx *pulumi.Context, name string, s Settings, there outside.Cluster, snapshot *cluster.Snapshot) (*Plan, check.Problems, error) {
	p := &Plan{Settings: s, name: name}
	p.deployment = pods.Deployment{
		Ownership: s.Ownership, Origins: s.Origins, Pod: s.pod(), Replicas: s.Replicas, RolloutTimeout: s.rolloutTimeout(),
	}
	p.volume = volume.Volume{
		Ownership: s.Ownership, Origins: s.Origins, App: s.Name, Stack: ctx.Stack(), Namespace: s.Namespace, Mount: s.Mount, Labels: s.labels(),
		StorageClass: s.StorageClass, StorageCapacity: s.StorageCapacity, StorageRequest: s.StorageRequest,
	}
	problems := s.Validate()
	if len(problems) > 0 || snapshot == nil {
		return p, problems, nil
	}
	p.there = there
	p.deployment.SleepByProgram = !snapshot.HasVersion(1, 30) // KEP-3960
	var err error
	if p.deployment.Autoscaled, err = there.Autoscaled(ctx.Context(), snapshot, s.Namespace, s.Name); err != nil {
		return p, nil, err
	}
	found, err := there.Objects(ctx.Context(), snapshot, p.objects())
	if err != nil {
		return p, nil, err
	}
	if problems, err = p.claim(ctx, snapshot, found); err != nil {
		return p, nil, err
	}
	if err := p.volume.Look(ctx, there, snapshot, len(problems) == 0); err != nil {
		return p, nil, err
	}
	if len(problems) == 0 {
		if p.keepNamespace, problems, err = p.LookAtNamespaces(ctx, there, snapshot, s.Namespace, *s.CreateNamespace, found); err != nil {
			return p, nil, err
		}
	}
	if snapshot.Knows(cluster.Nodes) {
		p.deployment.Nodes = len(snapshot.Schedulable())
		p.checkRoom(&problems, snapshot.Schedulable())
	}
	return p, problems, nil
}

// claim returns the problem that objects which the stack is to have belong to somebody else.
func (p *Plan) claim(ctx *pulumi.Context, snapshot *cluster.Snapshot, found []cluster.Object) (problems check.Problems, err error) {
	if !*p.CreateNamespace {
		all := len(found)
		found = slices.DeleteFunc(slices.Clone(found), owner.IsNamespace)
		if isThere := len(found) < all; !isThere && !p.Origins.Follows("namespace") {
			problems.Add("createNamespace", false, "uses a namespace that is there, and the cluster has none of the name "+p.Namespace,
				"set it to true, or make the namespace: kubectl create namespace "+p.Namespace)
		}
	}
	others, err := p.Claim(ctx, p.there, snapshot, p.Namespace, p.objects(), found, p.lasting)
	return append(problems, others...), err
}

// objects are those that the stack is to have in the cluster, and its namespace.
func (p *Plan) objects() []cluster.Object {
	objects := []cluster.Object{
		{Kind: "Namespace", Name: p.Namespace},
		{Kind: "PersistentVolume", Name: p.volume.Name()},
		{Kind: "PersistentVolumeClaim", Namespace: p.Namespace, Name: p.volume.Name()},
		{Kind: "Deployment", Namespace: p.Namespace, Name: p.Name},
	}
	if p.deployment.NeedsBudget() {
		objects = append(objects, cluster.Object{Kind: "PodDisruptionBudget", Namespace: p.Namespace, Name: p.Name})
	}
	return objects
}

// lasting is what it has in those fields of an object that last, as [cluster.Client.Lasting].
func (p *Plan) lasting(object cluster.Object) map[string]string {
	if object.Kind == "Deployment" {
		return map[string]string{"spec.selector": cluster.FormatSelector(p.Selector)}
	}
	return nil
}

// checkRoom adds the problem that the cluster has fewer nodes for the pods
// than pods are wanted. nodes are those that take pods, taints considered.
func (p *Plan) checkRoom(problems *check.Problems, nodes []string) {
	if p.AntiAffinity == Required && !p.deployment.Autoscaled && p.Replicas > len(nodes) {
		problems.Add("replicas", p.Replicas,
			fmt.Sprintf("is more than the %d nodes that take pods (%s), and antiAffinity required allows one pod a node: the others would stay Pending",
				len(nodes), check.Enumerate(nodes, "and")),
			fmt.Sprintf("use at most %d, add nodes, or set {antiAffinity} to preferred", len(nodes)))
	}
}

// Relevant are those of the denials that matter to what is made.
func (p *Plan) Relevant(denied []cluster.Denial) []cluster.Denial {
	relevant := []cluster.Fact{cluster.Nodes, cluster.Owners, cluster.Contents, cluster.Autoscalers}
	return slices.DeleteFunc(slices.Clone(denied), func(d cluster.Denial) bool { return !slices.Contains(relevant, d.Fact) })
}
