package hostscripts

import (
	"slices"
	"strings"
	"testing"
)

// exportfs resolves every name in the table, and drops those without an address. Entries of others stay,
// whether our own change succeeds or not.
func TestExportsBesideNamesWithoutAnAddress(t *testing.T) {
	t.Parallel()
	const hosts = "127.0.0.1 localhost\n"
	for _, c := range []struct {
		name, hosts string
	}{
		{"no address any more", hosts},
		{"one address for two names", hosts + "10.0.0.8 new.test b.test c.test\n"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				const line = "/srv/share b.test(ro,no_subtree_check)\n"
				h := newHost(t, shell, line)
				h.write("etc/hosts", hosts+"10.0.0.8 b.test\n10.0.0.9 c.test\n", 0o644)
				h.do("mkdir -p /srv/share /srv/other /srv/pcm; exportfs -r; exportfs -i -o rw,no_subtree_check b.test:/srv/pcm; exportfs -i -o ro,no_subtree_check c.test:/srv/pcm")
				before := h.table()
				h.write("etc/hosts", c.hosts, 0o644)
				for _, step := range []struct {
					name, verb, exportfs string
					ours                 []string
				}{
					{"a success", "apply 01", "", []string{"10.0.0.1"}},
					{"a refusal", "apply", "[ \"$1\" != -i ] || { REAL \"$@\"; echo refused >&2; exit 1; }", []string{"10.0.0.1"}},
					{"a removal", "remove 01", "", nil},
				} {
					h.link("exportfs", realExportfs)
					if step.exportfs != "" {
						h.write("bin/exportfs", "#!/bin/sh\n"+strings.ReplaceAll(step.exportfs, "REAL", realExportfs)+"\nexec "+realExportfs+" \"$@\"\n", 0o755)
					}
					clients := []string{"10.0.0.1"}
					if step.exportfs != "" {
						clients = append(clients, "10.0.0.2")
					}
					out, err := h.run(h.exports("s", nil, clients...), step.verb)
					if refused := strings.Contains(out, "/etc/exports and the export table are as they were"); refused != (step.exportfs != "") || refused != (err != nil) {
						t.Errorf("%s: %v: %s", step.name, err, out)
					}
					want := slices.Clone(before)
					for _, client := range step.ours {
						want = append(want, "/srv/share\t"+client+"(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,secure,root_squash,no_all_squash)")
					}
					slices.Sort(want)
					if got := h.table(); !slices.Equal(got, want) {
						t.Errorf("after %s the table is\n%s\nwant\n%s", step.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			})
		})
	}
}

// An entry that this exportfs cannot read, such as one of a newer version, makes it empty the table. Ours
// can be removed all the same.
func TestExportsRemovedBesideAnEntryOfANewerVersion(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.exportByHand()
		h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		etab := h.read("var/lib/nfs/etab") + "/srv/z\t10.9.9.9(rw,newoption)\n"
		h.write("var/lib/nfs/etab", etab, 0o644)
		before := h.table()
		h.must(h.exports("s", nil, "10.0.0.1"), "remove 01")
		h.foreignTableIs(before)
		if got := h.tableOf("/srv/share"); got != nil {
			t.Errorf("still exported to %q", got)
		}
	})
}

// A line of others may use another path of the directory: exportfs takes it for the same.
func TestExportsOfTheDirectoryByAnotherName(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/srv/alias", "/srv/./share", "/srv/x/../share", "/srv/share/.", "/srv//share/"} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(path, func(t *testing.T) {
				line := path + " 10.0.0.1(ro,no_subtree_check)\n"
				h := newHost(t, shell, line)
				h.do("mkdir -p /srv/share /srv/x; ln -s share /srv/alias")
				s := h.scripts("s", nil, nil, "10.0.0.1")
				want := "line 1 of /etc/exports already exports this directory: " + strings.TrimSpace(line)
				if out, err := h.run(s.exports, "apply 01"); err == nil || !strings.Contains(out, want) {
					t.Errorf("%v: %s\nwant %s", err, out, want)
				}
				if got := h.inspect(s).reasons(); !strings.Contains(got, want) {
					t.Errorf("the inspection says %s", got)
				}
				// For another client, it stays theirs.
				h.write("etc/exports", strings.ReplaceAll(line, "10.0.0.1", "10.0.0.9"), 0o644)
				h.do("exportfs -r")
				for range 2 {
					h.must(s.exports, "apply 01")
					if l := h.inspect(s); len(l.Exports.Changes)+len(l.Conflicts) > 0 {
						t.Errorf("the inspection finds %q %v", l.Exports.Changes, l.Conflicts)
					}
					h.do("exportfs -r")
				}
				h.must(s.exports, "remove 01")
				if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"10.0.0.9"}) {
					t.Errorf("left exported to %q", got)
				}
			})
		})
	}
}

// If the directory's link is changed, its exports would be left behind.
func TestExportsOfALinkThatIsRedirected(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.do("mkdir /srv/one /srv/two; ln -s one /srv/share")
		s := h.scripts("s", nil, nil, "10.0.0.1")
		h.must(s.exports, "apply 01")
		h.do("ln -sfn two /srv/share")
		const want = "/srv/share was /srv/one and is /srv/two now: what is exported there would be left behind"
		if out, err := h.run(s.exports, "apply"); err == nil || !strings.Contains(out, want) || h.inspect(s).reasons() != want {
			t.Errorf("%v: %s; the inspection says %s", err, out, h.inspect(s).reasons())
		}
		// Exports of others there are no reason to leave ours.
		h.write("etc/exports", h.read("etc/exports")+"/srv/two 10.0.0.1(ro,no_subtree_check)\n", 0o644)
		h.do("exportfs -i -o ro,no_subtree_check 10.0.0.1:/srv/two")
		h.must(s.exports, "remove 01")
		if got := h.tableOf("/srv/one"); got != nil || !slices.Equal(h.tableOf("/srv/two"), []string{"10.0.0.1"}) {
			t.Errorf("exported are %q", h.table())
		}
	})
}

// If block and notes are both gone, exports to our clients that no line explains are removed.
func TestExportsRemovedWithoutBlockAndNotes(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		before := h.exportByHand()
		h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		h.write("etc/exports", foreign, 0o644)
		h.remove("var/lib/webapp-balanced")
		h.do("exportfs -i -o ro,no_subtree_check 10.0.0.9:/srv/share")
		h.must(h.exports("s", nil, "10.0.0.1"), "remove 01")
		if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"10.0.0.9"}) {
			t.Errorf("exported to %q", got)
		}
		h.foreignTableIs(slices.DeleteFunc(before, func(string) bool { return false }))
	})
}

// Even if the file cannot or must not be written, the entries are unexported.
func TestExportsRemovedFromAFileThatStays(t *testing.T) {
	t.Parallel()
	for _, change := range []func(string) string{
		func(file string) string { return file + "# \x00\n" },
		func(file string) string { return strings.Replace(file, "(managed by Pulumi)\n", "(managed\n", 1) },
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			h := newHost(t, shell, foreign)
			script := h.exports("s", nil, "10.0.0.1")
			h.must(script, "apply 01")
			file := h.read("etc/exports")
			h.write("etc/exports", change(file), 0o644)
			if out, err := h.run(script, "remove 01"); err == nil || !strings.Contains(out, "the kernel does not export /srv/share for this stack any more, but the block is still in /etc/exports") {
				t.Errorf("%v: %s", err, out)
			}
			if got := h.tableOf("/srv/share"); got != nil || h.read("etc/exports") != change(file) {
				t.Errorf("exported to %q, the file is\n%s", got, h.read("etc/exports"))
			}
			h.write("etc/exports", file, 0o644)
			h.must(script, "remove 01")
		})
	}
}

// Two blocks of one share, such as of before and after a rename, become one.
func TestExportsOfTwoBlocks(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		s := h.scripts("s", nil, nil, "10.0.0.1")
		h.must(s.exports, "apply 01")
		file := h.read("etc/exports")
		block := strings.TrimPrefix(file, foreign)
		h.write("etc/exports", file+strings.ReplaceAll(block, " p/s/", " p/before/"), 0o644)
		h.must(s.exports, "apply")
		if got := h.read("etc/exports"); got != file {
			t.Errorf("the file is\n%s", got)
		}
		h.write("etc/exports", file+strings.ReplaceAll(block, " p/s/", " p/before/"), 0o644)
		h.must(s.exports, "remove 01")
		if got := h.read("etc/exports"); got != foreign {
			t.Errorf("the file is\n%s", got)
		}
	})
}

// One number is one export, in any notation.
func TestExportsOfTheSameNumber(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], "")
	h.do("mkdir -p /srv/o /srv/share")
	for theirs, ours := range map[string]string{"8": "010", "5": "0x5", "0": "root", "4294967295": "4294967295", "6A1D5D4E0A0B4C0D8E0F101112131415": "6a1d5d4e-0a0b-4c0d-8e0f-101112131415"} {
		h.write("etc/exports", "/srv/o 10.0.0.9(ro,no_subtree_check,fsid="+theirs+")\n", 0o644)
		h.do("exportfs -r")
		h.write("etc/exports", "", 0o644) // only in the table
		l := h.inspect(h.scripts("s", func(a *Share) { a.Options = []string{"ro", "no_subtree_check", "fsid=" + ours} }, nil, "10.0.0.1"))
		if got := l.reasons(); !strings.HasSuffix(got, " is already used by /srv/o") {
			t.Errorf("fsid=%s beside fsid=%s: %q", ours, theirs, got)
		}
	}
}

// adopt takes over what the kernel exports to our own clients, and nothing else.
func TestExportsAdoptsNoOtherClient(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.do("mkdir /srv/share; exportfs -i -o ro,no_subtree_check 10.0.0.9:/srv/share 10.0.0.1:/srv/share")
		script := h.exports("s", adopting, "10.0.0.1")
		if out, err := h.run(script, "apply 01"); err == nil || !strings.Contains(out, "the kernel exports /srv/share to 10.0.0.9, and no file says so") {
			t.Errorf("%v: %s", err, out)
		}
		h.do("exportfs -u 10.0.0.9:/srv/share")
		h.must(script, "apply 01")
	})
}

// The inspection would read the wrong table.
func TestExportsWithAnotherStateDirectory(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], foreign)
	h.write("etc/nfs.conf", "[exportd]\n state-directory-path = /srv/state\n", 0o644)
	h.refused(h.scripts("s", nil, nil, "10.0.0.1"), "/etc/nfs.conf has state-directory-path, so that the export table is not in /var/lib/nfs: remove it, or use another NFS host")
}

// Without getent, names of others stay exported, and names of clients are refused.
func TestExportsWithoutGetent(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], foreign)
	h.do("mkdir /srv/others; exportfs -i -o ro,no_subtree_check localhost:/srv/others")
	h.lacks = "getent"
	h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
	if got := h.tableOf("/srv/others"); len(got) != 1 {
		t.Errorf("others are exported to %q", got)
	}
	if got, want := h.inspect(h.scripts("s", nil, nil, "10.0.0.1", "localhost")).reasons(), "the NFS host cannot resolve localhost, since it has no getent"; got != want {
		t.Errorf("the inspection would refuse %q, want %q", got, want)
	}
}

// If a run is killed before exportfs does anything, what others unexport afterwards stays unexported.
func TestExportsUnexportedAfterAKill(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.do("mkdir /srv/others; exportfs -i -o ro,no_subtree_check 10.7.7.7:/srv/others")
		h.hook("exportfs", `case $* in -i*) kill -9 0 ;; esac`)
		cmd := h.command(h.exports("s", nil, "10.0.0.1"), "apply 01")
		cmd.SysProcAttr.Setpgid = true
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Fatalf("it succeeds: %s", out)
		}
		if saved := h.read("var/lib/nfs/etab.webapp-balanced"); !strings.Contains(saved, "10.7.7.7") {
			t.Fatalf("saved is %q", saved)
		}
		h.unhook("exportfs")
		h.do("exportfs -ua")
		h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		if got := h.tableOf("/srv/others"); got != nil {
			t.Errorf("others are exported to %q again", got)
		}
	})
}
