package components

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const foreign = "# by hand\n\n/home\t*.example.com(rw,sync) \\\n\t192.168.7.0/24(ro)   # trailing\n\"/srv/my share\" @group(ro)\n"

func TestExportsApplyAndRemove(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply")
		share := h.at("srv/share")
		want := foreign + "# BEGIN p/s/share:" + share + ` (managed by Pulumi, edits are lost)
` + share + ` 10.0.0.1(rw,sync,no_subtree_check)
` + share + ` 10.0.0.2(rw,sync,no_subtree_check)
# END p/s/share:` + share + ` (managed by Pulumi)
`
		if got := h.read("etc/exports"); got != want {
			t.Errorf("after apply:\n%s\nwant\n%s", got, want)
		}
		if _, err := os.Stat(share); err != nil {
			t.Error(err)
		}
		h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply")
		if got := h.read("etc/exports"); got != want {
			t.Errorf("after the same again:\n%s", got)
		}

		// Lines that somebody has added below stay below.
		h.write("etc/exports", want+"/last (ro)\n", 0o640)
		h.must(h.exports("s", nil, "10.0.0.3"), "apply")
		got := h.read("etc/exports")
		if strings.Contains(got, "10.0.0.1") || strings.Count(got, "10.0.0.3") != 1 || !strings.HasSuffix(got, "(managed by Pulumi)\n/last (ro)\n") {
			t.Errorf("after a change:\n%s", got)
		}

		h.must(h.exports("s", nil, "10.0.0.3"), "remove")
		if got := h.read("etc/exports"); got != foreign+"/last (ro)\n" {
			t.Errorf("after remove:\n%q", got)
		}
		if info, _ := os.Stat(h.at("etc/exports")); info.Mode().Perm() != 0o640 {
			t.Errorf("the mode is %v", info.Mode())
		}
		if left := h.beside(); left != nil {
			t.Errorf("left beside the file: %v", left)
		}
		if _, err := os.Stat(h.at("var/lib/webapp-balanced")); err == nil {
			t.Error("the notes are left")
		}
	})
}

// Applying, changing, applying again and removing gives back every byte.
func TestExportsKeepEveryByte(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/exports/*")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	contents := map[string]string{"empty": ""}
	var long strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&long, "/srv/project%d 10.%d.%d.0/24(rw,sync,no_subtree_check)\n", i, i/256, i%256)
	}
	contents["5000 lines"] = long.String()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		contents[filepath.Base(file)] = string(content)
	}
	eachShell(t, func(t *testing.T, shell []string) {
		for i, name := range slices.Sorted(maps.Keys(contents)) {
			if testing.Short() && i%4 != 0 {
				continue // make unit has no time for all; make test has
			}
			content := contents[name]
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, content)
				one, two := h.exports("s", nil, "10.9.0.1"), h.exports("s", nil, "10.9.0.1", "10.9.0.2")
				for _, step := range []struct {
					script, verb string
					lines        int
				}{{one, "apply", 1}, {two, "apply", 2}, {two, "apply", 2}, {one, "remove", 0}} {
					if shell[0] != "dash" && step.script == two {
						continue // for the sake of time, under one shell only
					}
					h.must(step.script, step.verb)
					if n := strings.Count(h.read("etc/exports"), h.at("srv/share")+" 10.9.0."); n != step.lines {
						t.Fatalf("%d lines of ours, want %d:\n%s", n, step.lines, h.read("etc/exports"))
					}
				}
				if got := h.read("etc/exports"); got != content {
					t.Errorf("the file is\n%q\nwant\n%q", got, content)
				}
			})
		}
	})
}

func TestExportsOfOtherStacksStay(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "/last (ro)")
		h.must(h.exports("one", nil, "10.0.0.1"), "apply")
		one := h.read("etc/exports")
		h.must(h.exports("two", nil, "10.0.0.2"), "apply")
		both := h.read("etc/exports")
		h.must(h.exports("two", nil, "10.0.0.2"), "remove")
		if got := h.read("etc/exports"); got != one {
			t.Errorf("the other stack's block is not what it was:\n%s", got)
		}
		h.write("etc/exports", both, 0o644)
		h.must(h.exports("one", nil, "10.0.0.1"), "remove")
		h.must(h.exports("two", nil, "10.0.0.2"), "remove")
		if got := h.read("etc/exports"); got != "/last (ro)" {
			t.Errorf("removed in the order they came, %q is left", got)
		}
	})
}

// What fails leaves the file, the table and the directory as they were, and
// says why.
func TestExportsUndone(t *testing.T) {
	t.Parallel()
	const before = "# ours to keep\n/other 10.0.0.9(ro)\n"
	for _, c := range []struct {
		name   string
		before string
		set    func(*host)
		client string
		want   string
	}{
		{"our line is refused", before, nil, "BROKEN",
			"exportfs -r fails: exportfs: /etc/exports:4: unknown keyword \"BROKEN\"\nat fault is line 4 of /etc/exports, which is ours: /srv/share BROKEN(rw,sync,no_subtree_check)\n/etc/exports is as it was"},
		{"a line of others is broken", "/x BROKEN\n" + before, nil, "10.0.0.1",
			"at fault is line 1 of /etc/exports, which is not ours: /x BROKEN\nwith the lines as they were before it fails as well, so the fault is not this change's\n/etc/exports is as it was"},
		{"a directory of others is missing", before,
			func(h *host) {
				h.write("faults", "[ \"$1\" = -s ] || { echo 'exportfs: Failed to stat /other: No such file or directory' >&2; exit 1; }", 0o644)
			}, "10.0.0.1",
			"at fault is line 2 of /etc/exports, which is not ours: /other 10.0.0.9(ro)"},
		{"the kernel does not take the line", before,
			func(h *host) { h.write("faults", "[ \"$1\" = -r ] && exit 0", 0o644) }, "10.0.0.1",
			"the kernel does not export, although exportfs -r accepted it: /srv/share 10.0.0.1(rw,sync,no_subtree_check)\n/etc/exports is as it was"},
		{"the table cannot be read", before,
			func(h *host) { h.write("faults", "[ \"$1\" = -r ] || exit 1", 0o644) }, "10.0.0.1",
			"the export table cannot be read: exportfs -s fails"},
		{"the disk is full", before,
			func(h *host) {
				h.write("bin/cat", "#!/bin/sh\ncase $# in 0) exec /bin/cat ;; esac\necho 'cat: write error: No space left on device' >&2; exit 1\n", 0o755)
			}, "10.0.0.1", "write error: No space left on device\nexports: the new file cannot be written beside /etc/exports; nothing was changed"},
		{"the file cannot be replaced", before,
			func(h *host) {
				h.write("bin/mv", "#!/bin/sh\necho 'mv: Read-only file system' >&2; exit 1\n", 0o755)
			}, "10.0.0.1", "Read-only file system\nexports: /etc/exports cannot be replaced; nothing was changed"},
		{"the directory cannot be made", before,
			func(h *host) { h.write("srv", "a file", 0o644) }, "10.0.0.1",
			"the directory /srv/share cannot be made; nothing was changed"},
		{"the file is no text", before + "# \x00\n", nil, "10.0.0.1", "exports: /etc/exports has NUL bytes, so it is no text; nothing was changed"},
		{"the last line goes on", before + "/srv/a (ro) \\\n", nil, "10.0.0.1",
			"/etc/exports: line 3 ends with a backslash, which would draw in the line after it; mend it by hand\nexports: nothing was changed"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, c.before)
				if c.set != nil {
					c.set(h)
				}
				out, err := h.run(h.exports("s", nil, c.client), "apply")
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v:\n%s\nwant\n%s", err, out, c.want)
				}
				if got := h.read("etc/exports"); got != c.before {
					t.Errorf("the file is\n%s", got)
				}
				if left := h.beside(); left != nil {
					t.Errorf("left beside the file: %v", left)
				}
			})
		})
	}
}

func TestExportsWithoutExportfs(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		cmd := h.command(strings.ReplaceAll(h.exports("s", nil, "10.0.0.1"), "exportfs", "no-such-exportfs"), "apply")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "on this host: install the NFS server (nfs-kernel-server)") || h.read("etc/exports") != foreign {
			t.Errorf("%v: %s", err, out)
		}
	})
}

func TestExportsDamagedMarks(t *testing.T) {
	t.Parallel()
	const begin, end = "# BEGIN %s (managed by Pulumi, edits are lost)\n", "# END %s (managed by Pulumi)\n"
	b := func(name string) string { return fmt.Sprintf(begin, name) }
	e := func(name string) string { return fmt.Sprintf(end, name) }
	const line = "/x 10.0.0.1(ro)\n"
	for name, c := range map[string]struct{ content, want string }{
		"no END":                {b("p/s/a:/x") + line, "line 1 begins the block p/s/a:/x, which has no end"},
		"no END, another after": {b("p/s/a:/x") + line + b("p/s/b:/x") + e("p/s/b:/x"), "line 3 begins the block p/s/b:/x inside the block p/s/a:/x, which line 1 begins"},
		"no BEGIN":              {line + e("p/s/a:/x"), "line 2 ends the block p/s/a:/x, which is not begun"},
		"twice":                 {b("p/s/a:/x") + e("p/s/a:/x") + line + b("p/s/a:/x") + e("p/s/a:/x"), "lines 1 and 4 both begin the block p/s/a:/x"},
		"nested":                {b("p/s/a:/x") + b("p/s/b:/x") + e("p/s/b:/x") + e("p/s/a:/x"), "line 2 begins the block p/s/b:/x inside the block p/s/a:/x, which line 1 begins"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, c.content)
				for _, verb := range []string{"apply", "remove"} {
					out, err := h.run(h.exports("s", nil, "10.0.0.1"), verb)
					if err == nil || !strings.Contains(out, "exports: /etc/exports: "+c.want+"; mend it by hand") {
						t.Errorf("%s: %v: %s", verb, err, out)
					}
				}
				if out := h.must(h.exports("s", nil, "10.0.0.1"), "probe"); !strings.Contains(out, "conflict /etc/exports: "+c.want) {
					t.Errorf("the probe says %s", out)
				}
				if h.read("etc/exports") != c.content {
					t.Error("the file was changed")
				}
			})
		})
	}
}

func TestExportsThroughALink(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("real/exports", foreign, 0o644)
		if err := os.Remove(h.at("etc/exports")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../real/exports", h.at("etc/exports")); err != nil {
			t.Fatal(err)
		}
		h.must(h.exports("s", nil, "10.0.0.1"), "apply")
		if _, err := os.Readlink(h.at("etc/exports")); err != nil {
			t.Errorf("the link is gone: %v", err)
		}
		if !strings.Contains(h.read("real/exports"), "10.0.0.1") {
			t.Error("the link's target was not changed")
		}
	})
}

// Lines of others that export the same to the same client are refused, or taken
// over where they say just the same.
func TestExportsConflicts(t *testing.T) {
	t.Parallel()
	adopt := func(a *NfsShareArgs) { a.Adopt = true }
	const exact = "(rw,sync,no_subtree_check)"
	for _, c := range []struct {
		name    string
		before  string // SHARE stands for the directory
		clients []string
		change  func(*NfsShareArgs)
		want    string // of the error; empty for none
		kept    string // what is left of before, where that is not all
	}{
		{"another directory", "/srv/other 10.0.0.1(rw)\n", []string{"10.0.0.1"}, nil, "", "/srv/other 10.0.0.1(rw)\n"},
		{"another client", "SHARE 10.0.0.2(rw)\n", []string{"10.0.0.1"}, nil, "", "SHARE 10.0.0.2(rw)\n"},
		{"the same", "# one\nSHARE 10.0.0.1" + exact + "\n", []string{"10.0.0.1"}, nil,
			"line 2 of /etc/exports exports the same to the same client: SHARE 10.0.0.1" + exact + " (nfs.adopt: true takes it over)", ""},
		{"among several clients", "SHARE 10.0.0.7(ro) 10.0.0.1(ro)\n", []string{"10.0.0.1"}, adopt,
			"line 1 of /etc/exports exports the same to the same client: SHARE 10.0.0.7(ro) 10.0.0.1(ro) (its options for 10.0.0.1 differ)", ""},
		{"on a line that goes on", "# one\nSHARE 10.0.0.7(ro) \\\n  10.0.0.1" + exact + "\n", []string{"10.0.0.1"}, adopt,
			"line 2 of /etc/exports exports the same to the same client: SHARE 10.0.0.7(ro) \\\n  10.0.0.1" + exact + " (it exports to others too)", ""},
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
		{"in a comment that goes on", "# old: \\\nSHARE 10.0.0.1(ro)\n", []string{"10.0.0.1"}, nil, "", "# old: \\\nSHARE 10.0.0.1(ro)\n"},
		{"taken over", "# one\nSHARE 10.0.0.1(sync,rw,no_subtree_check)\n# two\nSHARE\t10.0.0.2" + exact + " \\\n 10.0.0.1" + exact + "\n# three", []string{"10.0.0.1", "10.0.0.2"}, adopt, "", "# one\n# two\n# three"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, "")
				here := func(text string) string { return strings.ReplaceAll(text, "SHARE", h.at("srv/share")) }
				h.write("etc/exports", here(c.before), 0o644)
				script := h.exports("s", c.change, c.clients...)
				out, err := h.run(script, "apply")
				if c.want != "" {
					want := strings.ReplaceAll(c.want, "SHARE", "/srv/share")
					if err == nil || !strings.Contains(out, want) || !strings.Contains(out, "nothing was changed; take those lines out, or share another directory") {
						t.Errorf("%v: %s\nwant %s", err, out, want)
					}
					if got := h.read("etc/exports"); got != here(c.before) {
						t.Errorf("the file is %q", got)
					}
					probe, err := h.run(script, "probe")
					if first, _, _ := strings.Cut(want, "\n"); err != nil || !strings.Contains(probe, "conflict line ") || !strings.Contains(probe, first) {
						t.Errorf("the probe says %s (%v)", probe, err)
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

// exports.d is read for conflicts.
func TestExportsConflictInAnotherFile(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("etc/exports.d/data.exports", h.at("srv/share")+" 10.0.0.1(rw,sync,no_subtree_check)\n", 0o644)
		out, err := h.run(h.exports("s", func(a *NfsShareArgs) { a.Adopt = true }, "10.0.0.1"), "apply")
		if err == nil || !strings.Contains(out, "line 1 of /etc/exports.d/data.exports exports the same") || !strings.Contains(out, "(only lines of /etc/exports itself can be taken over)") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// Waiting for the lock is bounded and says who has it.
func TestExportsLocked(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.write("faults", "[ \"$1\" = -s ] || { : >locked; sleep 3; }", 0o644)
		first := h.command(h.exports("one", nil, "10.0.0.1"), "apply")
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(h.at("locked")); err == nil || time.Now().After(deadline) {
				break
			}
		}
		script := strings.ReplaceAll(h.exports("two", nil, "10.0.0.2"), "patience=60", "patience=1")
		out, err := h.run(script, "apply")
		want := fmt.Sprintf("exports: the lock on /etc was not free for 1 s: process %d (%s -s -- apply test ) has it; nothing was changed", first.Process.Pid, strings.Join(shell, " "))
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: %s\nwant %s", err, out, want)
		}
		if err := first.Wait(); err != nil {
			t.Error(err)
		}
		h.must(script, "apply")
		if got := h.read("etc/exports"); !strings.Contains(got, "10.0.0.1(") || !strings.Contains(got, "10.0.0.2(") {
			t.Errorf("the file is\n%s", got)
		}
	})
}

// What was changed by hand is found, healed, and not found again.
func TestExportsDrift(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		share := h.at("srv/share")
		h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply")
		applied := h.read("etc/exports")
		if out := h.must(h.exports("s", nil, "10.0.0.3"), "probe"); out != "" {
			t.Errorf("a change of the configuration is no drift: %s", out)
		}
		const line = "/srv/share 10.0.0.1(rw,sync,no_subtree_check)"
		for _, c := range []struct {
			name string
			do   func()
			want []string
		}{
			{"a line edited", func() {
				h.write("etc/exports", strings.Replace(applied, "10.0.0.1(rw", "10.0.0.1(ro", 1), 0o640)
			}, []string{"/etc/exports lacks: " + line, "/etc/exports has: " + strings.Replace(line, "rw", "ro", 1)}},
			{"the block deleted", func() { h.write("etc/exports", foreign, 0o640) },
				[]string{"/etc/exports lacks: " + line, "/etc/exports lacks: " + strings.Replace(line, ".1(", ".2(", 1)}},
			{"un-exported", func() {
				h.write("table", strings.Replace(h.read("table"), share+"  10.0.0.1", "/gone 10.0.0.1", 1), 0o644)
			},
				[]string{"the export table lacks: " + line}},
			{"the table has other options", func() {
				h.write("table", strings.Replace(h.read("table"), "10.0.0.1(rw", "10.0.0.1(ro", 1), 0o644)
			}, []string{"the export table lacks: " + line}},
		} {
			c.do()
			if _, err := os.Stat(share); err != nil {
				t.Fatal(err)
			}
			found := parseProbe(h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "probe"))
			if !slices.Equal(found.drift, c.want) {
				t.Errorf("%s: the drift is %q, want %q", c.name, found.drift, c.want)
			}
			drift := Drift{Found: found.drift, seen: now}
			heal := h.exports("s", func(a *NfsShareArgs) { a.Found.Exports = drift }, "10.0.0.1", "10.0.0.2")
			h.must(heal, "apply")
			if got := h.read("etc/exports"); got != applied {
				t.Errorf("%s: healed to\n%s", c.name, got)
			}
			after := parseProbe(h.must(heal, "probe"))
			again := h.exports("s", func(a *NfsShareArgs) { a.Found.Exports = Drift{healed: after.healed} }, "10.0.0.1", "10.0.0.2")
			if len(after.drift) > 0 || again != heal {
				t.Errorf("%s: after the healing the probe says %+v, and the next update's input differs", c.name, after)
			}
		}
	})
}
