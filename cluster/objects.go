package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// OwnerAnnotation is on every object that the program makes, and tells whose it is.
const OwnerAnnotation = "webapp-balanced/owner"

// Object names an object of the cluster; Namespace is empty for one that is in none. Of one
// that was found, UID and Owner are known: the value of its [OwnerAnnotation].
type Object struct {
	Kind, Namespace, Name string
	UID, Owner            string
}

// String is KIND NAME or KIND NAMESPACE/NAME.
func (o Object) String() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// kinds are the resources of the kinds that the program makes.
var kinds = map[string]schema.GroupVersionResource{
	"Namespace":             {Version: "v1", Resource: "namespaces"},
	"PersistentVolume":      {Version: "v1", Resource: "persistentvolumes"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Service":               {Version: "v1", Resource: "services"},
	"Secret":                {Version: "v1", Resource: "secrets"},
	"Deployment":            {Group: "apps", Version: "v1", Resource: "deployments"},
	"Ingress":               {Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	"Middleware":            {Group: "traefik.io", Version: "v1alpha1", Resource: "middlewares"},
}

// Objects returns those of the objects that are there, with their UID and owner, and notes in
// the snapshot those that may not be read.
func (c *Client) Objects(ctx context.Context, s *Snapshot, objects []Object) ([]Object, error) {
	var all []Object
	for _, o := range objects {
		kind, ok := kinds[o.Kind]
		if !ok {
			return nil, fmt.Errorf("%s is no kind that the program makes", o.Kind)
		}
		found, err := c.metadata.Resource(kind).Namespace(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
		if err == nil {
			all = append(all, objectOf(o.Kind, found))
		} else if err := c.known(s, Owners, "read the "+o.String(), ignoreNotFound(err)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Released tells whether a volume was given back by its claim, by the UID of that; empty if it
// was not. Kubernetes gives a released volume to nobody, also not to a claim of the same name
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

// peoples are the kinds of what people put into a namespace, beside those that the program
// makes.
var peoples = map[string]schema.GroupVersionResource{
	"ConfigMap":      {Version: "v1", Resource: "configmaps"},
	"Pod":            {Version: "v1", Resource: "pods"},
	"ServiceAccount": {Version: "v1", Resource: "serviceaccounts"},
	"ResourceQuota":  {Version: "v1", Resource: "resourcequotas"},
	"LimitRange":     {Version: "v1", Resource: "limitranges"},
	"Role":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":    {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"NetworkPolicy":  {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	"ReplicaSet":     {Group: "apps", Version: "v1", Resource: "replicasets"},

	"HorizontalPodAutoscaler": {Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
	"PodDisruptionBudget":     {Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	"IngressRoute":            {Group: "traefik.io", Version: "v1alpha1", Resource: "ingressroutes"},
	"StatefulSet":             {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"DaemonSet":               {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"Job":                     {Group: "batch", Version: "v1", Resource: "jobs"},
	"CronJob":                 {Group: "batch", Version: "v1", Resource: "cronjobs"},
}

// Contents lists what people have put into a namespace: not what Kubernetes itself puts
// into each, nor what another object there has made. Kinds that may not be listed are noted in
// the snapshot.
func (c *Client) Contents(ctx context.Context, s *Snapshot, namespace string) ([]Object, error) {
	var all []Object
	for kind, resource := range kinds {
		if kind == "Namespace" || kind == "PersistentVolume" {
			continue
		}
		if err := c.list(ctx, s, namespace, kind, resource, &all); err != nil {
			return nil, err
		}
	}
	for kind, resource := range peoples {
		if err := c.list(ctx, s, namespace, kind, resource, &all); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}

func (c *Client) list(ctx context.Context, s *Snapshot, namespace, kind string, resource schema.GroupVersionResource, all *[]Object) error {
	found, err := c.metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		// A kind of somebody's own need not be there.
		return c.known(s, Contents, "list the "+resource.Resource+" in "+namespace, ignoreNotFound(err))
	}
	for i, o := range found.Items {
		// Every namespace has the certificate of the cluster's authority and an account.
		everywhere := kind == "ConfigMap" && o.Name == "kube-root-ca.crt" || kind == "ServiceAccount" && o.Name == "default"
		if len(o.OwnerReferences) == 0 && !everywhere {
			*all = append(*all, objectOf(kind, &found.Items[i]))
		}
	}
	return nil
}

func objectOf(kind string, o *metav1.PartialObjectMetadata) Object {
	return Object{Kind: kind, Namespace: o.Namespace, Name: o.Name, UID: string(o.UID), Owner: o.Annotations[OwnerAnnotation]}
}
