package hostscripts

import (
	"slices"
	"strings"
	"testing"
)

// Pulumi creates a replacement before it deletes the old resource: the delete of the old one leaves the
// new one alone, and the delete of the new one still removes it.
func TestExportsDeleteOfAnOldRun(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		s := h.scripts("s", nil, nil, "10.0.0.1")
		h.must(s.exports, "apply 01")
		file, table := h.read("etc/exports"), h.table()
		h.must(s.exports, "apply 02") // the resource was tainted
		h.must(s.exports, "apply")    // and updated once
		h.must(s.exports, "remove 01")
		if got := h.read("etc/exports"); got != file {
			t.Errorf("the delete of the old one leaves\n%s", got)
		}
		if got := h.table(); !slices.Equal(got, table) {
			t.Errorf("the table is %q", got)
		}
		if l := h.inspect(s); len(l.Exports.Changes) > 0 {
			t.Errorf("the inspection finds %q", l.Exports.Changes)
		}
		h.must(s.exports, "remove 02")
		if got := h.read("etc/exports"); got != foreign {
			t.Errorf("its own delete leaves\n%s", got)
		}
	})
}

// A directory belongs to one stack, known by its identity, not by its name.
func TestExportsOfAnotherStack(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.must(h.exports("one", nil, "10.0.0.1"), "apply 01")
		file := h.read("etc/exports")

		// Another name, another client.
		two := h.scripts("two", nil, nil, "10.0.0.2")
		const belongs = "/srv/share belongs to the stack of p/one/share:/srv/share"
		if out, err := h.run(two.exports, "apply 01"); err == nil || !strings.Contains(out, belongs) {
			t.Errorf("%v: %s", err, out)
		}
		if got := h.inspect(two).reasons(); !strings.Contains(got, belongs) {
			t.Errorf("the inspection says %q", got)
		}

		// The same name, from another backend.
		other := func(a *Share) { a.Identity = identityOf("other") }
		same := h.scripts("one", other, nil, "10.0.0.1")
		const sameName = "another stack of the same name, from another backend, shares /srv/share"
		if out, err := h.run(same.exports, "apply 01"); err == nil || !strings.Contains(out, sameName) {
			t.Errorf("%v: %s", err, out)
		}
		if got := h.inspect(same).reasons(); !strings.Contains(got, sameName) {
			t.Errorf("the inspection says %q", got)
		}
		if got := h.read("etc/exports"); got != file {
			t.Errorf("the file is\n%s", got)
		}

		// With adopt it takes the share over: the state may be lost.
		adopt := func(a *Share) { other(a); a.Adopt = true }
		h.must(h.exports("one", adopt, "10.0.0.1"), "apply 03")
		if got, want := h.read("etc/exports"), strings.ReplaceAll(file, identityOf("one"), identityOf("other")); got != want {
			t.Errorf("taken over, the file is\n%s\nwant\n%s", got, want)
		}
		if l := h.inspect(same); len(l.Conflicts)+len(l.Exports.Changes) > 0 {
			t.Errorf("after that the inspection says %v %q", l.Conflicts, l.Exports.Changes)
		}
		h.must(h.exports("one", other, "10.0.0.1"), "remove 03")
		if got := h.read("etc/exports"); got != foreign {
			t.Errorf("removed, the file is\n%s", got)
		}
	})
}

// A renamed stack has the same identity, and its block is renamed in place.
func TestExportsOfARenamedStack(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.must(h.exports("one", nil, "10.0.0.1"), "apply 01")
		h.write("etc/exports", h.read("etc/exports")+"/last (ro)\n", 0o640)
		file := h.read("etc/exports")
		renamed := h.scripts("two", func(a *Share) { a.Identity = identityOf("one") }, nil, "10.0.0.1")
		if l := h.inspect(renamed); len(l.Conflicts)+len(l.Exports.Changes) > 0 {
			t.Errorf("the inspection says %v %q", l.Conflicts, l.Exports.Changes)
		}
		h.must(renamed.exports, "apply")
		if got, want := h.read("etc/exports"), strings.ReplaceAll(file, "p/one/", "p/two/"); got != want {
			t.Errorf("the file is\n%s\nwant\n%s", got, want)
		}
		h.must(renamed.exports, "remove 01")
		if got := h.read("etc/exports"); got != foreign+"/last (ro)\n" {
			t.Errorf("removed, the file is\n%s", got)
		}
	})
}

// A share of an earlier version, without an identity, becomes this stack's by its name.
func TestExportsOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		const line = "/srv/share 10.0.0.1(rw,sync,no_subtree_check)\n"
		h := newHost(t, shell, foreign+"# BEGIN p/s/share:/srv/share (managed by Pulumi, edits are lost)\n"+line+"# END p/s/share:/srv/share (managed by Pulumi)\n")
		s := h.scripts("s", nil, nil, "10.0.0.1")
		var was string
		for l := range strings.Lines(s.exports) {
			if name, ok := strings.CutPrefix(l, "was "); ok {
				was = strings.TrimSpace(name)
			}
		}
		h.write("var/lib/webapp-balanced/"+was+"/exports", "block p/s/share:/srv/share\ndirectory /srv/share\nstate "+was+"\nline "+line, 0o644)
		h.do("mkdir /srv/share; exportfs -i -o rw,sync,no_subtree_check 10.0.0.1:/srv/share")
		if l := h.inspect(s); len(l.Conflicts)+len(l.Exports.Changes) > 0 {
			t.Errorf("the inspection says %v %q", l.Conflicts, l.Exports.Changes)
		}
		h.must(s.exports, "apply")
		if got := h.read("etc/exports"); strings.Count(got, line) != 1 || !strings.Contains(got, "# BEGIN p/s/share:/srv/share "+identityOf("s")+" (") {
			t.Errorf("the file is\n%s", got)
		}
		if l := h.inspect(s); len(l.Conflicts)+len(l.Exports.Changes) > 0 {
			t.Errorf("after the update the inspection says %v %q", l.Conflicts, l.Exports.Changes)
		}
		h.must(s.exports, "remove") // as in the old state, without a generation
		if got := h.read("etc/exports"); got != foreign {
			t.Errorf("removed, the file is\n%s", got)
		}
	})
}
