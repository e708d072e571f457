package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// Plan is an application of which nothing is made yet: its arguments, and what was found in the
// cluster.
type Plan struct {
	BalancedAppArgs
	name  string
	there outside.Cluster // nil if it could not be reached
	// nodes is the number of nodes that take pods; 0 if it is not known. Where one more pod
	// can be placed, an update starts the new pod before it stops the old one.
	nodes int
	// released tells the volume from the one before it that its claim has given back, and that
	// Kubernetes therefore gives to nobody any more: another value replaces it. The data is
	// not touched.
	released string
	// releasedNow deletes the volume before it makes it anew: it has the same name.
	releasedNow bool
	// keepNamespace leaves the namespace when the stack goes: others have put something
	// into it.
	keepNamespace bool
}

// Prepare looks at what the cluster has: room for the pods, whose the objects are that are to be
// made, what others have in namespaces that the stack has made, and whether the volume was given
// back. The snapshot is nil, in a preview only, where it could not be read.
func Prepare(ctx *pulumi.Context, name string, args BalancedAppArgs, there outside.Cluster, s *cluster.Snapshot) (*Plan, check.Problems, error) {
	p := &Plan{BalancedAppArgs: args, name: name}
	problems := args.Validate()
	if len(problems) > 0 || s == nil {
		return p, problems, nil
	}
	p.there = there
	found, err := there.Objects(ctx.Context(), s, args.objects(ctx.Stack()))
	if err != nil {
		return p, nil, err
	}
	if problems, err = p.claim(ctx, s, found); err != nil {
		return p, nil, err
	}
	if err := p.lookAtVolume(ctx, s, len(problems) == 0); err != nil {
		return p, nil, err
	}
	if len(problems) == 0 {
		if problems, err = p.lookAtNamespaces(ctx, s, found); err != nil {
			return p, nil, err
		}
	}
	if s.Knows(cluster.Nodes) {
		p.nodes = len(s.Schedulable())
		p.checkRoom(&problems, s.Schedulable())
	}
	return p, problems, nil
}

// claim returns the problem that objects which the stack is to have belong to somebody else.
func (a *Plan) claim(ctx *pulumi.Context, s *cluster.Snapshot, found []cluster.Object) (p check.Problems, err error) {
	if a.ExistingNamespace {
		all := len(found)
		if found = slices.DeleteFunc(slices.Clone(found), owner.IsNamespace); len(found) == all {
			p.Add("createNamespace", false, "uses a namespace that is there, and the cluster has none of the name "+a.Namespace,
				"set it to true, or make the namespace: kubectl create namespace "+a.Namespace)
		}
	}
	others, err := a.Claim(ctx, a.there, s, a.Namespace, found, lasting)
	return append(p, others...), err
}

// lookAtVolume finds out whether the volume was given back, and has it made anew then.
func (a *Plan) lookAtVolume(ctx *pulumi.Context, s *cluster.Snapshot, isOurs bool) error {
	volume := a.volumeName(ctx.Stack())
	a.released = releasedBefore(a.Identity, volume)
	released, err := a.there.Released(ctx.Context(), s, volume)
	if err == nil && released != "" && isOurs {
		a.released, a.releasedNow = released, true
		_ = ctx.Log.Warn("the claim of the volume is gone from the cluster, and Kubernetes gives a volume that was released to nobody: it is made anew, over the same data. "+
			"If the namespace is gone, too, run pulumi up --refresh.", nil)
	}
	return err
}

// lookAtNamespaces finds what others have in the namespaces that the stack has made, which
// would go with it, or now, if it has moved.
func (a *Plan) lookAtNamespaces(ctx *pulumi.Context, s *cluster.Snapshot, found []cluster.Object) (p check.Problems, err error) {
	made := ownNamespaces(a.Identity)
	isOurs := func(o cluster.Object) bool { return owner.IsNamespace(o) && a.Identity.Owns(o) }
	if !a.ExistingNamespace && !slices.Contains(made, a.Namespace) && slices.ContainsFunc(found, isOurs) {
		made = append(made, a.Namespace) // it was left to the cluster, and is made the stack's again
	}
	for _, namespace := range made {
		isLeft := namespace != a.Namespace
		if !isLeft && (a.ExistingNamespace || ctx.DryRun()) {
			continue // it stays, or it matters to the update only, which has more rights
		}
		contents, complete, err := a.there.Contents(ctx.Context(), s, namespace)
		if err != nil {
			return nil, err
		}
		others := a.Others(contents)
		switch {
		case isLeft:
			// A preview has less rights; the update looks again.
			a.checkMove(&p, namespace, others, complete || ctx.DryRun())
		case len(others) > 0:
			a.keepNamespace = true
			_ = ctx.Log.Warn(fmt.Sprintf("others have put something into the namespace %s, which therefore stays when this stack goes: %s", namespace, strings.Join(others, ", ")), nil)
		case !complete:
			a.keepNamespace = true
			_ = ctx.Log.Warn(fmt.Sprintf("whether others have something in the namespace %s cannot be told by this login, and so it stays when this stack goes", namespace), nil)
		}
	}
	return p, nil
}

// checkMove adds the problem that the namespace which this stack has made would go, with
// what others have put into it, or may have, if not all can be seen. left is that namespace.
func (a BalancedAppArgs) checkMove(p *check.Problems, left string, others []string, complete bool) {
	reason := fmt.Sprintf("moves the stack away from %s, which it has made and would delete, with what others ", left)
	next := fmt.Sprintf("leave the namespace to them first: with {namespace} %s, set {createNamespace} to false, and run pulumi up", left)
	switch {
	case len(others) > 0:
		p.Add("namespace", a.Namespace, reason+"have there: "+check.Enumerate(others, "and"), next)
	case !complete:
		p.Add("namespace", a.Namespace, reason+"may have there: this login may not list everything", "permit it to, or "+next)
	}
}

// checkRoom adds the problem that the cluster has fewer nodes for the pods
// than pods are wanted. nodes are those that take pods, taints considered.
func (a BalancedAppArgs) checkRoom(p *check.Problems, nodes []string) {
	if a.AntiAffinity == "required" && a.Replicas > len(nodes) {
		p.Add("replicas", a.Replicas,
			fmt.Sprintf("is more than the %d nodes that take pods (%s), and antiAffinity required allows one pod a node: the others would stay Pending",
				len(nodes), check.Enumerate(nodes, "and")),
			fmt.Sprintf("use at most %d, add nodes, or set {antiAffinity} to preferred", len(nodes)))
	}
}
