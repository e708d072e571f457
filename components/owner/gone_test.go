package owner

import (
	"slices"
	"testing"

	"webapp-balanced/internal/cluster"
)

// Gone returns objects that the state has and the cluster lacks, and not objects that the state never had.
func TestGone(t *testing.T) {
	metadata := func(namespace, name string) map[string]any {
		return map[string]any{"metadata": map[string]any{"namespace": namespace, "name": name}}
	}
	i := Identity{ID: "1", State: map[string]map[string]any{
		"urn:pulumi:s::p::x$kubernetes:core/v1:Secret::exposure-certificate":     metadata("web", "tls"),
		"urn:pulumi:s::p::x$kubernetes:apps/v1:Deployment::app-deployment":       metadata("web", "web"),
		"urn:pulumi:s::p::x$kubernetes:core/v1:ServicePatch::exposure-node-port": metadata("web", "web"),
		"urn:pulumi:s::p::x$kubernetes:core/v1:PersistentVolume::app-volume":     {"metadata": map[string]any{"name": "v"}},
	}}
	secret := cluster.Object{Kind: "Secret", Namespace: "web", Name: "tls"}
	deployment := cluster.Object{Kind: "Deployment", Namespace: "web", Name: "web"}
	volume := cluster.Object{Kind: "PersistentVolume", Name: "v"}
	made := []cluster.Object{{Kind: "Service", Namespace: "web", Name: "web"}, {Kind: "Secret", Namespace: "other", Name: "tls"}}
	found := deployment
	found.UID, found.Owner = "7", "p/s 1"
	got := i.Gone(append(made, secret, deployment, volume), []cluster.Object{found})
	if want := []string{secret.String(), volume.String()}; !slices.Equal(got, want) {
		t.Errorf("gone are %q, want %q", got, want)
	}
}
