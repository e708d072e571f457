package hostscripts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A directory that existed before, empty or not, is not ours to remove; one that an update has created for
// its files is.
func TestPublishIntoDirectoriesOfOthers(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share/theirs/deep")
		for _, site := range [][]string{{"theirs/a", "theirs/deep/b", "theirs/ours/c", "ours/d/e"}, {"f"}, {"theirs/deep/b", "ours/d/e"}} {
			h.mustPublish(h.site(contentsOf(site...)), nil)
		}
		h.must(h.scripts("s", doDelete, nil).site, "forget")
		if got, want := h.do("cd /srv/share; find . -type d | sort | tr '\\n' ' '"), ". ./theirs ./theirs/deep "; got != want {
			t.Errorf("the directories are %q, want %q", got, want)
		}
		// A directory that another process made in place of ours is not ours.
		h.mustPublish(h.site(contentsOf("x/a")), nil)
		h.mustPublish(h.site(contentsOf("b")), nil)
		h.mustDir("srv/share/x")
		h.mustPublish(h.site(contentsOf("x/a")), nil)
		h.must(h.scripts("s", doDelete, nil).site, "forget")
		if _, err := os.Stat(h.at("srv/share/x")); err != nil {
			t.Error(err)
		}
		// A file of the site cannot replace a directory of others.
		h.mustPublish(h.site(contentsOf("x/a")), nil)
		if _, out, err := h.publish(h.site(contentsOf("x")), nil); err == nil || !strings.Contains(out, "publish: x is a directory there: remove it\nnothing was published") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// Notes of the previous version had no directories: it removed any empty directory.
func TestPublishAfterAnEarlierVersion(t *testing.T) {
	t.Parallel()
	h := newHost(t, shells[0], "")
	h.write("srv/share/d/a", "content of d/a", 0o644)
	files := h.site(contentsOf("d/a"))
	s := h.scripts("s", doDelete, files)
	var was string
	for line := range strings.Lines(s.site) {
		if name, ok := strings.CutPrefix(line, "was "); ok {
			was = strings.TrimSpace(name)
		}
	}
	h.write("var/lib/webapp-balanced/"+was+"/site", "block p/s/share:/srv/share\ndirectory /srv/share\nfile "+files[0].SHA256+" d/a\n", 0o644)
	h.mustPublish(files, doDelete)
	h.must(h.scripts("s", doDelete, files).site, "forget")
	if _, err := os.Stat(h.at("srv/share/d")); err == nil {
		t.Error("the directory is left")
	}
}

// The files are published only to the directory that was exported.
func TestPublishIntoAnotherDirectory(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.do("mkdir /srv/one /srv/two; ln -s one /srv/share")
		h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		files := h.site(contentsOf("a"))
		s := h.scripts("s", nil, files, "10.0.0.1")
		h.stage(s, files)
		h.do("rm /srv/share; ln -s two /srv/share")
		out, err := h.run(s.site, "publish 01")
		if err == nil || !strings.Contains(out, "publish: /srv/share was /srv/one and is /srv/two now; nothing was published") {
			t.Errorf("%v: %s", err, out)
		}
		if got := h.do("ls /srv/one /srv/two"); got != "/srv/one:\n\n/srv/two:\n" {
			t.Errorf("there is\n%s", got)
		}
	})
}

// A file cannot be renamed into another file system.
func TestPublishAcrossAMountPoint(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share/disk")
		files := h.site(contentsOf("a", "disk/b"))
		s := h.scripts("s", nil, files, "10.0.0.1")
		for _, file := range files {
			h.write(s.staging+"/"+file.SHA256, "content of "+file.Path, 0o600)
		}
		const want = "disk in /srv/share is the mount point of another file system, into which a file cannot be renamed"
		for _, c := range []struct{ stdin, verb string }{{s.site, "publish 01"}, {s.inspect, "probe"}} {
			cmd := h.on(append([]string{"/bin/sh", "-c", `mount -t tmpfs none /srv/share/disk; exec "$@"`, "mounted"}, append(shell, "-s", "--", strings.Fields(c.verb)[0], "test")...)...)
			cmd.Stdin = strings.NewReader(c.stdin)
			out, err := cmd.CombinedOutput()
			if (err != nil) != (c.verb != "probe") || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v: %s\nwant %s", c.verb, err, out, want)
			}
		}
		if got := h.do("ls -A /srv/share"); got != "disk\n" {
			t.Errorf("in the share is %q", got)
		}
	})
}

// An empty note after a power cut does no harm.
func TestPublishAfterAnEmptyNote(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		h.mustPublish(h.site(contentsOf("a")), doDelete)
		empty := func() { h.write(filepath.Dir(h.notes("site"))+"/temporary", "", 0o644) }
		empty()
		h.mustPublish(h.site(contentsOf("b")), doDelete)
		empty()
		h.must(h.scripts("s", doDelete, nil).site, "forget")
		if got := h.do("ls -A /srv/share /var/lib/webapp-balanced 2>&1 || true"); strings.Contains(got, "b\n") {
			t.Errorf("left is %s", got)
		}
	})
}

// A file of the site that replaces a directory is refused before any change, if others have put something
// into the directory.
func TestPublishForADirectoryWithFilesOfOthers(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		h.mustPublish(h.site(contentsOf("a/b", "a/c d/e\nf", "z")), nil)
		h.write("srv/share/a/theirs", "", 0o644)
		before := h.do("cd /srv && find . -printf '%P %i %C@\\n' | sort")
		const want = "a is a directory there, with files of others"
		files := h.site(contentsOf("a", "y"))
		s := h.scripts("s", nil, files)
		if got := h.inspect(s).reasons(); got != want {
			t.Errorf("the inspection would refuse %q", got)
		}
		if _, out, err := h.publish(files, nil); err == nil || !strings.Contains(out, "publish: "+want+": remove it; nothing was published") {
			t.Errorf("%v: %s", err, out)
		}
		if got := h.do("cd /srv && find . -printf '%P %i %C@\\n' | sort"); got != before {
			t.Errorf("there was\n%s\nand is\n%s", before, got)
		}
		h.remove("srv/share/a/theirs")
		h.mustPublish(files, nil)
		if got := h.shared(); !slices.Equal(got, []string{"a", "y"}) {
			t.Errorf("the share has %q", got)
		}
	})
}

// A share that its clients cannot read can be deleted; without notes, its files are unknown.
func TestForgetWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("srv/share/others", "", 0o644)
		h.mustPublish(h.site(contentsOf("a")), doDelete)
		h.chmod("srv/share", 0o750)
		h.must(h.scripts("s", doDelete, nil).site, "forget")
		if got := h.shared(); !slices.Equal(got, []string{"others"}) {
			t.Errorf("the share has %q", got)
		}
		h.chmod("srv/share", 0o755)
		h.mustPublish(h.site(contentsOf("a")), doDelete)
		h.remove("var/lib/webapp-balanced")
		if out := h.must(h.scripts("s", doDelete, nil).site, "forget"); out != "there are no notes of what was published to /srv/share, so it stays\n" {
			t.Errorf("it says %q", out)
		}
		// Notes of an empty site are removed, too.
		h.mustPublish(nil, nil)
		h.must(h.scripts("s", nil, nil).site, "forget")
		h.mustPublish(nil, doDelete)
		h.must(h.scripts("s", doDelete, nil).site, "forget")
		if _, err := os.Stat(h.at("var/lib/webapp-balanced")); err == nil {
			t.Error("the notes are left")
		}
	})
}

// If a directory of the site is replaced with a link to one next to it, just when it is entered, nothing is
// written there.
func TestPublishWhileADirectoryBecomesALink(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share/css")
		h.write("srv/share/other/a", "of others", 0o644)
		h.symlink("other", "srv/share/link")
		files := h.site(contentsOf("css/a"))
		s := h.scripts("s", nil, files)
		h.stage(s, files)
		// Between the check of the name and its use, where no command runs.
		const check = `[ ! -L "./$1" ] && cd -P`
		if !strings.Contains(s.site, check) {
			t.Fatalf("there is no %s", check)
		}
		swap := `[ ! -L "./$1" ] && { [ "$1" != css ] || { mv -T css away && mv -T link css; }; } && cd -P`
		out, err := h.run(strings.Replace(s.site, check, swap, 1), "publish 01")
		if err == nil || !strings.Contains(out, "css is not a directory of /srv/share") || h.read("srv/share/other/a") != "of others" {
			t.Errorf("%v: %s; of others is now %q", err, out, h.read("srv/share/other/a"))
		}
	})
}
