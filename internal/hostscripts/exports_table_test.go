package hostscripts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/exports"
)

// exportByHand makes the kernel export an entry of others that is in no file, like Pacemaker, and returns the table.
func (h *host) exportByHand() []string {
	h.t.Helper()
	h.do("mkdir -p /srv/others; exportfs -i -o ro,no_subtree_check 10.7.7.7:/srv/others 10.7.7.8:/srv/others")
	return h.table()
}

// foreignTableIs compares the kernel's exports of others with their former state, except for the clients
// that are left out.
func (h *host) foreignTableIs(before []string, leftOut ...string) {
	h.t.Helper()
	ours := func(line string) bool {
		is := func(client string) bool { return strings.Contains(line, "\t"+client+"(") }
		return strings.HasPrefix(line, "/srv/share") || slices.ContainsFunc(leftOut, is)
	}
	if got := slices.DeleteFunc(h.table(), ours); !slices.Equal(got, slices.DeleteFunc(slices.Clone(before), ours)) {
		h.t.Errorf("the kernel exports of others\n%s\nand before\n%s", strings.Join(got, "\n"), strings.Join(before, "\n"))
	}
}

// Entries of others in the file or in the table are exported as before.
func TestExportsOfOthersInTheTable(t *testing.T) {
	t.Parallel()
	const live = "/srv/a 10.0.0.1(rw,sync,no_subtree_check)\n/srv/b 10.0.0.2(ro,sync,no_subtree_check)\n/srv/c 10.0.0.3(ro,sync,no_subtree_check)\n"
	for _, c := range []struct {
		name, add string // what others have added to the file since its export
		warning   string
	}{
		{"nothing", "", ""},
		{"a misspelt option", "/srv/a 10.0.0.4(rw,no_subtree_chek)\n", "line 4 of /etc/exports has the option no_subtree_chek, which exportfs may not know"},
		{"a directory that is missing", "/srv/none 10.0.0.4(ro)\n", ""},
		{"a line that is not to be exported yet", "/srv/a 10.0.0.5(ro)\n", ""},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, live)
				h.do("mkdir -p /srv/a /srv/b /srv/c; exportfs -r")
				before := h.exportByHand()
				if len(before) != 5 {
					t.Fatalf("the table is %q", before)
				}
				h.write("etc/exports", live+c.add, 0o644)
				for _, step := range []struct {
					verb, generation string
					clients          []string
				}{{"apply", " 01", []string{"10.0.0.8", "10.0.0.9"}}, {"apply", "", []string{"10.0.0.9"}}, {"remove", " 01", nil}} {
					out := h.must(h.exports("s", nil, append([]string{"10.0.0.9"}, step.clients...)[min(1, len(step.clients)):]...), step.verb+step.generation)
					if c.warning != "" && !strings.Contains(out, c.warning) {
						t.Errorf("%s says %q, want %q", step.verb, out, c.warning)
					}
					h.foreignTableIs(before)
					if got := h.tableOf("/srv/share"); !slices.Equal(got, step.clients) {
						t.Errorf("after %s our clients are %q, want %q", step.verb, got, step.clients)
					}
				}
				if got := h.read("etc/exports"); got != live+c.add {
					t.Errorf("the file is\n%s", got)
				}
			})
		})
	}
}

// If exportfs or the disk fails, the file and the whole table stay as they were.
func TestExportsUndone(t *testing.T) {
	t.Parallel()
	const before = "# ours to keep\n/other 10.0.0.9(ro)\n"
	refuses := func(command, condition, message string) func(*host) {
		return func(h *host) {
			h.hook(command, fmt.Sprintf("case $* in %s) echo '%s' >&2; exit 1 ;; esac", condition, message))
		}
	}
	for _, c := range []struct {
		name string
		set  func(*host)
		want string
	}{
		{"exportfs refuses", refuses("exportfs", "*10.0.0.2*", "exportfs: /srv/share does not support NFS export"),
			"exportfs: /srv/share does not support NFS export\n/etc/exports and the export table are as they were"},
		{"a client that cannot be exported to", func(h *host) {
			h.write("bin/exportfs", "#!/bin/sh\ncase \"$*\" in *10.0.0.2*) shift 3; exec "+realExportfs+" -i -o rw,sync,no_subtree_check \"$1\" ;; esac\nexec "+realExportfs+" \"$@\"\n", 0o755)
		}, "the kernel does not export /srv/share to 10.0.0.2, although exportfs accepted it\n/etc/exports and the export table are as they were"},
		{"the disk is full", refuses("cp", "*/etc/exports*", "cp: No space left on device"), "/etc/exports cannot be replaced: cp: No space left on device\n/etc/exports and the export table are as they were"},
		{"the file cannot be replaced", refuses("mv", "*/etc/exports*", "mv: Read-only file system"), "/etc/exports cannot be replaced: mv: Read-only file system"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, before)
				h.exportByHand()
				h.must(h.exports("s", func(a *Share) { a.Options = []string{"ro", "sync", "no_subtree_check"} }, "10.0.0.1"), "apply 01")
				file, table := h.read("etc/exports"), h.table()
				c.set(h)
				out, err := h.run(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply")
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v:\n%s\nwant\n%s", err, out, c.want)
				}
				if got := h.read("etc/exports"); got != file {
					t.Errorf("the file is\n%s", got)
				}
				if got := h.table(); !slices.Equal(got, table) {
					t.Errorf("the table is\n%s\nand was\n%s", strings.Join(got, "\n"), strings.Join(table, "\n"))
				}
				if left := h.beside(); left != nil {
					t.Errorf("left beside the file: %v", left)
				}
			})
		})
	}
}

// Every option that the validation accepts can be applied, without drift afterwards: neither after the
// update, nor after exportfs has read the file itself.
func TestEveryOption(t *testing.T) {
	t.Parallel()
	values := map[string][]string{
		"anonuid": {"65534", "4294967295", "4294967294", "-2", "1000"}, "anongid": {"65534", "4294967295", "-2", "1000"},
		"fsid": {"root", "0", "010", "7", "2147483648", "4294967295", "6a1d5d4e-0a0b-4c0d-8e0f-101112131415"},
		"sec":  {"sys", "sys:sys", "none", "krb5", "krb5:krb5i:krb5p"},
	}
	var options []string
	for _, name := range slices.Sorted(maps.Keys(exports.Options)) {
		if exports.Options[name] == "" {
			options = append(options, name)
		}
		for _, value := range values[name] {
			options = append(options, name+"="+value)
		}
	}
	h := newHost(t, shells[0], "")
	for i, option := range options {
		if testing.Short() && i%4 != 0 {
			continue // make unit has no time for all; make test has
		}
		with := func(a *Share) {
			a.Options = []string{option}
			if !strings.Contains(option, "subtree_check") {
				a.Options = append(a.Options, "no_subtree_check")
			}
		}
		var p check.Problems
		if exports.CheckOptions(&p, []string{option}); len(p) > 0 {
			t.Fatalf("%s is refused: %v", option, p)
		}
		s := h.scripts("s", with, nil, "10.0.0.1", "10.0.0.0/24")
		if out, err := h.run(s.exports, "apply"); err != nil {
			t.Errorf("%s: %v: %s", option, err, out)
			continue
		}
		if l := h.inspect(s); len(l.Exports.Changes)+len(l.Conflicts)+len(l.Warnings) > 0 {
			t.Errorf("%s: after the update: %q %v %q", option, l.Exports.Changes, l.Conflicts, l.Warnings)
		}
		h.do("exportfs -r")
		if l := h.inspect(s); len(l.Exports.Changes) > 0 {
			t.Errorf("%s: after exportfs -r: %q", option, l.Exports.Changes)
		}
	}
}

// A share below a symbolic link is exported by its real path, which the table has.
func TestExportsBelowALink(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.do("mkdir -p /srv/data/nfs; ln -s /srv/data/nfs /srv/nfs")
		below := func(a *Share) { a.Path = "/srv/nfs/web" }
		s := h.scripts("s", below, nil, "10.0.0.1", "fd00::/64")
		h.must(s.exports, "apply 01")
		if got, want := h.tableOf("/srv/data/nfs/web"), []string{"10.0.0.1", "fd00::/64"}; !slices.Equal(got, want) {
			t.Errorf("the clients are %q, want %q: %q", got, want, h.table())
		}
		if l := h.inspect(s); len(l.Exports.Changes) > 0 || l.Real != "/srv/data/nfs/web" {
			t.Errorf("the inspection finds %q at %q", l.Exports.Changes, l.Real)
		}
		table := h.table()
		h.do("exportfs -r")
		if got := h.table(); !slices.Equal(got, table) {
			t.Errorf("exportfs -r makes it %q, it was %q", got, table)
		}
		h.must(s.exports, "remove 01")
		if got := h.tableOf("/srv/data/nfs/web"); got != nil {
			t.Errorf("still exported to %q", got)
		}
		// Lines of others with the real path are conflicts.
		h.write("etc/exports", "/srv/data/nfs/web 10.0.0.1(ro)\n", 0o644)
		if out, err := h.run(s.exports, "apply 02"); err == nil || !strings.Contains(out, "line 1 of /etc/exports already exports this directory: /srv/data/nfs/web 10.0.0.1(ro)") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// Our block and our entries can always be removed, whatever the other lines.
func TestExportsRemovedBesideBrokenLines(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]string{
		"an option":        "/srv/a 10.0.0.1(BROKEN)\n",
		"a quote":          "\"/srv/a 10.0.0.1(ro)\n",
		"a path":           "srv/a 10.0.0.1(ro)\n",
		"no directory":     "/srv/none 10.0.0.1(ro)\n",
		"a mark":           "# BEGIN q/s/share:/x (managed by Pulumi, edits are lost)\n/x 10.0.0.1(ro)\n",
		"a mark, edited":   "# END q/s/share:/x\n",
		"goes on, no more": "/srv/a 10.0.0.1(ro) \\\n",
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, foreign)
				before := h.exportByHand()
				h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
				h.write("etc/exports", broken+h.read("etc/exports")+broken, 0o644)
				h.must(h.exports("s", nil, "10.0.0.1"), "remove 01")
				if got := h.read("etc/exports"); got != broken+foreign+broken {
					t.Errorf("the file is\n%s", got)
				}
				if got := h.tableOf("/srv/share"); got != nil {
					t.Errorf("still exported to %q", got)
				}
				h.foreignTableIs(before)
			})
		})
	}
}

// Exports are not served while parts of the NFS server do not run.
func TestExportsNotServed(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		s := h.scripts("s", nil, nil, "10.0.0.1")
		for _, c := range []struct {
			name string
			set  func()
			want string
		}{
			{"no rpc.mountd", func() { h.alone = true }, "rpc.mountd does not run, so no client can mount: start it with systemctl restart nfs-mountd, or rpc.mountd"},
			{"no threads", func() { h.alone = false; h.write("threads", "0\n", 0o644) }, "the NFS server does not run (nfsd): start it with systemctl start nfs-server, or rpc.nfsd 8"},
			{"no exportfs", func() { h.hide("exportfs") }, "there is no exportfs on this host: install the NFS server (nfs-kernel-server)"},
		} {
			c.set()
			if out, err := h.run(s.exports, "apply 01"); err == nil || !strings.Contains(out, "exports: "+c.want+"; nothing was changed") {
				t.Errorf("%s: %v: %s", c.name, err, out)
			}
			l := h.inspect(s)
			if len(l.Conflicts) != 1 || l.Conflicts[0].Property != "host" || l.Conflicts[0].Reason+": "+l.Conflicts[0].Hint != c.want {
				t.Errorf("%s: the inspection says %v", c.name, l.Conflicts)
			}
			if h.read("etc/exports") != foreign {
				t.Errorf("%s: the file was changed", c.name)
			}
		}
	})
}

// A process costs tens of milliseconds on a small machine, and the inspection runs at every preview and update.
func TestExportsProcesses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		s := h.scripts("s", nil, nil, "10.0.0.1", "10.0.0.2")
		first := h.processes(s.exports, "apply 01")
		inspection := h.processes(s.inspect, "probe")
		t.Logf("%d processes for the first update of the exports, %d for the inspection", first, inspection)
		if inspection > 12 {
			t.Errorf("the inspection starts %d processes, want at most 12", inspection)
		}
	})
}
