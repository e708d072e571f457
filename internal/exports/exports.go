// Package exports validates the clients, options and directories of exports(5). Its problems name the
// properties clients, options and path.
package exports

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"webapp-balanced/components/check"
)

// Options maps the options of exports(5) (nfs-utils 2.6) to the form of their values; empty for an option
// without a value.
var Options = map[string]string{
	"secure": "", "insecure": "", "rw": "", "ro": "", "sync": "", "async": "",
	"wdelay": "", "no_wdelay": "", "hide": "", "nohide": "", "crossmnt": "", "nocrossmnt": "",
	"subtree_check": "", "no_subtree_check": "", "auth_nlm": "", "no_auth_nlm": "",
	"secure_locks": "", "insecure_locks": "", "acl": "", "no_acl": "",
	"pnfs": "", "no_pnfs": "", "security_label": "", "nordirplus": "",
	"root_squash": "", "no_root_squash": "", "all_squash": "", "no_all_squash": "",
	"anonuid": `-?[0-9]{1,10}`, "anongid": `-?[0-9]{1,10}`,
	"fsid": `root|[0-9]{1,10}|[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`,
	"sec":  `(sys|none|krb5|krb5i|krb5p)(:(sys|none|krb5|krb5i|krb5p))*`,
}

// LongestClient and LongestOptions limit a line, in bytes. exportfs accepts longer ones and cannot read
// them back: it reads CLIENT(OPTIONS) into 512 bytes (nfs-utils, support/nfs/exports.c, getexport), stops
// at a longer entry, and loses all entries after it. In its table the options grow to some 300.
const LongestClient, LongestOptions = 128, 160

// opposites are pairs of options that contradict each other.
var opposites = [][2]string{
	{"rw", "ro"}, {"sync", "async"}, {"secure", "insecure"}, {"wdelay", "no_wdelay"}, {"hide", "nohide"},
	{"crossmnt", "nocrossmnt"}, {"subtree_check", "no_subtree_check"}, {"acl", "no_acl"}, {"pnfs", "no_pnfs"},
	{"root_squash", "no_root_squash"}, {"all_squash", "no_all_squash"},
	{"auth_nlm", "no_auth_nlm"}, {"secure_locks", "insecure_locks"},
}

// CheckOptions checks the options of every line.
func CheckOptions(p *check.Problems, options []string) {
	if all := strings.Join(options, ","); len(all) > LongestOptions {
		p.Add("options", all, fmt.Sprintf("have more than %d characters", LongestOptions), "leave out exportfs's defaults, such as sync and hide")
	}
	for i, option := range options {
		name, value, hasValue := strings.Cut(option, "=")
		form, known := Options[name]
		switch {
		case !known:
			next := "exports(5) lists the options; each is an element of the list: [rw, sync, no_subtree_check]"
			if near := check.Suggest(name, slices.Sorted(maps.Keys(Options))); near != "" {
				next = "did you mean " + near + "? " + next
			}
			p.Add("options", option, "is not an option of exports(5)", next)
		case form == "" && hasValue:
			p.Add("options", option, "takes no value", "use "+name)
		case form != "" && !regexp.MustCompile("^("+form+")$").MatchString(value):
			p.Add("options", option, "needs a value of the form "+form, "see exports(5)")
		case form != "" && isBeyond32Bits(value):
			p.Add("options", option, "is a number of more than 32 bits, which exportfs truncates", "use 0 to 4294967295, or -2 for nobody")
		case slices.ContainsFunc(options[:i], func(o string) bool { return strings.Split(o, "=")[0] == name }):
			p.Add("options", option, "is listed twice", "leave one out")
		}
	}
	for _, pair := range opposites {
		if slices.Contains(options, pair[0]) && slices.Contains(options, pair[1]) {
			p.Add("options", pair[0]+","+pair[1], "contradict each other", "leave one out")
		}
	}
}

// isBeyond32Bits tells whether a value is a number that exportfs and the kernel truncate: they make
// 4294967296 the user 0.
func isBeyond32Bits(value string) bool {
	number, err := strconv.ParseInt(value, 10, 64)
	return err == nil && (number < math.MinInt32 || number > math.MaxUint32)
}

var (
	// netgroup is @NAME of exports(5).
	netgroup = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9._-]*$`)
	// wildcardName is a host name with the wildcards * and ?. It has a letter,
	// since exports(5) warns of wildcards in addresses.
	wildcardName = regexp.MustCompile(`^[a-z0-9*?-]+(\.[a-z0-9*?-]+)*$`)
	hasLetter    = regexp.MustCompile(`[a-z]`)
)

// notClient says why a text is not a client of exports(5), empty if it is one: an address, a network in
// CIDR notation, a host name, one with wildcards, a netgroup, or * for everybody.
func notClient(client string) string {
	name := strings.ToLower(client)
	switch {
	case name == "":
		return "is empty"
	case len(name) > LongestClient:
		return fmt.Sprintf("has more than %d characters", LongestClient)
	case name == "*" || netgroup.MatchString(client):
		return ""
	case strings.Contains(name, "/"):
		network, err := netip.ParsePrefix(name)
		if err != nil {
			return "is not a network in CIDR notation, such as 192.168.1.0/24"
		}
		if network != network.Masked() {
			return fmt.Sprintf("names a host and not a network: did you mean %s?", network.Masked())
		}
		return ""
	case strings.Contains(name, ":") || !hasLetter.MatchString(name) && !strings.ContainsAny(name, "*?"):
		if address, err := netip.ParseAddr(name); err != nil || address.Zone() != "" {
			return "is not an IP address"
		}
		return ""
	case strings.ContainsAny(name, "*?"):
		if !wildcardName.MatchString(name) || !hasLetter.MatchString(name) {
			return "is not a host name with wildcards; for addresses use CIDR notation (exports(5))"
		}
		return ""
	}
	return check.DNSName(name)
}

// CheckClients checks who may mount.
func CheckClients(p *check.Problems, clients []string) {
	for i, client := range clients {
		if reason := notClient(client); reason != "" {
			p.Add("clients", client, reason, "use an address, a network such as 192.168.1.0/24, a host name, *.example.com, or @netgroup")
		} else if slices.ContainsFunc(clients[:i], func(other string) bool { return normalizeClient(other) == normalizeClient(client) }) {
			p.Add("clients", client, "is listed twice", "leave one out")
		}
	}
}

// normalizeClient writes equivalent clients in the same form.
func normalizeClient(client string) string {
	client = strings.ToLower(client)
	if network, err := netip.ParsePrefix(client); err == nil {
		if network.IsSingleIP() {
			return network.Addr().String()
		}
		return network.String()
	}
	if address, err := netip.ParseAddr(client); err == nil {
		return address.String()
	}
	return client
}

// System are the FHS directories whose export exposes the host.
var System = []string{
	"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/lost+found",
	"/media", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var",
}

// SystemTrees are directories that belong to the system with everything below them.
var SystemTrees = []string{
	"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
	"/var/backups", "/var/cache", "/var/lib", "/var/lock", "/var/log", "/var/mail", "/var/run", "/var/spool", "/var/tmp",
}

// plainPath matches a path that needs neither quotes nor octal escapes in exports(5), nor quotes in a shell.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/+@:-]*$`)

// CheckPath checks the directory to share.
func CheckPath(p *check.Problems, share string) {
	const next = "use an absolute path of its own, such as /srv/nfs/weblb"
	switch {
	case share == "":
		p.Add("path", "", "is missing", next)
	case !strings.HasPrefix(share, "/"):
		p.Add("path", share, "is not absolute", next)
	case strings.ContainsAny(share, " \t\r\n"):
		p.Add("path", share, "has white space, which separates the fields of /etc/exports", next)
	case !plainPath.MatchString(share):
		p.Add("path", share, "has a character other than letters, digits and ._/+@:-", next)
	case path.Clean(share) != share:
		p.Add("path", share, "is not in its shortest form (it has .., ., // or a slash at the end)", "did you mean "+path.Clean(share)+"? "+next)
	case IsSystemPath(share):
		p.Add("path", share, "belongs to the system: exporting it would give clients control of the host", next)
	}
}

// IsSystemPath tells whether a directory is a system directory or in a system tree.
func IsSystemPath(dir string) bool {
	return slices.Contains(System, dir) || slices.ContainsFunc(SystemTrees, func(above string) bool {
		return dir == above || strings.HasPrefix(dir, above+"/")
	})
}

// CheckSecurity refuses settings that expose the share, or the host, to everybody. The property
// allowInsecure permits them.
func CheckSecurity(p *check.Problems, options, clients []string) {
	const next = "leave it out, or set {allowInsecure} to true if that is meant"
	if slices.Contains(options, "no_root_squash") {
		p.Add("options", "no_root_squash", "makes every client's root the root of the share", next)
	}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		if id, err := strconv.ParseInt(value, 10, 64); (name == "anonuid" || name == "anongid") && err == nil && id == 0 {
			p.Add("options", option, "makes squashed clients the root of the share", next)
		}
	}
	for _, client := range clients {
		everybody := client == "*"
		if network, err := netip.ParsePrefix(client); err == nil && network.Bits() == 0 {
			everybody = true
		}
		if everybody && slices.Contains(options, "rw") {
			p.Add("clients", client, "lets everybody who reaches the host write to the share (rw)", "name the clients, or set {allowInsecure} to true if that is meant")
		}
	}
}
