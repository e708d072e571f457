package hostscripts

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// names are difficult file names for shells. The fourth line has bytes that dash uses as marks.
var names = []string{
	"index.php", "a dir/with 'quotes' and \"more\".css", "-rf", "--", "-dir/-file", "ünïcode/😀.txt", "two\nlines", "tab\there",
	" leading and trailing ", "back\\slash\\n", "$(reboot)`reboot`${HOME}", "percent %s %b", "star*?[a]", "colon:", "not\xffutf8", ".hidden", "a/b/c/d/e",
	"*", "[a-z]/?", "0", "\n", " ", "last line\n", "last line", "two", "a #b/c;d&e|f", "-n", "new\n@ 41ed 1 2 3 4 5 6/\\0101",
	"āĂă/ąĆć\x81\x88", "\x82/\x83\x84\x85\x86\x87",
}

// site makes a site of files on the host, and returns its list.
func (h *host) site(contents map[string]string) []File {
	h.t.Helper()
	if err := os.RemoveAll(h.at("site")); err != nil {
		h.t.Fatal(err)
	}
	for name, content := range contents {
		h.write(filepath.Join("site", name), content, 0o600)
	}
	files, err := Files(h.at("site"))
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// stage stages the files that the host lacks.
func (h *host) stage(s scripts, files []File) (staged int) {
	h.t.Helper()
	lacking := h.inspect(s).Lacking
	for _, file := range files {
		if lacking[file.SHA256] {
			staged++
			content, err := os.ReadFile(file.Local)
			if err != nil {
				h.t.Fatal(err)
			}
			h.write(s.staging+"/"+file.SHA256, string(content), 0o600)
			delete(lacking, file.SHA256)
		}
	}
	return staged
}

// publishAs stages what the host lacks and publishes.
func (h *host) publishAs(verb string, files []File, change func(*Share)) (staged int, out string, err error) {
	h.t.Helper()
	s := h.scripts("s", change, files)
	staged = h.stage(s, files)
	out, err = h.run(s.site, verb)
	return staged, out, err
}

func (h *host) publish(files []File, change func(*Share)) (staged int, out string, err error) {
	h.t.Helper()
	return h.publishAs("publish", files, change)
}

func (h *host) mustPublish(files []File, change func(*Share)) (staged int) {
	h.t.Helper()
	return h.mustPublishAs("publish", files, change)
}

func (h *host) mustPublishAs(verb string, files []File, change func(*Share)) (staged int) {
	h.t.Helper()
	staged, out, err := h.publishAs(verb, files, change)
	if err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	if out != "" {
		h.t.Fatalf("it says %s", out)
	}
	return staged
}

// shared lists the files in the share.
func (h *host) shared() []string {
	h.t.Helper()
	files, err := Files(h.at("srv/share"))
	if err != nil {
		h.t.Fatal(err)
	}
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Path)
	}
	slices.Sort(paths)
	return paths
}

// nothingIsLeft checks for temporary files of a run: staged files, and the directory for new files.
func (h *host) nothingIsLeft() {
	h.t.Helper()
	if _, err := os.Lstat(h.at("home/.cache")); err == nil {
		h.t.Error("staged files are left")
	}
	if left, _ := filepath.Glob(h.at("srv/share/.webapp-balanced*")); left != nil {
		h.t.Errorf("in the share is left %q", left)
	}
	if left, _ := filepath.Glob(h.at("var/lib/webapp-balanced/*/[^se]*")); left != nil {
		h.t.Errorf("among the notes is left %q", left)
	}
}

func contentsOf(names ...string) map[string]string {
	contents := map[string]string{}
	for _, name := range names {
		contents[name] = "content of " + name
	}
	return contents
}

func doDelete(a *Share) { a.DeleteOnDestroy = true }
func adopting(a *Share) { a.Adopt = true }

func TestPublish(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/others.txt", "of others", 0o644)
		h.write("srv/share/a/others.txt", "of others", 0o644)
		contents := contentsOf(names...)
		contents["twice"], contents["thrice/x"] = contents["index.php"], contents["index.php"]
		if staged := h.mustPublish(h.site(contents), nil); staged != len(names) {
			t.Errorf("%d files were staged, want %d", staged, len(names))
		}
		for name, content := range contents {
			if got := h.read(filepath.Join("srv/share", name)); got != content {
				t.Errorf("%q is %q", name, got)
			}
			info, err := os.Stat(h.at(filepath.Join("srv/share", name)))
			if err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("%q has the mode %v, which a squashed root cannot read (%v)", name, info.Mode(), err)
			}
		}
		h.nothingIsLeft()
		if l := h.inspect(h.scripts("s", nil, h.site(contents))); len(l.Site.Changes) > 0 || len(l.Lacking) > 0 {
			t.Errorf("after that the inspection says %+v", l)
		}
		if staged := h.mustPublish(h.site(contents), nil); staged != 0 {
			t.Errorf("%d unchanged files were staged again", staged)
		}

		// One file changes, one is new, most are removed.
		if staged := h.mustPublish(h.site(map[string]string{"index.php": "new", "new": "new, too", ".hidden": contents[".hidden"]}), nil); staged != 2 {
			t.Errorf("%d files were staged, want the 2 that differ", staged)
		}
		if got, want := h.shared(), []string{".hidden", "a/others.txt", "index.php", "new", "others.txt"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
		if _, err := os.Stat(h.at("srv/share/a/b")); err == nil {
			t.Error("an empty directory of ours is left")
		}
		if _, err := os.Stat(h.at("srv/share/thrice")); err == nil {
			t.Error("an empty directory of ours is left")
		}

		s := h.scripts("s", nil, nil)
		h.must(s.site, "forget")
		if got := h.shared(); len(got) != 5 {
			t.Errorf("forget touched the data: %q", got)
		}
		if left, _ := filepath.Glob(h.at("var/lib/webapp-balanced/*/*")); len(left) != 1 || filepath.Base(left[0]) != "left" {
			t.Errorf("of the notes is left %q, want what was left in the share", left)
		}
		h.must(h.scripts("s", doDelete, nil).site, "forget")
		if got, want := h.shared(), []string{"a/others.txt", "others.txt"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
		if _, err := os.Stat(h.at("var/lib/webapp-balanced")); err == nil {
			t.Error("the notes are left")
		}
		if _, err := os.Stat(h.at("home")); err != nil {
			t.Errorf("the login user's home is gone, since it was empty: %v", err)
		}
	})
}

func TestPublishManyFiles(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/others", "", 0o644)
		contents := map[string]string{}
		for i := range 300 {
			contents["d"+strconv.Itoa(i%7)+"/"+strconv.Itoa(i)] = strconv.Itoa(i / 2)
		}
		files := h.site(contents)
		if staged := h.mustPublish(files, nil); staged != 150 {
			t.Errorf("%d files were staged, want 150", staged)
		}
		for name, content := range contents {
			if got := h.read("srv/share/" + name); got != content {
				t.Errorf("%s is %q, want %q", name, got, content)
			}
		}
		if l := h.inspect(h.scripts("s", nil, files)); len(l.Site.Changes) > 0 || len(l.Lacking) > 0 {
			t.Errorf("after that the inspection says %+v", l)
		}
		h.must(h.scripts("s", doDelete, files).site, "forget")
		if got, want := h.shared(), []string{"others"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
	})
}

// A name in the site may change from a file to a directory and back.
func TestPublishFileForDirectory(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/others", "", 0o644)
		for _, names := range [][]string{{"a", "b"}, {"a/x y", "a/z/1"}, {"a"}, {"a/z"}} {
			h.mustPublish(h.site(contentsOf(names...)), nil)
			if got, want := h.shared(), append(names, "others"); !slices.Equal(got, want) {
				t.Errorf("the share has %q, want %q", got, want)
			}
		}
		h.write("srv/share/a/by hand", "", 0o644)
		if _, out, err := h.publish(h.site(contentsOf("a")), nil); err == nil || !strings.Contains(out, "a is a directory there, with files of others") {
			t.Errorf("%v: %s", err, out)
		}
		// A changed file stays, so no directory can replace it.
		h = newHost(t, shell, "")
		h.write("srv/share/others", "", 0o644)
		h.mustPublish(h.site(contentsOf("a")), nil)
		h.write("srv/share/a", "changed", 0o644)
		if _, out, err := h.publish(h.site(contentsOf("a/b", "c")), nil); err == nil || !strings.Contains(out, "a was changed by hand, and is not a directory: remove it\nnothing was published") {
			t.Errorf("%v: %s", err, out)
		}
		if got, want := h.shared(), []string{"a", "others"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
	})
}

// With deleteOnDestroy, only the published files are deleted.
func TestForgetDeletes(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/a/others.txt", "of others", 0o644)
		files := h.site(contentsOf(names...))
		h.mustPublish(files, doDelete)
		h.must(h.scripts("s", doDelete, files).site, "forget")
		if got, want := h.shared(), []string{"a/others.txt"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
		if _, err := os.Stat(h.at("srv/share/a/b")); err == nil {
			t.Error("an empty directory of ours is left")
		}
		if _, err := os.Stat(h.at("var/lib/webapp-balanced")); err == nil {
			t.Error("the notes are left")
		}
		h.nothingIsLeft()
	})
}

// A file that was changed by hand is not ours to delete any more, neither when it leaves the site nor when
// the share is deleted.
func TestForgetKeepsWhatWasChanged(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		h.mustPublish(h.site(contentsOf("gone", "stays", "two\nlines", "x")), doDelete)
		h.write("srv/share/gone", "changed", 0o644)
		if _, out, err := h.publish(h.site(contentsOf("stays", "two\nlines", "x")), doDelete); err != nil || out != "gone was changed by hand, so it is kept\n" {
			t.Errorf("%v: %s", err, out)
		}
		h.write("srv/share/two\nlines", "changed", 0o644)
		if out := h.must(h.scripts("s", doDelete, nil).site, "forget"); out != "two\\0012lines was changed by hand, so it is kept\n" {
			t.Errorf("it says %s", out)
		}
		if got, want := h.shared(), []string{"gone", "two\nlines"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
	})
}

// mustDir makes a directory of the host.
func (h *host) mustDir(name string) {
	h.t.Helper()
	if err := os.MkdirAll(h.at(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
}
