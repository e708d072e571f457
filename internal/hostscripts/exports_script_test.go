package hostscripts

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const foreign = "# by hand\n\n/home\t*.example.com(rw,sync) \\\n\t192.168.7.0/24(ro)   # trailing\n\"/srv/my share\" @group(ro)\n"

func TestExportsApplyAndRemove(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply")
		const want = foreign + `# BEGIN p/s/share:/srv/share 0000000000000073 (managed by Pulumi, edits are lost)
/srv/share 10.0.0.1(rw,sync,no_subtree_check)
/srv/share 10.0.0.2(rw,sync,no_subtree_check)
# END p/s/share:/srv/share 0000000000000073 (managed by Pulumi)
`
		if got := h.read("etc/exports"); got != want {
			t.Errorf("after apply:\n%s\nwant\n%s", got, want)
		}
		if _, err := os.Stat(h.at("srv/share")); err != nil {
			t.Error(err)
		}
		if got, want := h.tableOf("/srv/share"), []string{"10.0.0.1", "10.0.0.2"}; !slices.Equal(got, want) {
			t.Errorf("the kernel exports to %q, want %q", got, want)
		}
		h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply")
		if got := h.read("etc/exports"); got != want {
			t.Errorf("after the same again:\n%s", got)
		}

		// Lines added below stay below.
		h.write("etc/exports", want+"/last (ro)\n", 0o640)
		h.must(h.exports("s", nil, "10.0.0.3"), "apply")
		got := h.read("etc/exports")
		if strings.Contains(got, "10.0.0.1") || strings.Count(got, "10.0.0.3") != 1 || !strings.HasSuffix(got, "(managed by Pulumi)\n/last (ro)\n") {
			t.Errorf("after a change:\n%s", got)
		}

		if got, want := h.tableOf("/srv/share"), []string{"10.0.0.3"}; !slices.Equal(got, want) {
			t.Errorf("the kernel exports to %q, want %q", got, want)
		}

		h.must(h.exports("s", nil, "10.0.0.3"), "remove")
		if got := h.tableOf("/srv/share"); got != nil {
			t.Errorf("the kernel still exports to %q", got)
		}
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

// realExports returns the files that real hosts had, by name.
func realExports(t *testing.T) map[string]string {
	files, err := filepath.Glob("testdata/exports/*")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	contents := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		contents[filepath.Base(file)] = string(content)
	}
	return contents
}

// Applying, changing, applying again and removing restores every byte.
func TestExportsKeepEveryByte(t *testing.T) {
	t.Parallel()
	contents := realExports(t)
	contents["empty"] = ""
	var long strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&long, "/srv/project%d 10.%d.%d.0/24(rw,sync,no_subtree_check)\n", i, i/256, i%256)
	}
	contents["5000 lines"] = long.String()
	eachShell(t, func(t *testing.T, shell []string) {
		for i, name := range slices.Sorted(maps.Keys(contents)) {
			if testing.Short() && i%4 != 0 {
				continue // make unit has no time for all; make test has
			}
			content := contents[name]
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, content)
				before := h.exportByHand()
				one, two := h.exports("s", nil, "10.9.0.1"), h.exports("s", nil, "10.9.0.1", "10.9.0.2")
				for _, step := range []struct {
					script, verb string
					lines        int
				}{{one, "apply", 1}, {two, "apply", 2}, {two, "apply", 2}, {one, "remove", 0}} {
					if shell[0] != "dash" && step.script == two {
						continue // for the sake of time, under one shell only
					}
					h.must(step.script, step.verb)
					if n := strings.Count(h.read("etc/exports"), "/srv/share 10.9.0."); n != step.lines {
						t.Fatalf("%d lines of ours, want %d:\n%s", n, step.lines, h.read("etc/exports"))
					}
					if got := h.tableOf("/srv/share"); len(got) != step.lines {
						t.Errorf("the kernel exports to %q, want %d", got, step.lines)
					}
					h.foreignTableIs(before)
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
		elsewhere := func(a *Share) { a.Path = "/srv/two" }
		h.must(h.exports("one", nil, "10.0.0.1"), "apply")
		one, table := h.read("etc/exports"), h.table()
		h.must(h.exports("two", elsewhere, "10.0.0.2"), "apply")
		both := h.read("etc/exports")
		h.must(h.exports("two", elsewhere, "10.0.0.2"), "remove")
		if got := h.read("etc/exports"); got != one {
			t.Errorf("the other stack's block is not what it was:\n%s", got)
		}
		if got := h.table(); !slices.Equal(got, table) {
			t.Errorf("what is exported of the other stack is %q, and was %q", got, table)
		}
		h.write("etc/exports", both, 0o644)
		h.must(h.exports("one", nil, "10.0.0.1"), "remove")
		h.must(h.exports("two", elsewhere, "10.0.0.2"), "remove")
		if got := h.read("etc/exports"); got != "/last (ro)" {
			t.Errorf("removed in the order they came, %q is left", got)
		}
	})
}

// A symbolic link is followed: the file that it names is replaced.
func TestExportsThroughALink(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/real/exports", foreign, 0o644)
		h.remove("etc/exports")
		if err := os.Symlink("/srv/real/exports", h.at("etc/exports")); err != nil {
			t.Fatal(err)
		}
		h.must(h.exports("s", nil, "10.0.0.1"), "apply")
		if _, err := os.Readlink(h.at("etc/exports")); err != nil {
			t.Errorf("the link is gone: %v", err)
		}
		if !strings.Contains(h.read("srv/real/exports"), "10.0.0.1") {
			t.Error("the link's target was not changed")
		}
	})
}
