package components

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The scripts run on the NFS host under whatever its sh is, with whatever its
// other commands are: busybox has its own of each.
var shells = [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "ash"}}

// eachShell runs a test under every shell that this computer has, and under sh
// where it has none of them.
func eachShell(t *testing.T, f func(t *testing.T, shell []string)) {
	t.Helper()
	found := false
	for _, shell := range shells {
		if _, err := exec.LookPath(shell[0]); err == nil {
			found = true
			t.Run(shell[0], func(t *testing.T) { t.Parallel(); f(t, shell) })
		}
	}
	if !found {
		t.Run("sh", func(t *testing.T) { f(t, []string{"sh"}) })
	}
}

// exportfs is a stand-in for the real one. -r refuses a file with the word
// BROKEN as that does an unknown option, with the line's number, and takes the
// others into the table, which -s prints. What is in the file faults goes
// before: shell that may fail, be slow, or lose lines.
const exportfs = `#!/bin/sh
cd DIR
echo "$*" >>calls
[ ! -e faults ] || . ./faults
case $1 in
-s) cat table ;;
-r)
	broken=$(grep -n BROKEN etc/exports | head -n 1)
	if [ -n "$broken" ]; then
		echo "exportfs: DIR/etc/exports:${broken%%:*}: unknown keyword \"BROKEN\"" >&2
		exit 1
	fi
	sed -n 's/^\(\/[^ ]*\) \([^ ()]*\)(\(.*\))$/\1  \2(\3,wdelay,secure)/p' etc/exports >table.new
	mv table.new table
	;;
esac
`

// host is a stand-in for the NFS server: a directory with an etc/exports.
type host struct {
	t     *testing.T
	shell []string
	dir   string
	path  string // of commands, before the computer's own
}

func newHost(t *testing.T, shell []string, exports string) *host {
	t.Helper()
	h := &host{t: t, shell: shell, dir: t.TempDir()}
	h.path = h.at("bin")
	h.write("etc/exports", exports, 0o640)
	h.write("table", "", 0o644)
	h.write("bin/exportfs", strings.ReplaceAll(exportfs, "DIR", h.dir), 0o755)
	if shell[0] == "busybox" {
		busybox, err := exec.LookPath("busybox")
		if err != nil {
			t.Fatal(err)
		}
		for _, applet := range []string{"awk", "sed", "grep", "head", "tail", "cut", "cp", "mv", "find", "od", "sha256sum", "readlink", "dirname", "tr", "sync"} {
			if err := os.Symlink(busybox, h.at("bin/"+applet)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return h
}

func (h *host) at(name string) string { return filepath.Join(h.dir, name) }

func (h *host) write(name, content string, mode os.FileMode) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.at(name)), 0o755); err != nil {
		h.t.Fatal(err)
	}
	// Anew: it may be a link to one of the computer's own commands.
	if err := os.RemoveAll(h.at(name)); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.at(name), []byte(content), mode); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) read(name string) string {
	h.t.Helper()
	content, err := os.ReadFile(h.at(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(content)
}

// command runs a script as the command resource does, with /etc and /var/lib
// being the host's.
func (h *host) command(stdin, verb string) *exec.Cmd {
	for _, dir := range []string{"/etc/exports", "/var/lib/webapp-balanced", "/var/lib/nfs"} {
		stdin = strings.ReplaceAll(stdin, dir, h.at(dir))
	}
	cmd := exec.Command(h.shell[0], append(h.shell[1:], "-s", "--", verb, "test")...)
	cmd.Dir = h.dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "PATH="+h.path+":"+os.Getenv("PATH"))
	return cmd
}

// run returns what the script prints, with the host's directory left out.
func (h *host) run(stdin, verb string) (string, error) {
	out, err := h.command(stdin, verb).CombinedOutput()
	return strings.ReplaceAll(string(out), h.dir, ""), err
}

func (h *host) must(stdin, verb string) string {
	h.t.Helper()
	out, err := h.run(stdin, verb)
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", verb, err, out)
	}
	return out
}

// beside lists what lies beside the exports file.
func (h *host) beside() []string {
	h.t.Helper()
	var names []string
	entries, err := os.ReadDir(h.at("etc"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "exports" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// exports is the script for a share of a stack, exported to the clients.
func (h *host) exports(stack string, change func(*NfsShareArgs), clients ...string) string {
	return h.scripts(stack, change, nil, clients...).exports
}

func (h *host) scripts(stack string, change func(*NfsShareArgs), files []siteFile, clients ...string) scripts {
	args := NfsShareArgs{Path: h.at("srv/share"), Clients: clients}
	if change != nil {
		change(&args)
	}
	return args.scripts(shareID{"p", stack, "share"}, files)
}
