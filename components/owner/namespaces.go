package owner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// Namespaces are those that updates of this identity have made, and would delete when they are not
// wanted any more: more than one, and not yet what the application says of it, after updates
// that failed.
func (i Identity) Namespaces() []string {
	existed := map[string]any{} // what applications said last, by their name; nil of old
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
		// Versions that marked nothing used none that was there.
		if i.IsMark(mark) && said != true || mark == "" && isApps && said == nil {
			made = append(made, name)
		}
	}
	slices.Sort(made)
	return made
}

// LookAtNamespaces finds what others have in the namespaces that updates have made, which
// would go with the application, or now, if it has moved. wanted is the one that it has, and
// creates tells whether it is its own. keep says that it is to stay when the application goes:
// others have put something into it.
func (o Ownership) LookAtNamespaces(ctx *pulumi.Context, there outside.Cluster, s *cluster.Snapshot, wanted string, creates bool, found []cluster.Object) (keep bool, p check.Problems, err error) {
	made := o.Identity.Namespaces()
	isOurs := func(object cluster.Object) bool { return IsNamespace(object) && o.Identity.Owns(object) }
	if creates && !slices.Contains(made, wanted) && slices.ContainsFunc(found, isOurs) {
		made = append(made, wanted) // it was left to the cluster, and is made the stack's again
	}
	for _, namespace := range made {
		isLeft := namespace != wanted
		if !isLeft && (!creates || ctx.DryRun()) {
			continue // it stays, or it matters to the update only, which has more rights
		}
		contents, complete, err := there.Contents(ctx.Context(), s, namespace)
		if err != nil {
			return false, nil, err
		}
		others := o.Others(contents)
		switch {
		case isLeft:
			// A preview has less rights; the update looks again.
			checkMove(&p, wanted, namespace, others, complete || ctx.DryRun())
		case len(others) > 0:
			keep = true
			_ = ctx.Log.Warn(fmt.Sprintf("others have put something into the namespace %s, which therefore stays when this stack goes: %s", namespace, strings.Join(others, ", ")), nil)
		case !complete:
			keep = true
			_ = ctx.Log.Warn(fmt.Sprintf("whether others have something in the namespace %s cannot be told by this login, and so it stays when this stack goes", namespace), nil)
		}
	}
	return keep, p, nil
}

// checkMove adds the problem that the namespace which this stack has made would go, with
// what others have put into it, or may have, if not all can be seen. left is that namespace.
func checkMove(p *check.Problems, wanted, left string, others []string, complete bool) {
	reason := fmt.Sprintf("moves the stack away from %s, which it has made and would delete, with what others ", left)
	next := fmt.Sprintf("leave the namespace to them first: with {namespace} %s, set {createNamespace} to false, and run pulumi up", left)
	switch {
	case len(others) > 0:
		p.Add("namespace", wanted, reason+"have there: "+check.Enumerate(others, "and"), next)
	case !complete:
		p.Add("namespace", wanted, reason+"may have there: this login may not list everything", "permit it to, or "+next)
	}
}

// NamespaceOf is that of an application of that name in the state; empty for none.
func (i Identity) NamespaceOf(application string) string {
	for urn, outputs := range i.State {
		if strings.HasSuffix(urn, "kubernetes:core/v1:Namespace::"+application+"-namespace") {
			namespace, _ := Metadata(outputs)["name"].(string)
			return namespace
		}
	}
	return ""
}

// nameIn is the resource's name in its URN.
func nameIn(urn string) string { return urn[strings.LastIndex(urn, "::")+len("::"):] }
