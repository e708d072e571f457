package owner

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// Ownership says whose the objects in the cluster are.
type Ownership struct {
	// Identity of the stack, or of the component. Objects are marked with it, in the annotation
	// webapp-balanced/owner; without one they are not.
	Identity Identity
	// Adopt takes over objects that nobody's mark is on, such as those that were made with
	// kubectl. Those of another stack, and namespaces, are never taken over.
	Adopt bool
}

// Annotations are those of every object that is made.
func (o Ownership) Annotations(more pulumi.StringMap) pulumi.StringMap {
	annotations := pulumi.StringMap{}
	if o.Identity.ID != "" {
		annotations[cluster.OwnerAnnotation] = pulumi.String(o.Identity.Owner())
	}
	if o.Adopt {
		// The fields of an object that was made by hand have an owner already.
		annotations["pulumi.com/patchForce"] = pulumi.String("true")
	}
	for name, value := range more {
		annotations[name] = value
	}
	return annotations
}

// SkipAwait keeps Pulumi from waiting for what may never come: the address of a load balancer that
// the cluster does not have, or of an Ingress whose controller does not write one. The URLs are
// looked at instead.
var SkipAwait = pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}

// Made are the options of the objects that a component makes. Kubernetes takes what is made for
// a change of what is there (server-side apply), so that it is looked for once more.
func (o Ownership) Made(ctx *pulumi.Context, component pulumi.Resource, there outside.Cluster) (Options, error) {
	made := Options{pulumi.Parent(component)}
	if there == nil {
		return made, nil // a preview that could not reach the cluster
	}
	_, kind, _ := strings.Cut(component.PulumiResourceType(), ":index:")
	hook, err := ctx.RegisterResourceHook(kind+" "+component.PulumiResourceName()+": made by nobody else", func(args *pulumi.ResourceHookArgs) error {
		return o.CheckAgain(ctx.Context(), there, objectIn(args))
	}, nil)
	return append(made, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}})), err
}

// CheckAgain returns the problem that an object which is about to be made is there by now, and
// belongs to somebody else.
func (o Ownership) CheckAgain(ctx context.Context, there outside.Cluster, object cluster.Object) error {
	// What may not be read was told by the first look.
	found, err := there.Objects(ctx, &cluster.Snapshot{}, []cluster.Object{object})
	if err != nil {
		return err
	}
	problems, _ := o.Check(object.Namespace, found)
	return problems.OrNil()
}

// Options are some, to which others are added.
type Options []pulumi.ResourceOption

// And adds some.
func (o Options) And(more ...pulumi.ResourceOption) Options { return slices.Concat(o, more) }

// objectIn names the object that a resource of Kubernetes is about.
func objectIn(args *pulumi.ResourceHookArgs) cluster.Object {
	metadata, _ := args.NewInputs.Mappable()["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	return cluster.Object{Kind: args.Type.Name().String(), Namespace: namespace, Name: name}
}

// Check returns the problem that objects which are there belong to somebody else, and what is
// taken over.
func (o Ownership) Check(namespace string, found []cluster.Object) (p check.Problems, adopted []cluster.Object) {
	byOwner := map[string][]string{}
	for _, object := range found {
		switch {
		case o.Identity.Owns(object):
		case IsNamespace(object):
			reason := "exists, and this stack did not make it: with the stack it would be destroyed, and everything in it"
			if object.Owner != "" {
				reason = "belongs to the stack " + ownerName(object.Owner) + ", with which it is destroyed"
			}
			p.Add("namespace", object.Name, reason, "use another namespace, or set {createNamespace} to false: it is then used as it is, and stays")
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
			p.Add("namespace", namespace, fmt.Sprintf("has objects that this stack did not make, of names that it needs: %s", objects), "use another namespace, or set {adopt} to true, which takes them over: they are changed to what the stack says, and go with it")
		case o.Identity.isOfThisName(owner):
			p.Add("namespace", namespace, fmt.Sprintf("has objects of names that this component needs, and they are another component's of the stack %s, or of a stack of the same name in another backend: %s", ownerName(owner), objects), "use another namespace, or another name; a component that has been renamed needs an alias of its old name")
		default:
			p.Add("namespace", namespace, fmt.Sprintf("has objects of the stack %s, of names that this one needs: %s", ownerName(owner), objects), "use another namespace")
		}
	}
	return p, adopted
}

// Claim returns the problem that objects which are there cannot be the stack's, and warns of those
// that are taken over, about to go, or gone. found are those of all that are there. An update waits for a
// minute at most for the end of those that are about to go. want is what the stack has in the fields of an object that
// last.
func (o Ownership) Claim(ctx *pulumi.Context, there outside.Cluster, s *cluster.Snapshot, namespace string, all, found []cluster.Object, want func(cluster.Object) map[string]string) (check.Problems, error) {
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
		_ = ctx.Log.Warn("adopt is true: what this stack did not make becomes its own, and goes with it: "+strings.Join(names, ", "), nil)
	}
	if gone := o.Identity.Gone(all, found); len(gone) > 0 && s.Knows(cluster.Owners) {
		_ = ctx.Log.Warn("these objects of this stack are missing from the cluster, as after a pulumi destroy that was killed: "+strings.Join(gone, ", ")+
			". Pulumi does not look for them: run pulumi up --refresh, which makes them anew", nil)
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
			_ = ctx.Log.Warn(fmt.Sprintf("the deletion of the %s was asked for, and is carried out as soon as nothing uses it: it cannot be taken back. "+
				"At a time that suits you, set replicas to 0 and run pulumi up, then set it back and run pulumi up --refresh, which makes it anew, over the same data", object), nil)
		}
	}
	err := o.refuseEnding(ctx, there, s, namespace, ending, &problems)
	return problems, err
}

// Gone are those of all objects that the state has and that were not found: Pulumi does not look for them, so that
// an update leaves them missing, or fails to change them.
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

// refuseEnding adds the problem that the deletion of objects has begun: Pulumi still has them in its state, and would
// not make them anew. An update waits first, for a minute at most, until they are gone, so that the refresh that the
// error names finds that.
func (o Ownership) refuseEnding(ctx *pulumi.Context, there outside.Cluster, s *cluster.Snapshot, namespace string, ending []cluster.Object, problems *check.Problems) error {
	if len(ending) == 0 {
		return nil
	}
	var names []string
	for _, object := range ending {
		names = append(names, object.String())
	}
	next := "run pulumi up --refresh, which makes them anew"
	reason := "has objects of this stack whose deletion has begun, such as by a pulumi destroy that was killed: " + strings.Join(names, ", ")
	if ctx.DryRun() {
		_ = ctx.Log.Warn("the namespace "+namespace+" "+reason+": when they are gone, "+next, nil)
		return nil
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		left, err := there.Objects(ctx.Context(), s, ending)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(left, func(object cluster.Object) bool { return object.Deleting }) {
			break
		}
		if time.Now().After(deadline) {
			next = "it has not ended within a minute: look for what holds them (kubectl get -o yaml shows finalizers); when they are gone, " + next
			break
		}
	}
	problems.Add("namespace", namespace, reason, next)
	return nil
}

// checkAdopted adds the problem that an object cannot be taken over as it is: lasting is what
// stays of it whatever is applied, and want what the stack has there, by field.
func checkAdopted(p *check.Problems, object cluster.Object, lasting, want map[string]string) {
	for _, field := range slices.Sorted(maps.Keys(lasting)) {
		if lasting[field] != want[field] {
			p.Add("adopt", true, fmt.Sprintf("would take over the %s, of which %s is %s and stays so, and this stack needs %s there",
				object, field, lasting[field], cmp.Or(want[field], "none")),
				"delete that object, rename it, or use another namespace")
		}
	}
}

// Others are those of the objects of a namespace that are not the stack's.
func (o Ownership) Others(contents []cluster.Object) []string {
	var others []string
	for _, object := range contents {
		if !o.Identity.InStack(object) {
			others = append(others, object.String())
		}
	}
	return others
}

// IsNamespace tells whether an object is a namespace.
func IsNamespace(o cluster.Object) bool { return o.Kind == "Namespace" }

// isOfThisName tells whether a mark is of a stack of the same project and name.
func (i Identity) isOfThisName(owner string) bool {
	return ownerName(owner) == i.project+"/"+i.stack
}

// ownerName is the part of a mark for people.
func ownerName(owner string) string {
	if i := strings.LastIndex(owner, " "); i > 0 {
		return owner[:i]
	}
	return owner
}
