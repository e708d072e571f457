package hostscripts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gated makes a host with the gate from InstallGate, and a share below /srv/nfs.
func gated(t *testing.T, shell []string) (*host, Share) {
	h := newHost(t, shell, "/srv/theirs 10.0.0.9(ro)\n")
	h.mount = "mount --bind bin /usr/local/sbin"
	h.write("bin/visudo", "#!/bin/sh\n", 0o755)
	h.write("etc/sudoers.d/README", "", 0o600)
	h.write("etc/passwd", "deploy:x:1000:1000::"+h.at("home")+":/bin/sh\n", 0o644)
	h.write("srv/nfs/theirs/file", "", 0o600)
	h.do(InstallGate("deploy", []string{"/srv/nfs"}))
	share := Share{Project: "p", Stack: "s", Name: "share", Identity: identityOf("s"), Path: "/srv/nfs/web",
		Options: []string{"ro", "no_subtree_check"}, Clients: []string{"10.0.0.1"}, Files: h.site(map[string]string{"index.php": "here", " a\\b\n": "there"})}
	return h, share
}

// through runs the gate.
func (h *host) through(stdin string, arguments ...string) (string, error) {
	cmd := h.on(slices.Concat(h.shell, []string{Gate}, arguments)...)
	cmd.Env = append(cmd.Env, "SUDO_USER=deploy")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Everything that the program does on a host goes through the gate.
func TestGate(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		if rule := h.read("etc/sudoers.d/webapp-balanced-deploy"); rule != "deploy ALL=(root) NOPASSWD: "+Gate+"\n" {
			t.Errorf("the rule is %q", rule)
		}
		do := func(script string, data []string, verb ...string) string {
			t.Helper()
			input := share.Input(script, data)
			// The login's shell may have read the first line.
			_, rest, _ := strings.Cut(input, "\n")
			for _, input := range []string{input, rest} {
				if out, err := h.through(input, append(verb[:1:1], append([]string{share.Block()}, verb[1:]...)...)...); err != nil {
					t.Fatalf("%v: %v\n%s", verb, err, out)
				} else if verb[0] == "probe" {
					return out
				}
			}
			return ""
		}
		do(Exports, share.ExportsData(Found{}), "apply", "01")
		found := ParseFound(do(Inspect, share.InspectData("deployed yes"), "probe"), now)
		if len(found.Lacking) != 2 {
			t.Fatalf("the inspection says %+v", found)
		}
		h.stage(scripts{inspect: share.Input(Inspect, share.InspectData()), staging: "home/" + share.Staging()}, share.Files)
		do(Publish, share.SiteData(found), "publish", "02")
		if h.read("srv/nfs/web/index.php") != "here" || h.read("srv/nfs/web/ a\\b\n") != "there" || !strings.Contains(h.read("etc/exports"), "/srv/nfs/web 10.0.0.1(ro,no_subtree_check)\n") {
			t.Errorf("/etc/exports is\n%s", h.read("etc/exports"))
		}
		share.DeleteOnDestroy = true
		do(Publish, share.SiteData(found), "forget", "02")
		do(Exports, share.ExportsData(Found{}), "remove", "01")
		if h.read("etc/exports") != "/srv/theirs 10.0.0.9(ro)\n" {
			t.Errorf("/etc/exports is\n%s", h.read("etc/exports"))
		}
		if left, _ := os.ReadDir(h.at("srv/nfs/web")); len(left) != 0 {
			t.Errorf("%v is left", left)
		}
	})
}

// exportfs does not get the caller's limits: it writes its table without checking the result.
func TestGateLimits(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.hook("exportfs", "[ \"$(ulimit -f)\" = unlimited ] || exit 7")
		h.mount += "; ulimit -S -f 1000"
		if out, err := h.through(share.Input(Exports, share.ExportsData(Found{})), "apply", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// A run of the gate completes even if the gate is killed.
func TestGateIsKilled(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.hook("exportfs", `[ "$1" != -i ] || { touch `+h.at("begun")+`; sleep 1; }`)
		cmd := h.on(slices.Concat(shell, []string{Gate, "apply", share.Block()})...)
		cmd.Env = append(cmd.Env, "SUDO_USER=deploy")
		cmd.Stdin = strings.NewReader(share.Input(Exports, share.ExportsData(Found{})))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		within(t, func() bool { _, err := os.Stat(h.at("begun")); return err == nil })
		for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTSTP, syscall.SIGKILL} {
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		within(t, func() bool {
			return strings.Contains(h.read("etc/exports"), "/srv/nfs/web 10.0.0.1(ro,no_subtree_check)\n") && strings.Contains(h.read("var/lib/webapp-balanced/"+strings.TrimPrefix(share.head()[3], "state ")+"/exports"), "\nreal /srv/nfs/web\n")
		})
		// This waits until that run is over.
		if out, err := h.through(share.Input(Exports, share.ExportsData(Found{})), "apply", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// has reports whether a file exists.
func (h *host) has(name string) bool {
	_, err := os.Stat(h.at(name))
	return err == nil
}

// within waits for a condition, for a minute at most: a lab's machines may be running as well.
func within(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it takes more than a minute")
		}
	}
}

// The login replaces its folder of staged files while they are removed: no other directory is removed.
func TestStagingIsRedirected(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		name := filepath.Base(share.Staging())
		h.do("mkdir -p /srv/nfs/web /srv/elsewhere/" + name + " " + share.Staging() + "; touch " + share.Staging() + "/" + strings.Repeat("a", 64))
		h.hook("rm", "case \"$*\" in *aaaa*) mv "+h.at("home/.cache/webapp-balanced")+" "+h.at("home/away")+"; ln -s /srv/elsewhere "+h.at("home/.cache/webapp-balanced")+" ;; esac")
		if out, err := h.through(share.Input(Publish, share.SiteData(Found{})), "forget", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		h.do("test -L .cache/webapp-balanced && test -d /srv/elsewhere/" + name)
	})
}

// If a link replaces the folder of staged files, nothing else behind it is removed.
func TestStagingBehindALink(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.write("srv/elsewhere/"+filepath.Base(share.Staging())+"/file", "", 0o644)
		h.do("mkdir .cache /srv/nfs/web; ln -s /srv/elsewhere .cache/webapp-balanced")
		if out, err := h.through(share.Input(Publish, share.SiteData(Found{})), "forget", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		h.read("srv/elsewhere/" + filepath.Base(share.Staging()) + "/file")
	})
}

// Staged files belong to the login: root does not follow a link there.
func TestStagedLink(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.write("srv/theirs/key", "here", 0o600) // with the content of index.php
		h.do("mkdir -p /srv/nfs/web " + share.Staging())
		found := ParseFound(h.must(share.Input(Inspect, share.InspectData()), "probe"), now)
		for sum := range found.Lacking {
			h.do("ln -s /srv/theirs/key " + share.Staging() + "/" + sum)
		}
		out, err := h.through(share.Input(Publish, share.SiteData(found)), "publish", share.Block())
		if err == nil || !strings.Contains(out, "publish: not staged in ") {
			t.Errorf("%v: %s", err, out)
		}
		if mode := h.do("stat -c %a /srv/theirs/key; find /srv/nfs/web -type f -o -type l"); mode != "600\n" {
			t.Errorf("there is %s", mode)
		}
	})
}

// A host with a gate of an earlier version also runs that version's scripts: they remove what they made.
func TestGateOfTwoVersions(t *testing.T) {
	h, _ := gated(t, []string{"sh"})
	const earlier = "script 0000000000000000000000000000000000000000000000000000000000000000\n"
	before := h.read("etc/webapp-balanced/deploy")
	h.write("etc/webapp-balanced/deploy", earlier+before, 0o644)
	h.do(InstallGate("deploy", []string{"/srv/nfs", "/data"}))
	after := h.read("etc/webapp-balanced/deploy")
	for line := range strings.Lines(earlier + before + "below /data\n") {
		if strings.Count(after, line) != 1 {
			t.Errorf("%q is there %d times:\n%s", line, strings.Count(after, line), after)
		}
	}
}
