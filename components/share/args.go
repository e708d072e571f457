package share

import (
	"cmp"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
	"webapp-balanced/internal/input"
)

// NfsShareArgs says where a share is and who may mount it.
type NfsShareArgs struct {
	// Connection says how to reach the NFS server by SSH. Required. Each of its properties says what a change does.
	Connection ConnectionArgs `pulumi:"connection"`
	// Server is the NFS server's address as the nodes of the cluster reach it. Default connection.host. A
	// change makes another mount: the applications get new volumes and new pods.
	Server pulumi.StringPtrInput `pulumi:"server,optional"`
	// Path of the shared directory, absolute; created if missing, never removed. Required. A change creates a new
	// share, and removes the old one at the end of the update, when no pod mounts it any more; the old data stays.
	Path pulumi.StringInput `pulumi:"path"`
	// Options of every line, as in exports(5). Default rw, sync, no_subtree_check. A change edits the lines in place.
	Options []pulumi.StringInput `pulumi:"options,optional"`
	// Clients that may mount the share, one line each: addresses or names as in exports(5), such as the
	// addresses of the cluster's nodes. Required. A change edits the lines in place.
	Clients []pulumi.StringInput `pulumi:"clients"`
	// Site is the directory with the files to publish in the share, on the computer that runs the program: an
	// absolute path, or one relative to the folder that the program runs in (for a component of a package,
	// the package's own folder). Default none. A change of it or of a file in it sends what the host lacks,
	// and removes published files that are no longer in it.
	Site string `pulumi:"site,optional"`
	// AllowInsecure permits rw for all clients (*), no_root_squash, and anonuid or anongid 0. Default false.
	// A change by itself changes nothing on the host.
	AllowInsecure bool `pulumi:"allowInsecure,optional"`
	// Adopt takes over identical lines of others in /etc/exports, and replaces files of others that have
	// names of the site's files. Default false. A change applies to what the next update finds; what was
	// taken over stays the share's.
	Adopt bool `pulumi:"adopt,optional"`
	// DeleteOnDestroy removes the published files when the share is destroyed. Default false. A change takes
	// effect with the next update, so run an update before the destroy.
	DeleteOnDestroy bool `pulumi:"deleteOnDestroy,optional"`
	// DetectDrift reads the host while the program runs, and changes nothing, so that a preview shows manual
	// changes there. Default true. A change by itself changes nothing on the host.
	DetectDrift *bool `pulumi:"detectDrift,optional"`
}

// ConnectionArgs says how to reach a host by SSH.
type ConnectionArgs struct {
	// Host is the address or name for SSH. Required. After a change of the host, updates manage the share on
	// the new one, and the old one keeps its block: both may be names of one machine, where removing the
	// block would end the export.
	Host pulumi.StringInput `pulumi:"host"`
	// Port of the SSH server, 1 to 65535. Default 22. A change by itself changes nothing on the host.
	Port int `pulumi:"port,optional"`
	// User to log in as, by the rules of useradd(8). Default root. A change by itself changes nothing on the host.
	User pulumi.StringPtrInput `pulumi:"user,optional"`
	// HostKey is the host's public key, as a line of authorized_keys (sshd(8)): type, base64,
	// comment. Required: the program never trusts an unknown host key. A change by itself changes nothing on the host.
	HostKey pulumi.StringInput `pulumi:"hostKey"`
	// PrivateKey is the PEM of the user's private key; the state has it encrypted. Default the keys of
	// the SSH agent at SSH_AUTH_SOCK. A change by itself changes nothing on the host.
	PrivateKey pulumi.StringPtrInput `pulumi:"privateKey,optional" provider:"secret"`
	// PrivateKeyPassword decrypts an encrypted privateKey; the state has it encrypted. Default none. A
	// change by itself changes nothing on the host.
	PrivateKeyPassword pulumi.StringPtrInput `pulumi:"privateKeyPassword,optional" provider:"secret"`
	// Sudo runs the scripts on the host as `sudo -n`. Default false. A change by itself changes nothing on the host.
	Sudo bool `pulumi:"sudo,optional"`
}

// Settings are the values of [NfsShareArgs], which explains them.
type Settings struct {
	// Identity distinguishes the stack from all others, including those with its name in other backends.
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
	// ClientsUnknown says, in a preview only, that the update will determine the clients.
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

// settings waits for the values and returns them with the defaults.
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
