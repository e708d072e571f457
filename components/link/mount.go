// Package link has what one component gives to the next, whole: the mount of a share, and the
// workload of an application.
package link

import (
	"context"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Mount is where an NFS share is mounted from.
type Mount struct {
	// Server is the NFS server's address as the nodes reach it.
	Server string `pulumi:"server"`
	// Path is that of the directory there, absolute and without symbolic links.
	Path string `pulumi:"path"`
	// Remade says when the directory was last found gone, so that the update made it anew: pods that have the one
	// before give way to new ones. Empty if that was not so.
	Remade string `pulumi:"remade,optional"`
}

// MountInput is [MountArgs] or [MountOutput].
type MountInput interface {
	pulumi.Input
	ToMountOutput() MountOutput
	ToMountOutputWithContext(ctx context.Context) MountOutput
}

// MountArgs is a [Mount] whose parts may come from other resources.
type MountArgs struct {
	Server pulumi.StringInput `pulumi:"server"`
	Path   pulumi.StringInput `pulumi:"path"`
	Remade pulumi.StringInput `pulumi:"remade,optional"`
}

// ElementType, ToMountOutput and ToMountOutputWithContext make it an input.
func (MountArgs) ElementType() reflect.Type { return reflect.TypeFor[Mount]() }

func (a MountArgs) ToMountOutput() MountOutput { return pulumi.ToOutput(a).(MountOutput) }

func (a MountArgs) ToMountOutputWithContext(ctx context.Context) MountOutput {
	return pulumi.ToOutputWithContext(ctx, a).(MountOutput)
}

// MountOutput is a [Mount] that is known late.
type MountOutput struct{ *pulumi.OutputState }

// ElementType, ToMountOutput and ToMountOutputWithContext make it an output, and an input.
func (MountOutput) ElementType() reflect.Type { return reflect.TypeFor[Mount]() }

func (o MountOutput) ToMountOutput() MountOutput { return o }

func (o MountOutput) ToMountOutputWithContext(context.Context) MountOutput { return o }

func init() {
	pulumi.RegisterInputType(reflect.TypeFor[MountInput](), MountArgs{})
	pulumi.RegisterOutputType(MountOutput{})
}
