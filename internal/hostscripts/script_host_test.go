package hostscripts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The scripts run under any sh of the NFS host, with its other commands: busybox has its own of each.
var shells = [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "ash"}}

// eachShell runs a test under every shell of this computer, or under sh if it has none of them.
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

// applets are busybox's versions of the commands that the scripts use; in Debian it lacks flock and getent.
var applets = []string{"awk", "cat", "chmod", "cmp", "cp", "grep", "head", "mkdir", "mv", "readlink",
	"rm", "rmdir", "sha256sum", "setsid", "sleep", "stat", "sync", "tail", "timeout", "tr", "wc", "xargs"}

// The real exportfs, and a process named rpc.mountd, which the scripts look for.
var realExportfs string

// now is the time of the tests' inspections.
var now = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	out, err := exec.Command("../../scripts/exportfs").Output()
	if err != nil {
		return 0, fmt.Errorf("find exportfs: %w", err)
	}
	realExportfs = strings.TrimSpace(string(out))
	dir, err := os.MkdirTemp("", "mountd")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	mountd := exec.Command(filepath.Join(dir, "rpc.mountd"), "infinity")
	mountd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	sleep, err := exec.LookPath("sleep")
	if err == nil {
		err = os.Symlink(sleep, mountd.Path)
	}
	if err == nil {
		err = mountd.Start()
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = mountd.Process.Kill(); _ = mountd.Wait() }()
	return m.Run(), nil
}

// host is an NFS server: a directory with etc, srv and var/lib, which replace the machine's in a separate
// mount namespace. Its exportfs is the real one.
type host struct {
	t     testing.TB
	shell []string
	dir   string
	path  string // of commands, before the computer's own
	alone bool   // in a process namespace of its own, in which no rpc.mountd runs
	lacks string // a missing command
	mount string // a line of sh to run first in the namespace
	hooks map[string]string
	found Found // for the scripts' data
}

// enter turns the namespace into the host, and runs the arguments after the first.
const enter = `set -e
cd "$1"; shift
[ -z "$ALONE" ] || mount -t proc proc /proc
mount --bind etc /etc
mount --bind srv /srv
mount --bind var/lib /var/lib
mount -t tmpfs none /proc/fs
mkdir /proc/fs/nfsd
echo "0x3fe7f 0xf" >/proc/fs/nfsd/export_features
cp threads /proc/fs/nfsd/threads
for command in /usr/sbin/"$LACKS" /sbin/"$LACKS" /usr/bin/"$LACKS" /bin/"$LACKS"; do
	[ ! -f "$command" ] || mount --bind /dev/null "$command"
done
eval "$MOUNT"
cd home
exec "$@"`

func newHost(t testing.TB, shell []string, exports string) *host {
	t.Helper()
	h := &host{t: t, shell: shell, dir: t.TempDir(), hooks: map[string]string{}}
	h.path = h.at("bin")
	for _, dir := range []string{"bin", "home", "etc", "srv", "var/lib/nfs"} {
		if err := os.MkdirAll(h.at(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write("etc/exports", exports, 0o640)
	h.write("etc/hosts", "127.0.0.1 localhost\n10.0.0.77 a.example.com\n", 0o644)
	h.write("var/lib/nfs/etab", "", 0o644)
	h.write("threads", "8\n", 0o644)
	h.link("exportfs", realExportfs)
	// /usr/bin/awk is a link through /etc.
	awk, err := exec.LookPath("awk")
	if err == nil {
		awk, err = filepath.EvalSymlinks(awk)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.link("awk", awk)
	if shell[0] == "busybox" {
		busybox, err := exec.LookPath("busybox")
		if err != nil {
			t.Fatal(err)
		}
		for _, applet := range applets {
			h.link(applet, busybox)
		}
	}
	return h
}

// remove deletes a file or a directory, which must exist.
func (h *host) remove(name string) {
	h.t.Helper()
	if _, err := os.Lstat(h.at(name)); err != nil {
		h.t.Fatal(err)
	}
	if err := os.RemoveAll(h.at(name)); err != nil {
		h.t.Fatal(err)
	}
}

// hide removes a command.
func (h *host) hide(name string) {
	h.t.Helper()
	h.lacks = name
	h.remove("bin/" + name)
}

// link puts a command into the host's bin, and replaces one that is there.
func (h *host) link(name, target string) {
	h.t.Helper()
	_ = os.Remove(h.at("bin/" + name))
	if err := os.Symlink(target, h.at("bin/"+name)); err != nil {
		h.t.Fatal(err)
	}
}

// hook makes a command run some lines of sh first, where $REAL is the command itself.
func (h *host) hook(name, lines string) {
	h.t.Helper()
	real, err := os.Readlink(h.at("bin/" + name))
	if err != nil {
		real, err = exec.LookPath(name)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	if filepath.Base(real) == "busybox" {
		real += " " + name
	}
	h.write("bin/"+name, "#!/bin/sh\nREAL='"+real+"'\n"+lines+"\nexec $REAL \"$@\"\n", 0o755)
	h.hooks[name] = real
}

// unhook undoes hook.
func (h *host) unhook(name string) {
	h.t.Helper()
	h.write("bin/"+name, "#!/bin/sh\nexec "+h.hooks[name]+" \"$@\"\n", 0o755)
}

func (h *host) at(name string) string { return filepath.Join(h.dir, name) }

func (h *host) write(name, content string, mode os.FileMode) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.at(name)), 0o755); err != nil {
		h.t.Fatal(err)
	}
	// Recreate it: it may be a link to one of the computer's own commands.
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

// table is what the kernel exports: the lines of etab, sorted, with their options.
func (h *host) table() []string {
	h.t.Helper()
	lines := strings.Split(strings.TrimSuffix(h.read("var/lib/nfs/etab"), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// tableOf returns the clients of one directory.
func (h *host) tableOf(directory string) []string {
	var clients []string
	for _, line := range h.table() {
		if path, rest, _ := strings.Cut(line, "\t"); path == directory {
			client, _, _ := strings.Cut(rest, "(")
			clients = append(clients, client)
		}
	}
	return clients
}

// on runs a command on the host.
func (h *host) on(argv ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", enter, "enter", h.dir}, argv...)...)
	cmd.Env = append(os.Environ(), "PATH="+h.path+":"+os.Getenv("PATH")+":/usr/sbin:/sbin", "ALONE=", "LACKS="+h.lacks, "MOUNT="+h.mount)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if h.alone {
		cmd.Env = append(cmd.Env, "ALONE=yes")
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWPID
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

// do runs a line in a shell of the host, like an administrator.
func (h *host) do(line string) string {
	h.t.Helper()
	out, err := h.on("/bin/sh", "-ec", line).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// command runs a script as the command resource does. verb follows `sh -s --`: the verb, and possibly a generation.
func (h *host) command(stdin, verb string) *exec.Cmd {
	what, generation, _ := strings.Cut(verb, " ")
	argv := append(slices.Clone(h.shell), "-s", "--", what, "test")
	if generation != "" {
		argv = append(argv, generation)
	}
	cmd := h.on(argv...)
	cmd.Stdin = strings.NewReader(stdin)
	return cmd
}

// with adds a line to the data of a script.
func with(line, stdin string) string {
	return strings.Replace(stdin, "<<'END OF DATA'\n", "<<'END OF DATA'\n"+line+"\n", 1)
}

// run returns what the script prints.
func (h *host) run(stdin, verb string) (string, error) {
	out, err := h.command(stdin, verb).CombinedOutput()
	return string(out), err
}

func (h *host) must(stdin, verb string) string {
	h.t.Helper()
	out, err := h.run(stdin, verb)
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", verb, err, out)
	}
	return out
}
