package share

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/exports"
	"webapp-balanced/internal/nfshost"
)

// Validate returns every problem of the settings, under their properties.
func (s Settings) Validate() check.Problems {
	var p check.Problems
	check.Host(&p, "connection.host", s.Host, "set it to the NFS server's address or name for SSH{how connection.host 192.168.1.160}")
	check.Port(&p, "connection.port", s.Port, "use 1 to 65535; SSH is 22 by default")
	if !check.IsUser(s.User) {
		p.Add("connection.user", s.User, "is not a valid user name", "use lower-case letters, digits, _ and -, as useradd(8) does")
	}
	s.validateKeys(&p)
	exports.CheckPath(&p, s.Path)
	exports.CheckOptions(&p, s.Options)
	if len(s.Clients) == 0 && !s.ClientsUnknown {
		p.Add("clients", "", "no client may mount the share", "name the addresses of the cluster's nodes")
	}
	exports.CheckClients(&p, s.Clients)
	if !s.AllowInsecure {
		exports.CheckSecurity(&p, s.Options, s.Clients)
	}
	if info, err := os.Stat(s.Site); s.Site != "" && (err != nil || !info.IsDir()) {
		p.Add("site", s.Site, "is not a directory", "name the directory with the files to publish, by an absolute path, or by one from the folder that the program runs in")
	}
	return s.Origins.Checked(p)
}

func (s Settings) validateKeys(p *check.Problems) {
	const next = "set it to the host's public key: ssh-keyscan -t ed25519 HOST prints it; compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on the host"
	if s.HostKey == "" {
		p.Add("connection.hostKey", "", "is missing, and the program never trusts an unknown host key", next)
	} else if key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(s.HostKey)); err != nil || len(rest) > 0 {
		p.Add("connection.hostKey", s.HostKey, "is not one public key in the format of authorized_keys", next)
	} else if key.Type() == ssh.KeyAlgoRSA {
		// pulumi-command 1.2.1, provider/pkg/provider/remote/connection.go: the key's
		// type is the only algorithm that it offers.
		p.Add("connection.hostKey", s.HostKey, "is an RSA key, for which the command plugin offers only SHA-1 signatures (ssh-rsa), which OpenSSH 8.8 and later refuse", next)
	}
	if s.PrivateKey == "" {
		if s.PrivateKeyPassword != "" {
			p.Add("connection.privateKeyPassword", "", "is set without {connection.privateKey}", "set both, or neither to use the SSH agent")
		}
		return
	}
	_, err := nfshost.ParseKey(s.PrivateKey, s.PrivateKeyPassword)
	var encrypted *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &encrypted):
		p.Add("connection.privateKey", "", "is encrypted", "set its password{how connection.privateKeyPassword}")
	case err != nil && s.PrivateKeyPassword != "":
		p.Add("connection.privateKeyPassword", "", fmt.Sprintf("does not decrypt {connection.privateKey} (%v)", err), "set it again{how connection.privateKeyPassword}")
	case err != nil:
		// The error comes from the ssh package and contains no part of the key.
		p.Add("connection.privateKey", "", fmt.Sprintf("cannot be used (%v)", err),
			"set it from the key's file{how connection.privateKey < ~/.ssh/id_ed25519}")
	}
}

// Login says how to log in to the host.
func (s Settings) Login() nfshost.Login {
	return nfshost.Login{
		Host: s.Host, Port: s.Port, User: s.User, HostKey: s.HostKey,
		PrivateKey: s.PrivateKey, PrivateKeyPassword: s.PrivateKeyPassword,
	}
}
