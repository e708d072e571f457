package hostscripts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/exports"
)

// exportfs does not notice that there is no room for the whole table, and replaces it with half of it. The
// entries of others in the other half come back.
func TestExportsWithoutRoomForTheTable(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		var others strings.Builder
		for n := range 20 {
			fmt.Fprintf(&others, "/srv/other-%d 10.1.0.%d(ro,no_subtree_check,sec=krb5p,all_squash)\n", n, n)
		}
		h := newHost(t, shell, others.String())
		for n := range 20 {
			h.do(fmt.Sprintf("mkdir /srv/other-%d", n))
		}
		h.do("exportfs -r")
		before := h.table()
		for _, room := range []string{
			`trap "" XFSZ; ulimit -f 1`, `trap "" XFSZ; ulimit -f 2`, `trap "" XFSZ; ulimit -f 4`, `trap "" XFSZ; ulimit -f 5`, // 512 bytes each, in any line
			`true >/var/lib/nfs/etab; exit 0`,
		} {
			h.link("exportfs", realExportfs)
			h.hook("exportfs", `[ "$1" != -i ] || { `+room+`; }`)
			out, err := h.run(h.exports("s", nil, "10.0.0.1"), "apply 01")
			if got := h.table(); !slices.Equal(slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, "/srv/share") }), before) {
				t.Errorf("with %s: %v: %s: the table is\n%s\nand was\n%s", room, err, out, strings.Join(got, "\n"), strings.Join(before, "\n"))
			}
		}
	})
}

// Without room for another table, exportfs is not called.
func TestExportsWithoutRoomForAnotherTable(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		before := h.exportByHand()
		h.hook("head", "echo No space left on device >&2; exit 1")
		h.hook("exportfs", ": >/srv/called")
		out, err := h.run(h.exports("s", nil, "10.0.0.1"), "apply 01")
		if err == nil || !strings.Contains(out, "there is no room for the export table in /var/lib/nfs") {
			t.Errorf("%v: %s", err, out)
		}
		if h.has("srv/called") {
			t.Error("exportfs is called")
		}
		h.foreignTableIs(before)
	})
}

// A host's name in DNS may be longer than exportfs can read: the entries after it in the table stay.
func TestExportsOfAHostWithALongName(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "/srv/zz 10.9.0.0/16(ro,no_subtree_check)\n")
		h.write("etc/hosts", "127.0.0.1 localhost\n10.0.0.50 "+strings.Repeat("a23456789.", 25)+"com a.example.com\n", 0o644)
		h.do("mkdir /srv/zz; exportfs -r")
		before := h.table()
		with := func(a *Share) {
			a.Options = []string{"ro", "no_wdelay", "nordirplus", "security_label", "fsid=6a1d5d4e-0a0b-4c0d-8e0f-101112131415", "anonuid=4294967294", "anongid=4294967294", "sec=sys:krb5:krb5i:krb5p"}
		}
		if out, err := h.run(h.exports("s", with, "a.example.com"), "apply 01"); err == nil || !strings.Contains(out, "the kernel does not export /srv/share to a.example.com") {
			t.Errorf("%v: %s", err, out)
		}
		if got := h.table(); !slices.Equal(got, before) {
			t.Errorf("the table is\n%s\nand was\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
		}
	})
}

// exportfs reads the longest line that the validation accepts back from its table and from the file: entries
// after it are still there.
func TestLongestLine(t *testing.T) {
	t.Parallel()
	client := "*." + strings.Repeat("a", 126)
	options := []string{"insecure", "no_subtree_check", "no_all_squash", "fsid=6a1d5d4e-0a0b-4c0d-8e0f-101112131415", "anonuid=2147483647", "sec=sys:none:krb5:krb5i:krb5p", "no_wdelay", "nocrossmnt"}
	var p check.Problems
	exports.CheckClients(&p, []string{client})
	exports.CheckOptions(&p, options)
	if len(p) > 0 {
		t.Fatal(p)
	}
	exports.CheckClients(&p, []string{client + "a"})
	exports.CheckOptions(&p, append(options, "nordirplus"))
	if len(p) != 2 {
		t.Errorf("longer ones are accepted: %v", p)
	}
	h := newHost(t, shells[0], "")
	h.do("mkdir /srv/zz; exportfs -i -o ro,no_subtree_check 10.0.0.9:/srv/zz")
	s := h.scripts("s", func(a *Share) { a.Options = options }, nil, client)
	h.must(s.exports, "apply 01")
	h.write("etc/exports", h.read("etc/exports")+"/srv/zz 10.0.0.9(ro)\n", 0o644)
	for _, again := range []string{"", "exportfs -r;"} {
		if all := h.do(again + "exportfs -v"); !strings.Contains(all, "/srv/zz") || !strings.Contains(all, client) {
			t.Errorf("exported is\n%s", all)
		}
	}
}
