package hostscripts

import (
	"os"
	"slices"
	"testing"
)

// A run that is killed at any step leaves each file old or new, and the next run repairs the rest.
func TestPublishKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	h := newStepper(t, "")
	old := map[string]string{"changed": "old", "gone/far/file": "old", "left": "old"}
	var files []File
	prepare := func() {
		for _, dir := range []string{"srv/share", "home/.cache", "var/lib/webapp-balanced"} {
			if err := os.RemoveAll(h.at(dir)); err != nil {
				t.Fatal(err)
			}
		}
		h.write("srv/share/others", "of others", 0o644)
		// The files of one are known only as left by a destroyed stack of this name.
		another := func(a *Share) { a.Identity = identityOf("another") }
		files = h.site(map[string]string{"left": "old"})
		h.mustPublish(files, another)
		h.must(h.scripts("s", another, nil).site, "forget")
		h.mustPublish(h.site(old), nil)
		files = h.site(map[string]string{"changed": "new", "come/file": "new", "left": "old"})
		h.stage(h.scripts("s", nil, files), files)
	}
	prepare()
	everyStep(t, h, h.scripts("s", nil, files).site, "publish", prepare, func() {
		for _, name := range []string{"changed", "gone/far/file", "come/file", "left"} {
			content, err := os.ReadFile(h.at("srv/share/" + name))
			if err == nil && string(content) != "old" && string(content) != "new" {
				t.Errorf("%s is torn: %q", name, content)
			}
		}
		h.mustPublish(files, nil)
		if got, want := h.shared(), []string{"changed", "come/file", "left", "others"}; !slices.Equal(got, want) {
			t.Errorf("after the next run the share has %q, want %q", got, want)
		}
		if h.read("srv/share/others") != "of others" {
			t.Error("a file of others was changed")
		}
		if _, err := os.Stat(h.at("srv/share/gone")); err == nil {
			t.Error("an empty directory of ours is left")
		}
		h.nothingIsLeft()
		if l := h.inspect(h.scripts("s", nil, files)); len(l.Site.Changes) > 0 || len(l.Lacking) > 0 {
			t.Errorf("after the next run the inspection says %+v", l)
		}
	})
}

// The next delete removes what a killed one leaves.
func TestForgetKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	h := newStepper(t, "")
	files := h.site(contentsOf("a", "b/c/d"))
	prepare := func() {
		h.write("srv/share/others", "of others", 0o644)
		h.mustPublish(files, doDelete)
	}
	prepare()
	script := h.scripts("s", doDelete, files).site
	everyStep(t, h, script, "forget", prepare, func() {
		h.must(script, "forget")
		if got, want := h.shared(), []string{"others"}; !slices.Equal(got, want) {
			t.Errorf("after the next run the share has %q, want %q", got, want)
		}
		for _, name := range []string{"srv/share/b", "var/lib/webapp-balanced"} {
			if _, err := os.Stat(h.at(name)); err == nil {
				t.Errorf("%s is left", name)
			}
		}
		h.nothingIsLeft()
	})
}
