package app

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/pods"
	"webapp-balanced/internal/volume"
)

// Plan is an application before its creation: its settings, and what was found in the cluster.
type Plan struct {
	Settings
	name       string
	there      env.Cluster // nil if it could not be reached
	deployment pods.Deployment
	volume     volume.Volume
	// keepNamespace keeps the namespace when the stack is destroyed: others have put objects into it.
	keepNamespace bool
}

// Prepare checks the cluster: room for the pods, the owners of objects with the application's names, objects
// of others in namespaces that the stack has created, whether the volume was released, and whether an
// autoscaler sets the number of pods. In a preview, the snapshot is nil if the cluster could not be read.
func Prepare(ctx *pulumi.Context, name string, s Settings, there env.Cluster, snapshot *cluster.Snapshot) (*Plan, check.Problems, error) {
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
	if err := p.volume.Inspect(ctx, there, snapshot, len(problems) == 0); err != nil {
		return p, nil, err
	}
	if len(problems) == 0 {
		if p.keepNamespace, problems, err = p.InspectNamespaces(ctx, there, snapshot, s.Namespace, *s.CreateNamespace, found); err != nil {
			return p, nil, err
		}
	}
	if snapshot.Knows(cluster.Nodes) {
		p.deployment.Nodes = len(snapshot.Schedulable())
		p.checkRoom(&problems, snapshot.Schedulable())
	}
	return p, problems, nil
}

// claim returns the problem that objects with the stack's names belong to others.
func (p *Plan) claim(ctx *pulumi.Context, snapshot *cluster.Snapshot, found []cluster.Object) (problems check.Problems, err error) {
	all := p.objects()
	if !*p.CreateNamespace {
		isThere := slices.ContainsFunc(found, owner.IsNamespace)
		all, found = slices.DeleteFunc(all, owner.IsNamespace), slices.DeleteFunc(slices.Clone(found), owner.IsNamespace)
		if !isThere && !p.Origins.Follows("namespace") {
			problems.Add("createNamespace", false, "needs an existing namespace, and the cluster has no namespace "+p.Namespace,
				"set it to true, or make the namespace: kubectl create namespace "+p.Namespace)
		}
	}
	others, err := p.Claim(ctx, p.there, snapshot, p.Namespace, all, found, p.lasting)
	return append(problems, others...), err
}

// objects returns the objects that the stack needs in the cluster, and its namespace.
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

// lasting returns the stack's values of fields that an apply does not change, see [cluster.Client.Lasting].
func (p *Plan) lasting(object cluster.Object) map[string]string {
	if object.Kind == "Deployment" {
		return map[string]string{"spec.selector": cluster.FormatSelector(p.Selector)}
	}
	return nil
}

// checkRoom adds a problem if fewer nodes take pods than there are replicas. nodes are those that take pods,
// taints considered.
func (p *Plan) checkRoom(problems *check.Problems, nodes []string) {
	if p.AntiAffinity == Required && !p.deployment.Autoscaled && p.Replicas > len(nodes) {
		problems.Add("replicas", p.Replicas,
			fmt.Sprintf("is more than the %d nodes that take pods (%s), and antiAffinity required allows one pod a node: the others would stay Pending",
				len(nodes), check.Enumerate(nodes, "and")),
			fmt.Sprintf("use at most %d, add nodes, or set {antiAffinity} to preferred", len(nodes)))
	}
}

// Relevant returns the denials that concern the application's objects.
func (p *Plan) Relevant(denied []cluster.Denial) []cluster.Denial {
	relevant := []cluster.Fact{cluster.Nodes, cluster.Owners, cluster.Contents, cluster.Autoscalers}
	return slices.DeleteFunc(slices.Clone(denied), func(d cluster.Denial) bool { return !slices.Contains(relevant, d.Fact) })
}
