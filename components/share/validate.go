package share

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/nfshost"
)

// userName is what useradd(8) takes.
var userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// Validate returns every problem of the arguments, under their properties.
func (a NfsShareArgs) Validate() check.Problems {
	var p check.Problems
	check.Host(&p, "connection.host", a.Host, "set it to the NFS server's address or name for SSH{how connection.host 192.168.1.160}")
	if a.Port < 1 || a.Port > 65535 {
		p.Add("connection.port", a.Port, "is no TCP port", "use 1 to 65535; SSH is 22 by default")
	}
	if !userName.MatchString(a.User) {
		p.Add("connection.user", a.User, "is no user name", "use lower-case letters, digits, _ and -, as useradd(8) does")
	}
	a.validateKeys(&p)
	validateSharePath(&p, a.Path)
	validateOptions(&p, a.Options)
	if len(a.Clients) == 0 && !a.ClientsUnknown {
		p.Add("clients", "", "nobody may mount the share", "name the cluster's node addresses, or leave {clients} out to take them from the cluster")
	}
	validateClients(&p, a.Clients)
	a.validateSecurity(&p)
	if info, err := os.Stat(a.Site); err != nil || !info.IsDir() {
		p.Add("site", a.Site, "is no directory", "name the directory with the files to publish, from the folder of Pulumi.yaml")
	}
	return p
}

func (a NfsShareArgs) validateKeys(p *check.Problems) {
	const next = "set it to the host's public key: ssh-keyscan -t ed25519 HOST prints it; compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on the host"
	if a.HostKey == "" {
		p.Add("connection.hostKey", "", "is missing, and no host is trusted unseen", next)
	} else if key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(a.HostKey)); err != nil || len(rest) > 0 {
		p.Add("connection.hostKey", a.HostKey, "is not one public key in the format of authorized_keys", next)
	} else if key.Type() == ssh.KeyAlgoRSA {
		// pulumi-command 1.2.1, provider/pkg/provider/remote/connection.go: the key's
		// type is the only algorithm that it offers.
		p.Add("connection.hostKey", a.HostKey, "is an RSA key, for which the command plugin offers only SHA-1 signatures (ssh-rsa), which OpenSSH 8.8 and later refuse", next)
	}
	if a.PrivateKey == "" {
		if a.PrivateKeyPassword != "" {
			p.Add("connection.privateKeyPassword", "", "is set without {connection.privateKey}", "set both, or neither to use the SSH agent")
		}
		return
	}
	_, err := nfshost.ParseKey(a.PrivateKey, a.PrivateKeyPassword)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &encrypted):
		p.Add("connection.privateKey", "", "is encrypted", "set its password{how connection.privateKeyPassword}")
	case err != nil && a.PrivateKeyPassword != "":
		p.Add("connection.privateKeyPassword", "", fmt.Sprintf("does not decrypt {connection.privateKey} (%v)", err), "set it again{how connection.privateKeyPassword}")
	case err != nil:
		// The error is ssh's own and names no part of the key.
		p.Add("connection.privateKey", "", fmt.Sprintf("cannot be used (%v)", err),
			"set it from the key's file{how connection.privateKey < ~/.ssh/id_ed25519}")
	}
}

// validateSecurity refuses what hands the share, or the host, to everybody,
// unless that is said to be meant.
func (a NfsShareArgs) validateSecurity(p *check.Problems) {
	if a.AllowInsecure {
		return
	}
	const next = "leave it out, or set {allowInsecure} to true if that is meant"
	if slices.Contains(a.Options, "no_root_squash") {
		p.Add("options", "no_root_squash", "makes every client's root the root of the share", next)
	}
	for _, option := range a.Options {
		name, value, _ := strings.Cut(option, "=")
		if id, err := strconv.ParseInt(value, 10, 64); (name == "anonuid" || name == "anongid") && err == nil && id == 0 {
			p.Add("options", option, "makes squashed clients the root of the share", next)
		}
	}
	for _, client := range a.Clients {
		everybody := client == "*"
		if network, err := netip.ParsePrefix(client); err == nil && network.Bits() == 0 {
			everybody = true
		}
		if everybody && slices.Contains(a.Options, "rw") {
			p.Add("clients", client, "lets everybody who reaches the host write to the share (rw)", "name the clients, or set {allowInsecure} to true if that is meant")
		}
	}
}

// Login says how to log in to the host.
func (a NfsShareArgs) Login() nfshost.Login {
	return nfshost.Login{
		Host: a.Host, Port: a.Port, User: a.User, HostKey: a.HostKey,
		PrivateKey: a.PrivateKey, PrivateKeyPassword: a.PrivateKeyPassword,
	}
}
