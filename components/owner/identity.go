// Package owner tells whose the objects of a cluster are: a stack's, another one's, or somebody's
// who made them by hand.
package owner

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"webapp-balanced/internal/cluster"
)

// Identity tells a stack from all others, and in a program that has composed its components itself
// one component from the others. Project and stack name do not: two people may
// choose the same in two backends, and `pulumi stack rename` changes them. It is a random
// text in the stack's state, made before anything else and kept until the stack is
// destroyed.
type Identity struct {
	// ID is 16 hexadecimal digits.
	ID string
	// project and stack are for people to read.
	project, stack string
	// State has the outputs of the resources in the stack's state, by URN; nil if nothing is
	// in it yet.
	State map[string]map[string]any
}

// NewIdentity registers an identity, a pulumi.Stash, which keeps what it
// was created with, and returns it once it is known: also in the first preview, which
// shows one that is not used.
func NewIdentity(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (Identity, error) {
	fresh := NewID()
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
	identity := Identity{ID: id, project: ctx.Project(), stack: ctx.Stack()}
	if id == fresh {
		// Either there is no state yet, or it is of a version that had no identity.
		if updated, err := wasUpdated(ctx); err != nil || !updated {
			return identity, err
		}
	}
	identity.State, err = readState(ctx)
	return identity, err
}

// Owner is what objects in the cluster are marked with: for people project and stack, and
// the identity, by which alone the stack is known.
func (i Identity) Owner() string { return fmt.Sprintf("%s/%s %s", i.project, i.stack, i.ID) }

// Owns tells whether an object of the cluster is that of who has this identity: it is marked so,
// such as one that an update which was killed has made, or has no mark, and the stack's state has
// it, as versions that marked nothing left it.
func (i Identity) Owns(o cluster.Object) bool {
	return i.IsMark(o.Owner) || o.Owner == "" && i.has(o)
}

// InStack tells whether an object is the stack's, of this identity or of another component's.
func (i Identity) InStack(o cluster.Object) bool {
	if i.Owns(o) || i.has(o) {
		return true
	}
	for urn, outputs := range i.State {
		if id, _ := outputs["output"].(string); strings.Contains(urn, "pulumi:index:Stash::") && id != "" && id == idIn(o.Owner) {
			return true
		}
	}
	return false
}

// has tells whether the stack's state has an object.
func (i Identity) has(o cluster.Object) bool {
	for _, outputs := range i.State {
		if uid, _ := Metadata(outputs)["uid"].(string); uid != "" && uid == o.UID {
			return true
		}
	}
	return false
}

// named is the URN of the resource that the state has of an object of Kubernetes; empty for none.
func (i Identity) named(kind, namespace, name string) string {
	for urn, outputs := range i.State {
		metadata := Metadata(outputs)
		at, _ := metadata["namespace"].(string)
		if strings.Contains(urn, ":"+kind+"::") && metadata["name"] == name && at == namespace {
			return urn
		}
	}
	return ""
}

// IsMark tells whether a mark is of this identity.
func (i Identity) IsMark(owner string) bool { return i.ID != "" && idIn(owner) == i.ID }

// idIn is the identity in a mark.
func idIn(owner string) string { return owner[strings.LastIndex(owner, " ")+1:] }

// Before is the option that the resource of an object of Kubernetes had another name than it has
// now, if it is so in the state.
func (i Identity) Before(now, kind, namespace, name string) Options {
	if urn := i.named(kind, namespace, name); urn != "" && nameIn(urn) != now {
		return Options{pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(nameIn(urn))}})}
	}
	return nil
}

// Metadata are those of an object of Kubernetes, from its outputs in the state.
func Metadata(outputs map[string]any) map[string]any {
	metadata, _ := outputs["metadata"].(map[string]any)
	return metadata
}

// readState reads what the stack's last update has left in its state. Pulumi's own invoke
// does that for any stack that has been updated before; for others it fails.
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

// wasUpdated tells whether the stack has outputs, which every update leaves.
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

// invokeOutputs returns the outputs that one of Pulumi's own invokes reads: as a
// pulumi.Output first, since there are secrets among them. It retries for about 3 s: the engine
// writes the state while components read it, and a file:// backend cannot be read in that moment
// ("failed to load checkpoint: EOF"), since its library, gocloud.dev/blob/fileblob, truncates
// the file of a blob's attributes and then fills it.
func invokeOutputs(ctx *pulumi.Context, token string, args any) (map[string]any, error) {
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		output := ctx.InvokeOutput(token, args, pulumi.MapOutput{}, pulumi.InvokeOutputOptions{})
		result, err := internals.UnsafeAwaitOutput(ctx.Context(), output)
		if err == nil {
			answer, _ := result.Value.(map[string]any)
			outputs, _ := answer["outputs"].(map[string]any)
			return outputs, nil
		}
		if pause > 2*time.Second || ctx.Context().Err() != nil {
			return nil, fmt.Errorf("read the state of the stack %s: %w", stackOf(ctx), err)
		}
		time.Sleep(pause)
	}
}

// Deployed tells whether the state has a command of that name with a line of data.
func (i Identity) Deployed(name, line string) bool {
	for urn, outputs := range i.State {
		if stdin, _ := outputs["stdin"].(string); strings.HasSuffix(urn, "::"+name) && strings.Contains(stdin, "\n"+line+"\n") {
			return true
		}
	}
	return false
}

// Manages tells whether a field manager of Kubernetes is the stack's, for its objects of a kind
// (metadata.managedFields).
func (i Identity) Manages(kind, manager string) bool {
	for urn, outputs := range i.State {
		if outputs["__fieldManager"] == manager && strings.Contains(urn, kind+"::") {
			return true
		}
	}
	return false
}

// NewID is a random text, 16 hexadecimal digits.
func NewID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
