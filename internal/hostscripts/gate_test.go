package hostscripts

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// gated makes a host with the gate, as InstallGate puts it there, and a share below /srv/nfs.
func gated(t *testing.T, shell []string) (*host, Share) {
	h := newHost(t, shell, "/srv/theirs 10.0.0.9(ro)\n")
	h.mount = "mount --bind bin /usr/local/sbin"
	h.write("bin/visudo", "#!/bin/sh\n", 0o755)
	h.write("etc/sudoers.d/README", "", 0o600)
	h.write("srv/nfs/theirs/file", "", 0o600)
	h.do(InstallGate("deploy", []string{"/srv/nfs"}))
	share := Share{Project: "p", Stack: "s", Name: "share", Identity: identityOf("s"), Path: "/srv/nfs/web",
		Options: []string{"ro", "no_subtree_check"}, Clients: []string{"10.0.0.1"}, Files: h.site(map[string]string{"index.php": "here", " a\\b\n": "there"})}
	return h, share
}

// through runs the gate.
func (h *host) through(stdin string, arguments ...string) (string, error) {
	cmd := h.on(slices.Concat(h.shell, []string{Gate}, arguments)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// All that the program does on a host goes through the gate.
func TestGate(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		if rule := h.read("etc/sudoers.d/webapp-balanced-deploy"); rule != "deploy ALL=(root) NOPASSWD: "+Gate+"\n" {
			t.Errorf("the rule is %q", rule)
		}
		do := func(script string, data []string, verb ...string) string {
			t.Helper()
			input := share.Input(script, data)
			// The login's shell has read the first line, or it has not.
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
		found := ParseLook(do(Look, share.LookData("deployed yes"), "probe"), now)
		if len(found.Lacking) != 2 {
			t.Fatalf("the look says %+v", found)
		}
		h.stage(scripts{look: share.Input(Look, share.LookData()), staging: "home/" + share.Staging()}, share.Files)
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

// Whoever has the login's key writes what he likes to the gate.
func TestGateRefuses(t *testing.T) {
	sum := strings.Repeat("a", 64)
	data := func(s *Share, more ...string) []string { return append(s.ExportsData(Found{}), more...) }
	for _, c := range []struct {
		name   string
		change func(h *host, s *Share) (script string, data []string)
		want   string
	}{
		{"a script of his own", func(_ *host, s *Share) (string, []string) { return "rm -r /srv/nfs/theirs\n", data(s) }, "this script is none of those in /etc/webapp-balanced.conf: add those of this version with `make sudo-rule`"},
		{"a line before the script", func(_ *host, s *Share) (string, []string) { return "rm -r /srv/nfs/theirs\n" + Exports, data(s) }, "this script is none"},
		{"a line among the data that ends them", func(_ *host, s *Share) (string, []string) {
			return Exports, data(s, "END OF DATA", "rm -r /srv/nfs/theirs")
		}, "this script is none"},
		{"a directory elsewhere", func(_ *host, s *Share) (string, []string) { s.Path = "/srv/theirs"; return Exports, data(s) }, "/srv/theirs, really /srv/theirs, is below no directory that /etc/webapp-balanced.conf lists"},
		{"the directory itself", func(_ *host, s *Share) (string, []string) { s.Path = "/srv/nfs"; return Exports, data(s) }, "/srv/nfs, really /srv/nfs, is below no directory"},
		{"a link to elsewhere", func(h *host, s *Share) (string, []string) {
			h.do("mkdir /srv/theirs; ln -s /srv/theirs /srv/nfs/web")
			return Exports, data(s)
		}, "/srv/nfs/web, really /srv/theirs, is below no directory"},
		{"a way out of it", func(_ *host, s *Share) (string, []string) { s.Path = "/srv/nfs/../theirs"; return Exports, data(s) }, "no directory: directory /srv/nfs/../theirs"},
		{"two directories", func(_ *host, s *Share) (string, []string) { return Exports, data(s, "directory /srv/theirs") }, "no directory: directory /srv/theirs"},
		{"a line of another directory", func(_ *host, s *Share) (string, []string) { return Exports, data(s, "line /etc *(rw)") }, "no line of the directory: line /etc *(rw)"},
		{"a line that goes on", func(_ *host, s *Share) (string, []string) { return Exports, data(s, `line /srv/nfs/web \`) }, "no line of the directory"},
		{"another block", func(_ *host, s *Share) (string, []string) { return Exports, data(s, "block p/t/share:/srv/nfs/web") }, "another block than the argument"},
		{"notes elsewhere", func(_ *host, s *Share) (string, []string) { return Exports, data(s, "state ../nfs") }, "no name: state ../nfs"},
		{"what only the look adds", func(_ *host, s *Share) (string, []string) { return Look, data(s, "exports /etc/shadow") }, "what no script knows: exports /etc/shadow"},
		{"with a blank before it", func(_ *host, s *Share) (string, []string) { return Publish, data(s, " staging /srv/nfs/theirs") }, "what no script knows"},
		{"staged elsewhere", func(_ *host, s *Share) (string, []string) {
			return Publish, data(s, "staging .cache/webapp-balanced/../../../srv/nfs/theirs")
		}, "no folder for what is staged"},
		{"a file that is no hash", func(_ *host, s *Share) (string, []string) { return Publish, data(s, "file ../theirs/file x") }, "no hash of a file"},
		{"a file outside the directory", func(_ *host, s *Share) (string, []string) { return Publish, data(s, "file "+sum+" ../theirs/file") }, "no path of a file"},
		{"the same in other letters", func(_ *host, s *Share) (string, []string) {
			return Publish, data(s, `file `+sum+` \0056\0056/theirs/file`)
		}, "no path of a file"},
		{"a staging folder behind a link", func(h *host, s *Share) (string, []string) {
			h.do("ln -s /srv .cache")
			return Publish, data(s)
		}, "/.cache is a symbolic link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, shell []string) {
				h, share := gated(t, shell)
				script, lines := c.change(h, &share)
				out, err := h.through(share.Input(script, lines), "apply", share.Block())
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v: it says %s\nwant %s", err, out, c.want)
				}
				if h.read("etc/exports") != "/srv/theirs 10.0.0.9(ro)\n" || h.read("srv/nfs/theirs/file") != "" || h.read("var/lib/nfs/etab") != "" {
					t.Error("something was changed")
				}
			})
		})
	}
}

// A host that was given a gate of an earlier version runs its scripts, too: what they made is
// removed by them.
func TestGateOfTwoVersions(t *testing.T) {
	h, _ := gated(t, []string{"sh"})
	const earlier = "script 0000000000000000000000000000000000000000000000000000000000000000\n"
	before := h.read("etc/webapp-balanced.conf")
	h.write("etc/webapp-balanced.conf", earlier+before, 0o644)
	h.do(InstallGate("deploy", []string{"/srv/nfs", "/data"}))
	after := h.read("etc/webapp-balanced.conf")
	for line := range strings.Lines(earlier + before + "below /data\n") {
		if strings.Count(after, line) != 1 {
			t.Errorf("%q is there %d times:\n%s", line, strings.Count(after, line), after)
		}
	}
}
