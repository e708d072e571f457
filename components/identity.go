package components

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
)

// Identity tells a stack from all others. Project and stack name do not: two people may
// choose the same in two backends, and `pulumi stack rename` changes them. It is a random
// text in the stack's state, made before anything else and kept until the stack is
// destroyed.
type Identity struct {
	// ID is 16 hexadecimal digits.
	ID string
	// inputs are the standard inputs of the commands in the stack's state, by URN; nil if
	// nothing is in it yet.
	inputs map[string]string
}

// NewIdentity registers the identity of the stack, a pulumi.Stash, which keeps what it
// was created with, and returns it once it is known: also in the first preview, which
// shows one that is not used.
func NewIdentity(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (Identity, error) {
	fresh := newID()
	stash, err := pulumi.NewStash(ctx, name, &pulumi.StashArgs{Input: pulumi.String(fresh)}, append(opts, pulumi.IgnoreChanges([]string{"input"}))...)
	if err != nil {
		return Identity{}, err
	}
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), stash.Output)
	if err != nil {
		return Identity{}, fmt.Errorf("keep the identity of the stack in its state (a pulumi:index:Stash, which Pulumi has since 3.208): %w", err)
	}
	id, ok := result.Value.(string)
	if !ok {
		return Identity{}, fmt.Errorf("the stack's state has the identity %v, which is no text", result.Value)
	}
	if id == fresh {
		return Identity{ID: id}, nil
	}
	inputs, err := commandsInState(ctx)
	return Identity{ID: id, inputs: inputs}, err
}

// commandsInState reads what the stack's last update has left in its state. Pulumi's own
// invoke does that for any stack that has been updated before.
func commandsInState(ctx *pulumi.Context) (map[string]string, error) {
	stack := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	// As an output, since there are secrets among what it returns.
	output := ctx.InvokeOutput("pulumi:pulumi:readStackResourceOutputs", &stackName{stack}, pulumi.MapOutput{}, pulumi.InvokeOutputOptions{})
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), output)
	if err != nil {
		return nil, fmt.Errorf("read the state of the stack %s: %w", stack, err)
	}
	state, _ := result.Value.(map[string]any)
	resources, _ := state["outputs"].(map[string]any)
	inputs := map[string]string{}
	for urn, resource := range resources {
		fields, _ := resource.(map[string]any)
		outputs, _ := fields["outputs"].(map[string]any)
		if stdin, ok := outputs["stdin"].(string); ok {
			inputs[urn] = stdin
		}
	}
	return inputs, nil
}

type stackName struct {
	StackName string `pulumi:"stackName"`
}

// deployed tells whether the state has a command of that name with a line of data.
func (i Identity) deployed(name, line string) bool {
	for urn, stdin := range i.inputs {
		if strings.HasSuffix(urn, "::"+name) && strings.Contains(stdin, "\n"+line+"\n") {
			return true
		}
	}
	return false
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
