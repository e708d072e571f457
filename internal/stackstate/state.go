// Package stackstate reads the state of a run's own stack, once for all components.
package stackstate

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"golang.org/x/sync/singleflight"

	"webapp-balanced/internal/poll"
)

// state is what components of a run have read of their stack's state. The engine sends the whole state each time, so
// a read for each of 50 shares would take it minutes.
type state struct {
	updated   kept[bool]
	resources kept[map[string]map[string]any]
	made      sync.Map // identities of this run's components
}

// kept is a value that is read once. Callers at the same time share an error, too, and the next one reads again.
type kept[T any] struct {
	reads singleflight.Group
	value atomic.Pointer[T]
}

// get returns the value, or an error when the context ends.
func (k *kept[T]) get(ctx context.Context, read func() (T, error)) (value T, err error) {
	result := k.reads.DoChan("", func() (any, error) {
		if value := k.value.Load(); value != nil {
			return *value, nil
		}
		value, err := read()
		if err == nil {
			k.value.Store(&value)
		}
		return value, err
	})
	select {
	case r := <-result:
		return r.Val.(T), r.Err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// last is the state of the last run in this process. Runs at the same time replace it, and read more often.
var last struct {
	sync.Mutex
	run any
	*state
}

type runKey struct{}

// WithRun makes components with different Pulumi contexts share what they read of the stack's state, as in a
// component plugin, where each has its own. In a program, all have the same context. The address of the resource
// monitor identifies a run.
func WithRun(ctx context.Context, run string) context.Context {
	return context.WithValue(ctx, runKey{}, run)
}

// of returns the state of a run. Each read has the context of its own component, since a plugin ends the context of a
// component that is complete.
func of(ctx *pulumi.Context) *state {
	run := ctx.Context().Value(runKey{})
	if run == nil {
		run = ctx
	}
	last.Lock()
	defer last.Unlock()
	if last.run != run {
		last.run, last.state = run, &state{}
	}
	return last.state
}

// Updated reports whether the stack had been updated before this run, by its outputs. A stack whose program exports
// nothing looks new, since Pulumi has no other read for which a stack without a state is not an error.
func Updated(ctx *pulumi.Context) (bool, error) {
	s := of(ctx)
	if s.resources.value.Load() != nil {
		return true, nil
	}
	return s.updated.get(ctx.Context(), func() (bool, error) {
		outputs, err := invokeOutputs(ctx, "pulumi:pulumi:readStackOutputs", &reference{stackOf(ctx)})
		return len(outputs) > 0, err
	})
}

// Resources returns the outputs of the stack's resources, by URN, as they were when a component of the run first read
// them. It fails for a stack that has never been updated.
func Resources(ctx *pulumi.Context) (map[string]map[string]any, error) {
	return of(ctx).resources.get(ctx.Context(), func() (map[string]map[string]any, error) {
		read, err := invokeOutputs(ctx, "pulumi:pulumi:readStackResourceOutputs", &stackName{stackOf(ctx)})
		if err != nil {
			return nil, err
		}
		resources := map[string]map[string]any{}
		for urn, resource := range read {
			fields, _ := resource.(map[string]any)
			resources[urn], _ = fields["outputs"].(map[string]any)
		}
		return resources, nil
	})
}

// Add adds an identity of a component of this run, which the state as it was read may not have. isMade reports the
// same of any identity, also of components that come later.
func Add(ctx *pulumi.Context, identity string) (isMade func(identity string) bool) {
	s := of(ctx)
	s.made.Store(identity, true)
	return func(identity string) bool {
		_, isMade := s.made.Load(identity)
		return isMade
	}
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
