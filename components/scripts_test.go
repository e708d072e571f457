package components

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The scripts run on the NFS host under whatever its sh is.
var shells = [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "ash"}}

// eachShell runs a test under every shell that this computer has; sh itself is
// always there.
func eachShell(t *testing.T, f func(t *testing.T, shell []string)) {
	t.Run("sh", func(t *testing.T) { f(t, []string{"sh"}) })
	for _, shell := range shells {
		if _, err := exec.LookPath(shell[0]); err == nil {
			t.Run(shell[0], func(t *testing.T) { f(t, shell) })
		}
	}
}

// host is a stand-in for the NFS server: a directory with an etc/exports and an
// exportfs that notes its calls and fails when the file holds BROKEN.
type host struct {
	t     *testing.T
	shell []string
	dir   string
}

func newHost(t *testing.T, shell []string, exports string) *host {
	h := &host{t: t, shell: shell, dir: t.TempDir()}
	h.write("etc/exports", exports, 0o640)
	h.write("bin/exportfs", "#!/bin/sh\necho \"$*\" >>"+h.path("calls")+"\n! grep BROKEN "+h.path("etc/exports")+" >&2\n", 0o755)
	return h
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) write(name, content string, mode os.FileMode) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.path(name), []byte(content), mode); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) read(name string) string {
	h.t.Helper()
	content, err := os.ReadFile(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(content)
}

// run runs a script as the command resource does, with /etc being the host's.
func (h *host) run(text string, data []string, verb string) (string, error) {
	stdin := strings.ReplaceAll(script(text, data), "/etc/exports", h.path("etc/exports"))
	cmd := exec.Command(h.shell[0], append(h.shell[1:], "-s", "--", verb)...)
	cmd.Dir = h.dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "PATH="+h.path("bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (h *host) must(text string, data []string, verb string) {
	h.t.Helper()
	if out, err := h.run(text, data, verb); err != nil {
		h.t.Fatalf("%s: %v\n%s", verb, err, out)
	}
}

func share(clients ...string) NfsShareArgs {
	return NfsShareArgs{Path: "/srv/nfs/weblb", Clients: clients}
}

// data is the data of a share whose directory is below the host's own.
func (h *host) data(block string, clients ...string) []string {
	data := exportsData(block, share(clients...))
	data[1] = "directory " + h.path("srv/share")
	return data
}

const foreign = "# by hand\n\n/home\t*.example.com(rw,sync) \\\n\t192.168.7.0/24(ro)   # trailing\n\"/srv/my share\" @group(ro)\n"

func TestExportsApplyAndRemove(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.must(exportsScript, h.data("p/s/share", "10.0.0.1", "10.0.0.2"), "apply")
		want := foreign + `# BEGIN p/s/share (managed by Pulumi, edits are lost)
/srv/nfs/weblb 10.0.0.1(rw,sync,no_subtree_check)
/srv/nfs/weblb 10.0.0.2(rw,sync,no_subtree_check)
# END p/s/share
`
		if got := h.read("etc/exports"); got != want {
			t.Errorf("after apply:\n%s\nwant\n%s", got, want)
		}
		if _, err := os.Stat(h.path("srv/share")); err != nil {
			t.Error(err)
		}

		h.must(exportsScript, h.data("p/s/share", "10.0.0.1", "10.0.0.2"), "apply")
		if got := h.read("etc/exports"); got != want {
			t.Errorf("after the same again:\n%s", got)
		}

		h.must(exportsScript, h.data("p/s/share", "10.0.0.3"), "apply")
		if got := h.read("etc/exports"); strings.Contains(got, "10.0.0.1") || strings.Count(got, "10.0.0.3") != 1 {
			t.Errorf("after a change:\n%s", got)
		}

		h.must(exportsScript, h.data("p/s/share", "10.0.0.3"), "remove")
		if got := h.read("etc/exports"); got != foreign {
			t.Errorf("after remove:\n%q\nwant\n%q", got, foreign)
		}
		if calls := h.read("calls"); calls != "-r\n-r\n-r\n-r\n" {
			t.Errorf("exportfs was called with %q", calls)
		}
		if info, _ := os.Stat(h.path("etc/exports")); info.Mode().Perm() != 0o640 {
			t.Errorf("the mode is %v", info.Mode())
		}
		if left, _ := filepath.Glob(h.path("etc/*")); len(left) != 1 {
			t.Errorf("left beside the file: %v", left)
		}
	})
}

func TestExportsOfOthersStay(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.must(exportsScript, h.data("p/one/share", "10.0.0.1"), "apply")
		one := h.read("etc/exports")
		h.must(exportsScript, h.data("p/two/share", "10.0.0.2"), "apply")
		h.must(exportsScript, h.data("p/two/share", "10.0.0.2"), "remove")
		if got := h.read("etc/exports"); got != one {
			t.Errorf("the other stack's block is not what it was:\n%s", got)
		}
	})
}

func TestExportsUndoneWhenRefused(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		out, err := h.run(exportsScript, h.data("p/s/share", "BROKEN"), "apply")
		if err == nil || !strings.Contains(out, "exports: exportfs -r refused the new lines, see above; "+h.path("etc/exports")+" is as it was") {
			t.Errorf("%v: %s", err, out)
		}
		if got := h.read("etc/exports"); got != foreign {
			t.Errorf("the file is\n%s", got)
		}
		if calls := h.read("calls"); calls != "-r\n-r\n" {
			t.Errorf("exportfs was called with %q, want once for the new lines and once for the old", calls)
		}
		if left, _ := filepath.Glob(h.path("etc/*")); len(left) != 1 {
			t.Errorf("left beside the file: %v", left)
		}
	})
}

func TestExportsThroughALink(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("real/exports", foreign, 0o644)
		if err := os.Remove(h.path("etc/exports")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../real/exports", h.path("etc/exports")); err != nil {
			t.Fatal(err)
		}
		h.must(exportsScript, h.data("p/s/share", "10.0.0.1"), "apply")
		if _, err := os.Readlink(h.path("etc/exports")); err != nil {
			t.Errorf("the link is gone: %v", err)
		}
		if !strings.Contains(h.read("real/exports"), "10.0.0.1") {
			t.Error("the link's target was not changed")
		}
	})
}

func TestPublish(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		names := []string{"index.php", "a dir/with 'quotes'.css", "-dash", "ünïcode"}
		for _, name := range names {
			h.write("site/"+name, "content of "+name, 0o600)
			h.write("staging/stack/share/"+name, "content of "+name, 0o600)
		}
		h.write("share/others.txt", "of others", 0o644)
		files, err := siteFiles(h.path("site"))
		if err != nil {
			t.Fatal(err)
		}
		data := publishData(h.path("share"), "staging/stack/share", files)
		for range 2 {
			h.must(publishScript, data, "publish")
		}
		for _, name := range names {
			if got := h.read("share/" + name); got != "content of "+name {
				t.Errorf("%s is %q", name, got)
			}
			if info, _ := os.Stat(h.path("share/" + name)); info.Mode().Perm() != 0o644 {
				t.Errorf("%s has the mode %v, which a squashed root cannot read", name, info.Mode())
			}
		}
		h.must(publishScript, data, "forget")
		if _, err := os.Stat(h.path("staging")); !os.IsNotExist(err) {
			t.Errorf("the staging is left: %v", err)
		}
		if h.read("share/others.txt") != "of others" || h.read("share/index.php") == "" {
			t.Error("forget touched the data")
		}
	})
}

func TestPublishRefusesWhatWasChangedOnItsWay(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.write("site/index.php", "ours", 0o644)
		h.write("staging/index.php", "not ours", 0o644)
		files, err := siteFiles(h.path("site"))
		if err != nil {
			t.Fatal(err)
		}
		out, err := h.run(publishScript, publishData(h.path("share"), "staging", files), "publish")
		if err == nil || !strings.Contains(out, "publish: index.php was changed in staging on its way") {
			t.Errorf("%v: %s", err, out)
		}
		if _, err := os.Stat(h.path("share/index.php")); err == nil {
			t.Error("it was published")
		}
	})
}
