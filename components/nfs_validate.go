package components

import (
	"fmt"
	"net/netip"
	"os"
	"path"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"
)

var (
	// userName is what useradd(8) takes.
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	// sharePath is the part of exports(5) that needs neither quotes nor octal
	// escapes, and no shell either.
	sharePath = regexp.MustCompile(`^/[A-Za-z0-9._/+@:-]*$`)
	// exportClient is what a line of exports(5) may name: an address, a network
	// in CIDR notation, a host name with wildcards, a netgroup.
	exportClient = regexp.MustCompile(`^@?[A-Za-z0-9*?.:_\[\]/-]+$`)
	// exportOption is name or name=value of exports(5).
	exportOption = regexp.MustCompile(`^[a-z_]+(=[A-Za-z0-9@:./_-]+)?$`)
)

// system are the directories of the FHS whose export hands the host over.
var system = []string{
	"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/lost+found",
	"/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
}

// Validate returns every problem of the arguments, under their config keys.
func (a NfsShareArgs) Validate() Problems {
	a = a.withDefaults()
	var p Problems
	validateHost(&p, "nfs.host", a.Host, "set it to the NFS server's address or name for SSH: pulumi config set --path nfs.host 192.168.1.160")
	if a.Port < 1 || a.Port > 65535 {
		p.add("nfs.port", a.Port, "is no TCP port", "use 1 to 65535; SSH is 22 by default")
	}
	if !userName.MatchString(a.User) {
		p.add("nfs.user", a.User, "is no user name", "use lower-case letters, digits, _ and -, as useradd(8) does")
	}
	a.validateKeys(&p)
	validateSharePath(&p, a.Path)
	for _, option := range a.Options {
		if !exportOption.MatchString(option) {
			p.add("nfs.options", option, "is no export option", "use names of exports(5), each an element of the list: [rw, sync, no_subtree_check]")
		}
	}
	if len(a.Clients) == 0 && !a.ClientsUnknown {
		p.add("nfs.clients", "", "nobody may mount the share", "name the cluster's node addresses, or leave the key out to take them from the cluster")
	}
	for _, client := range a.Clients {
		if !exportClient.MatchString(client) {
			p.add("nfs.clients", client, "is no client of exports(5)", "use an address, a network such as 192.168.1.0/24, or a host name")
		}
	}
	if info, err := os.Stat(a.Site); err != nil || !info.IsDir() {
		p.add("nfs.site", a.Site, "is no directory", "name the directory with the files to publish, from the folder of Pulumi.yaml")
	}
	return p
}

func (a NfsShareArgs) validateKeys(p *Problems) {
	const next = "set it to the host's public key: ssh-keyscan -t ed25519 HOST prints it; compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on the host"
	if a.HostKey == "" {
		p.add("nfs.hostKey", "", "is missing, and no host is trusted unseen", next)
	} else if _, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(a.HostKey)); err != nil || len(rest) > 0 {
		p.add("nfs.hostKey", a.HostKey, "is not one public key in the format of authorized_keys", next)
	}
	if a.PrivateKey == "" {
		return
	}
	if _, err := ssh.ParsePrivateKey([]byte(a.PrivateKey)); err != nil {
		// The error is ssh's own and names no part of the key.
		p.add("nfsPrivateKey", "", fmt.Sprintf("cannot be used (%v)", err),
			"set it from the key's file: pulumi config set --secret nfsPrivateKey < ~/.ssh/id_ed25519")
	}
}

func validateSharePath(p *Problems, share string) {
	const next = "use an absolute path of its own, such as /srv/nfs/weblb"
	switch {
	case share == "":
		p.add("nfs.path", "", "is missing", next)
	case !strings.HasPrefix(share, "/"):
		p.add("nfs.path", share, "is not absolute", next)
	case strings.ContainsAny(share, " \t\r\n"):
		p.add("nfs.path", share, "has white space, which separates the fields of /etc/exports", next)
	case !sharePath.MatchString(share):
		p.add("nfs.path", share, "has a character other than letters, digits and ._/+@:-", next)
	case path.Clean(share) != share:
		p.add("nfs.path", share, "is not the shortest form of itself (.., ., // or a slash at the end)", "did you mean "+path.Clean(share)+"? "+next)
	default:
		for _, dir := range system {
			if share == dir || (strings.HasPrefix(share, dir+"/") && isPrivate(dir)) {
				p.add("nfs.path", share, "belongs to the system: exporting it hands the host over", next)
				return
			}
		}
	}
}

// isPrivate reports whether everything below a system directory is the
// system's too.
func isPrivate(dir string) bool {
	switch dir {
	case "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/usr":
		return true
	}
	return false
}

// validateHost adds a problem if host is neither an IP address nor a DNS name.
func validateHost(p *Problems, key, host, next string) {
	if host == "" {
		p.add(key, "", "is missing", next)
		return
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	if reason := notDNSName(host); reason != "" {
		p.add(key, host, reason, next)
	}
}

// label is one part of a DNS name (RFC 1123, section 2.1).
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// notDNSName says why name is no DNS name, empty if it is one.
func notDNSName(name string) string {
	if len(name) > 253 {
		return "is longer than the 253 characters of a DNS name"
	}
	for _, part := range strings.Split(strings.ToLower(name), ".") {
		if !label.MatchString(part) {
			return fmt.Sprintf("is no DNS name: %q is none of its parts (letters, digits and -, RFC 1123)", part)
		}
	}
	return ""
}
