package components

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// NfsShare is a directory on an NFS server, its lines in /etc/exports and the
// site's files in it.
type NfsShare struct {
	pulumi.ResourceState

	// Exports are the lines that the share owns in /etc/exports. They are known
	// only when the server exports them, so that what depends on them waits.
	Exports pulumi.StringArrayOutput `pulumi:"exports"`
}

// NfsShareArgs says where a share is and who may mount it.
type NfsShareArgs struct {
	// Host is the address of the NFS server for SSH. Required. A change moves
	// the share: it is made on the new host, and the old one keeps its block.
	Host string
	// Port of the SSH server. Default 22.
	Port int
	// User to log in as. Default root.
	User string
	// HostKey is the host's public key, as a line of authorized_keys (sshd(8)):
	// type, base64, comment. Required: no host is trusted unseen.
	HostKey string
	// PrivateKey is the PEM of the user's private key. Without one, the SSH
	// agent at SSH_AUTH_SOCK is asked. It never leaves the state unencrypted.
	PrivateKey string
	// Sudo runs everything on the host as `sudo -n`.
	Sudo bool
	// Path of the shared directory, absolute; made if missing, never removed.
	// Required. A change exports the new one and un-exports the old in place.
	Path string
	// Options of every line, of exports(5). Default rw, sync, no_subtree_check.
	Options []string
	// Clients that may mount, one line each: addresses or names of exports(5).
	// Required. A change edits the lines in place.
	Clients []string
	// ClientsUnknown says, in a preview only, that the clients will be found
	// out by the update.
	ClientsUnknown bool
	// Site is the directory with the files to publish in the share. Required.
	Site string
}

// withDefaults returns the arguments with the defaults in place.
func (a NfsShareArgs) withDefaults() NfsShareArgs {
	a.Port = orDefault(a.Port, 22)
	a.User = orDefault(a.User, "root")
	if len(a.Options) == 0 {
		a.Options = []string{"rw", "sync", "no_subtree_check"}
	}
	return a
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Lines are the lines of /etc/exports that the share owns (exports(5)).
func (a NfsShareArgs) Lines() []string {
	a = a.withDefaults()
	lines := make([]string, 0, len(a.Clients))
	for _, client := range a.Clients {
		lines = append(lines, fmt.Sprintf("%s %s(%s)", a.Path, client, strings.Join(a.Options, ",")))
	}
	return lines
}

//go:embed scripts/exports.sh
var exportsScript string

//go:embed scripts/publish.sh
var publishScript string

// NewNfsShare makes the share: the directory, its exports, then its files.
func NewNfsShare(ctx *pulumi.Context, name string, args NfsShareArgs, opts ...pulumi.ResourceOption) (*NfsShare, error) {
	args = args.withDefaults()
	if err := args.Validate().OrNil(); err != nil {
		return nil, err
	}
	files, err := siteFiles(args.Site)
	if err != nil {
		return nil, err
	}
	share := &NfsShare{}
	if err := ctx.RegisterComponentResource("webapp-balanced:index:NfsShare", name, share, opts...); err != nil {
		return nil, err
	}
	connection := args.connection()
	block := strings.Join([]string{ctx.Project(), ctx.Stack(), name}, "/")

	var exportsInput pulumi.StringPtrInput = pulumi.String(script(exportsScript, exportsData(block, args)))
	if args.ClientsUnknown {
		exportsInput = pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) *string { return nil }).(pulumi.StringPtrOutput)
	}
	exports, err := remote.NewCommand(ctx, name+"-exports", &remote.CommandArgs{
		Connection: connection,
		Create:     pulumi.String(args.shell("apply")),
		Delete:     pulumi.String(args.shell("remove")),
		Stdin:      exportsInput,
		Logging:    remote.LoggingStderr,
		// What ran before is no input of what runs now.
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(share))
	if err != nil {
		return nil, err
	}

	// The copy is the login user's and lands in that user's home; from there
	// the script publishes file by file.
	staging := stagingPath(block)
	staged, err := remote.NewCopyToRemote(ctx, name+"-staging", &remote.CopyToRemoteArgs{
		Connection: connection,
		Source:     pulumi.NewFileArchive(strings.TrimSuffix(args.Site, "/") + "/"),
		RemotePath: pulumi.String(staging),
		// An update copies only what has changed; another host or share needs
		// everything, so that is a new copy.
		Triggers: pulumi.ToArray([]any{args.Host, args.Path}),
	}, pulumi.Parent(share))
	if err != nil {
		return nil, err
	}
	_, err = remote.NewCommand(ctx, name+"-site", &remote.CommandArgs{
		Connection:             connection,
		Create:                 pulumi.String(args.shell("publish")),
		Delete:                 pulumi.String(args.shell("forget")),
		Stdin:                  pulumi.String(script(publishScript, publishData(args.Path, staging, files))),
		Logging:                remote.LoggingStderr,
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}, pulumi.Parent(share), pulumi.DependsOn([]pulumi.Resource{exports, staged}))
	if err != nil {
		return nil, err
	}

	share.Exports = exports.Stdin.ApplyT(func(*string) []string { return args.Lines() }).(pulumi.StringArrayOutput)
	return share, ctx.RegisterResourceOutputs(share, pulumi.Map{"exports": share.Exports})
}

// connection is how every command reaches the host. Its limits make an
// unreachable host an error within 30 s.
func (a NfsShareArgs) connection() remote.ConnectionArgs {
	connection := remote.ConnectionArgs{
		Host:           pulumi.String(a.Host),
		Port:           pulumi.Float64(a.Port),
		User:           pulumi.String(a.User),
		HostKey:        pulumi.String(a.HostKey),
		DialErrorLimit: pulumi.Int(2),
		PerDialTimeout: pulumi.Int(8),
	}
	if a.PrivateKey != "" {
		connection.PrivateKey = pulumi.ToSecret(pulumi.String(a.PrivateKey)).(pulumi.StringOutput)
	}
	return connection
}

// shell is the command that runs a script from standard input, so that an
// error, which repeats the command, does not repeat the script.
func (a NfsShareArgs) shell(verb string) string {
	shell := "sh -s -- " + verb
	if a.Sudo {
		return "sudo -n " + shell
	}
	return shell
}

// script returns the standard input of [NfsShareArgs.shell]: the data, which
// comes first because it is what a preview's diff is read for, and the text.
// The data is in a quoted here-document (sh(1)), so the shell reads it and
// never runs it; validation lets no line break into it.
func script(text string, data []string) string {
	return "data() { cat <<'END OF DATA'\n" + strings.Join(data, "\n") + "\nEND OF DATA\n}\n" + text
}

func exportsData(block string, args NfsShareArgs) []string {
	data := []string{"block " + block, "directory " + args.Path}
	for _, line := range args.Lines() {
		data = append(data, "line "+line)
	}
	return data
}

// stagingPath is relative to the login user's home directory.
func stagingPath(block string) string { return ".cache/webapp-balanced/" + block }

func publishData(share, staging string, files []siteFile) []string {
	data := []string{"directory " + share, "staging " + staging}
	for _, file := range files {
		data = append(data, "file "+file.sha256+" "+file.path)
	}
	return data
}
