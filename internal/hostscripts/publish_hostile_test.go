package hostscripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// within runs a command that must not hang, and returns what it prints.
func (h *host) within(limit time.Duration, cmd *exec.Cmd) (string, error) {
	h.t.Helper()
	cmd.SysProcAttr.Setpgid = true
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() {
		h.t.Error("it hangs")
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	defer timer.Stop()
	err := cmd.Wait()
	return out.String(), err
}

func (h *host) fifo(name string) {
	h.t.Helper()
	if err := syscall.Mkfifo(h.at(name), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// Clients may put anything into the share: the scripts open and follow nothing of it.
func TestPublishFollowsNothing(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		for _, planted := range []string{"link", "fifo"} {
			for _, name := range []string{".webapp-balanced.new", "index.php"} {
				for _, change := range []func(*Share){nil, adopting} {
					h := newHost(t, shell, "")
					h.mustDir("srv/share")
					h.write("precious", "precious", 0o600)
					if planted == "link" {
						h.symlink(h.at("precious"), "srv/share/"+name)
					} else {
						h.fifo("srv/share/" + name)
					}
					files := h.site(contentsOf("index.php"))
					s := h.scripts("s", change, files)
					found, err := h.within(20*time.Second, h.command(s.inspect, "probe"))
					if err != nil {
						t.Fatalf("%v: %s", err, found)
					}
					h.write(s.staging+"/"+files[0].SHA256, "content of index.php", 0o600)
					out, err := h.within(20*time.Second, h.command(s.site, "publish 01"))
					if name == "index.php" && change == nil {
						if err == nil || !strings.Contains(out, "index.php is already in the share, and this stack did not publish it") || ParseFound(found, now).reasons() != "index.php is already in the share, and this stack did not publish it" {
							t.Errorf("%s %s: %v: %s", planted, name, err, out)
						}
					} else if err != nil || h.read("srv/share/index.php") != "content of index.php" {
						t.Errorf("%s %s: %v: %s", planted, name, err, out)
					} else if info, err := os.Lstat(h.at("srv/share/index.php")); err != nil || !info.Mode().IsRegular() {
						t.Errorf("%s %s: %v, %v", planted, name, info.Mode(), err)
					}
					if info, err := os.Stat(h.at("precious")); err != nil || info.Mode() != 0o600 || h.read("precious") != "precious" {
						t.Errorf("%s %s: what a planted link leads to was changed", planted, name)
					}
				}
			}
		}
	})
}

// Opening a pipe in place of a published file would block.
func TestInspectOpensNothing(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		files := h.site(contentsOf("a"))
		h.mustPublish(files, nil)
		h.remove("srv/share/a")
		h.fifo("srv/share/a")
		out, err := h.within(20*time.Second, h.command(h.scripts("s", nil, files).inspect, "probe"))
		if drift := ParseFound(out, now).Site.Changes; err != nil || !slices.Equal(drift, []string{"a was changed"}) {
			t.Errorf("%v: %s", err, out)
		}
		h.mustPublish(files, nil)
		if h.read("srv/share/a") != "content of a" {
			t.Error("it was not repaired")
		}
	})
}

// If a directory becomes a link while files are published, nothing outside the share is written or deleted.
func TestPublishWhileADirectoryIsSwapped(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share/css")
		h.write("outside/victim", "of others", 0o644)
		h.write("outside/old", "of others", 0o644)
		h.symlink(h.at("outside"), "srv/link")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_ = os.Rename(h.at("srv/share/css"), h.at("srv/dir"))
				_ = os.Rename(h.at("srv/link"), h.at("srv/share/css"))
				_ = os.Rename(h.at("srv/share/css"), h.at("srv/link"))
				_ = os.Rename(h.at("srv/dir"), h.at("srv/share/css"))
			}
		})
		runs, good := 0, 0
		for start := time.Now(); runs < 40 && time.Since(start) < 8*time.Second; runs++ {
			sites := [][]string{{"css/a", "css/old"}, {"css/a", "css/victim", "css/deep/b"}}
			if _, err := func() (string, error) {
				files := h.site(contentsOf(sites[runs%2]...))
				s := h.scripts("s", adopting, files)
				for _, file := range files {
					h.write(s.staging+"/"+file.SHA256, "content of "+file.Path, 0o600)
				}
				return h.within(20*time.Second, h.command(s.site, "publish"))
			}(); err == nil {
				good++
			}
		}
		close(stop)
		wg.Wait()
		t.Logf("%d of %d runs succeeded", good, runs)
		if good == 0 {
			t.Error("none did, so that nothing was tried")
		}
		entries, err := os.ReadDir(h.at("outside"))
		if err != nil || len(entries) != 2 || h.read("outside/victim") != "of others" || h.read("outside/old") != "of others" {
			t.Errorf("outside there is now %v, %v", entries, err)
		}
	})
}

// The directory for new files may be replaced while it is in use: nothing is written to or deleted from the
// replacement.
func TestPublishWhileItsDirectoryIsReplaced(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		for _, at := range []string{"mkdir", "mv", "killed"} {
			h := newHost(t, shell, "")
			h.write("srv/share/others/file", "of others", 0o644)
			h.chmod("srv/share/others", 0o777)
			h.write("precious", "precious", 0o644)
			files := h.site(contentsOf("index.php"))
			// A link with the name of the new file.
			h.symlink(h.at("precious"), "srv/share/others/"+files[0].SHA256)
			s := h.scripts("s", nil, files)
			h.stage(s, files)
			const swap = `for d in /srv/share/.webapp-balanced.*; do [ ! -d "$d" ] || [ ! -d /srv/share/others ] || { /bin/mv "$d" /srv/share/away; /bin/mv /srv/share/others "$d"; }; done`
			switch at {
			case "mkdir": // between its creation and its use
				h.write("bin/mkdir", "#!/bin/sh\n/bin/mkdir \"$@\"; status=$?\n"+swap+"\nexit $status\n", 0o755)
			case "mv": // while the files are put in place
				h.write("bin/mv", "#!/bin/sh\n/bin/mv \"$@\"; status=$?\ncase $* in *index.php) "+swap+" ;; esac\nexit $status\n", 0o755)
			case "killed": // by the next run
				h.write("bin/sha256sum", "#!/bin/sh\nexit 1\n", 0o755)
				if out, err := h.run(s.site, "publish"); err == nil {
					t.Errorf("%s: it succeeded: %s", at, out)
				}
				sum, err := exec.LookPath("sha256sum")
				if err != nil {
					t.Fatal(err)
				}
				h.link("sha256sum", sum)
				h.do(swap)
			}
			out, err := h.within(20*time.Second, h.command(s.site, "publish"))
			if at == "mkdir" && (err == nil || !strings.Contains(out, "another process replaced")) {
				t.Errorf("%s: %v: %s", at, err, out)
			}
			if at != "mkdir" && err != nil {
				t.Errorf("%s: %v: %s", at, err, out)
			}
			if h.read("precious") != "precious" {
				t.Errorf("%s: what a link leads to was changed", at)
			}
			if moved, _ := filepath.Glob(h.at("srv/share/.webapp-balanced.*/file")); len(moved) != 1 {
				t.Errorf("%s: a file of others is gone: %q", at, moved)
			}
			if links, _ := filepath.Glob(h.at("srv/share/.webapp-balanced.*/" + files[0].SHA256)); len(links) != 1 {
				t.Errorf("%s: a link of others is gone: %q", at, links)
			}
		}
	})
}

// An inspection reports nothing behind a client's link: neither what it is, nor whether it exists.
func TestPublishRevealsNothingOutside(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.do("mkdir -p /srv/share /srv/theirs/private /srv/theirs/public; chmod 700 /srv/theirs/private; touch /srv/theirs/file; ln -s x /srv/theirs/link; ln -s /srv/theirs /srv/share/a")
		for _, name := range []string{"private", "public", "file", "link", "nothing"} {
			found := h.inspect(h.scripts("s", nil, h.site(contentsOf("a/"+name+"/x"))))
			if got, want := found.reasons(), "a is a symbolic link in /srv/share, and it may lead out of it"; got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
}

// busybox's mkdir -m changes the mode by name, where a client may have put a link meanwhile.
func TestPublishMakesDirectoriesInOneStep(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.do("mkdir /srv/share")
		h.hook("mkdir", `case " $* " in *" -m "*) echo "two steps: $*" >&2; exit 1 ;; esac`)
		h.hook("sha256sum", `stat -c "%a %n" /srv/share/.webapp-balanced.* >`+h.at("mode"))
		h.mustPublish(h.site(contentsOf("css/a")), nil)
		if mode := h.read("mode"); !strings.HasPrefix(mode, "700 ") {
			t.Errorf("where new files are written is %s", mode)
		}
		if mode := h.do("stat -c %a /srv/share/css"); mode != "755\n" {
			t.Errorf("the mode is %s", mode)
		}
	})
}
