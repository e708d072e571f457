package hostscripts

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Other shares come and go while the notes are read.
func TestNotesOfOthersThatGo(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], foreign)
	churn := h.on("/bin/sh", "-c", `while [ ! -e ../stop ]; do
		for i in 1 2 3 4 5 6 7 8; do mkdir -p /var/lib/webapp-balanced/$i; echo block p/s/$i:/srv/$i >/var/lib/webapp-balanced/$i/site; done
		rm -rf /var/lib/webapp-balanced/[1-8]
	done`)
	if err := churn.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		h.write("stop", "", 0o644)
		if err := churn.Wait(); err != nil {
			t.Error(err)
		}
	}()
	h.mustDir("srv/share")
	files := h.site(contentsOf("a", "b/c"))
	s := h.scripts("s", doDelete, files, "10.0.0.1")
	for range 12 {
		h.must(s.exports, "apply 01")
		h.mustPublishAs("publish 01", files, doDelete)
		h.must(h.scripts("s", doDelete, files).site, "forget 01")
		h.must(s.exports, "remove 01")
	}
}

// exportfs treats clients with a common address as one, whatever their names, and the options of one of
// them then apply to both.
func TestExportsOneHostOfManyNames(t *testing.T) {
	t.Parallel()
	const hosts = "10.0.0.5 a.test a\n10.0.0.6 multi.test\n10.0.0.7 multi.test\n10.0.0.8 b.test\n"
	for _, c := range []struct {
		name, line, client string
		conflict           bool
	}{
		{"theirs by name, ours by address", "/srv/share a.test(ro,no_subtree_check)\n", "10.0.0.5", true},
		{"theirs by address, ours by name", "/srv/share 10.0.0.5(ro,no_subtree_check)\n", "a.test", true},
		{"two names", "/srv/share a(ro,no_subtree_check)\n", "a.test", true},
		{"another host's name", "/srv/share b.test(ro,no_subtree_check)\n", "10.0.0.5", false},
		{"a name that nobody knows", "/srv/share nosuch.invalid(ro,no_subtree_check)\n", "10.0.0.5", false},
		{"of another directory", "/srv/other a.test(ro,no_subtree_check)\n", "10.0.0.5", false},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, c.line)
				h.write("etc/hosts", hosts, 0o644)
				h.do("mkdir -p /srv/share /srv/other; exportfs -r 2>/dev/null || true")
				table := h.table()
				s := h.scripts("s", nil, nil, c.client)
				out, err := h.run(s.exports, "apply 01")
				if c.conflict {
					want := "line 1 of /etc/exports already exports this directory: " + strings.TrimSpace(c.line) + " (its options for "
					if err == nil || !strings.Contains(out, want) || !strings.Contains(h.inspect(s).reasons(), want) {
						t.Errorf("%v: %s\nand the inspection: %s\nwant %s", err, out, h.inspect(s).reasons(), want)
					}
					if got := h.table(); !slices.Equal(got, table) || h.read("etc/exports") != c.line {
						t.Errorf("the table is %q, the file %q", got, h.read("etc/exports"))
					}
					return
				}
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				// After a restart the table has the first name.
				h.do("exportfs -r 2>/dev/null || true")
				if l := h.inspect(s); len(l.Exports.Changes)+len(l.Conflicts) > 0 {
					t.Errorf("the inspection finds %q and %v in %q", l.Exports.Changes, l.Conflicts, h.table())
				}
				h.must(s.exports, "apply")
				h.must(s.exports, "remove 01")
				var ours []string
				for _, client := range h.tableOf("/srv/share") {
					if client == c.client || client == "a.test" {
						ours = append(ours, client)
					}
				}
				if ours != nil || h.read("etc/exports") != c.line {
					t.Errorf("still exported to %q, the file is\n%s", ours, h.read("etc/exports"))
				}
			})
		})
	}
}

// One getent resolves all names, as long as it knows them all.
func TestExportsProcessesForNames(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], foreign)
	var hosts string
	var clients []string
	for i := range 5 {
		hosts += fmt.Sprintf("10.0.0.%d n%d.test\n", i+1, i)
		clients = append(clients, fmt.Sprintf("n%d.test", i))
	}
	h.write("etc/hosts", hosts, 0o644)
	h.must(h.exports("s", nil, clients...), "apply 01")
	if n := h.processes(h.scripts("s", nil, nil, clients...).inspect, "probe"); n > 12 {
		t.Errorf("the inspection starts %d processes for five names, want at most 12", n)
	}
}

// The exports of a line of others stay, even if it is the same as ours.
func TestExportsRemovedBesideTheSameLine(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"rw,sync,no_subtree_check", "ro,sync,no_subtree_check"} {
		eachShell(t, func(t *testing.T, shell []string) {
			h := newHost(t, shell, foreign)
			script := h.exports("s", nil, "10.0.0.1", "10.0.0.2")
			h.must(script, "apply 01")
			line := "/srv/share 10.0.0.1(" + options + ")\n"
			h.write("etc/exports", h.read("etc/exports")+line, 0o644)
			out := h.must(script, "remove 01")
			if want := "a line of others exports /srv/share to 10.0.0.1 too: that export stays, with the options of this stack, until exportfs -r"; !strings.Contains(out, want) {
				t.Errorf("it says %q, want %q", out, want)
			}
			if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"10.0.0.1"}) || h.read("etc/exports") != foreign+line {
				t.Errorf("exported to %q, the file is\n%s", got, h.read("etc/exports"))
			}
		})
	}
}

// Everything in a line of others that stops exportfs gets a warning, and nothing else does.
func TestExportsWarnsOfWhatExportfsDoesNotRead(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], "")
	h.do("mkdir -p /srv/a /srv/b")
	said := 0
	for _, option := range []string{
		"ro", "no_subtree_chek", "anonuid=abc", "anonuid=", "anonuid=12", "anongid=-2", "anongid=0x10", "anongid=1x", "fsid=root", "fsid=0", "fsid=0x7", "fsid=abc", "fsid=",
		"fsid=6a1d5d4e-0a0b-4c0d-8e0f-101112131415", "fsid=6a1d5d4e0a0b4c0d8e0f101112131415", "fsid=6a1d5d4e", "sec=sys", "sec=krb5:krb5i", "sec=foo", "sec=sys:foo", "sec=",
		"mp", "mountpoint=/srv/a", "mp=srv", "replicas=/srv/a@10.0.0.1", "refer=/srv/a@10.0.0.1", "refer=srv", "nordirplus", "security_label", "pnfs", "insecure_locks",
		"async", "crossmnt", "nohide", "all_squash", "RO", "rw=x",
	} {
		h.write("etc/exports", "/srv/a 10.0.0.1("+option+",no_subtree_check)\n/srv/b 10.0.0.2(ro,no_subtree_check)\n", 0o644)
		_, _ = h.readByExportfs()
		stops := h.tableOf("/srv/b") == nil
		h.write("var/lib/nfs/etab", "", 0o644)
		warnings := h.inspect(h.scripts("s", nil, nil, "10.0.0.1")).Warnings
		if (len(warnings) > 0) != stops {
			t.Errorf("%s: exportfs stops: %v, the warnings are %q", option, stops, warnings)
		}
		if stops {
			said++
		}
	}
	if said < 8 {
		t.Errorf("exportfs stopped %d times", said)
	}
	h.write("etc/exports", "/srv/a \"10.0.0.1(ro)\n/srv/b 10.0.0.2(ro)\n", 0o644)
	if got := h.inspect(h.scripts("s", nil, nil, "10.0.0.1")).Warnings; len(got) == 0 || !strings.HasPrefix(got[0], "line 1 of /etc/exports has an unmatched quotation mark") {
		t.Errorf("the warnings are %q", got)
	}
}

// NixOS has /etc/exports in its store, which is read-only.
func TestExportsOnNixOS(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("nix/store/x-etc/exports", foreign, 0o444)
		h.remove("etc/exports")
		h.symlink(h.at("nix/store/x-etc/exports"), "etc/exports")
		h.refused(h.scripts("s", nil, nil, "10.0.0.1"), "NixOS generates /etc/exports ("+h.at("nix/store/x-etc/exports")+"), so a block cannot be kept in it: export the share with services.nfs.server.exports, or use another NFS host")
		if h.read("nix/store/x-etc/exports") != foreign {
			t.Error("the file was changed")
		}
	})
}

// refused expects that an update refuses the host, and that the inspection reports it before.
func (h *host) refused(s scripts, want string) {
	h.t.Helper()
	if out, err := h.run(s.exports, "apply 01"); err == nil || !strings.Contains(out, "exports: "+want+"; nothing was changed") {
		h.t.Errorf("%v: %s\nwant %s", err, out, want)
	}
	l := h.inspect(s)
	if len(l.Conflicts) != 1 || l.Conflicts[0].Property != "host" || l.Conflicts[0].Reason+": "+l.Conflicts[0].Hint != want {
		h.t.Errorf("the inspection says %v, want %s", l.Conflicts, want)
	}
}

// busybox has a flock without -w.
func TestExportsWithAPlainFlock(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], foreign)
	h.write("bin/flock", "#!/bin/sh\nfor word in \"$@\"; do case $word in -[!nsxu]* | --*) echo 'flock: invalid option' >&2; exit 1 ;; esac; done\nexec /usr/bin/flock \"$@\"\n", 0o755)
	h.mustDir("srv/share")
	files := h.site(contentsOf("a"))
	h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
	h.mustPublish(files, nil)
	h.must(h.exports("s", nil, "10.0.0.1"), "remove 01")
}

// The result of a success is on the disk: nothing changes after the last sync.
func TestSyncedAfterTheLastChange(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], foreign)
	h.mustDir("srv/share")
	h.write("bin/sync", strings.ReplaceAll("#!/bin/sh\nrm -rf DISK; mkdir DISK; cp -a /srv/share /etc/exports /var/lib/webapp-balanced DISK\nexec /bin/sync \"$@\"\n", "DISK", h.at("disk")), 0o755)
	same := func(step, on, disk string) {
		if out, err := h.on("/usr/bin/diff", "-r", on, h.at(disk)).CombinedOutput(); err != nil {
			t.Errorf("after %s: %v: %s", step, err, out)
		}
	}
	for step, site := range [][]string{{"a", "b/c"}, {"a", "d/e"}, {"d/e"}} {
		h.must(h.exports("s", nil, fmt.Sprintf("10.0.0.%d", step+1)), "apply 01")
		same("apply", "/etc/exports", "disk/exports")
		files := h.site(contentsOf(site...))
		h.stage(h.scripts("s", nil, files), files)
		h.must(h.scripts("s", nil, files).site, "publish")
		for _, name := range site {
			same("publish", "/srv/share/"+name, "disk/share/"+name)
		}
		got, err := filepath.Glob(h.at("disk/share/*/*"))
		if want := len(slices.DeleteFunc(slices.Clone(site), func(name string) bool { return !strings.Contains(name, "/") })); err != nil || len(got) != want {
			t.Errorf("on the disk are %q, %v", got, err)
		}
		same("publish", "/"+h.notes("site"), "disk/webapp-balanced/"+filepath.Base(filepath.Dir(h.notes("site")))+"/site")
	}
}

// TrueNAS rewrites the file when its shares are changed: the missing block is found, and put back next to
// the new content.
func TestExportsOnTrueNAS(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		const generated = "\"/mnt/tank/media\"\\\n\t10.0.0.0/24(sec=sys,rw,no_subtree_check)\n"
		h := newHost(t, shell, generated)
		s := h.scripts("s", nil, nil, "10.0.0.1")
		h.must(s.exports, "apply 01")
		applied := h.read("etc/exports")
		const again = generated + "\"/mnt/tank/more\"\\\n\t*(sec=sys,ro,no_subtree_check)\n"
		h.write("etc/exports", again, 0o644)
		h.do("mkdir -p /srv/share; exportfs -r 2>/dev/null || true")
		const line = "/srv/share 10.0.0.1(rw,sync,no_subtree_check)"
		if l := h.inspect(s); len(l.Conflicts) > 0 || len(l.Exports.Changes) != 2 || l.Exports.Changes[0] != "/etc/exports lacks: "+line || !strings.HasPrefix(l.Exports.Changes[1], "the export table lacks: /srv/share 10.0.0.1(") {
			t.Errorf("the inspection finds %q and %v", l.Exports.Changes, l.Conflicts)
		}
		h.must(s.exports, "apply")
		if got := h.read("etc/exports"); got != again+strings.TrimPrefix(applied, generated) || !slices.Equal(h.tableOf("/srv/share"), []string{"10.0.0.1"}) {
			t.Errorf("the file is\n%s", got)
		}
		h.must(s.exports, "remove 01")
		if got := h.read("etc/exports"); got != again {
			t.Errorf("the file is\n%s", got)
		}
	})
}
