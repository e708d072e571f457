// Package link has the values that one component passes to the next: the mount of a share, and the workload
// of an application.
package link

import (
	"context"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Mount is the address and the path from which nodes mount an NFS share.
type Mount struct {
	// Server is the NFS server's address as the nodes reach it.
	Server string `pulumi:"server"`
	// Path is the directory's path on the server, absolute and without symbolic links.
	Path string `pulumi:"path"`
	// Recreated is when the directory was last found missing, so that the update recreated it: new pods replace
	// those that still have the old directory. Empty if it was never missing.
	Recreated string `pulumi:"recreated,optional"`
}

// MountInput is [MountArgs] or [MountOutput].
type MountInput interface {
	pulumi.Input
	ToMountOutput() MountOutput
	ToMountOutputWithContext(ctx context.Context) MountOutput
}

// MountArgs is a [Mount] whose parts may come from other resources.
type MountArgs struct {
	Server    pulumi.StringInput `pulumi:"server"`
	Path      pulumi.StringInput `pulumi:"path"`
	Recreated pulumi.StringInput `pulumi:"recreated,optional"`
}

// ElementType, ToMountOutput and ToMountOutputWithContext make it an input.
func (MountArgs) ElementType() reflect.Type { return reflect.TypeFor[Mount]() }

func (a MountArgs) ToMountOutput() MountOutput { return pulumi.ToOutput(a).(MountOutput) }

func (a MountArgs) ToMountOutputWithContext(ctx context.Context) MountOutput {
	return pulumi.ToOutputWithContext(ctx, a).(MountOutput)
}

// MountOutput is an output with a [Mount].
type MountOutput struct{ *pulumi.OutputState }

// ElementType, ToMountOutput and ToMountOutputWithContext make it an output, and an input.
func (MountOutput) ElementType() reflect.Type { return reflect.TypeFor[Mount]() }

func (o MountOutput) ToMountOutput() MountOutput { return o }

func (o MountOutput) ToMountOutputWithContext(context.Context) MountOutput { return o }

func init() {
	pulumi.RegisterInputType(reflect.TypeFor[MountInput](), MountArgs{})
	pulumi.RegisterOutputType(MountOutput{})
}
