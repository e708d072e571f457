// Package owner determines the owner of objects in a cluster: a stack, another stack, or none, if a user made
// them by hand.
package owner

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/stackstate"
)

// Identity distinguishes a stack from all others, and in a program that composes the components itself, one
// component from the others. Project and stack name are not enough: two users may choose the same names in
// two backends, and `pulumi stack rename` changes them. The identity is a random text in the stack's state,
// created before anything else and kept until the stack is destroyed.
type Identity struct {
	// ID is 16 hexadecimal digits.
	ID string
	// project and stack are for people to read.
	project, stack string
	// State has the outputs of the resources in the stack's state, by URN; nil if nothing is in it yet. All
	// identities of a run share it.
	State map[string]map[string]any
	// isMade reports whether another identity is of a component of this run. It may be newer than State.
	isMade func(identity string) bool
}

// NewIdentity registers an identity, a pulumi.Stash, which keeps its first value, and returns it once it is
// known. The first preview also gets one, which is not used later.
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
		return Identity{}, fmt.Errorf("the stack's state has the identity %v, which is not a string", result.Value)
	}
	identity := Identity{ID: id, project: ctx.Project(), stack: ctx.Stack(), isMade: stackstate.Add(ctx, id)}
	if id == fresh {
		// Either there is no state yet, or it is of a version that had no identity.
		if updated, err := stackstate.Updated(ctx); err != nil || !updated {
			return identity, err
		}
	}
	identity.State, err = stackstate.Resources(ctx)
	return identity, err
}

// Owner returns the mark of objects in the cluster: project and stack for people, and the identity, which
// alone identifies the stack.
func (i Identity) Owner() string { return fmt.Sprintf("%s/%s %s", i.project, i.stack, i.ID) }

// Owns reports whether an object of the cluster belongs to this identity. Such an object has the identity's
// mark, even if it is from a killed update. Or it has no mark and the stack's state has it, as from versions
// that set no marks.
func (i Identity) Owns(o cluster.Object) bool {
	return i.IsMark(o.Owner) || o.Owner == "" && i.has(o)
}

// InStack reports whether an object belongs to the stack, by this identity or by that of another component.
func (i Identity) InStack(o cluster.Object) bool {
	if i.Owns(o) || i.has(o) || i.isMade != nil && i.isMade(idIn(o.Owner)) {
		return true
	}
	for urn, outputs := range i.State {
		if id, _ := outputs["output"].(string); strings.Contains(urn, "pulumi:index:Stash::") && id != "" && id == idIn(o.Owner) {
			return true
		}
	}
	return false
}

// has reports whether the stack's state has an object.
func (i Identity) has(o cluster.Object) bool {
	for _, outputs := range i.State {
		if uid, _ := Metadata(outputs)["uid"].(string); uid != "" && uid == o.UID {
			return true
		}
	}
	return false
}

// named returns the URN of a Kubernetes object's resource in the state; empty for none.
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

// IsMark reports whether a mark is of this identity.
func (i Identity) IsMark(owner string) bool { return i.ID != "" && idIn(owner) == i.ID }

// idIn returns the identity in a mark.
func idIn(owner string) string { return owner[strings.LastIndex(owner, " ")+1:] }

// Before returns an alias option if the state has a Kubernetes object's resource under another name than now.
func (i Identity) Before(now, kind, namespace, name string) Options {
	if urn := i.named(kind, namespace, name); urn != "" && nameIn(urn) != now {
		return Options{pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(nameIn(urn))}})}
	}
	return nil
}

// Metadata returns the metadata of a Kubernetes object, from its outputs in the state.
func Metadata(outputs map[string]any) map[string]any {
	metadata, _ := outputs["metadata"].(map[string]any)
	return metadata
}

// Deployed reports whether the state has a command of that name with a line of data.
func (i Identity) Deployed(name, line string) bool {
	for urn, outputs := range i.State {
		if stdin, _ := outputs["stdin"].(string); strings.HasSuffix(urn, "::"+name) && strings.Contains(stdin, "\n"+line+"\n") {
			return true
		}
	}
	return false
}

// Manages reports whether a Kubernetes field manager (metadata.managedFields) is the stack's, for objects of a kind.
func (i Identity) Manages(kind, manager string) bool {
	for urn, outputs := range i.State {
		if outputs["__fieldManager"] == manager && strings.Contains(urn, kind+"::") {
			return true
		}
	}
	return false
}

// NewID returns a random text of 16 hexadecimal digits.
func NewID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
