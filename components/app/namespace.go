package app

import (
	"slices"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
)

// namespace makes the namespace, or reads one that is there. Pulumi lets a resource that is
// read go when it is not read any more, and does not delete it; one that it has made before
// becomes such a resource without being deleted, since its ID is the same.
func (a *Plan) namespace(ctx *pulumi.Context, app pulumi.Resource, made owner.Options) (pulumi.StringOutput, error) {
	var namespace *corev1.Namespace
	var err error
	if a.ExistingNamespace {
		namespace, err = corev1.GetNamespace(ctx, a.name+"-namespace", pulumi.ID(a.Namespace), nil, pulumi.Parent(app))
	} else {
		namespace, err = corev1.NewNamespace(ctx, a.name+"-namespace", &corev1.NamespaceArgs{
			Metadata: &metav1.ObjectMetaArgs{
				Name: pulumi.String(a.Namespace), Annotations: a.Annotations(nil),
				Labels: pulumi.StringMap{"name": pulumi.String(a.Namespace)},
			},
		}, made.And(pulumi.RetainOnDelete(a.keepNamespace))...)
	}
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return namespace.Metadata.Name().Elem(), nil
}

// ownNamespaces are those that the stack's updates have made, and would delete when they are not
// wanted any more: more than one, and not yet what the application says of it, after updates
// that failed.
func ownNamespaces(i owner.Identity) []string {
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
