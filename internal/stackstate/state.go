// Package stackstate reads the state of a run's own stack, once for all components.
package stackstate

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"webapp-balanced/internal/poll"
)

// State is a stack's state as it was when a component of the run first read it. The engine sends the whole
// state each time, so a read for each of 50 shares would take it minutes.
type State struct {
	// Updated reports whether the stack has outputs, which every update leaves.
	Updated func() (bool, error)
	// Resources returns the outputs of the resources, by URN. It fails for a stack that has never been updated.
	Resources func() (map[string]map[string]any, error)
}

// last is the state of the last run in this process. Runs at the same time stay correct, and read more often.
var last struct {
	sync.Mutex
	run any
	*State
}

type runKey struct{}

// WithRun makes components with different Pulumi contexts share what they read of the stack's state, as in a
// component plugin, where each has its own. In a program, all have the same context. The address of the resource
// monitor identifies a run.
func WithRun(ctx context.Context, run string) context.Context {
	return context.WithValue(ctx, runKey{}, run)
}

// Of returns the state of the run's stack.
func Of(ctx *pulumi.Context) *State {
	run := ctx.Context().Value(runKey{})
	if run == nil {
		run = ctx
	}
	last.Lock()
	defer last.Unlock()
	if last.run != run {
		last.run, last.State = run, &State{
			Updated:   sync.OnceValues(func() (bool, error) { return wasUpdated(ctx) }),
			Resources: sync.OnceValues(func() (map[string]map[string]any, error) { return readState(ctx) }),
		}
	}
	return last.State
}

func readState(ctx *pulumi.Context) (map[string]map[string]any, error) {
	resources, err := invokeOutputs(ctx, "pulumi:pulumi:readStackResourceOutputs", &stackName{stackOf(ctx)})
	if err != nil {
		return nil, err
	}
	state := map[string]map[string]any{}
	for urn, resource := range resources {
		fields, _ := resource.(map[string]any)
		state[urn], _ = fields["outputs"].(map[string]any)
	}
	return state, nil
}

func wasUpdated(ctx *pulumi.Context) (bool, error) {
	outputs, err := invokeOutputs(ctx, "pulumi:pulumi:readStackOutputs", &reference{stackOf(ctx)})
	return len(outputs) > 0, err
}

func stackOf(ctx *pulumi.Context) string {
	return fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
}

type stackName struct {
	StackName string `pulumi:"stackName"`
}

type reference struct {
	Name string `pulumi:"name"`
}

// invokeOutputs returns the outputs that one of Pulumi's own invokes reads. It reads them as a pulumi.Output,
// since some are secret. It retries for about 3 s: the engine writes the state while components read it, and
// a file:// backend cannot be read in that moment ("failed to load checkpoint: EOF"), since its library,
// gocloud.dev/blob/fileblob, truncates the file of a blob's attributes and then fills it.
func invokeOutputs(ctx *pulumi.Context, token string, args any) (outputs map[string]any, err error) {
	var failed error
	err = poll.Until(ctx.Context(), 3*time.Second, func() (bool, error) {
		output := ctx.InvokeOutput(token, args, pulumi.MapOutput{}, pulumi.InvokeOutputOptions{})
		result, err := internals.UnsafeAwaitOutput(ctx.Context(), output)
		if failed = err; failed != nil {
			return false, nil
		}
		answer, _ := result.Value.(map[string]any)
		outputs, _ = answer["outputs"].(map[string]any)
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the state of the stack %s: %w", stackOf(ctx), cmp.Or(failed, err))
	}
	return outputs, nil
}
