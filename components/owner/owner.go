package owner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/poll"
)

// Ownership says who owns the objects in the cluster.
type Ownership struct {
	// Identity of the stack, or of the component. Objects are marked with it in the annotation
	// webapp-balanced/owner; without an identity they are not.
	Identity Identity
	// Adopt takes over objects without the annotation webapp-balanced/owner, such as those that were made with kubectl. It never
	// takes over namespaces or objects of another stack.
	Adopt bool
}

// Annotations returns more with the annotations that every object gets.
func (o Ownership) Annotations(more pulumi.StringMap) pulumi.StringMap {
	annotations := pulumi.StringMap{}
	if o.Identity.ID != "" {
		annotations[cluster.OwnerAnnotation] = pulumi.String(o.Identity.Owner())
	}
	if o.Adopt {
		// The fields of an object that was made by hand already have a manager.
		annotations["pulumi.com/patchForce"] = pulumi.String("true")
	}
	for name, value := range more {
		annotations[name] = value
	}
	return annotations
}

// SkipAwait keeps Pulumi from waiting for addresses that may never come: of a load balancer that the cluster
// does not have, or of an Ingress whose controller does not write one. The program requests the URLs instead.
var SkipAwait = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}

// Made returns the options of the objects that a component creates. Kubernetes would change an existing
// object instead of creating one (server-side apply), so a hook checks again just before each creation.
func (o Ownership) Made(ctx *pulumi.Context, component pulumi.Resource, there env.Cluster) (Options, error) {
	made := Options{pulumi.Parent(component)}
	if there == nil {
		return made, nil // a preview that could not reach the cluster
	}
	_, kind, _ := strings.Cut(component.PulumiResourceType(), ":index:")
	hook, err := ctx.RegisterResourceHook(kind+" "+component.PulumiResourceName()+": check for another owner", func(args *pulumi.ResourceHookArgs) error {
		return o.CheckAgain(ctx.Context(), there, objectIn(args))
	}, nil)
	return append(made, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}})), err
}

// CheckAgain returns the problem that an object which is about to be created exists by now and belongs to
// another owner.
func (o Ownership) CheckAgain(ctx context.Context, there env.Cluster, object cluster.Object) error {
	// The first check has already reported what may not be read.
	found, err := there.Objects(ctx, &cluster.Snapshot{}, []cluster.Object{object})
	if err != nil {
		return err
	}
	problems, _ := o.Check(object.Namespace, found)
	return problems.Err()
}

// Options are resource options.
type Options []pulumi.ResourceOption

// And adds options.
func (o Options) And(more ...pulumi.ResourceOption) Options { return slices.Concat(o, more) }

// objectIn returns the object of a Kubernetes resource.
func objectIn(args *pulumi.ResourceHookArgs) cluster.Object {
	metadata, _ := args.NewInputs.Mappable()["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	return cluster.Object{Kind: args.Type.Name().String(), Namespace: namespace, Name: name}
}

// Check returns the problem that existing objects belong to other owners, and the objects to take over.
func (o Ownership) Check(namespace string, found []cluster.Object) (p check.Problems, adopted []cluster.Object) {
	byOwner := map[string][]string{}
	for _, object := range found {
		switch {
		case o.Identity.Owns(object):
		case IsNamespace(object):
			reason := "exists, and this stack did not create it: a destroy would delete it and everything in it"
			if object.Owner != "" {
				reason = "belongs to the stack " + ownerName(object.Owner) + ", whose destroy deletes it"
			}
			p.Add("namespace", object.Name, reason, "use another namespace, or set {createNamespace} to false: the stack then uses it as it is, and never deletes it")
		case object.Owner == "" && o.Adopt:
			adopted = append(adopted, object)
		default:
			byOwner[object.Owner] = append(byOwner[object.Owner], object.String())
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		objects := check.Enumerate(byOwner[owner], "and")
		switch {
		case owner == "":
			p.Add("namespace", namespace, fmt.Sprintf("has objects that this stack did not create, with names that it needs: %s", objects), "use another namespace, or set {adopt} to true, which takes them over: the stack changes them, and a destroy deletes them")
		case o.Identity.isOfThisName(owner):
			p.Add("namespace", namespace, fmt.Sprintf("has objects with names that this component needs, which belong to another component of the stack %s, or to a stack of the same name in another backend: %s", ownerName(owner), objects), "use another namespace, or another name; a component that has been renamed needs an alias of its old name")
		default:
			p.Add("namespace", namespace, fmt.Sprintf("has objects of the stack %s with names that this stack needs: %s", ownerName(owner), objects), "use another namespace")
		}
	}
	return p, adopted
}

// Claim returns the problem that existing objects cannot become the stack's, and warns of objects that are taken
// over, being deleted, or missing. found are the objects of all that exist. An update waits at most a minute for the
// end of deletions. want returns the stack's values of the fields that an apply does not change.
func (o Ownership) Claim(ctx *pulumi.Context, there env.Cluster, s *cluster.Snapshot, namespace string, all, found []cluster.Object, want func(cluster.Object) map[string]string) (check.Problems, error) {
	problems, adopted := o.Check(namespace, found)
	var names []string
	for _, object := range adopted {
		lasting, err := there.Lasting(ctx.Context(), s, object)
		if err != nil {
			return nil, err
		}
		checkAdopted(&problems, object, lasting, want(object))
		names = append(names, object.String())
	}
	if len(names) > 0 {
		_ = ctx.Log.Warn("adopt is true: this stack takes over objects that it did not create, and a destroy deletes them: "+strings.Join(names, ", "), nil)
	}
	if gone := o.Identity.Gone(all, found); len(gone) > 0 && s.Knows(cluster.Owners) {
		_ = ctx.Log.Warn("these objects of this stack are missing from the cluster, as after a pulumi destroy that was killed: "+strings.Join(gone, ", ")+
			". Pulumi does not look for them: run pulumi up --refresh, which recreates them", nil)
	}
	var ending []cluster.Object
	for _, object := range found {
		switch {
		case !object.Deleting:
		case !strings.HasPrefix(object.Kind, "PersistentVolume"):
			if o.Identity.Owns(object) {
				ending = append(ending, object)
			}
		default:
			_ = ctx.Log.Warn(fmt.Sprintf("the %s is being deleted: this completes when nothing uses it, and cannot be undone. "+
				"When it suits you, set replicas to 0 and run pulumi up, then set it back and run pulumi up --refresh, which recreates it, over the same data", object), nil)
		}
	}
	err := o.refuseEnding(ctx, there, s, namespace, ending, &problems)
	return problems, err
}

// Gone returns the objects of all that the state has and that were not found. Pulumi does not look for them,
// so an update leaves them missing, or fails to change them.
func (i Identity) Gone(all, found []cluster.Object) []string {
	var gone []string
	for _, object := range all {
		isFound := slices.ContainsFunc(found, func(other cluster.Object) bool { return other.String() == object.String() })
		if !isFound && i.named(object.Kind, object.Namespace, object.Name) != "" {
			gone = append(gone, object.String())
		}
	}
	return gone
}

// refuseEnding adds the problem that the deletion of objects has begun: Pulumi still has them in its state,
// and would not recreate them. An update first waits, at most a minute, until they are gone, so that the
// refresh that the error suggests finds them missing.
func (o Ownership) refuseEnding(ctx *pulumi.Context, there env.Cluster, s *cluster.Snapshot, namespace string, ending []cluster.Object, problems *check.Problems) error {
	if len(ending) == 0 {
		return nil
	}
	var names []string
	for _, object := range ending {
		names = append(names, object.String())
	}
	next := "run pulumi up --refresh, which recreates them"
	reason := "has objects of this stack whose deletion has begun, such as by a pulumi destroy that was killed: " + strings.Join(names, ", ")
	if ctx.DryRun() {
		_ = ctx.Log.Warn("the namespace "+namespace+" "+reason+": when they are gone, "+next, nil)
		return nil
	}
	err := poll.Until(ctx.Context(), time.Minute, func() (bool, error) {
		left, err := there.Objects(ctx.Context(), s, ending)
		return !slices.ContainsFunc(left, func(object cluster.Object) bool { return object.Deleting }), err
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		next = "it has not ended within a minute: find what holds them (kubectl get -o yaml shows finalizers); when they are gone, " + next
	case err != nil:
		return err
	}
	problems.Add("namespace", namespace, reason, next)
	return nil
}

// checkAdopted adds a problem if an object cannot be taken over as it is. lasting has the values that an
// apply does not change, and want the stack's, by field.
func checkAdopted(p *check.Problems, object cluster.Object, lasting, want map[string]string) {
	for _, field := range slices.Sorted(maps.Keys(lasting)) {
		if lasting[field] != want[field] {
			p.Add("adopt", true, fmt.Sprintf("would take over the %s: its %s is %s and cannot be changed, and this stack needs %s",
				object, field, lasting[field], cmp.Or(want[field], "none")),
				"delete that object, rename it, or use another namespace")
		}
	}
}

// Others returns the objects of a namespace that do not belong to the stack.
func (o Ownership) Others(contents []cluster.Object) []string {
	var others []string
	for _, object := range contents {
		if !o.Identity.InStack(object) {
			others = append(others, object.String())
		}
	}
	return others
}

// IsNamespace reports whether an object is a namespace.
func IsNamespace(o cluster.Object) bool { return o.Kind == "Namespace" }

// isOfThisName reports whether a mark is of a stack with the same project and name.
func (i Identity) isOfThisName(owner string) bool {
	return ownerName(owner) == i.project+"/"+i.stack
}

// ownerName returns the readable part of a mark.
func ownerName(owner string) string {
	if i := strings.LastIndex(owner, " "); i > 0 {
		return owner[:i]
	}
	return owner
}
