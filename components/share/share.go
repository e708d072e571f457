// Package share has the component NfsShare: a directory on an NFS server, its lines in
// /etc/exports and the files in it.
package share

import (
	"errors"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/hostscripts"
	"webapp-balanced/internal/input"
)

// NfsShare is a directory on an NFS server, its lines in /etc/exports and the site's files in it.
type NfsShare struct {
	pulumi.ResourceState

	// Exports are the lines that the share owns in /etc/exports. They are known once the server exports them,
	// so that dependent resources wait.
	Exports pulumi.StringArrayOutput `pulumi:"exports"`
	// Mount is what an application mounts, known once the directory is exported and the site is published.
	Mount link.MountOutput `pulumi:"mount"`
}

const shareType = "webapp-balanced:index:NfsShare"

// NewNfsShare reads the host and creates the share: the directory, its exports, then its files. If arguments
// are bad, or an update would have to refuse them, it returns every problem ([check.Problems]) before
// anything is changed. A share that is returned with an error is registered, and has no outputs.
func NewNfsShare(ctx *pulumi.Context, name string, args *NfsShareArgs, opts ...pulumi.ResourceOption) (*NfsShare, error) {
	if args == nil {
		args = &NfsShareArgs{}
	}
	share := &NfsShare{}
	settings, err := args.settings(ctx)
	if err != nil {
		return nil, err
	}
	settings.LogIn(ctx)
	if err := ctx.RegisterComponentResource(shareType, name, share, append(opts, pulumi.DependsOn(settings.Origins.After))...); err != nil {
		return nil, err
	}
	if settings.Identity, err = owner.NewIdentity(ctx, name+"-identity", pulumi.Parent(share)); err != nil {
		return share, err
	}
	plan, problems, err := Prepare(ctx, name, settings)
	if err := errors.Join(problems.Err(), env.WarnInPreview(ctx, share, err)); err != nil {
		return share, err
	}
	settings.Origins.Warn(ctx, share, "the NFS host is inspected", accessProperties...)
	return share, plan.make(ctx, share)
}

// Make creates the share.
func (p *Plan) Make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (*NfsShare, error) {
	share := &NfsShare{}
	if err := ctx.RegisterComponentResource(shareType, p.name, share, opts...); err != nil {
		return nil, err
	}
	return share, p.make(ctx, share)
}

func (p *Plan) make(ctx *pulumi.Context, share *NfsShare) error {
	if p.unreadable != nil {
		return p.unreadable
	}
	exportsInput := p.input(hostscripts.Exports, p.share.ExportsData(p.found))
	exports, err := remote.NewCommand(ctx, p.name+"-exports", p.command("apply", "remove", exportsInput), pulumi.Parent(share), keepGeneration)
	if err != nil {
		return err
	}
	commands := []pulumi.Resource{exports}
	if p.Site != "" {
		// The files are staged once the directory exists, just before they are published from the staging directory.
		siteInput := pulumi.All(exports.ID(), p.input(hostscripts.Publish, p.share.SiteData(p.found))).ApplyT(func(values []any) (*string, error) {
			input := values[1].(*string)
			if ctx.DryRun() {
				return input, nil
			}
			return input, p.stage(ctx, share)
		}).(pulumi.StringPtrOutput)
		site, err := remote.NewCommand(ctx, p.name+"-site", p.command("publish", "forget", siteInput), pulumi.Parent(share), pulumi.DependsOn(commands), keepGeneration)
		if err != nil {
			return err
		}
		commands = append(commands, site)
	}
	share.Exports = exports.Stdin.ApplyT(func(*string) []string { return p.share.Lines() }).(pulumi.StringArrayOutput)
	share.Mount = p.mount(ctx, commands)
	return ctx.RegisterResourceOutputs(share, pulumi.Map{"exports": share.Exports, "mount": share.Mount})
}

// mount returns the mount. A preview knows as much of it as possible, so that it shows what depends on the mount.
func (p *Plan) mount(ctx *pulumi.Context, commands []pulumi.Resource) link.MountOutput {
	mount := link.MountArgs{Server: p.Origins.Text("server", p.Server), Path: p.Origins.Text("path", p.Path())}
	if p.Origins.Unknown("connection.host") && p.Server == "" {
		mount.Server = input.UnknownText()
	}
	if recreated := p.Recreated(); recreated != "" {
		mount.Recreated = pulumi.String(recreated)
	}
	late := pulumi.OutputWithDependencies(ctx.Context(), mount.ToMountOutput(), commands...)
	if ctx.DryRun() {
		return late.(link.MountOutput)
	}
	made := make(pulumi.Array, len(commands))
	for i, command := range commands {
		made[i] = command.(pulumi.CustomResource).ID()
	}
	return pulumi.All(late, made).ApplyT(func(values []any) link.Mount { return values[0].(link.Mount) }).(link.MountOutput)
}

// input returns the standard input of a command; unknown if a part of it is.
func (p *Plan) input(script string, data []string) pulumi.StringPtrOutput {
	if p.ClientsUnknown || p.Origins.Unknown("path", "options", "clients") {
		return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) *string { return nil }).(pulumi.StringPtrOutput)
	}
	return pulumi.StringPtr(p.share.Input(script, data)).ToStringPtrOutput()
}

// keepGeneration keeps the generation that a command was created with. Pulumi ignores this when it replaces the
// resource (`pulumi state taint`, `pulumi up --replace`), so the new one gets its own.
var keepGeneration = pulumi.IgnoreChanges([]string{"create", "delete"})

// command returns the arguments of a command that runs a script on the host. Another directory is another share:
// Pulumi creates the new one first, and removes the old one when nothing depends on it any more. The delete command
// gets the generation of the create command, so that deleting a replaced resource does not touch its successor.
func (p *Plan) command(create, remove string, stdin pulumi.StringPtrInput) *remote.CommandArgs {
	generation, block := owner.NewID(), p.share.Block()
	text := func(value string) pulumi.StringInput { return p.Origins.Text("path", value) }
	return &remote.CommandArgs{
		Connection: p.connection(),
		Create:     text(p.share.Command(create, block, generation)).ToStringOutput().ToStringPtrOutput(),
		Update:     text(p.share.Command(create, block)).ToStringOutput().ToStringPtrOutput(),
		Delete:     text(p.share.DeleteCommand(remove, block, generation)).ToStringOutput().ToStringPtrOutput(),
		Stdin:      stdin,
		Triggers:   pulumi.Array{text(p.Settings.Path)},
		Logging:    remote.LoggingStderr,
		// The output of the previous command is not an input of this one.
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}
}

// connection returns the SSH settings of every command. Its limits make an unreachable host an error within 30 s.
func (p *Plan) connection() remote.ConnectionArgs {
	text := func(property, value string) pulumi.StringOutput {
		return p.Origins.Text("connection."+property, value).ToStringOutput()
	}
	secret := func(property, value string) pulumi.StringPtrInput {
		if value == "" && !p.Origins.Unknown("connection."+property) {
			return nil
		}
		return pulumi.ToSecret(text(property, value)).(pulumi.StringOutput).ToStringPtrOutput()
	}
	return remote.ConnectionArgs{
		Host:               text("host", p.Host),
		Port:               pulumi.Float64(p.Port),
		User:               text("user", p.User).ToStringPtrOutput(),
		HostKey:            text("hostKey", p.HostKey).ToStringPtrOutput(),
		PrivateKey:         secret("privateKey", p.PrivateKey),
		PrivateKeyPassword: secret("privateKeyPassword", p.PrivateKeyPassword),
		DialErrorLimit:     pulumi.Int(2),
		PerDialTimeout:     pulumi.Int(8),
	}
}
