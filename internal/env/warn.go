package env

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
)

// WarnInPreview returns the error of a cluster or host that could not be inspected. In a preview it only warns.
func WarnInPreview(ctx *pulumi.Context, resource pulumi.Resource, err error) error {
	if err == nil || !ctx.DryRun() {
		return err
	}
	return ctx.Log.Warn(fmt.Sprintf("%s: %v", check.Incomplete, err), &pulumi.LogArgs{Resource: resource})
}

// CheckProvider returns a problem if a component has its own Kubernetes provider but no kubeconfig: the
// checks must read the cluster that the provider changes.
func CheckProvider(component interface {
	GetProvider(string) pulumi.ProviderResource
}, hasKubeconfig bool) (p check.Problems) {
	if component.GetProvider("kubernetes:core/v1:Service") != nil && !hasKubeconfig {
		p.Add("kubeconfig", "", "is missing: the component has its own provider, whose kubeconfig it cannot read", "set it to the kubeconfig of that provider")
	}
	return p
}

// WarnOfDenials warns of what could not be read, and which right is missing.
func WarnOfDenials(ctx *pulumi.Context, component pulumi.Resource, denied []cluster.Denial) {
	if len(denied) == 0 {
		return
	}
	doing := map[cluster.Fact][]string{}
	for _, d := range denied {
		doing[d.Fact] = append(doing[d.Fact], d.Doing)
	}
	lines := []string{"this login may not read everything in the cluster, so these are not checked:"}
	for _, fact := range slices.Sorted(maps.Keys(doing)) {
		slices.Sort(doing[fact])
		lines = append(lines, fmt.Sprintf("  %s (it may not %s)", fact, strings.Join(doing[fact], ", ")))
	}
	_ = ctx.Log.Warn(strings.Join(lines, "\n"), &pulumi.LogArgs{Resource: component})
}
