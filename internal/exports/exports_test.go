package exports

import (
	"strings"
	"testing"

	"webapp-balanced/components/check"
)

func TestClients(t *testing.T) {
	for client, want := range map[string]string{
		"192.168.1.160": "", "192.168.1.0/24": "", "fd00::1": "", "fd00::/64": "", "node1": "", "node1.example.com": "",
		"*.example.com": "", "node?.example.com": "", "@trusted": "", "*": "",
		"192.168.1.1/24": "names a host and not a network: did you mean 192.168.1.0/24?",
		"192.168.1.0/33": "is not a network in CIDR notation, such as 192.168.1.0/24",
		"192.168.1.300":  "is not an IP address",
		"192.168.*.*":    "is not a host name with wildcards; for addresses use CIDR notation (exports(5))",
		"fe80::1%eth0":   "is not an IP address",
		"a b":            `is not a DNS name: "a b" is not a valid label (letters, digits and -, RFC 1123)`,
		"a(rw)":          `is not a DNS name: "a(rw)" is not a valid label (letters, digits and -, RFC 1123)`,
		"":               "is empty",
	} {
		if got := notClient(client); got != want {
			t.Errorf("%q %q, want %q", client, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		options []string
		want    string
	}{
		{[]string{"rw", "sync", "no_subtree_check"}, ""},
		{[]string{"ro", "anonuid=65534", "anongid=-2", "fsid=root", "sec=krb5p:sys"}, ""},
		{[]string{"rw", "no_subtree_chek"},
			`options = "no_subtree_chek": is not an option of exports(5); did you mean no_subtree_check? exports(5) lists the options; each is an element of the list: [rw, sync, no_subtree_check]`},
		{[]string{"rw,sync"},
			`options = "rw,sync": is not an option of exports(5); exports(5) lists the options; each is an element of the list: [rw, sync, no_subtree_check]`},
		{[]string{"rw=1"}, `options = "rw=1": takes no value; use rw`},
		{[]string{"anonuid=nobody"}, `options = "anonuid=nobody": needs a value of the form -?[0-9]{1,10}; see exports(5)`},
		{[]string{"anonuid=4294967295", "fsid=4294967295"}, ""},
		{[]string{"anonuid=4294967296"}, `options = "anonuid=4294967296": is a number of more than 32 bits, which exportfs truncates; use 0 to 4294967295, or -2 for nobody`},
		{[]string{"sec"}, `options = "sec": needs a value of the form (sys|none|krb5|krb5i|krb5p)(:(sys|none|krb5|krb5i|krb5p))*; see exports(5)`},
		{[]string{"sync", "sync"}, `options = "sync": is listed twice; leave one out`},
		{[]string{"rw", "ro"}, `options = "rw,ro": contradict each other; leave one out`},
	} {
		var p check.Problems
		CheckOptions(&p, c.options)
		if got := oneLine(p); got != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.options, got, c.want)
		}
	}
}

func TestClientsTwice(t *testing.T) {
	for _, clients := range [][]string{{"10.0.0.1", "10.0.0.1/32"}, {"fd00::1", "FD00:0::1"}, {"*.a.org", "*.A.org"}, {"fd00::/64", "fd00:0:0::/64"}} {
		var p check.Problems
		CheckClients(&p, clients)
		if len(p) != 1 || p[0].Reason != "is listed twice" || p[0].Value != clients[1] {
			t.Errorf("%q: %v", clients, p)
		}
	}
}

// Settings that expose the share or the host to everybody need permission.
func TestInsecure(t *testing.T) {
	for _, c := range []struct {
		options, clients []string
		want             string
	}{
		{[]string{"ro"}, []string{"*"}, ""},
		{[]string{"rw"}, []string{"10.0.0.0/8", "*.example.com"}, ""},
		{[]string{"rw"}, []string{"*"}, `clients = "*": lets everybody who reaches the host write to the share (rw); name the clients, or set allowInsecure to true if that is meant`},
		{[]string{"rw"}, []string{"0.0.0.0/0"}, `clients = "0.0.0.0/0": lets everybody who reaches the host write to the share (rw); name the clients, or set allowInsecure to true if that is meant`},
		{[]string{"rw"}, []string{"::/0"}, `clients = "::/0": lets everybody who reaches the host write to the share (rw); name the clients, or set allowInsecure to true if that is meant`},
		{[]string{"ro", "no_root_squash"}, []string{"10.0.0.1"}, `options = "no_root_squash": makes every client's root the root of the share; leave it out, or set allowInsecure to true if that is meant`},
		{[]string{"ro", "anonuid=0"}, []string{"10.0.0.1"}, `options = "anonuid=0": makes squashed clients the root of the share; leave it out, or set allowInsecure to true if that is meant`},
		{[]string{"ro", "all_squash", "anongid=-00"}, []string{"10.0.0.1"}, `options = "anongid=-00": makes squashed clients the root of the share; leave it out, or set allowInsecure to true if that is meant`},
		{[]string{"ro", "anonuid=10", "fsid=0"}, []string{"10.0.0.1"}, ""},
	} {
		var p check.Problems
		CheckSecurity(&p, c.options, c.clients)
		if got := oneLine(p); got != c.want {
			t.Errorf("%v %v:\n%s\nwant\n%s", c.options, c.clients, got, c.want)
		}
	}
}

// oneLine returns the problems on one line.
func oneLine(p check.Problems) string {
	_, list, _ := strings.Cut(p.Error(), "\n  ")
	return strings.ReplaceAll(list, "\n      ", "; ")
}
