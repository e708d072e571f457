package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
)

// passing are kinds whose objects come and go by themselves, as GROUP/RESOURCE.
var passing = []string{
	"/events", "events.k8s.io/events",
	// They follow the Services.
	"/endpoints", "discovery.k8s.io/endpointslices",
}

// measured are API groups of measurements, which nobody keeps.
var measured = []string{"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"}

// everywhere is what Kubernetes and its distributions put into each namespace, as KIND NAME.
var everywhere = []string{
	"ConfigMap kube-root-ca.crt", "ServiceAccount default",
	// OpenShift
	"ConfigMap openshift-service-ca.crt", "ServiceAccount builder", "ServiceAccount deployer", "RoleBinding system:deployers",
	"RoleBinding system:image-builders", "RoleBinding system:image-pullers",
	// Istio
	"ConfigMap istio-ca-root-cert",
}

// accountAnnotations are on Secrets that were made for a ServiceAccount, and have its name
// (https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets;
// OpenShift's for its registry).
var accountAnnotations = []string{"kubernetes.io/service-account.name", "openshift.io/internal-registry-auth-token.service-account"}

// listed is the number of kinds that are listed concurrently.
const listed = 8

// Contents lists what people have put into a namespace, of all kinds in the cluster: not what Kubernetes itself
// puts into each, nor what another object there has created. It is incomplete if kinds may not be listed; the
// snapshot notes these.
func (c *Client) Contents(ctx context.Context, s *Snapshot, namespace string) (objects []Object, complete bool, err error) {
	kinds, unknown, err := c.kindsInNamespaces()
	if err != nil {
		return nil, false, c.known(s, Contents, "list the kinds of the API", err)
	}
	var all []metav1.PartialObjectMetadata
	var mutex sync.Mutex // of all and unknown
	var group errgroup.Group
	group.SetLimit(listed)
	for _, kind := range kinds {
		group.Go(func() error {
			found, err := c.metadata.Resource(kind.resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
			mutex.Lock()
			defer mutex.Unlock()
			switch {
			case err == nil:
				for _, o := range found.Items {
					o.Kind = kind.name // list items do not have it
					all = append(all, o)
				}
			case apierrors.IsForbidden(err):
				unknown = append(unknown, kind.resource.Resource)
			case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
				// The kind was removed meanwhile, or cannot be listed after all.
			default:
				return c.explain("list the "+kind.resource.Resource+" in "+namespace, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		s.deny(Contents, "list the "+some(unknown)+" in "+namespace)
	}
	return madeByUsers(all), len(unknown) == 0, nil
}

// some names the first few.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d other kinds", strings.Join(names[:few], ", "), len(names)-few)
}

// kind is a namespaced kind.
type kind struct {
	name     string
	resource schema.GroupVersionResource
}

// kindsInNamespaces returns the kinds that can be listed, and the API groups whose server, which is not
// Kubernetes' own, does not answer.
func (c *Client) kindsInNamespaces() (kinds []kind, unknown []string, err error) {
	lists, err := c.discovery.ServerPreferredResources()
	var failed *discovery.ErrGroupDiscoveryFailed
	if errors.As(err, &failed) {
		for group := range failed.Groups {
			if !slices.Contains(measured, group.Group) {
				unknown = append(unknown, "kinds of "+group.Group)
			}
		}
		err = nil
	}
	for _, list := range lists {
		version, parseErr := schema.ParseGroupVersion(list.GroupVersion)
		if parseErr != nil || slices.Contains(measured, version.Group) {
			continue
		}
		for _, r := range list.APIResources {
			if r.Namespaced && slices.Contains(r.Verbs, "list") && !slices.Contains(passing, version.Group+"/"+r.Name) {
				kinds = append(kinds, kind{r.Kind, version.WithResource(r.Name)})
			}
		}
	}
	return kinds, unknown, err
}

// madeByUsers returns those of a namespace's objects that people have put there.
func madeByUsers(all []metav1.PartialObjectMetadata) []Object {
	there := map[types.UID]bool{}
	for _, o := range all {
		there[o.UID] = true
	}
	var objects []Object
	for i, o := range all {
		madeByAnother := slices.ContainsFunc(o.OwnerReferences, func(owner metav1.OwnerReference) bool { return there[owner.UID] })
		if !madeByAnother && !isEverywhere(o) {
			objects = append(objects, objectOf(o.Kind, &all[i]))
		}
	}
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.String(), b.String()) })
	return slices.CompactFunc(objects, func(a, b Object) bool { return a.UID == b.UID && a.UID != "" })
}

func isEverywhere(o metav1.PartialObjectMetadata) bool {
	if slices.Contains(everywhere, o.Kind+" "+o.Name) {
		return true
	}
	return o.Kind == "Secret" && slices.ContainsFunc(accountAnnotations, func(annotation string) bool {
		return slices.Contains(everywhere, "ServiceAccount "+o.Annotations[annotation])
	})
}
