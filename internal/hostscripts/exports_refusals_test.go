package hostscripts

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Marks that were edited are refused, with their line: the end of the block would be a guess. They are known
// by their beginning.
func TestExportsDamagedMarks(t *testing.T) {
	t.Parallel()
	const begin, end = "# BEGIN %s (managed by Pulumi, edits are lost)\n", "# END %s (managed by Pulumi)\n"
	ours := "p/s/share:/srv/share " + identityOf("s")
	b := func(name string) string { return fmt.Sprintf(begin, name) }
	e := func(name string) string { return fmt.Sprintf(end, name) }
	const line = "/x 10.0.0.1(ro)\n"
	for name, c := range map[string]struct{ content, want string }{
		"no END":                 {b("p/s/a:/x") + line, "line 1 begins the block p/s/a:/x, which has no end"},
		"no END, another after":  {b("p/s/a:/x") + line + b("p/s/b:/x") + e("p/s/b:/x"), "line 3 begins the block p/s/b:/x inside the block p/s/a:/x, which line 1 begins"},
		"no BEGIN":               {line + e("p/s/a:/x"), "line 2 ends the block p/s/a:/x, which is not begun"},
		"twice":                  {b("p/s/a:/x") + e("p/s/a:/x") + line + b("p/s/a:/x") + e("p/s/a:/x"), "lines 1 and 4 both begin the block p/s/a:/x"},
		"edited":                 {"# BEGIN p/s/a:/x\n" + line + e("p/s/a:/x"), "line 1 is a marker of the block p/s/a:/x that was edited: # BEGIN p/s/a:/x"},
		"ours, edited":           {b(ours) + "/srv/share 10.0.0.1(rw)\n" + "# END " + ours + " (managed by\n", "line 3 is a marker of the block p/s/share:/srv/share that was edited: # END " + ours + " (managed by"},
		"with a carriage return": {strings.ReplaceAll(b(ours)+e(ours), "\n", "\r\n"), "line 1 is a marker of the block p/s/share:/srv/share that was edited"},
		"nested":                 {b("p/s/a:/x") + b("p/s/b:/x") + e("p/s/b:/x") + e("p/s/a:/x"), "line 2 begins the block p/s/b:/x inside the block p/s/a:/x, which line 1 begins"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, c.content)
				s := h.scripts("s", nil, nil, "10.0.0.1")
				out, err := h.run(s.exports, "apply")
				if err == nil || !strings.Contains(out, "/etc/exports: "+c.want) || !strings.Contains(out, "correct the markers by hand") {
					t.Errorf("%v: %s\nwant %s", err, out, c.want)
				}
				if got := h.inspect(s).reasons(); !strings.Contains(got, "/etc/exports: "+c.want) {
					t.Errorf("the inspection says %s", got)
				}
				// Ours block a removal, too: the end of the block is a guess.
				out, err = h.run(s.exports, "remove")
				if isOurs := strings.Contains(c.content, ours); (err != nil) != isOurs || !strings.Contains(out, "/etc/exports: "+c.want) {
					t.Errorf("remove: %v: %s\nwant %s", err, out, c.want)
				}
				if h.read("etc/exports") != c.content {
					t.Error("the file was changed")
				}
			})
		})
	}
}

// Lines of others that export the same directory to the same client are refused, or taken over if they are the same.
func TestExportsConflicts(t *testing.T) {
	t.Parallel()
	adopt := func(a *Share) { a.Adopt = true }
	const exact = "(rw,sync,no_subtree_check)"
	for _, c := range []struct {
		name    string
		before  string // SHARE stands for the directory
		clients []string
		change  func(*Share)
		want    string // of the error; empty for none
		kept    string // what is left of before, if not all
	}{
		{"another directory", "/srv/other 10.0.0.1(rw)\n", []string{"10.0.0.1"}, nil, "", "/srv/other 10.0.0.1(rw)\n"},
		{"another client", "SHARE 10.0.0.2(rw)\n", []string{"10.0.0.1"}, nil, "", "SHARE 10.0.0.2(rw)\n"},
		{"the same", "# one\nSHARE 10.0.0.1" + exact + "\n", []string{"10.0.0.1"}, nil,
			"line 2 of /etc/exports already exports this directory: SHARE 10.0.0.1" + exact + " (the share's adopt: true takes it over)", ""},
		{"among several clients", "SHARE 10.0.0.7(ro) 10.0.0.1(ro)\n", []string{"10.0.0.1"}, adopt,
			"line 1 of /etc/exports already exports this directory: SHARE 10.0.0.7(ro) 10.0.0.1(ro) (its options for 10.0.0.1 differ)", ""},
		{"on a line that goes on", "# one\nSHARE 10.0.0.7(ro) \\\n  10.0.0.1" + exact + "\n", []string{"10.0.0.1"}, adopt,
			"line 2 of /etc/exports already exports this directory: SHARE 10.0.0.7(ro) \\   10.0.0.1" + exact + " (it exports to others too)", ""},
		{"quoted and escaped", "\"SHARE\" 10.0.0.1(ro)\n", []string{"10.0.0.1"}, nil, "line 1 of /etc/exports", ""},
		{"a slash at the end", "SHARE/ 10.0.0.1(ro)\n", []string{"10.0.0.1"}, nil, "line 1 of /etc/exports", ""},
		{"a network by its mask", "SHARE 10.0.0.0/255.255.255.0(ro)\n", []string{"10.0.0.0/24"}, nil, "line 1 of /etc/exports", ""},
		{"IPv6 written otherwise", "SHARE FD00:0:0:0:0:0:0:1(ro)\n", []string{"fd00::1"}, nil, "line 1 of /etc/exports", ""},
		{"a wildcard", "SHARE *.Example.com(ro)\n", []string{"*.example.com"}, nil, "line 1 of /etc/exports", ""},
		{"a wildcard that only covers it", "SHARE *.example.com(ro)\n", []string{"a.example.com"}, nil, "", "SHARE *.example.com(ro)\n"},
		{"everybody, without a client", "SHARE\n", []string{"*"}, nil, "line 1 of /etc/exports", ""},
		{"options before the clients", "SHARE -ro 10.0.0.1\n", []string{"10.0.0.1"}, nil, "line 1 of /etc/exports", ""},
		{"another stack's", "# BEGIN q/s/share:SHARE (managed by Pulumi, edits are lost)\nSHARE 10.0.0.1" + exact + "\n# END q/s/share:SHARE (managed by Pulumi)\n",
			[]string{"10.0.0.1"}, adopt, "(it belongs to q/s/share:SHARE)", ""},
		{"in a comment", "# SHARE 10.0.0.1(ro)\n", []string{"10.0.0.1"}, nil, "", "# SHARE 10.0.0.1(ro)\n"},
		// A comment ends with its line, whatever the line ends with.
		{"after a comment with a backslash", "# old: \\\nSHARE 10.0.0.1(ro)\n", []string{"10.0.0.1"}, nil, "line 2 of /etc/exports already exports this directory: SHARE 10.0.0.1(ro)", ""},
		{"a comment after a backslash", "/x 10.0.0.3(ro) \\\n# old: SHARE 10.0.0.1(ro)\n", []string{"10.0.0.1"}, nil, "", "/x 10.0.0.3(ro) \\\n# old: SHARE 10.0.0.1(ro)\n"},
		{"taken over", "# one\nSHARE 10.0.0.1(sync,rw,no_subtree_check)\n# two\nSHARE\t10.0.0.2" + exact + " \\\n 10.0.0.1" + exact + "\n# three", []string{"10.0.0.1", "10.0.0.2"}, adopt, "", "# one\n# two\n# three"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, "")
				here := func(text string) string { return strings.ReplaceAll(text, "SHARE", "/srv/share") }
				h.write("etc/exports", here(c.before), 0o644)
				s := h.scripts("s", c.change, nil, c.clients...)
				script := s.exports
				out, err := h.run(script, "apply")
				if c.want != "" {
					if err == nil || !strings.Contains(out, here(c.want)) || !strings.Contains(out, "nothing was changed") {
						t.Errorf("%v: %s\nwant %s", err, out, here(c.want))
					}
					if got := h.read("etc/exports"); got != here(c.before) {
						t.Errorf("the file is %q", got)
					}
					if got := h.inspect(s).reasons(); !strings.Contains(got, here(c.want)) {
						t.Errorf("the inspection says %s", got)
					}
					return
				}
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				h.must(script, "remove")
				if got := h.read("etc/exports"); got != here(c.kept) {
					t.Errorf("after remove %q is left, want %q", got, here(c.kept))
				}
			})
		})
	}
}

// exports.d is checked for conflicts.
func TestExportsConflictInAnotherFile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("etc/exports.d/data.exports", "/srv/share 10.0.0.1(rw,sync,no_subtree_check)\n", 0o644)
		out, err := h.run(h.exports("s", func(a *Share) { a.Adopt = true }, "10.0.0.1"), "apply")
		if err == nil || !strings.Contains(out, "line 1 of /etc/exports.d/data.exports already exports this directory") || !strings.Contains(out, "(only lines of /etc/exports itself can be taken over)") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// Problems of the host are refused before any change, and when it is inspected.
func TestExportsRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		set     func(*host)
		clients []string
		want    string
	}{
		{"an unknown name", nil, []string{"10.0.0.1", "nosuch.invalid"}, "the NFS host cannot resolve nosuch.invalid"},
		{"two names of one host", func(h *host) { h.write("etc/hosts", "10.0.0.5 a.test b.test\n", 0o644) }, []string{"a.test", "b.test"}, "b.test and a.test are one host, 10.0.0.5"},
		{"a name and its address", func(h *host) { h.write("etc/hosts", "10.0.0.5 a.test\n", 0o644) }, []string{"a.test", "10.0.0.5"}, "10.0.0.5 and a.test are one host, 10.0.0.5"},
		{"a disk that is not mounted", func(h *host) {
			h.write("etc/fstab", "# disks\nUUID=1 / ext4 defaults 0 1\n/dev/sdb1 /srv/share ext4 defaults 0 2\n/dev/sdc1 /srv/share/x ext4 noauto 0 2\n", 0o644)
		}, []string{"10.0.0.1"}, "nothing is mounted at /srv/share, which /etc/fstab names, so files would be written below the mount point"},
		{"a file where the directory should be", func(h *host) { h.write("srv/share", "", 0o644) }, []string{"10.0.0.1"}, "a file is in the way at /srv/share, where the shared directory should be"},
		{"no text", func(h *host) { h.write("etc/exports", foreign+"# \x00\n", 0o644) }, []string{"10.0.0.1"}, "/etc/exports has NUL bytes, so it is not a text file"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, foreign)
				if c.set != nil {
					c.set(h)
				}
				before := h.read("etc/exports")
				s := h.scripts("s", nil, nil, c.clients...)
				out, err := h.run(s.exports, "apply")
				if err == nil || !strings.Contains(out, c.want) || !strings.Contains(out, "nothing was changed") {
					t.Errorf("%v: %s\nwant %s", err, out, c.want)
				}
				if h.read("etc/exports") != before || h.read("var/lib/nfs/etab") != "" {
					t.Error("something was changed")
				}
				if h.inspect(s).reasons() != c.want {
					t.Errorf("the inspection says %q, want %q", h.inspect(s).reasons(), c.want)
				}
			})
		})
	}
}

// A disk that was mounted when the share was created, and is not any more, is a conflict.
func TestExportsDiskGone(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		s := h.scripts("s", nil, nil, "10.0.0.1")
		h.must(s.exports, "apply")
		notes := h.notes("exports")
		h.write(notes, strings.Replace(h.read(notes), "mount /srv\n", "mount /srv/share\n", 1), 0o644)
		const want = "nothing is mounted at /srv/share, where the disk of the share was, so files would be written below the mount point"
		if got := h.inspect(s).reasons(); got != want {
			t.Errorf("the inspection says %q, want %q", got, want)
		}
		if out, err := h.run(s.exports, "apply"); err == nil || !strings.Contains(out, want+": mount it: mount /srv/share") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// notes is the path of a file of the host's only notes.
func (h *host) notes(name string) string {
	h.t.Helper()
	found, err := filepath.Glob(h.at("var/lib/webapp-balanced/*/" + name))
	if err != nil || len(found) != 1 {
		h.t.Fatalf("the notes are %q (%v)", found, err)
	}
	return strings.TrimPrefix(found[0], h.dir+"/")
}

// Host names are exported as full names, like in the table.
func TestExportsToNames(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.write("etc/hosts", "10.0.0.5 a.example.test a\nfd00::6 b.test\n", 0o644)
		s := h.scripts("s", nil, nil, "a", "b.test", "*.example.org", "@group", "FD00::/32")
		h.must(s.exports, "apply")
		want := []string{"*.example.org", "@group", "FD00::/32", "a.example.test", "b.test"}
		if got := h.tableOf("/srv/share"); !slices.Equal(got, want) {
			t.Errorf("the clients are %q, want %q", got, want)
		}
		if l := h.inspect(s); len(l.Conflicts)+len(l.Exports.Changes) > 0 {
			t.Errorf("the inspection says %v %q", l.Conflicts, l.Exports.Changes)
		}
		h.must(s.exports, "remove")
		if got := h.tableOf("/srv/share"); got != nil {
			t.Errorf("still exported to %q", got)
		}
	})
}
