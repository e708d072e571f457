package components

import "testing"

func TestClients(t *testing.T) {
	for client, want := range map[string]string{
		"192.168.1.160": "", "192.168.1.0/24": "", "fd00::1": "", "fd00::/64": "", "node1": "", "node1.example.com": "",
		"*.example.com": "", "node?.example.com": "", "@trusted": "", "*": "",
		"192.168.1.1/24": "names a host and not a network: did you mean 192.168.1.0/24?",
		"192.168.1.0/33": "is no network in CIDR notation, such as 192.168.1.0/24",
		"192.168.1.300":  "is no IP address",
		"192.168.*.*":    "is no host name with wildcards; for addresses use CIDR notation (exports(5))",
		"fe80::1%eth0":   "is no IP address",
		"a b":            `is no DNS name: "a b" is none of its parts (letters, digits and -, RFC 1123)`,
		"a(rw)":          `is no DNS name: "a(rw)" is none of its parts (letters, digits and -, RFC 1123)`,
		"":               "is no IP address",
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
			`nfs.options = "no_subtree_chek": is no option of exports(5); did you mean no_subtree_check? exports(5) lists the options; each is an element of the list: [rw, sync, no_subtree_check]`},
		{[]string{"rw,sync"},
			`nfs.options = "rw,sync": is no option of exports(5); exports(5) lists the options; each is an element of the list: [rw, sync, no_subtree_check]`},
		{[]string{"rw=1"}, `nfs.options = "rw=1": takes no value; use rw`},
		{[]string{"anonuid=nobody"}, `nfs.options = "anonuid=nobody": needs a value of the form -?[0-9]{1,10}; see exports(5)`},
		{[]string{"sec"}, `nfs.options = "sec": needs a value of the form (sys|none|krb5|krb5i|krb5p)(:(sys|none|krb5|krb5i|krb5p))*; see exports(5)`},
		{[]string{"sync", "sync"}, `nfs.options = "sync": is there twice; leave one out`},
		{[]string{"rw", "ro"}, `nfs.options = "rw,ro": contradict each other; leave one out`},
	} {
		var p Problems
		validateOptions(&p, c.options)
		if got := oneLine(p); got != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.options, got, c.want)
		}
	}
}
