package components

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// names are those of files that are hard on shells.
var names = []string{
	"index.php", "a dir/with 'quotes' and \"more\".css", "-rf", "--", "-dir/-file", "ünïcode/😀.txt", "two\nlines", "tab\there",
	" leading and trailing ", "back\\slash\\n", "$(reboot)`reboot`${HOME}", "percent %s %b", "star*?[a]", "not\xffutf8", ".hidden", "a/b/c/d/e",
}

// site makes a site of files on the host, and returns its list.
func (h *host) site(contents map[string]string) []siteFile {
	h.t.Helper()
	if err := os.RemoveAll(h.at("site")); err != nil {
		h.t.Fatal(err)
	}
	for name, content := range contents {
		h.write(filepath.Join("site", name), content, 0o600)
	}
	files, err := siteFiles(h.at("site"))
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// publish stages what the host lacks and publishes.
func (h *host) publish(files []siteFile, change func(*NfsShareArgs)) (staged int, out string, err error) {
	h.t.Helper()
	s := h.scripts("s", change, files)
	for _, file := range files {
		if parseProbe(h.must(s.site, "probe")).lacking[file.sha256] {
			staged++
			content, err := os.ReadFile(file.local)
			if err != nil {
				h.t.Fatal(err)
			}
			h.write(s.staging+"/"+file.sha256, string(content), 0o600)
		}
	}
	out, err = h.run(s.site, "publish")
	return staged, out, err
}

func (h *host) mustPublish(files []siteFile, change func(*NfsShareArgs)) (staged int) {
	h.t.Helper()
	staged, out, err := h.publish(files, change)
	if err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	return staged
}

// shared lists the files in the share.
func (h *host) shared() []string {
	h.t.Helper()
	files, err := siteFiles(h.at("srv/share"))
	if err != nil {
		h.t.Fatal(err)
	}
	var paths []string
	for _, file := range files {
		paths = append(paths, file.path)
	}
	slices.Sort(paths)
	return paths
}

func contentsOf(names ...string) map[string]string {
	contents := map[string]string{}
	for _, name := range names {
		contents[name] = "content of " + name
	}
	return contents
}

func TestPublish(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/others.txt", "of others", 0o644)
		h.write("srv/share/a/others.txt", "of others", 0o644)
		contents := contentsOf(names...)
		if staged := h.mustPublish(h.site(contents), nil); staged != len(names) {
			t.Errorf("%d files were staged, want %d", staged, len(names))
		}
		for _, name := range names {
			if got := h.read(filepath.Join("srv/share", name)); got != contents[name] {
				t.Errorf("%q is %q", name, got)
			}
			info, err := os.Stat(h.at(filepath.Join("srv/share", name)))
			if err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("%q has the mode %v, which a squashed root cannot read (%v)", name, info.Mode(), err)
			}
		}
		if dirs, _ := filepath.Glob(h.at(".cache/*")); dirs != nil {
			if left, _ := os.ReadDir(dirs[0]); len(left) > 0 {
				t.Errorf("staged files are left: %v", left)
			}
		}
		if staged := h.mustPublish(h.site(contents), nil); staged != 0 {
			t.Errorf("%d unchanged files were staged again", staged)
		}

		// One changes, one comes, most go.
		if staged := h.mustPublish(h.site(map[string]string{"index.php": "new", "new": "new, too", ".hidden": contents[".hidden"]}), nil); staged != 2 {
			t.Errorf("%d files were staged, want the 2 that differ", staged)
		}
		if got, want := h.shared(), []string{".hidden", "a/others.txt", "index.php", "new", "others.txt"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
		if _, err := os.Stat(h.at("srv/share/a/b")); err == nil {
			t.Error("an empty directory of ours is left")
		}

		s := h.scripts("s", nil, nil)
		h.must(s.site, "forget")
		if got := h.shared(); len(got) != 5 {
			t.Errorf("forget touched the data: %q", got)
		}
		if _, err := os.Stat(h.at("var/lib/webapp-balanced")); err == nil {
			t.Error("the notes are left")
		}
	})
}

// A name of the site's may change from a file to a directory and back.
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
	})
}

// With deleteOnDestroy, what was published goes, and nothing else.
func TestForgetDeletes(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/a/others.txt", "of others", 0o644)
		doDelete := func(a *NfsShareArgs) { a.DeleteOnDestroy = true }
		files := h.site(contentsOf(names...))
		h.mustPublish(files, doDelete)
		h.must(h.scripts("s", doDelete, files).site, "forget")
		if got, want := h.shared(), []string{"a/others.txt"}; !slices.Equal(got, want) {
			t.Errorf("the share has %q, want %q", got, want)
		}
	})
}

// What is somebody else's, or leads out of the share, is refused before
// anything is published.
func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		set    func(*host)
		change func(*NfsShareArgs)
		want   string
	}{
		{"a file of others", func(h *host) { h.write("srv/share/index.php", "by hand", 0o644) }, nil,
			"publish: index.php is somebody else's there; nfs.adopt: true replaces it\nnothing was published"},
		{"the same file, put there by hand", func(h *host) { h.write("srv/share/index.php", "content of index.php", 0o600) }, nil, ""},
		{"a file of others, adopted", func(h *host) { h.write("srv/share/index.php", "by hand", 0o644) }, func(a *NfsShareArgs) { a.Adopt = true }, ""},
		{"a directory of that name", func(h *host) { h.write("srv/share/index.php/x", "", 0o644) }, nil, "publish: index.php is a directory there, with files of others"},
		{"a link out of the share", func(h *host) {
			h.write("outside/x", "", 0o644)
			h.write("srv/share/x", "", 0o644)
			if err := os.Symlink(h.at("outside"), h.at("srv/share/css")); err != nil {
				h.t.Fatal(err)
			}
		}, nil, "publish: /srv/share/css is a symbolic link, and what it names may not be the share's"},
		{"a file where a directory is needed", func(h *host) { h.write("srv/share/css", "by hand", 0o644) }, func(a *NfsShareArgs) { a.Adopt = true },
			"publish: css is somebody else's there, and no directory"},
		{"a share that clients cannot read", func(h *host) {
			h.write("srv/share/x", "", 0o644)
			if err := os.Chmod(h.at("srv/share"), 0o700); err != nil {
				h.t.Fatal(err)
			}
		}, nil, "publish: clients cannot read /srv/share: chmod o+rx it; nothing was published"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, "")
				h.write("srv/share/other", "", 0o644)
				c.set(h)
				_, out, err := h.publish(h.site(contentsOf("index.php", "css/a.css")), c.change)
				if c.want == "" {
					if err != nil || h.read("srv/share/index.php") != "content of index.php" {
						t.Errorf("%v: %s", err, out)
					}
					return
				}
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v: %s\nwant %s", err, out, c.want)
				}
				if _, err := os.Stat(h.at("srv/share/css/a.css")); err == nil {
					t.Error("something was published")
				}
			})
		})
	}
}

func TestPublishRefusesWhatWasChangedOnItsWay(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/other", "", 0o644)
		s := h.scripts("s", nil, h.site(contentsOf("index.php")))
		h.write(s.staging+"/"+h.site(contentsOf("index.php"))[0].sha256, "not ours", 0o644)
		out, err := h.run(s.site, "publish")
		if err == nil || !strings.Contains(out, "publish: not staged in "+s.staging+", or changed on the way: ") {
			t.Errorf("%v: %s", err, out)
		}
		if _, err := os.Stat(h.at("srv/share/index.php")); err == nil {
			t.Error("it was published")
		}
	})
}

func TestPublishDrift(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/other", "", 0o644)
		files := h.site(contentsOf("index.php", "a b", "two\nlines"))
		h.mustPublish(files, nil)
		h.write("srv/share/index.php", "edited", 0o644)
		if err := os.Remove(h.at("srv/share/two\nlines")); err != nil {
			t.Fatal(err)
		}
		found := parseProbe(h.must(h.scripts("s", nil, files).site, "probe"))
		if want := []string{"index.php was changed", `two\0012lines is gone`}; !slices.Equal(found.drift, want) || len(found.lacking) != 2 {
			t.Errorf("the drift is %q, want %q; lacking %v", found.drift, want, found.lacking)
		}
		heal := func(a *NfsShareArgs) { a.Found.Site = Drift{Found: found.drift, seen: now} }
		h.mustPublish(files, heal)
		after := parseProbe(h.must(h.scripts("s", heal, files).site, "probe"))
		same := h.scripts("s", func(a *NfsShareArgs) { a.Found.Site = Drift{healed: after.healed} }, files)
		if len(after.drift) > 0 || same.site != h.scripts("s", heal, files).site {
			t.Errorf("after the healing the probe says %+v, and the next update's input differs", after)
		}
		if h.read("srv/share/index.php") != "content of index.php" || h.read("srv/share/two\nlines") == "" {
			t.Error("it was not healed")
		}
	})
}

// A run that is killed, wherever, leaves each file the old one or the new one,
// and the next run heals what is left.
func TestPublishKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	h := newStepper(t, "")
	old := map[string]string{"changed": "old", "gone/file": "old"}
	files := h.site(old)
	prepare := func() {
		for _, dir := range []string{"srv/share", ".cache", "var"} {
			if err := os.RemoveAll(h.at(dir)); err != nil {
				t.Fatal(err)
			}
		}
		h.write("srv/share/others", "of others", 0o644)
		files = h.site(old)
		h.mustPublish(files, nil)
		files = h.site(map[string]string{"changed": "new", "come/file": "new"})
		for _, file := range files {
			h.write(h.scripts("s", nil, nil).staging+"/"+file.sha256, "new", 0o600)
		}
	}
	prepare()
	everyStep(t, h, h.scripts("s", nil, files).site, "publish", prepare, func() {
		for _, name := range []string{"changed", "gone/file", "come/file"} {
			content, err := os.ReadFile(h.at("srv/share/" + name))
			if err == nil && string(content) != "old" && string(content) != "new" {
				t.Errorf("%s is torn: %q", name, content)
			}
		}
		h.mustPublish(files, nil)
		if got, want := h.shared(), []string{"changed", "come/file", "others"}; !slices.Equal(got, want) {
			t.Errorf("after the next run the share has %q, want %q", got, want)
		}
	})
}

// What is no regular file is refused by name, all of it at once.
func TestSiteOfSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := siteFiles(dir)
	const each = ` is a symbolic link, and only regular files are published: take it out of the site, or put a copy there`
	if want := "read the site " + dir + ": \"a\"" + each + "\n\"b\"" + each; err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}
