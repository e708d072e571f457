package hostscripts

import (
	"os"
	"slices"
	"testing"
)

// Changes by hand in the share are found, repaired, and not found again.
func TestPublishDrift(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/other", "", 0o644)
		files := h.site(contentsOf("index.php", "a b", "two\nlines", "css/a", "css/b", "private", "js/a"))
		h.mustPublish(files, nil)
		h.write("srv/share/index.php", "edited", 0o644)
		h.chmod("srv/share/private", 0o600)
		h.remove("srv/share/two\nlines")
		if err := os.Rename(h.at("srv/share/js"), h.at("srv/share/elsewhere")); err != nil {
			t.Fatal(err)
		}
		h.symlink("elsewhere", "srv/share/js")
		found := h.inspect(h.scripts("s", nil, files))
		slices.Sort(found.Site.Changes)
		want := []string{"index.php was changed", "js/a lies behind a symbolic link", "private cannot be read by clients", `two\0012lines is gone`}
		if !slices.Equal(found.Site.Changes, want) || len(found.Lacking) != 3 {
			t.Errorf("the drift is %q, want %q; lacking %v", found.Site.Changes, want, found.Lacking)
		}
		if got, want := found.reasons(), "js is a symbolic link in /srv/share, and it may lead out of it"; got != want {
			t.Errorf("the inspection would refuse %q, want %q", got, want)
		}
		h.remove("srv/share/js")
		h.found.Site = Drift{Changes: found.Site.Changes, seen: now}
		h.mustPublish(files, nil)
		repair := h.scripts("s", nil, files)
		after := h.inspect(repair)
		h.found.Site = Drift{repaired: after.Site.repaired}
		if len(after.Site.Changes) > 0 || h.scripts("s", nil, files).site != repair.site {
			t.Errorf("after the repair the inspection says %+v, and the next update's input differs", after)
		}
		if h.read("srv/share/index.php") != "content of index.php" || h.read("srv/share/two\nlines") == "" || h.read("srv/share/js/a") == "" {
			t.Error("it was not repaired")
		}
		if info, err := os.Stat(h.at("srv/share/private")); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%v, %v", info, err)
		}

		// The administrator has to open a directory that clients cannot read.
		h.chmod("srv/share/css", 0o700)
		if got, want := h.inspect(h.scripts("s", nil, files)).reasons(), "clients cannot read css in /srv/share"; got != want {
			t.Errorf("the inspection would refuse %q, want %q", got, want)
		}
		// If the share is gone, nothing above it is inspected.
		h.write("srv/index.php", "above the share", 0o644)
		h.mustDir("srv/css")
		h.remove("srv/share")
		if l := h.inspect(h.scripts("s", nil, files)); len(l.Site.Changes) != len(files) || !slices.Contains(l.Site.Changes, "index.php is gone") || l.reasons() != "" {
			t.Errorf("of a share that is gone the inspection says %q and would refuse %q", l.Site.Changes, l.reasons())
		}
		h.must(h.scripts("s", doDelete, files).site, "forget")
		if _, err := os.Stat(h.at("srv/css")); err != nil || h.read("srv/index.php") != "above the share" {
			t.Error("forget changed what is not in the share")
		}
	})
}

// A changed file is found even with the same time and size, and with the same content.
func TestPublishDriftOfSameTimeAndSize(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		files := h.site(contentsOf("a"))
		h.mustPublish(files, nil)
		h.do("cd /srv/share; touch -r a ../time; printf 'CONTENT of a' >a; touch -r ../time a; rm ../time")
		if l := h.inspect(h.scripts("s", nil, files)); !slices.Equal(l.Site.Changes, []string{"a was changed"}) {
			t.Errorf("the inspection says %q", l.Site.Changes)
		}
		h.mustPublish(files, nil)
		h.do("cd /srv/share; touch -r a ../time; printf 'content of a' >a; touch -r ../time a; rm ../time")
		if l := h.inspect(h.scripts("s", nil, files)); !slices.Equal(l.Site.Changes, []string{"a was changed"}) {
			t.Errorf("of the same content the inspection says %q", l.Site.Changes)
		}
	})
}
