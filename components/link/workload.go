package link

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"

	"webapp-balanced/components/check"
)

// Workload is an application in the cluster, as a Service selects it. It need not be a BalancedApp: any
// Deployment whose pods have these labels will do.
type Workload struct {
	// Namespace of the Deployment.
	Namespace string `pulumi:"namespace"`
	// Name of the Deployment.
	Name string `pulumi:"name"`
	// Selector has labels that only its pods have in the namespace.
	Selector map[string]string `pulumi:"selector"`
	// Port is the port at which its pods answer.
	Port int `pulumi:"port"`
	// Replicas is the desired number of pods.
	Replicas int `pulumi:"replicas"`
}

// Validate returns the problems of a workload, which need not come from a BalancedApp, under the name of the
// property that has it.
func (w Workload) Validate(property string) check.Problems {
	var p check.Problems
	if !check.IsLabel(w.Namespace) {
		p.Add(property+".namespace", w.Namespace, "is not a valid namespace name", "use that of the Deployment")
	}
	if !check.IsSubdomain(w.Name) {
		p.Add(property+".name", w.Name, "is not a valid Deployment name", "use that of the Deployment")
	}
	check.Port(&p, property+".port", w.Port, "use the one at which the pods answer, 1 to 65535")
	if w.Replicas < 0 {
		p.Add(property+".replicas", w.Replicas, "is below 0", "use the number of pods that are wanted")
	}
	if len(w.Selector) == 0 {
		p.Add(property+".selector", "", "is missing", "use labels that the pods have, and no others of the namespace")
	}
	for _, name := range slices.Sorted(maps.Keys(w.Selector)) {
		if value := w.Selector[name]; len(validation.IsQualifiedName(name)) > 0 || len(validation.IsValidLabelValue(value)) > 0 {
			p.Add(property+".selector", name+"="+value, "is not a valid label", "use labels that the pods have, such as app=web")
		}
	}
	return p
}

// WorkloadInput is [WorkloadArgs] or [WorkloadOutput].
type WorkloadInput interface {
	pulumi.Input
	ToWorkloadOutput() WorkloadOutput
	ToWorkloadOutputWithContext(ctx context.Context) WorkloadOutput
}

// WorkloadArgs is a [Workload] whose parts may come from other resources.
type WorkloadArgs struct {
	Namespace pulumi.StringInput    `pulumi:"namespace"`
	Name      pulumi.StringInput    `pulumi:"name"`
	Selector  pulumi.StringMapInput `pulumi:"selector"`
	Port      pulumi.IntInput       `pulumi:"port"`
	Replicas  pulumi.IntInput       `pulumi:"replicas"`
}

// ElementType, ToWorkloadOutput and ToWorkloadOutputWithContext make it an input.
func (WorkloadArgs) ElementType() reflect.Type { return reflect.TypeFor[Workload]() }

func (a WorkloadArgs) ToWorkloadOutput() WorkloadOutput { return pulumi.ToOutput(a).(WorkloadOutput) }

func (a WorkloadArgs) ToWorkloadOutputWithContext(ctx context.Context) WorkloadOutput {
	return pulumi.ToOutputWithContext(ctx, a).(WorkloadOutput)
}

// WorkloadOutput is an output with a [Workload], known once its pods are ready.
type WorkloadOutput struct{ *pulumi.OutputState }

// ElementType, ToWorkloadOutput and ToWorkloadOutputWithContext make it an output, and an input.
func (WorkloadOutput) ElementType() reflect.Type { return reflect.TypeFor[Workload]() }

func (o WorkloadOutput) ToWorkloadOutput() WorkloadOutput { return o }

func (o WorkloadOutput) ToWorkloadOutputWithContext(context.Context) WorkloadOutput { return o }

func init() {
	pulumi.RegisterInputType(reflect.TypeFor[WorkloadInput](), WorkloadArgs{})
	pulumi.RegisterOutputType(WorkloadOutput{})
}
