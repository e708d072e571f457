package owner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
)

// Namespaces returns the namespaces that updates of this identity have created, and would delete when they are no
// longer needed. After failed updates there may be several, and ones that the application's outputs do not name yet.
func (i Identity) Namespaces() []string {
	existed := map[string]any{} // last output of each application, by its name; nil in old versions
	for urn, outputs := range i.State {
		if strings.Contains(urn, ":BalancedApp::") {
			existed[nameIn(urn)] = outputs["namespaceExisted"]
		}
	}
	var made []string
	for urn, outputs := range i.State {
		application, ok := strings.CutSuffix(nameIn(urn), "-namespace")
		if !ok || !strings.Contains(urn, "kubernetes:core/v1:Namespace::") {
			continue
		}
		metadata := Metadata(outputs)
		annotations, _ := metadata["annotations"].(map[string]any)
		mark, _ := annotations[cluster.OwnerAnnotation].(string)
		name, _ := metadata["name"].(string)
		said, isApps := existed[application]
		// Versions that set no marks never used an existing namespace.
		if i.IsMark(mark) && said != true || mark == "" && isApps && said == nil {
			made = append(made, name)
		}
	}
	slices.Sort(made)
	return made
}

// InspectNamespaces finds objects of others in the namespaces that updates have created. These namespaces
// would be deleted with the application, or now, if it has moved. wanted is its namespace now, and creates
// says whether it creates that. keep is true if the namespace must stay when the application is destroyed:
// others have put objects into it.
func (o Ownership) InspectNamespaces(ctx *pulumi.Context, there env.Cluster, s *cluster.Snapshot, wanted string, creates bool, found []cluster.Object) (keep bool, p check.Problems, err error) {
	made := o.Identity.Namespaces()
	isOurs := func(object cluster.Object) bool { return IsNamespace(object) && o.Identity.Owns(object) }
	if creates && !slices.Contains(made, wanted) && slices.ContainsFunc(found, isOurs) {
		made = append(made, wanted) // the stack gave it up, and takes it back
	}
	for _, namespace := range made {
		isLeft := namespace != wanted
		if !isLeft && (!creates || ctx.DryRun()) {
			continue // it stays, or only the update checks it, which has more rights
		}
		contents, complete, err := there.Contents(ctx.Context(), s, namespace)
		if err != nil {
			return false, nil, err
		}
		others := o.Others(contents)
		switch {
		case isLeft:
			// A preview has fewer rights; the update checks again.
			checkMove(&p, wanted, namespace, others, complete || ctx.DryRun())
		case len(others) > 0:
			keep = true
			_ = ctx.Log.Warn(fmt.Sprintf("others have objects in the namespace %s, so a destroy keeps it: %s", namespace, strings.Join(others, ", ")), nil)
		case !complete:
			keep = true
			_ = ctx.Log.Warn(fmt.Sprintf("this login may not list everything in the namespace %s, so a destroy keeps it", namespace), nil)
		}
	}
	return keep, p, nil
}

// checkMove adds a problem if the stack would delete a namespace with objects of others, or if it may have
// such objects that the login cannot list. left is that namespace.
func checkMove(p *check.Problems, wanted, left string, others []string, complete bool) {
	reason := fmt.Sprintf("moves the stack away from %s, which it created and would delete, and others ", left)
	next := fmt.Sprintf("leave the namespace to them first: with {namespace} %s, set {createNamespace} to false, and run pulumi up", left)
	switch {
	case len(others) > 0:
		p.Add("namespace", wanted, reason+"have objects there: "+check.Enumerate(others, "and"), next)
	case !complete:
		p.Add("namespace", wanted, reason+"may have objects there: this login may not list everything", "permit it to, or "+next)
	}
}

// NamespaceOf returns the namespace of an application in the state; empty for none.
func (i Identity) NamespaceOf(application string) string {
	for urn, outputs := range i.State {
		if strings.HasSuffix(urn, "kubernetes:core/v1:Namespace::"+application+"-namespace") {
			namespace, _ := Metadata(outputs)["name"].(string)
			return namespace
		}
	}
	return ""
}

// nameIn returns the resource's name in its URN.
func nameIn(urn string) string { return urn[strings.LastIndex(urn, "::")+len("::"):] }
