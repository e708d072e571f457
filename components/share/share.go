// Package share has the component NfsShare: a directory on an NFS server, its lines in
// /etc/exports and the files in it. The directory scripts has what runs on the host.
package share

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-command/sdk/go/command/remote"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
	"webapp-balanced/internal/outside"
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
	// Identity tells the stack from all others, also from those of its name in other
	// backends; see [owner.NewIdentity]. Required.
	Identity owner.Identity
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
	// AllowInsecure permits rw to everybody, no_root_squash, and anonuid or anongid 0.
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
}

// WithDefaults returns the arguments with the defaults in place.
func (a NfsShareArgs) WithDefaults() NfsShareArgs {
	a.Port = cmp.Or(a.Port, 22)
	a.User = cmp.Or(a.User, "root")
	if len(a.Options) == 0 {
		a.Options = []string{"rw", "sync", "no_subtree_check"}
	}
	return a
}

// Lines are the lines of /etc/exports that the share owns (exports(5)).
func (a NfsShareArgs) Lines() []string {
	lines := make([]string, 0, len(a.Clients))
	for _, client := range a.Clients {
		lines = append(lines, fmt.Sprintf("%s %s(%s)", a.Path, client, strings.Join(a.Options, ",")))
	}
	return lines
}

// NewNfsShare looks at the host, and makes the share: the directory, its exports, then its files.
func NewNfsShare(ctx *pulumi.Context, name string, args NfsShareArgs, opts ...pulumi.ResourceOption) (*NfsShare, error) {
	plan, problems, err := Prepare(ctx, name, args.WithDefaults())
	if err := errors.Join(problems.OrNil(), err); err != nil {
		return nil, err
	}
	return plan.Make(ctx, opts...)
}

// Plan is a share of which nothing is made yet: its arguments, and what was found on the host.
type Plan struct {
	args  NfsShareArgs
	name  string
	id    shareID
	files []siteFile
	found found
	host  outside.NFSServer

	unreadable error // of the site
}

// Path is where the directory is, as NFS 4 clients find it: without symbolic links, as far as the
// host could be asked.
func (p *Plan) Path() string { return cmp.Or(p.found.real, p.args.Path) }

// Make makes the share.
func (p *Plan) Make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (*NfsShare, error) {
	if p.unreadable != nil {
		return nil, p.unreadable
	}
	args := p.args
	share := &NfsShare{}
	if err := ctx.RegisterComponentResource("webapp-balanced:index:NfsShare", p.name, share, opts...); err != nil {
		return nil, err
	}
	data := args.hostData(p.id, p.found, p.files)

	exportsInput := pulumi.StringPtr(args.stdin(exportsScript, data.exports)).ToStringPtrOutput()
	if args.ClientsUnknown {
		exportsInput = pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) *string { return nil }).(pulumi.StringPtrOutput)
	}
	exports, err := remote.NewCommand(ctx, p.name+"-exports", args.command(data.block, "apply", "remove", exportsInput), pulumi.Parent(share), keepGeneration)
	if err != nil {
		return nil, err
	}
	// The files are staged when the directory is there, just before they are
	// published from where they are staged.
	siteInput := exports.ID().ApplyT(func(pulumi.ID) (*string, error) {
		site := args.stdin(publishScript, data.site)
		if ctx.DryRun() {
			return &site, nil
		}
		return &site, p.stage(ctx, share, data)
	}).(pulumi.StringPtrOutput)
	_, err = remote.NewCommand(ctx, p.name+"-site", args.command(data.block, "publish", "forget", siteInput), pulumi.Parent(share), pulumi.DependsOn([]pulumi.Resource{exports}), keepGeneration)
	if err != nil {
		return nil, err
	}
	share.Exports = exports.Stdin.ApplyT(func(*string) []string { return args.Lines() }).(pulumi.StringArrayOutput)
	return share, ctx.RegisterResourceOutputs(share, pulumi.Map{"exports": share.Exports})
}

// keepGeneration keeps the generation that a command was created with. Pulumi ignores this
// when it replaces the resource (`pulumi state taint`, `pulumi up --replace`), so the new
// one gets its own.
var keepGeneration = pulumi.IgnoreChanges([]string{"create", "delete"})

// command is one that runs a script on the host. Another directory is another
// share: the new one is made before the old one is removed, which happens when
// nothing depends on it any more. What deletes a resource is told the generation that
// created it, so that the delete of one that was replaced leaves its successor alone.
func (a NfsShareArgs) command(block, create, remove string, stdin pulumi.StringPtrInput) *remote.CommandArgs {
	generation := owner.NewID()
	return &remote.CommandArgs{
		Connection: a.connection(),
		Create:     pulumi.String(a.shell(create, block, generation)),
		Update:     pulumi.String(a.shell(create, block)),
		// It stays as it was created, so whether sudo is needed it reads from the
		// first line of its input, which is always what it is now.
		Delete:   pulumi.String("sh -c 'read -r _ as; exec $as sh -s -- " + remove + " " + block + " " + generation + "'"),
		Stdin:    stdin,
		Triggers: pulumi.ToArray([]any{a.Path}),
		Logging:  remote.LoggingStderr,
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
func (a NfsShareArgs) shell(arguments ...string) string {
	return strings.TrimPrefix(a.sudo()+" sh -s -- "+strings.Join(arguments, " "), " ")
}

func (a NfsShareArgs) sudo() string {
	if a.Sudo {
		return "sudo -n"
	}
	return ""
}

// stdin is what a command reads: the data before the script, since the data is what a
// preview's diff is read for, and before that a line that says how to become root. The
// data is in a quoted here-document (sh(1)), so the shell reads it and never runs it;
// validation lets no line break into it.
func (a NfsShareArgs) stdin(script string, data []string) string {
	return strings.TrimSpace(": "+a.sudo()) + beginData + strings.Join(data, "\n") + endData + script
}

const beginData, endData = "\nexec 3<<'END OF DATA'\n", "\nEND OF DATA\n"

// SplitInput returns the data and the script of what a command of an NfsShare reads (its property
// stdin), as a preview shows it; ok is false for any other text.
func SplitInput(stdin string) (data, script string, ok bool) {
	_, rest, begins := strings.Cut(stdin, beginData)
	data, script, ends := strings.Cut(rest, endData)
	return data, script, begins && ends && strings.HasPrefix(stdin, ":")
}

// shareID names a share among those of all stacks: by what people read, and by the
// identity that no other stack has.
type shareID struct{ project, stack, name, identity string }

// hostData is what the scripts on the host are told, a line each; scripts/common.sh
// explains the words.
type hostData struct {
	block         string // what the share is called on the host
	staging       string // from the login user's home directory
	exports, site []string
}

func (a NfsShareArgs) hostData(id shareID, found found, files []siteFile) hostData {
	sum := sha256.Sum256([]byte(a.Path))
	folder := func(parts ...string) string { return strings.Join(append(parts, hex.EncodeToString(sum[:4])), ".") }
	state := folder(id.identity, id.name)
	d := hostData{
		block:   fmt.Sprintf("%s/%s/%s:%s", id.project, id.stack, id.name, a.Path),
		staging: ".cache/webapp-balanced/" + state,
	}
	head := []string{"block " + d.block, "owner " + id.identity, "directory " + a.Path, "state " + state, "was " + folder(id.project, id.stack, id.name)}
	if a.Adopt {
		head = append(head, "adopt yes")
	}
	d.exports = append(head[:len(head):len(head)], found.exports.lines()...)
	for _, line := range a.Lines() {
		d.exports = append(d.exports, "line "+line)
	}
	d.site = append(head[:len(head):len(head)], "staging "+d.staging)
	if a.DeleteOnDestroy {
		d.site = append(d.site, "delete yes")
	}
	d.site = append(d.site, found.site.lines()...)
	for _, file := range files {
		d.site = append(d.site, "file "+file.sha256+" "+written(file.path))
	}
	return d
}
