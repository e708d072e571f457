package app

import (
	"fmt"
	"slices"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
)

// namespace makes the namespace, or reads one that is there. Pulumi lets a resource that is
// read go when it is not read any more, and does not delete it; one that it has made before
// becomes such a resource without being deleted, since its ID is the same.
func (a BalancedAppArgs) namespace(ctx *pulumi.Context, name string, app pulumi.Resource, made owner.Options) (pulumi.StringOutput, error) {
	var namespace *corev1.Namespace
	var err error
	if a.ExistingNamespace {
		namespace, err = corev1.GetNamespace(ctx, name+"-namespace", pulumi.ID(a.Namespace), nil, pulumi.Parent(app))
	} else {
		namespace, err = corev1.NewNamespace(ctx, name+"-namespace", &corev1.NamespaceArgs{
			Metadata: &metav1.ObjectMetaArgs{
				Name: pulumi.String(a.Namespace), Annotations: a.Annotations(nil),
				Labels: pulumi.StringMap{"name": pulumi.String(a.Namespace)},
			},
		}, made.And(pulumi.RetainOnDelete(a.KeepNamespace))...)
	}
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return namespace.Metadata.Name().Elem(), nil
}

// OwnNamespaces are those that the stack's updates have made, and would delete when they are not
// wanted any more: more than one, and not yet what the application says of it, after updates
// that failed.
func OwnNamespaces(i owner.Identity) []string {
	existed := map[string]any{} // what applications said last, by namespace; nil of old
	for urn, outputs := range i.State {
		if namespace, ok := outputs["namespace"].(string); ok && strings.Contains(urn, "::"+appType+"::") {
			existed[namespace] = outputs["namespaceExisted"]
		}
	}
	var made []string
	for urn, outputs := range i.State {
		if !strings.Contains(urn, "kubernetes:core/v1:Namespace::") {
			continue
		}
		metadata := owner.Metadata(outputs)
		annotations, _ := metadata["annotations"].(map[string]any)
		owner, _ := annotations[cluster.OwnerAnnotation].(string)
		name, _ := metadata["name"].(string)
		said, isApps := existed[name]
		// Versions that marked nothing used none that was there.
		if i.IsMark(owner) && said != true || isApps && said == nil {
			made = append(made, name)
		}
	}
	slices.Sort(made)
	return made
}

// NamespaceOf is that of an application of that name in the state; empty for none.
func NamespaceOf(i owner.Identity, application string) string {
	for urn, outputs := range i.State {
		if strings.HasSuffix(urn, "kubernetes:core/v1:Namespace::"+application+"-namespace") {
			namespace, _ := owner.Metadata(outputs)["name"].(string)
			return namespace
		}
	}
	return ""
}

// CheckMove returns the problem that the namespace which this stack has made would go, with
// what others have put into it, or may have, if not all can be seen. left is that namespace.
func (a BalancedAppArgs) CheckMove(left string, others []string, complete bool) check.Problems {
	var p check.Problems
	reason := fmt.Sprintf("moves the stack away from %s, which it has made and would delete, with what others ", left)
	next := fmt.Sprintf("leave the namespace to them first: with {namespace} %s, set {createNamespace} to false, and run pulumi up", left)
	switch {
	case len(others) > 0:
		p.Add("namespace", a.Namespace, reason+"have there: "+check.Enumerate(others, "and"), next)
	case !complete:
		p.Add("namespace", a.Namespace, reason+"may have there: this login may not list everything", "permit it to, or "+next)
	}
	return p
}
