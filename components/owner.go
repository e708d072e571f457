package components

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/cluster"
)

// Ownership says whose the objects in the cluster are.
type Ownership struct {
	// Identity of the stack. Objects are marked with it, in the annotation
	// webapp-balanced/owner; without one they are not.
	Identity Identity
	// Adopt takes over objects that nobody's mark is on, such as those that were made with
	// kubectl. Those of another stack, and namespaces, are never taken over.
	Adopt bool
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

// CheckObjects returns the problem that objects which this stack is to make belong to
// somebody else, and what it will take over. found are those that are there, the namespace
// among them.
func (a BalancedAppArgs) CheckObjects(found []cluster.Object) (p Problems, adopted []string) {
	a = a.withDefaults()
	o, namespace := a.Ownership, a.Namespace
	if a.ExistingNamespace && !slices.ContainsFunc(found, isNamespace) {
		p.add("createNamespace", false, "uses a namespace that is there, and the cluster has none of the name "+namespace,
			"set it to true, or make the namespace: kubectl create namespace "+namespace)
	}
	byOwner := map[string][]string{}
	for _, object := range found {
		switch {
		case isNamespace(object) && a.ExistingNamespace, o.Identity.owns(object):
		case isNamespace(object):
			reason := "exists, and this stack did not make it: with the stack it would be destroyed, and everything in it"
			if object.Owner != "" {
				reason = "belongs to the stack " + ownerName(object.Owner) + ", with which it is destroyed"
			}
			p.add("namespace", object.Name, reason, "use another namespace, or set createNamespace to false: it is then used as it is, and stays")
		case object.Owner == "" && o.Adopt:
			adopted = append(adopted, object.String())
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

func isNamespace(o cluster.Object) bool { return o.Kind == "Namespace" }

// OwnNamespace is the namespace that the stack has made, with its last update; empty for none. An
// update that failed has the namespace in its state, marked as this stack's, and not yet what
// the application says of it.
func (i Identity) OwnNamespace() string {
	made := ""
	for urn, outputs := range i.state {
		switch {
		case strings.Contains(urn, "::"+appType+"::") && outputs["namespaceExisted"] == true:
			return ""
		case strings.Contains(urn, "::"+appType+"::"):
			if namespace, _ := outputs["namespace"].(string); namespace != "" {
				return namespace
			}
		case strings.Contains(urn, "kubernetes:core/v1:Namespace::"):
			metadata := metadataOf(outputs)
			annotations, _ := metadata["annotations"].(map[string]any)
			owner, _ := annotations[cluster.OwnerAnnotation].(string)
			if i.isMark(owner) {
				made, _ = metadata["name"].(string)
			}
		}
	}
	return made
}

// Owns tells whether a namespace is among the objects that were found, and is this stack's.
func (i Identity) Owns(found []cluster.Object, namespace string) bool {
	return slices.ContainsFunc(found, func(o cluster.Object) bool { return isNamespace(o) && o.Name == namespace && i.owns(o) })
}

// Others are those of the objects that are not this stack's.
func (o Ownership) Others(contents []cluster.Object) []string {
	var others []string
	for _, object := range contents {
		if !o.Identity.owns(object) {
			others = append(others, object.String())
		}
	}
	return others
}

// CheckMove returns the problem that the namespace which this stack has made would go, with
// what others have put into it. left is that namespace.
func (a BalancedAppArgs) CheckMove(left string, others []string) Problems {
	var p Problems
	if len(others) > 0 {
		p.add("namespace", a.Namespace, fmt.Sprintf("moves the stack away from %s, which it has made and would delete, with what others have there: %s", left, enumerate(others, "and")),
			fmt.Sprintf("leave the namespace to them first: with namespace %s, set createNamespace to false, and run pulumi up", left))
	}
	return p
}

// ownerName is the part of a mark for people.
func ownerName(owner string) string {
	if i := strings.LastIndex(owner, " "); i > 0 {
		return owner[:i]
	}
	return owner
}
