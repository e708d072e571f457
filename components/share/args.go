package share

import (
	"cmp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
	"webapp-balanced/internal/input"
)

// NfsShareArgs says where a share is and who may mount it.
type NfsShareArgs struct {
	// Connection is how the NFS server is reached by SSH. Required. Each of its properties says what
	// a change does.
	Connection ConnectionArgs `pulumi:"connection"`
	// Server is the NFS server's address as the nodes of the cluster reach it. Default
	// connection.host. A change makes another mount: the applications get new volumes, and their pods
	// roll over.
	Server pulumi.StringPtrInput `pulumi:"server,optional"`
	// Path of the shared directory, absolute; made if missing, never removed.
	// Required. A change makes a new share, and removes the old one at the
	// update's end, when no pod mounts it any more; the old data stays.
	Path pulumi.StringInput `pulumi:"path"`
	// Options of every line, of exports(5). Default rw, sync, no_subtree_check. A change edits the
	// lines in place.
	Options []pulumi.StringInput `pulumi:"options,optional"`
	// Clients that may mount, one line each: addresses or names of exports(5), such as the
	// addresses of the cluster's nodes. Required. A change edits the lines in place.
	Clients []pulumi.StringInput `pulumi:"clients"`
	// Site is the directory with the files to publish in the share, on the computer that the
	// program runs on: an absolute path, or one from the folder that the program runs in, which is
	// the package's own for a component of a package. Default none. A change of it or of a file in it
	// sends what the host lacks, and removes what was published and is not in it any more.
	Site string `pulumi:"site,optional"`
	// AllowInsecure permits rw to everybody, no_root_squash, and anonuid or anongid 0. Default false.
	// A change by itself changes nothing on the host.
	AllowInsecure bool `pulumi:"allowInsecure,optional"`
	// Adopt takes over foreign lines of /etc/exports that say just the same, and
	// replaces foreign files of the site's names. Default false. A change counts for what the next
	// update finds; what was taken over stays the share's.
	Adopt bool `pulumi:"adopt,optional"`
	// DeleteOnDestroy removes the published files with the share. Default false. A change counts from
	// the next update on, so that an update has to set it before the share is destroyed.
	DeleteOnDestroy bool `pulumi:"deleteOnDestroy,optional"`
	// DetectDrift looks at the host while the program runs, read only, so that what was changed there
	// by hand shows in the preview. Default true. A change by itself changes nothing on the host.
	DetectDrift *bool `pulumi:"detectDrift,optional"`
}

// ConnectionArgs is how a host is reached by SSH.
type ConnectionArgs struct {
	// Host is the address or name for SSH. Required. After a change the share is kept there, and
	// the old host keeps its block: the two may be names of one machine, where removing it would
	// end the export.
	Host pulumi.StringInput `pulumi:"host"`
	// Port of the SSH server, 1 to 65535. Default 22. A change by itself changes nothing on the host.
	Port int `pulumi:"port,optional"`
	// User to log in as, by the rules of useradd(8). Default root. A change by itself changes nothing
	// on the host.
	User pulumi.StringPtrInput `pulumi:"user,optional"`
	// HostKey is the host's public key, as a line of authorized_keys (sshd(8)): type, base64,
	// comment. Required: no host is trusted unseen. A change by itself changes nothing on the host.
	HostKey pulumi.StringInput `pulumi:"hostKey"`
	// PrivateKey is the PEM of the user's private key; the state has it encrypted. Default the keys of
	// the SSH agent at SSH_AUTH_SOCK. A change by itself changes nothing on the host.
	PrivateKey pulumi.StringPtrInput `pulumi:"privateKey,optional" provider:"secret"`
	// PrivateKeyPassword decrypts an encrypted privateKey; the state has it encrypted. Default none. A
	// change by itself changes nothing on the host.
	PrivateKeyPassword pulumi.StringPtrInput `pulumi:"privateKeyPassword,optional" provider:"secret"`
	// Sudo runs the scripts on the host as `sudo -n`. Default false. A change by itself changes nothing
	// on the host.
	Sudo bool `pulumi:"sudo,optional"`
}

// Settings are the values of [NfsShareArgs], which explains them.
type Settings struct {
	// Identity tells the stack from all others, also from those of its name in other backends.
	Identity owner.Identity
	// Origins says which values are not known yet.
	Origins input.Origins

	Host                           string
	Port                           int
	User, HostKey                  string
	PrivateKey, PrivateKeyPassword string
	Sudo                           bool
	Server, Path                   string
	Options, Clients               []string
	// ClientsUnknown says, in a preview only, that the clients will be found
	// out by the update.
	ClientsUnknown                        bool
	Site                                  string
	AllowInsecure, Adopt, DeleteOnDestroy bool
	DetectDrift                           *bool
}

// WithDefaults returns the settings with the defaults in place.
func (s Settings) WithDefaults() Settings {
	s.Port = cmp.Or(s.Port, 22)
	s.User = cmp.Or(s.User, "root")
	s.Server = cmp.Or(s.Server, s.Host)
	if len(s.Options) == 0 {
		s.Options = []string{"rw", "sync", "no_subtree_check"}
	}
	s.DetectDrift = cmp.Or(s.DetectDrift, new(true))
	return s
}

// settings waits for the values.
func (a *NfsShareArgs) settings(ctx *pulumi.Context) (Settings, error) {
	r := input.NewReader(ctx)
	s := Settings{
		Host:       input.Of[string](r, "connection.host", a.Connection.Host),
		Port:       a.Connection.Port,
		User:       input.Of[string](r, "connection.user", a.Connection.User),
		HostKey:    input.Of[string](r, "connection.hostKey", a.Connection.HostKey),
		PrivateKey: input.Of[string](r, "connection.privateKey", a.Connection.PrivateKey), PrivateKeyPassword: input.Of[string](r, "connection.privateKeyPassword", a.Connection.PrivateKeyPassword),
		Sudo:    a.Connection.Sudo,
		Server:  input.Of[string](r, "server", a.Server),
		Path:    input.Of[string](r, "path", a.Path),
		Options: input.List(r, "options", a.Options),
		Clients: input.List(r, "clients", a.Clients),
		Site:    a.Site, AllowInsecure: a.AllowInsecure, Adopt: a.Adopt, DeleteOnDestroy: a.DeleteOnDestroy, DetectDrift: a.DetectDrift,
	}
	var err error
	s.Origins, err = r.Done()
	if s.Origins.Unknown("clients") {
		s.Clients, s.ClientsUnknown = nil, true
	}
	return s.WithDefaults(), err
}
