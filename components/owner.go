package components

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/cluster"
)

// Ownership says whose the objects in the cluster are.
type Ownership struct {
	// Identity of the stack. Objects are marked with it, in the annotation
	// webapp-balanced/owner; without one they are not.
	Identity Identity
	// Adopt takes over objects that nobody's mark is on, such as those that were made with
	// kubectl. Those of another stack, and namespaces, are never taken over.
	Adopt bool
	// Look returns those of the objects that are in the cluster now. With it, each object is
	// looked for just before it is made, since others work there while an update runs;
	// without it that is left out.
	Look func(ctx context.Context, objects ...cluster.Object) ([]cluster.Object, error)
}

// annotations are those of every object that is made.
func (o Ownership) annotations(more pulumi.StringMap) pulumi.StringMap {
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

// made are the options of the objects that a component makes. Kubernetes takes what is made for
// a change of what is there (server-side apply), so that it is looked for once more.
func (o Ownership) made(ctx *pulumi.Context, component pulumi.Resource, name string) (options, error) {
	made := options{pulumi.Parent(component)}
	if o.Look == nil {
		return made, nil
	}
	hook, err := ctx.RegisterResourceHook(name+": made by nobody else", func(args *pulumi.ResourceHookArgs) error {
		return o.CheckAgain(ctx.Context(), objectIn(args))
	}, nil)
	return append(made, pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeCreate: []*pulumi.ResourceHook{hook}})), err
}

// CheckAgain returns the problem that an object which is about to be made is there by now, and
// belongs to somebody else.
func (o Ownership) CheckAgain(ctx context.Context, object cluster.Object) error {
	found, err := o.Look(ctx, object)
	if err != nil {
		return err
	}
	problems, _ := o.check(object.Namespace, found)
	return problems.OrNil()
}

// options are some, to which others are added.
type options []pulumi.ResourceOption

func (o options) and(more ...pulumi.ResourceOption) options { return slices.Concat(o, more) }

// objectIn names the object that a resource of Kubernetes is about.
func objectIn(args *pulumi.ResourceHookArgs) cluster.Object {
	metadata, _ := args.NewInputs.Mappable()["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	return cluster.Object{Kind: args.Type.Name().String(), Namespace: namespace, Name: name}
}

// CheckObjects returns the problem that objects which this stack is to make belong to
// somebody else, and what it will take over. found are those that are there, the namespace
// among them.
func (a BalancedAppArgs) CheckObjects(found []cluster.Object) (p Problems, adopted []cluster.Object) {
	a = a.withDefaults()
	if a.ExistingNamespace {
		there := len(found)
		if found = slices.DeleteFunc(slices.Clone(found), isNamespace); len(found) == there {
			p.add("createNamespace", false, "uses a namespace that is there, and the cluster has none of the name "+a.Namespace,
				"set it to true, or make the namespace: kubectl create namespace "+a.Namespace)
		}
	}
	others, adopted := a.check(a.Namespace, found)
	return append(p, others...), adopted
}

// check returns the problem that objects which are there belong to somebody else, and what is
// taken over.
func (o Ownership) check(namespace string, found []cluster.Object) (p Problems, adopted []cluster.Object) {
	byOwner := map[string][]string{}
	for _, object := range found {
		switch {
		case o.Identity.owns(object):
		case isNamespace(object):
			reason := "exists, and this stack did not make it: with the stack it would be destroyed, and everything in it"
			if object.Owner != "" {
				reason = "belongs to the stack " + ownerName(object.Owner) + ", with which it is destroyed"
			}
			p.add("namespace", object.Name, reason, "use another namespace, or set createNamespace to false: it is then used as it is, and stays")
		case object.Owner == "" && o.Adopt:
			adopted = append(adopted, object)
		default:
			byOwner[object.Owner] = append(byOwner[object.Owner], object.String())
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		objects := enumerate(byOwner[owner], "and")
		if owner == "" {
			p.add("namespace", namespace, fmt.Sprintf("has objects that this stack did not make, of names that it needs: %s", objects), "use another namespace, or set adopt to true, which takes them over: they are changed to what the stack says, and go with it")
		} else {
			p.add("namespace", namespace, fmt.Sprintf("has objects of the stack %s, of names that this one needs: %s", ownerName(owner), objects), "use another namespace")
		}
	}
	return p, adopted
}

// CheckAdopted returns the problem that an object cannot be taken over as it is: lasting is what
// stays of it whatever is applied, by field.
func CheckAdopted(object cluster.Object, lasting map[string]string) (p Problems) {
	want := map[string]string{}
	switch object.Kind {
	case "Deployment":
		want["spec.selector"] = "app=" + AppName
	case "Secret":
		want["type"] = cluster.TLSSecret
	case "Service":
		want["spec.ports"] = "80/TCP"
	case "Middleware":
		want["spec"] = map[string]string{rewriteMiddleware: rewriteKind, redirectMiddleware: redirectKind}[object.Name]
	}
	for _, field := range slices.Sorted(maps.Keys(lasting)) {
		if lasting[field] != want[field] {
			p.add("adopt", true, fmt.Sprintf("would take over the %s, of which %s is %s and stays so, and this stack needs %s there",
				object, field, lasting[field], orDefault(want[field], "none")),
				"delete that object, rename it, or use another namespace")
		}
	}
	return p
}

func isNamespace(o cluster.Object) bool { return o.Kind == "Namespace" }

// ownerName is the part of a mark for people.
func ownerName(owner string) string {
	if i := strings.LastIndex(owner, " "); i > 0 {
		return owner[:i]
	}
	return owner
}
