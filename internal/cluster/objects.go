package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// OwnerAnnotation is on every object that the program creates, and has its owner.
const OwnerAnnotation = "webapp-balanced/owner"

// Object names an object of the cluster; Namespace is empty if it is cluster-scoped. For an existing object,
// it has the UID, the Owner of its [OwnerAnnotation], and Deleting: its deletion is requested and pending, such
// as that of a claim until the last pod that uses it is gone.
type Object struct {
	Kind, Namespace, Name string
	UID, Owner            string
	Deleting              bool
}

// String is KIND NAME or KIND NAMESPACE/NAME.
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// kinds maps the kinds that the program creates to their resources.
var kinds = map[string]schema.GroupVersionResource{
	"Namespace":             {Version: "v1", Resource: "namespaces"},
	"PersistentVolume":      {Version: "v1", Resource: "persistentvolumes"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Service":               {Version: "v1", Resource: "services"},
	"Secret":                {Version: "v1", Resource: "secrets"},
	"Deployment":            {Group: "apps", Version: "v1", Resource: "deployments"},
	"PodDisruptionBudget":   {Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	"Ingress":               {Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	"Middleware":            {Group: "traefik.io", Version: "v1alpha1", Resource: "middlewares"},
	"ServersTransport":      {Group: "traefik.io", Version: "v1alpha1", Resource: "serverstransports"},
}

// Objects returns those of the objects that exist, with UID and owner, and notes in the snapshot those that
// may not be read.
func (c *Client) Objects(ctx context.Context, s *Snapshot, objects []Object) ([]Object, error) {
	all := make([]*Object, len(objects))
	var steps []func() error
	for i, o := range objects {
		kind, ok := kinds[o.Kind]
		if !ok {
			return nil, fmt.Errorf("%s is not a kind that the program creates", o.Kind)
		}
		steps = append(steps, func() error {
			found, err := c.metadata.Resource(kind).Namespace(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
			if err != nil {
				return c.known(s, Owners, "read the "+o.String(), ignoreNotFound(err))
			}
			object := objectOf(o.Kind, found)
			all[i] = &object
			return nil
		})
	}
	if err := atOnce(steps...); err != nil {
		return nil, err
	}
	var there []Object
	for _, object := range all {
		if object != nil {
			there = append(there, *object)
		}
	}
	return there, nil
}

// Lasting returns, by field, what stays of an object whatever is applied to it: immutable values, and values
// that stay next to the applied ones. It is nil for an object that is gone or may not be read, and empty for
// kinds where everything can be changed.
func (c *Client) Lasting(ctx context.Context, s *Snapshot, o Object) (map[string]string, error) {
	found, err := c.dynamic.Resource(kinds[o.Kind]).Namespace(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
	if err != nil {
		return nil, c.known(s, Owners, "read the "+o.String(), ignoreNotFound(err))
	}
	fields := map[string]string{}
	switch o.Kind {
	case "Deployment":
		selector, _, _ := unstructured.NestedMap(found.Object, "spec", "selector")
		parsed := metav1.LabelSelector{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(selector, &parsed); err != nil {
			return nil, err
		}
		fields["spec.selector"] = metav1.FormatLabelSelector(&parsed)
	case "Secret":
		fields["type"], _, _ = unstructured.NestedString(found.Object, "type")
	case "Service":
		ports, _, _ := unstructured.NestedSlice(found.Object, "spec", "ports")
		var all []string
		for _, port := range ports {
			port, _ := port.(map[string]any)
			all = append(all, fmt.Sprintf("%v/%v", port["port"], port["protocol"]))
		}
		fields["spec.ports"] = strings.Join(all, ", ")
		if ip, _, _ := unstructured.NestedString(found.Object, "spec", "clusterIP"); ip == corev1.ClusterIPNone {
			fields["spec.clusterIP"] = ip
		}
	case "Middleware":
		// The spec has one field, named by the kind of Middleware.
		spec, _, _ := unstructured.NestedMap(found.Object, "spec")
		fields["spec"] = strings.Join(slices.Sorted(maps.Keys(spec)), ", ")
	}
	return fields, nil
}

// Released returns the UID of the claim that released a volume, empty if it is not released. Kubernetes does
// not bind a released volume again, not even to a claim of the same name
// (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#retain).
func (c *Client) Released(ctx context.Context, s *Snapshot, volume string) (string, error) {
	v, err := c.core.PersistentVolumes().Get(ctx, volume, metav1.GetOptions{})
	if err != nil {
		return "", c.known(s, Owners, "read the PersistentVolume "+volume, ignoreNotFound(err))
	}
	if v.Status.Phase != corev1.VolumeReleased || v.Spec.ClaimRef == nil {
		return "", nil
	}
	return string(v.Spec.ClaimRef.UID), nil
}

func objectOf(kind string, o *metav1.PartialObjectMetadata) Object {
	return Object{
		Kind: kind, Namespace: o.Namespace, Name: o.Name,
		UID: string(o.UID), Owner: ownerOf(o.ObjectMeta), Deleting: o.DeletionTimestamp != nil,
	}
}

// ownerOf returns the owner in an object's annotation. An object that no Pulumi plugin has written is a copy
// of an annotated object, and has no owner.
func ownerOf(o metav1.ObjectMeta) string {
	byPulumi := func(entry metav1.ManagedFieldsEntry) bool {
		return strings.HasPrefix(entry.Manager, "pulumi-")
	}
	if len(o.ManagedFields) > 0 && !slices.ContainsFunc(o.ManagedFields, byPulumi) {
		return ""
	}
	return o.Annotations[OwnerAnnotation]
}
