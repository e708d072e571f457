package hostscripts

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Changes by hand are found, repaired, and not found again.
func TestExportsDrift(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		before := h.exportByHand()
		h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), "apply 01")
		applied, table := h.read("etc/exports"), h.table()
		if l := h.inspect(h.scripts("s", nil, nil, "10.0.0.3")); len(l.Exports.Changes) > 0 {
			t.Errorf("a change of the configuration is not drift: %q", l.Exports.Changes)
		}
		const line, options = "/srv/share 10.0.0.1(rw,sync,no_subtree_check)", "rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,secure,root_squash,no_all_squash"
		widened := strings.ReplaceAll(options, "root_squash", "no_root_squash")
		second := strings.Replace(line, ".1(", ".2(", 1)
		notes := h.notes("exports")
		for _, c := range []struct {
			name string
			do   func()
			want []string
		}{
			{"a line edited", func() {
				h.write("etc/exports", strings.Replace(applied, "10.0.0.1(rw", "10.0.0.1(ro", 1), 0o640)
			}, []string{"/etc/exports lacks: " + line, "/etc/exports has: " + strings.Replace(line, "rw", "ro", 1)}},
			{"a line twice", func() {
				h.write("etc/exports", strings.Replace(applied, line, line+"\n"+line, 1), 0o640)
			}, []string{"/etc/exports has: " + line}},
			{"bytes that are not UTF-8", func() {
				h.write("etc/exports", strings.Replace(applied, line, line+"\n# caf\xe9\x01", 1), 0o640)
			}, []string{`/etc/exports has: # caf\xe9\x01`}},
			{"the block deleted", func() { h.write("etc/exports", foreign, 0o640) },
				[]string{"/etc/exports lacks: " + line, "/etc/exports lacks: " + second}},
			{"un-exported", func() { h.do("exportfs -u 10.0.0.1:/srv/share") },
				[]string{"the export table lacks: /srv/share 10.0.0.1(" + options + ")"}},
			{"widened", func() { h.do("exportfs -i -o rw,sync,no_subtree_check,no_root_squash 10.0.0.1:/srv/share") },
				[]string{"the export table lacks: /srv/share 10.0.0.1(" + options + ")", "the export table has: /srv/share 10.0.0.1(" + widened + ")"}},
			{"another client", func() { h.do("exportfs -i -o rw,sync,no_subtree_check 10.6.6.6:/srv/share") },
				[]string{"the export table has: /srv/share 10.6.6.6(" + options + ")"}},
			{"the notes deleted", func() {
				h.remove("var/lib/webapp-balanced")
			}, []string{"/var/lib/webapp-balanced lacks the notes of the share"}},
			{"the directory deleted", func() {
				h.remove("srv/share")
			}, []string{"the directory /srv/share is gone"}},
		} {
			c.do()
			s := h.scripts("s", nil, nil, "10.0.0.1", "10.0.0.2")
			found := h.inspect(s)
			if !slices.Equal(found.Exports.Changes, c.want) {
				t.Errorf("%s: the drift is\n%q\nwant\n%q", c.name, found.Exports.Changes, c.want)
			}
			h.found.Exports = Drift{Changes: found.Exports.Changes, seen: now}
			repair := h.scripts("s", nil, nil, "10.0.0.1", "10.0.0.2")
			h.must(repair.exports, "apply")
			if got := h.read("etc/exports"); got != applied {
				t.Errorf("%s: repaired to\n%s", c.name, got)
			}
			if got := h.table(); !slices.Equal(got, table) {
				t.Errorf("%s: the table is repaired to\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(table, "\n"))
			}
			h.foreignTableIs(before)
			if info, err := os.Stat(h.at("srv/share")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%s: the directory: %v %v", c.name, info, err)
			}
			if h.notes("exports") != notes {
				t.Errorf("%s: the notes are %s", c.name, h.notes("exports"))
			}
			after := h.inspect(repair)
			h.found.Exports = Drift{repaired: after.Exports.repaired}
			again := h.exports("s", nil, "10.0.0.1", "10.0.0.2")
			h.found.Exports = Drift{}
			if len(after.Exports.Changes) > 0 || again != repair.exports {
				t.Errorf("%s: after the repair the inspection says %+v, and the next update's input differs", c.name, after)
			}
		}
	})
}

// A missing block and missing notes are drift if the stack's state has the share.
func TestExportsGone(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		s := h.scripts("s", nil, nil, "10.0.0.1")
		if l := h.inspect(s); len(l.Exports.Changes) > 0 {
			t.Errorf("before the first update: %q", l.Exports.Changes)
		}
		s.inspect = with("deployed yes", s.inspect)
		want := []string{"/var/lib/webapp-balanced lacks the notes of the share", "the directory /srv/share is gone", "/etc/exports lacks: /srv/share 10.0.0.1(rw,sync,no_subtree_check)"}
		if l := h.inspect(s); !slices.Equal(l.Exports.Changes, want) {
			t.Errorf("the drift is %q, want %q", l.Exports.Changes, want)
		}
	})
}
