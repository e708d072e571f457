package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Updates with all kinds of changes are killed, at moments spread over their duration. The next update converges, or
// names the command that is needed, and nothing exists twice or is left behind. Two stacks share the moments.
func TestReliabilityKills(t *testing.T) {
	if !soaking {
		t.Skip("`make soak` runs this")
	}
	parallel(t)
	tagSecond(t)
	const moments, stacks = 56, 2 // eight of each change
	var of [stacks]kills
	t.Run("moments", func(t *testing.T) {
		for i := range stacks {
			t.Run(fmt.Sprintf("of stack %d", i+1), func(t *testing.T) {
				t.Parallel()
				of[i] = newKills(t, fmt.Sprintf("e2e-kills-%d", i+1))
				for n := i; n < moments; n += stacks {
					of[i].moment(t, n, moments)
				}
				of[i].end(t)
			})
		}
	})
	killed, total, cancelled, refreshed, both := map[string]int{}, 0, 0, 0, 0
	for _, k := range of {
		for change, n := range k.killed {
			killed[change] += n
			total += n
		}
		cancelled, refreshed, both = cancelled+k.cancelled, refreshed+k.refreshed, both+k.both
	}
	t.Logf("killed before the end: %v", killed)
	for _, c := range of[0].changes {
		if killed[c.name] == 0 {
			t.Errorf("no %s was killed before its end", c.name)
		}
	}
	if total < moments*4/5 {
		t.Errorf("only %d of %d were killed before their end", total, moments)
	}
	var first []string
	for _, named := range []struct {
		n    int
		what string
	}{{cancelled - both, "`pulumi cancel`"}, {refreshed - both, "`pulumi up --refresh`"}, {both, "both, one after the other"}} {
		if named.n > 0 {
			first = append(first, fmt.Sprintf("%s (%d times)", named.what, named.n))
		}
	}
	outcome{Section: atTheUpdate, Failure: killedUpdates,
		Sees: fmt.Sprintf("the next up converges (%d were killed before their end), after a command that it names: %s", total, strings.Join(first, ", "))}.record(t)
}

// kills is a stack whose updates are killed.
type kills struct {
	*target
	changes                    []change
	killed                     map[string]int // before their end, by the change
	cancelled, refreshed, both int            // what the next update asked for first
}

// change is a key of the configuration with two values, or a destroy, which has none.
type change struct {
	name, path string
	values     [2]string
	second     bool          // the second value is set
	lasts      time.Duration // if it is not killed
}

func newKills(t *testing.T, name string) kills {
	k := kills{target: newTarget(t, name), killed: map[string]int{}}
	k.setPath("nfs.detectDrift", "true")
	site, second := filepath.Join(root, "site"), t.TempDir()
	if err := os.CopyFS(second, os.DirFS(site)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(second, "second.html"), []byte("second"), 0o644); err != nil {
		t.Fatal(err)
	}
	k.changes = []change{
		{name: "exposure", path: "exposure", values: [2]string{"nodeport", "clusterip"}},
		{name: "replicas", path: "replicas", values: [2]string{"2", "1"}},
		{name: "path", path: "nfs.path", values: [2]string{k.share, k.share + "-2"}},
		{name: "site", path: "nfs.site", values: [2]string{site, second}},
		{name: "tls", path: "tls", values: [2]string{"off", "self-signed"}},
		{name: "image", path: "image", values: [2]string{"lab.local/webapp:v1", "lab.local/webapp:v2"}},
		{name: "destroy"},
	}
	// Each change first runs to its end: the moments are spread over that time.
	for i := range k.changes {
		c := &k.changes[i]
		command := k.begin(c)
		start := time.Now()
		k.must("pulumi", command, "--yes", "--skip-preview")
		c.lasts = time.Since(start)
	}
	k.up()
	return k
}

// begin changes the configuration, and returns the command that applies it.
func (k *kills) begin(c *change) (command string) {
	if c.path == "" {
		return "destroy"
	}
	c.second = !c.second
	value := c.values[0]
	if c.second {
		value = c.values[1]
	}
	k.setPath(c.path, value)
	return "up"
}

// moment kills one of the changes at the n-th of all moments, and checks that the next update converges.
func (k *kills) moment(t *testing.T, n, moments int) {
	rounds := (moments + len(k.changes) - 1) / len(k.changes)
	c, round := &k.changes[n%len(k.changes)], n/len(k.changes)
	command := k.begin(c)
	// pulumi does nothing in the first second, nor in the last.
	after := time.Second + (c.lasts-2*time.Second)*time.Duration(round)/time.Duration(rounds-1)
	alone := n/2%2 == 0
	before, started := k.kill(t, command, after)
	if before {
		k.killed[c.name]++
	}
	// The processes that pulumi has started do not end with it, and may still run.
	if !alone {
		end(started)
	}
	defer end(started)
	out, err := k.command("pulumi", "up", "--yes", "--skip-preview")
	// Each error names the command that helps.
	cancelled := k.cancelled
	if err != nil && strings.Contains(out, "pulumi cancel") {
		k.cancelled++
		k.must("pulumi", "cancel", "--yes")
		out, err = k.command("pulumi", "up", "--yes", "--skip-preview")
	}
	// It may also be a warning: a missing Ingress does not keep an update from succeeding.
	if strings.Contains(out, "run pulumi up --refresh") {
		k.refreshed++
		if k.cancelled > cancelled {
			k.both++
		}
		out, err = k.command("pulumi", "up", "--refresh", "--yes", "--skip-preview")
	}
	t.Logf("moment %d, %s (%s), killed after %s: %v", n, c.name, command, after, err)
	if err != nil {
		t.Fatalf("moment %d, %s killed after %s: the next update fails: %v\n%s", n, c.name, after, err, out)
	}
	k.nothingTwice(t, n)
}

// end checks that nothing is left to change, and that a destroy leaves nothing.
func (k *kills) end(t *testing.T) {
	k.must("pulumi", "preview", "--expect-no-changes")
	k.must("pulumi", "destroy", "--yes", "--skip-preview")
	if left := ssh(t, "kubemaster", "grep "+k.share+" /etc/exports /var/lib/nfs/etab || true"); left != "" {
		t.Errorf("left on the NFS host: %s", left)
	}
	if left := ssh(t, "kubemaster", "ls /var/lib/webapp-balanced | grep -F "+k.name+" || true"); left != "" {
		t.Errorf("left on the NFS host are notes: %s", left)
	}
	if left := k.kubectl("get", "persistentvolumes", "-o", "jsonpath={.items[*].spec.nfs.path}"); strings.Contains(left, k.share) {
		t.Errorf("left are volumes of %s", left)
	}
}

// kill starts a pulumi command and kills it. It reports whether that was before its end, and which processes
// it had started.
func (w *target) kill(t *testing.T, command string, after time.Duration) (before bool, started []running) {
	t.Helper()
	cmd := w.prepare("pulumi", command, "--yes", "--skip-preview")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("pulumi %s: %v", command, err)
		}
		return false, nil
	case <-time.After(after):
	}
	started = startedBy(strconv.Itoa(cmd.Process.Pid))
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-done
	return true, started
}

// running is a process, identified by its PID and its start time.
type running struct{ pid, since string }

// startedBy returns the descendants of a process.
func startedBy(pid string) (all []running) {
	threads, _ := filepath.Glob("/proc/" + pid + "/task/*/children") // each has children of its own
	for _, thread := range threads {
		children, _ := os.ReadFile(thread) // it may have ended
		for _, child := range strings.Fields(string(children)) {
			all = append(append(all, running{child, since(child)}), startedBy(child)...)
		}
	}
	return all
}

// since returns when a process was started, in clock ticks (proc(5)); empty if it has ended.
func since(pid string) string {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.Fields(after)[19]
}

// end kills those of the processes that still run.
func end(processes []running) {
	for _, p := range processes {
		if pid, err := strconv.Atoi(p.pid); err == nil && p.since != "" && since(p.pid) == p.since {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// nothingTwice checks that each object of the stack exists once.
func (k *kills) nothingTwice(t *testing.T, moment int) {
	t.Helper()
	want := 4
	for _, c := range k.changes {
		if c.name == "tls" && c.second || c.name == "replicas" && !c.second {
			want++ // the certificate's Secret; the PodDisruptionBudget of two pods
		}
	}
	objects := strings.Fields(k.kubectl("get", "deployments,services,ingresses,persistentvolumeclaims,secrets,poddisruptionbudgets", "-o", "name"))
	if len(objects) != want {
		t.Errorf("after moment %d there are %q, want %d, each kind once", moment, objects, want)
	}
	volumes := strings.Fields(k.kubectl("get", "persistentvolumes", "-o", `jsonpath={.items[*].spec.nfs.path}`))
	n := 0
	for _, path := range volumes {
		if path == k.share || path == k.share+"-2" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("after moment %d the volumes are %q, want one", moment, volumes)
	}
	if blocks := ssh(t, "kubemaster", "grep -c '^# BEGIN webapp-balanced/"+k.name+"/' /etc/exports"); blocks != "1" {
		t.Errorf("after moment %d there are %s blocks, want one", moment, blocks)
	}
}
