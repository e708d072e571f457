package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"webapp-balanced/lab"
)

func TestMachines(t *testing.T) {
	kernels := map[string]bool{}
	for _, machine := range []string{"kubemaster", "kubenode1", "kubenode2"} {
		if name := ssh(t, machine, "hostname"); name != machine {
			t.Errorf("%s says that it is %s", machine, name)
		}
		kernels[ssh(t, machine, "cat /proc/sys/kernel/random/boot_id")] = true
	}
	if len(kernels) != 3 {
		t.Errorf("%d kernels, want 3", len(kernels))
	}
	if refused, err := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "-o", "ControlPath=none", "-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes", "kubemaster", "true").CombinedOutput(); err == nil {
		t.Errorf("a login without a key was not refused: %s", refused)
	}
	taint := kubectl(t, "get", "node", "kubemaster", "-o", "jsonpath={.spec.taints[*].key}")
	if taint != "node-role.kubernetes.io/control-plane" {
		t.Errorf("kubemaster's taint is %q", taint)
	}
}

// A user-mode kernel and the processes that it traces run on one processor, since they wait for each other; the next
// machine's run on another.
func TestProcessors(t *testing.T) {
	used := map[string]bool{}
	for _, machine := range []string{"kubemaster", "kubenode1", "kubenode2"} {
		traced := 0
		commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range commands {
			if command, _ := os.ReadFile(file); !bytes.Contains(command, []byte("\x00umid="+machine+"\x00")) {
				continue
			}
			status, err := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
			if err != nil {
				continue // it has ended
			}
			field := func(name string) string {
				_, value, _ := strings.Cut(string(status), "\n"+name+":")
				value, _, _ = strings.Cut(value, "\n")
				return strings.TrimSpace(value)
			}
			list := field("Cpus_allowed_list")
			if _, err := strconv.Atoi(list); err != nil {
				t.Errorf("a process of %s may run on the processors %s, want one", machine, list)
			}
			used[list] = true
			if field("TracerPid") != "0" {
				traced++
			}
		}
		if traced == 0 {
			t.Errorf("no traced process of %s was found", machine)
		}
	}
	if want := min(3, runtime.NumCPU()); len(used) != want {
		t.Errorf("the machines run on %d processors, want %d", len(used), want)
	}
}

func TestLogsAndExec(t *testing.T) {
	if out := kubectl(t, "--namespace=haproxy-controller", "exec", "deployment/haproxy-ingress", "--", "cat", "/proc/version"); !strings.Contains(out, "Linux version 6.12.") {
		t.Errorf("exec prints %q", out)
	}
	if out := kubectl(t, "--namespace=haproxy-controller", "logs", "deployment/haproxy-ingress"); !strings.Contains(out, "HAProxy") {
		t.Errorf("the log is %q", out)
	}
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("kubectl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Pulumi writes a file of attributes beside each file of a state in a directory, unless the address says not to. One that
// a killed Pulumi leaves empty keeps it from reading the state.
func TestStateHasNoAttributes(t *testing.T) {
	stacks := filepath.Join(root, ".lab", "run", "state", ".pulumi", "stacks", "*")
	if states, _ := filepath.Glob(filepath.Join(stacks, "lab.json")); len(states) != 1 {
		t.Fatalf("the lab's stack has the states %q", states)
	}
	if attributes, _ := filepath.Glob(filepath.Join(stacks, "*.attrs")); len(attributes) > 0 {
		t.Errorf("Pulumi wrote %q", attributes)
	}
}

// No machine, and so no pod, has a route out of the lab.
func TestNoWayOut(t *testing.T) {
	for _, machine := range []string{"kubemaster", "kubenode1", "kubenode2"} {
		if routes := ssh(t, machine, "ip route show default"); routes != "" {
			t.Errorf("%s has a default route: %s", machine, routes)
		}
	}
	// 192.0.2.1 has no host (RFC 5737): a pod with a route out would wait for its answer.
	out, err := exec.Command("kubectl", "--namespace=haproxy-controller", "exec", "deployment/haproxy-ingress", "--", "socat", "-T3", "-u", "OPEN:/dev/null", "TCP:192.0.2.1:80,connect-timeout=3").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "unreachable") {
		t.Errorf("a pod that connects to 192.0.2.1 is told %v: %s", err, out)
	}
}

// A second clone names the lab's owner, and does not touch the lab.
func TestSecondClone(t *testing.T) {
	clone := t.TempDir()
	for _, dir := range []string{"tools", "scripts"} {
		if err := os.CopyFS(filepath.Join(clone, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	second, err := lab.New(clone, &out)
	if err != nil {
		t.Fatal(err)
	}
	want := "the lab that runs on this computer belongs to " + root
	if err := second.Start(context.Background()); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("start says %v, want %q", err, want)
	}
	if err := second.Clean(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), want) {
		t.Errorf("clean says %q, want %q", out.String(), want)
	}
	if !theLab.Running() {
		t.Fatal("the lab no longer runs")
	}
}

// The lab starts over the remains of a lab whose programs were killed.
func TestRemains(t *testing.T) {
	if wasRunning {
		t.Skip("NOT RUN: the lab was running before, and is not killed for this test; run it after `make lab-down`")
	}
	records, err := filepath.Glob("/run/webapp-balanced-lab/processes/*.json")
	if err != nil || len(records) != 7 {
		t.Fatalf("the lab has the records %v (%v), want 7", records, err)
	}
	if err := toMaster.close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range records {
		var record struct{ PID int }
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &record)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(-record.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := theLab.Start(context.Background()); err != nil {
		t.Fatalf("start over the remains: %v", err)
	}
	if err := toMaster.open(); err != nil {
		t.Fatal(err)
	}
	TestMachines(t)
}

// leavings returns an error with what a stopped lab has left behind.
func leavings() error {
	var left []error
	for _, path := range []string{"/run/netns/webapp-lab", "/run/webapp-balanced-lab", "/sys/class/net/webapp-lab", filepath.Join(root, ".lab/run")} {
		if _, err := os.Lstat(path); err == nil {
			left = append(left, fmt.Errorf("left: %s", path))
		}
	}
	for what, argv := range map[string][]string{
		"routes":    {"ip", "route", "show", "table", "all"},
		"mounts":    {"cat", "/proc/self/mounts"},
		"processes": {"ps", "-eo", "stat,args"},
	} {
		out, err := exec.Command(argv[0], argv[1:]...).Output()
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "Z") {
				continue
			}
			for _, ours := range []string{"198.18.", "webapp-lab", "webapp-balanced-lab", "linux.uml"} {
				if strings.Contains(line, ours) {
					left = append(left, fmt.Errorf("left in %s: %s", what, line))
				}
			}
		}
	}
	return errors.Join(left...)
}

// ownFiles describes this computer's own files: those that tutorials tell users to edit, and those of kubectl
// and pulumi in the home directory. The lab touches none of them.
func ownFiles() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, own := range []string{"/etc/exports", "/etc/hosts", filepath.Join(home, ".kube"), filepath.Join(home, ".pulumi")} {
		err := filepath.WalkDir(own, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintln(&b, path, "is not there")
				return nil
			}
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime())
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
