package components

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/nfshost"
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
	// Host is the address of the NFS server for SSH. Required. After a change
	// the share is kept there, and the old host keeps its block: the two may be
	// names of one machine, where removing it would end the export.
	Host string
	// Port of the SSH server. Default 22.
	Port int
	// User to log in as. Default root.
	User string
	// HostKey is the host's public key, as a line of authorized_keys (sshd(8)):
	// type, base64, comment. Required: no host is trusted unseen.
	HostKey string
	// PrivateKey is the PEM of the user's private key, and PrivateKeyPassword
	// decrypts it if it is encrypted. Without a key, the SSH agent at
	// SSH_AUTH_SOCK is asked. Neither leaves the state unencrypted.
	PrivateKey, PrivateKeyPassword string
	// Sudo runs everything on the host as `sudo -n`.
	Sudo bool
	// Path of the shared directory, absolute; made if missing, never removed.
	// Required. A change makes a new share, and removes the old one at the
	// update's end, when no pod mounts it any more; the old data stays.
	Path string
	// Options of every line, of exports(5). Default rw, sync, no_subtree_check.
	Options []string
	// Clients that may mount, one line each: addresses or names of exports(5).
	// Required. A change edits the lines in place.
	Clients []string
	// ClientsUnknown says, in a preview only, that the clients will be found
	// out by the update.
	ClientsUnknown bool
	// AllowInsecure permits rw to everybody and no_root_squash.
	AllowInsecure bool
	// Adopt takes over foreign lines of /etc/exports that say just the same, and
	// replaces foreign files of the site's names.
	Adopt bool
	// Site is the directory with the files to publish in the share. Required.
	Site string
	// DeleteOnDestroy removes the published files with the share. It has to be
	// set by an update before.
	DeleteOnDestroy bool
	// DetectDrift looks at the host while the program runs, read only, so that
	// what was changed there by hand shows in the preview.
	DetectDrift bool

	// Found is what was found there; see [NfsShareArgs.Look].
	Found Found
	// Server is how the host is reached for that, and for staging the site.
	// Required.
	Server NFSServer
}

// NFSServer is the NFS server over SSH; [nfshost.Login] is the real one.
type NFSServer interface {
	// Run runs commands over one connection, and returns what each printed.
	Run(ctx context.Context, commands ...nfshost.Command) ([]string, error)
	// Stage copies files into a directory below the login user's home.
	Stage(ctx context.Context, directory string, files []nfshost.File, progress func(done, all int64)) error
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

// NewNfsShare makes the share: the directory, its exports, then its files.
func NewNfsShare(ctx *pulumi.Context, name string, args NfsShareArgs, opts ...pulumi.ResourceOption) (*NfsShare, error) {
	args = args.withDefaults()
	if err := args.Validate().OrNil(); err != nil {
		return nil, err
	}
	files := args.Found.files
	if files == nil {
		var err error
		if files, err = siteFiles(args.Site); err != nil {
			return nil, err
		}
	}
	share := &NfsShare{}
	if err := ctx.RegisterComponentResource("webapp-balanced:index:NfsShare", name, share, opts...); err != nil {
		return nil, err
	}
	scripts := args.scripts(shareID{ctx.Project(), ctx.Stack(), name}, files)

	var exportsInput pulumi.StringPtrInput = pulumi.String(scripts.exports)
	if args.ClientsUnknown {
		exportsInput = pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) *string { return nil }).(pulumi.StringPtrOutput)
	}
	exports, err := remote.NewCommand(ctx, name+"-exports", args.command(scripts.block, "apply", "remove", exportsInput), pulumi.Parent(share))
	if err != nil {
		return nil, err
	}
	// The files are staged when the directory is there, just before they are
	// published from where they are staged.
	siteInput := exports.ID().ApplyT(func(pulumi.ID) (*string, error) {
		if ctx.DryRun() {
			return &scripts.site, nil
		}
		return &scripts.site, args.stage(ctx, share, scripts, files)
	}).(pulumi.StringPtrOutput)
	_, err = remote.NewCommand(ctx, name+"-site", args.command(scripts.block, "publish", "forget", siteInput), pulumi.Parent(share), pulumi.DependsOn([]pulumi.Resource{exports}))
	if err != nil {
		return nil, err
	}
	share.Exports = exports.Stdin.ApplyT(func(*string) []string { return args.Lines() }).(pulumi.StringArrayOutput)
	return share, ctx.RegisterResourceOutputs(share, pulumi.Map{"exports": share.Exports})
}

// command is one that runs a script on the host. Another directory is another
// share: the new one is made before the old one is removed, which happens when
// nothing depends on it any more.
func (a NfsShareArgs) command(block, create, remove string, stdin pulumi.StringPtrInput) *remote.CommandArgs {
	return &remote.CommandArgs{
		Connection: a.connection(),
		Create:     pulumi.String(a.shell(create, block)),
		Delete:     pulumi.String(a.shell(remove, block)),
		Stdin:      stdin,
		Triggers:   pulumi.ToArray([]any{a.Path}),
		Logging:    remote.LoggingStderr,
		// What ran before is no input of what runs now.
		AddPreviousOutputInEnv: pulumi.Bool(false),
	}
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
	secret := func(text string) pulumi.StringPtrInput {
		if text == "" {
			return nil
		}
		return pulumi.ToSecret(pulumi.String(text)).(pulumi.StringOutput)
	}
	connection.PrivateKey, connection.PrivateKeyPassword = secret(a.PrivateKey), secret(a.PrivateKeyPassword)
	return connection
}

// shell is the command that runs a script from standard input, so that an
// error, which repeats the command, does not repeat the script.
func (a NfsShareArgs) shell(verb, block string) string {
	shell := "sh -s -- " + verb + " " + block
	if a.Sudo {
		return "sudo -n " + shell
	}
	return shell
}

//go:embed scripts/common.sh
var commonScript string

//go:embed scripts/entries.sh
var entriesScript string

//go:embed scripts/exports.sh
var exportsScript string

//go:embed scripts/publish.sh
var publishScript string

// shareID names a share among those of all stacks.
type shareID struct{ project, stack, name string }

// scripts are the standard inputs of [NfsShareArgs.shell].
type scripts struct {
	block         string // what the share is called on the host
	staging       string // from the login user's home directory
	exports, site string
}

// scripts writes the scripts with their data.
func (a NfsShareArgs) scripts(id shareID, files []siteFile) scripts {
	sum := sha256.Sum256([]byte(a.Path))
	state := strings.Join([]string{id.project, id.stack, id.name, hex.EncodeToString(sum[:4])}, ".")
	s := scripts{
		block:   fmt.Sprintf("%s/%s/%s:%s", id.project, id.stack, id.name, a.Path),
		staging: ".cache/webapp-balanced/" + state,
	}
	head := []string{"block " + s.block, "directory " + a.Path, "state " + state}
	if a.Adopt {
		head = append(head, "adopt yes")
	}
	exports := append(head[:len(head):len(head)], a.Found.Exports.lines()...)
	for _, line := range a.Lines() {
		exports = append(exports, "line "+line)
	}
	site := append(head[1:len(head):len(head)], "staging "+s.staging)
	if a.DeleteOnDestroy {
		site = append(site, "delete yes")
	}
	site = append(site, a.Found.Site.lines()...)
	for _, file := range files {
		site = append(site, "file "+file.sha256+" "+written(file.path))
	}
	s.exports, s.site = script(commonScript+entriesScript+exportsScript, exports), script(commonScript+publishScript, site)
	return s
}

// script returns a script with its data before it, which comes first because
// it is what a preview's diff is read for. The data is in a quoted
// here-document (sh(1)), so the shell reads it and never runs it; validation
// lets no line break into it.
func script(text string, data []string) string {
	return "data() { cat <<'END OF DATA'\n" + strings.Join(data, "\n") + "\nEND OF DATA\n}\n" + text
}
