package hostscripts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files of others, and links out of the share, are refused before anything is published.
func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		set    func(*host)
		change func(*Share)
		want   string
	}{
		{"a file of others", func(h *host) { h.write("srv/share/index.php", "by hand", 0o644) }, nil,
			"publish: index.php is already in the share, and this stack did not publish it: remove it, or set the share's adopt to true, which replaces it\nnothing was published"},
		{"the same file, put there by hand", func(h *host) { h.write("srv/share/index.php", "content of index.php", 0o644) }, nil,
			"publish: index.php is already in the share, and this stack did not publish it: remove it, or set the share's adopt to true, which replaces it\nnothing was published"},
		{"a file of others, adopted", func(h *host) { h.write("srv/share/index.php", "by hand", 0o644) }, adopting, ""},
		{"the same file, adopted", func(h *host) { h.write("srv/share/index.php", "content of index.php", 0o600) }, adopting, ""},
		{"a directory of that name", func(h *host) { h.write("srv/share/index.php/x", "", 0o644) }, nil,
			"publish: index.php is a directory there: remove it\nnothing was published"},
		{"an empty directory of that name", func(h *host) { h.mustDir("srv/share/index.php") }, nil,
			"publish: index.php is a directory there: remove it\nnothing was published"},
		{"an empty directory of that name, adopted", func(h *host) { h.mustDir("srv/share/index.php") }, adopting,
			"publish: index.php is a directory there: remove it\nnothing was published"},
		{"a link out of the share", func(h *host) {
			h.write("outside/x", "", 0o644)
			h.symlink(h.at("outside"), "srv/share/css")
		}, nil, "publish: css is a symbolic link in /srv/share, and it may lead out of it: remove it\nnothing was published"},
		{"a link out of the share, adopted", func(h *host) {
			h.write("outside/x", "", 0o644)
			h.symlink(h.at("outside"), "srv/share/css")
		}, adopting, "publish: css is a symbolic link in /srv/share, and it may lead out of it: remove it\nnothing was published"},
		{"a file where a directory is needed", func(h *host) { h.write("srv/share/css", "by hand", 0o644) }, adopting,
			"publish: css is already in the share, is not a directory, and was not published by this stack: remove it\nnothing was published"},
		{"a share that clients cannot read", func(h *host) { h.chmod("srv/share", 0o700) }, nil,
			"publish: clients cannot read /srv/share: chmod o+rx it\nnothing was published"},
		{"a directory that clients cannot read", func(h *host) { h.mustDir("srv/share/css"); h.chmod("srv/share/css", 0o750) }, nil,
			"publish: clients cannot read css in /srv/share: chmod o+rx it\nnothing was published"},
		{"no share", func(h *host) {
			h.remove("srv/share")
			h.write("srv/index.php", "above the share", 0o644)
		}, nil, "publish: the directory /srv/share does not exist; nothing was published"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, "")
				h.write("srv/share/other", "", 0o644)
				c.set(h)
				files := h.site(contentsOf("index.php", "css/a.css"))
				l := h.inspect(h.scripts("s", c.change, files))
				before := h.do("cd /srv && find . -printf '%P %i %C@\\n' | sort")
				_, out, err := h.publish(files, c.change)
				if c.want == "" {
					if err != nil || h.read("srv/share/index.php") != "content of index.php" {
						t.Errorf("%v: %s", err, out)
					}
					if info, err := os.Stat(h.at("srv/share/index.php")); err != nil || info.Mode().Perm() != 0o644 {
						t.Errorf("%v, %v", info, err)
					}
					return
				}
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v: %s\nwant %s", err, out, c.want)
				}
				if reason, _, refused := strings.Cut(strings.TrimPrefix(c.want, "publish: "), ": "); refused && l.reasons() != reason {
					t.Errorf("the inspection says %q", l.reasons())
				}
				if got := h.do("cd /srv && find . -printf '%P %i %C@\\n' | sort"); got != before {
					t.Errorf("the share was\n%s\nand is\n%s", before, got)
				}
				for _, name := range []string{"srv/share/css/a.css", "outside/a.css", "srv/css"} {
					if _, err := os.Stat(h.at(name)); err == nil {
						t.Errorf("%s was published", name)
					}
				}
				if left, _ := filepath.Glob(h.at("srv/share/.webapp*")); left != nil {
					t.Errorf("in the share is left %q", left)
				}
			})
		})
	}
}

func (h *host) symlink(target, name string) {
	h.t.Helper()
	if err := os.Symlink(target, h.at(name)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) chmod(name string, mode os.FileMode) {
	h.t.Helper()
	if err := os.Chmod(h.at(name), mode); err != nil {
		h.t.Fatal(err)
	}
}

func TestPublishRefusesWhatWasChangedOnItsWay(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/other", "", 0o644)
		files := h.site(contentsOf("index.php"))
		s := h.scripts("s", nil, files)
		staged := strings.TrimPrefix(s.staging, "home/")
		out, err := h.run(s.site, "publish")
		if err == nil || !strings.Contains(out, "/"+staged+": "+files[0].SHA256+"; nothing was published") || !strings.Contains(out, "publish: not staged in ") {
			t.Errorf("%v: %s", err, out)
		}
		h.write(s.staging+"/"+files[0].SHA256, "not ours", 0o644)
		out, err = h.run(s.site, "publish")
		if err == nil || !strings.Contains(out, "/"+staged+": "+files[0].SHA256+"; nothing was published") || !strings.Contains(out, "publish: changed on the way to ") {
			t.Errorf("%v: %s", err, out)
		}
		if _, err := os.Lstat(h.at("srv/share/index.php")); err == nil {
			t.Error("it was published")
		}
		// The next run cleans up.
		h.mustPublish(files, nil)
		h.nothingIsLeft()
	})
}

// All files that are not regular are refused at once, by name.
func TestSiteOfSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "a"} {
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Files(dir)
	const each = ` is a symbolic link, and only regular files are published: remove it from the site, or put a copy there`
	if want := "read the site " + dir + ": \"a\"" + each + "\n\"b\"" + each; err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}
