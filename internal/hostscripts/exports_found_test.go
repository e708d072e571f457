package hostscripts

import (
	"slices"
	"strings"
	"testing"
)

// The scripts refuse what went wrong in attacks on them, and others keep their entries.
func TestExportsRefuseWhatOthersHave(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, exports, do string
		options           []string
		want              string
	}{
		{"exported by hand to another", "", "mkdir /srv/share; exportfs -i -o ro,no_subtree_check 10.0.0.9:/srv/share", nil, "the kernel exports /srv/share to 10.0.0.9, and no file says so"},
		{"exported by hand to our client", "", "mkdir /srv/share; exportfs -i -o ro,no_subtree_check 10.0.0.1:/srv/share", nil, "the kernel exports /srv/share to 10.0.0.1, and no file says so"},
		{"a link to the system's", "", "ln -s /etc /srv/share", nil, "/srv/share is really /etc, which belongs to the system"},
		{"the number of another export", "/srv/o 10.0.0.0/8(ro,fsid=5,no_subtree_check)\n", "mkdir /srv/o; exportfs -r", []string{"ro", "fsid=5", "no_subtree_check"}, "fsid=5 is already used by /srv/o"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, c.exports)
				h.do(c.do)
				table := h.table()
				out, err := h.run(h.exports("s", func(a *Share) { a.Options = c.options }, "10.0.0.1"), "apply 01")
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v: %s\nwant %s", err, out, c.want)
				}
				if got := h.table(); !slices.Equal(got, table) || h.read("etc/exports") != c.exports {
					t.Errorf("the table is %q, the file %q", got, h.read("etc/exports"))
				}
			})
		})
	}
}

// A continued line of others before our block stays theirs, whatever exports.d has.
func TestExportsBesideALineThatGoesOn(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		const line = "/srv/share 10.0.0.9(ro,no_subtree_check) \\\n"
		h := newHost(t, shell, line)
		h.do("mkdir -p /srv/share /etc/exports.d/x.exports; exportfs -i -o ro,no_subtree_check 10.0.0.9:/srv/share")
		for range 2 {
			h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
			if got, want := h.tableOf("/srv/share"), []string{"10.0.0.1", "10.0.0.9"}; !slices.Equal(got, want) {
				t.Fatalf("the clients are %q, want %q", got, want)
			}
		}
		h.must(h.exports("s", nil, "10.0.0.1"), "remove 01")
		if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"10.0.0.9"}) || h.read("etc/exports") != line {
			t.Errorf("left are %q and %q", got, h.read("etc/exports"))
		}
	})
}

// An entry that exportfs cannot unexport is removed from the table itself; a failed write is reported, and
// the entry stays known as ours for the next try.
func TestExportsThatCannotBeUnexported(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		before := h.exportByHand()
		script := h.exports("s", nil, "10.0.0.1")
		h.must(script, "apply 01")
		h.write("bin/exportfs", "#!/bin/sh\n[ \"$1\" != -u ] || exit 1\nexec "+realExportfs+" \"$@\"\n", 0o755)
		h.hook("mv", "case $* in *etab*) exit 1 ;; esac")
		if out, err := h.run(script, "remove 01"); err == nil || !strings.Contains(out, "the kernel still exports /srv/share") {
			t.Errorf("%v: %s", err, out)
		}
		h.unhook("mv")
		h.must(script, "remove 01")
		if got := h.tableOf("/srv/share"); got != nil || h.read("etc/exports") != foreign {
			t.Errorf("left are %q and\n%s", got, h.read("etc/exports"))
		}
		h.foreignTableIs(before)
	})
}

// A missing table is created, and a state directory that is the default is accepted.
func TestExportsWithoutATable(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.write("etc/nfs.conf", "[statd]\nstate-directory-path = /srv/statd\n[exportd]\nstate-directory-path=/var/lib/nfs\n", 0o644)
		h.remove("var/lib/nfs/etab")
		h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"10.0.0.1"}) {
			t.Errorf("it is exported to %q", got)
		}
	})
}

// After a failed inspection, such as for lack of memory, there seem to be no conflicts and no block.
func TestExportsNotInspected(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"apply", "remove 01"} {
		eachShell(t, func(t *testing.T, shell []string) {
			h := newHost(t, shell, foreign)
			h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
			file, table := h.read("etc/exports"), h.table()
			h.hook("awk", `case $* in *" copy=/"*) exit 2 ;; esac`)
			if out, err := h.run(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), verb); err == nil || !strings.Contains(out, "the host cannot be inspected") {
				t.Errorf("%v: %s", err, out)
			}
			if got := h.read("etc/exports"); got != file || !slices.Equal(h.table(), table) {
				t.Errorf("the file is\n%s\nand the table %q", got, h.table())
			}
		})
	}
}
