package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Updates that are killed, at moments all over them, while everything changes. The next one converges, or
// names the command that is needed, and nothing is there twice or left behind.
func TestReliabilityKills(t *testing.T) {
	if !soaking {
		t.Skip("`make soak` runs this")
	}
	beside(t)
	const moments = 50
	w := newTarget(t, "e2e-kills")
	w.setPath("nfs.detectDrift", "true")
	tagSecond(t)
	second := t.TempDir()
	content, err := os.ReadFile(filepath.Join(root, "site", "index.php"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"index.php": string(content), "second.html": "second"} {
		if err := os.WriteFile(filepath.Join(second, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	changes := []struct {
		name, path string
		values     [2]string
	}{
		{"exposure", "exposure", [2]string{"nodeport", "clusterip"}},
		{"replicas", "replicas", [2]string{"2", "1"}},
		{"path", "nfs.path", [2]string{w.share, w.share + "-2"}},
		{"site", "nfs.site", [2]string{filepath.Join(root, "site"), second}},
		{"tls", "tls", [2]string{"off", "self-signed"}},
		{"image", "image", [2]string{"lab.local/webapp:v1", "lab.local/webapp:v2"}},
		{"destroy", "", [2]string{}},
	}
	// begin changes what is configured, and returns what carries that out.
	begin := func(n int) (command string) {
		c := changes[n%len(changes)]
		if c.path == "" {
			return "destroy"
		}
		w.setPath(c.path, c.values[1-(n/len(changes))%2])
		return "up"
	}
	// Each is carried out whole first: the moments are all over the time that it takes.
	lasts := map[string]time.Duration{}
	for n, c := range changes {
		start := time.Now()
		w.must("pulumi", begin(n), "--yes", "--skip-preview")
		lasts[c.name] = time.Since(start)
	}
	w.up()
	killed, cancelled, refreshed, both := map[string]int{}, 0, 0, 0
	start, rounds := time.Now(), (moments+len(changes)-1)/len(changes)
	for n := range moments {
		c := changes[n%len(changes)]
		command, alone := begin(n+len(changes)), n%2 == 0
		// Nothing is done in the first second.
		after := time.Second + (lasts[c.name]-1500*time.Millisecond)*time.Duration(n/len(changes))/time.Duration(rounds)
		if w.kill(t, command, after, alone) {
			killed[c.name]++
		}
		out, err := w.command("pulumi", "up", "--yes", "--skip-preview")
		// Each error names the command that helps.
		before := cancelled
		if err != nil && strings.Contains(out, "pulumi cancel") {
			cancelled++
			w.must("pulumi", "cancel", "--yes")
			out, err = w.command("pulumi", "up", "--yes", "--skip-preview")
		}
		if err != nil && strings.Contains(out, "run pulumi up --refresh") {
			refreshed++
			if cancelled > before {
				both++
			}
			out, err = w.command("pulumi", "up", "--refresh", "--yes", "--skip-preview")
		}
		t.Logf("moment %d, %s (%s), killed after %s: %v", n, c.name, command, after, err)
		if err != nil {
			t.Fatalf("moment %d, %s killed after %s: the next update fails: %v\n%s", n, c.name, after, err, out)
		}
		w.nothingTwice(t, n)
	}
	for _, c := range changes {
		if killed[c.name] == 0 {
			t.Errorf("no %s was killed before its end", c.name)
		}
	}
	w.must("pulumi", "preview", "--expect-no-changes")
	total := 0
	for _, n := range killed {
		total += n
	}
	if total < moments*4/5 {
		t.Errorf("only %d of %d were killed before their end", total, moments)
	}
	outcome{Section: atTheUpdate, Failure: killedUpdates, Sees: fmt.Sprintf("the next up converges (%d were killed before their end); first it names `pulumi cancel` (%d times), "+
		"`pulumi up --refresh` (%d times, a destroy) or both (%d times)", total, cancelled-both, refreshed-both, both)}.record(t)
	t.Logf("%d moments took %s; killed before the end: %v", moments, time.Since(start), killed)
	w.must("pulumi", "destroy", "--yes", "--skip-preview")
	if left := ssh(t, "kubemaster", "grep "+w.share+" /etc/exports /var/lib/nfs/etab || true"); left != "" {
		t.Errorf("left on the NFS host: %s", left)
	}
	if left := w.kubectl("get", "persistentvolumes", "-o", "jsonpath={.items[*].spec.nfs.path}"); strings.Contains(left, w.share) {
		t.Errorf("left are volumes of %s", left)
	}
}

// kill starts a command of pulumi and kills it, alone or with all that it has started. It reports whether
// that was before its end.
func (w *target) kill(t *testing.T, command string, after time.Duration, alone bool) bool {
	t.Helper()
	cmd := w.prepare("pulumi", command, "--yes", "--skip-preview")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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
		return false
	case <-time.After(after):
	}
	pid := cmd.Process.Pid
	if !alone {
		pid = -pid
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-done
	return true
}

// nothingTwice: of each kind there is what a stack has once.
func (w *target) nothingTwice(t *testing.T, moment int) {
	t.Helper()
	objects := strings.Fields(w.kubectl("get", "deployments,services,ingresses,persistentvolumeclaims", "-o", "name"))
	if len(objects) != 4 {
		t.Errorf("after moment %d there are %q, want one of each kind", moment, objects)
	}
	volumes := strings.Fields(w.kubectl("get", "persistentvolumes", "-o", `jsonpath={.items[*].spec.nfs.path}`))
	n := 0
	for _, path := range volumes {
		if path == w.share || path == w.share+"-2" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("after moment %d the volumes are %q, want one", moment, volumes)
	}
	if blocks := ssh(t, "kubemaster", "grep -c '^# BEGIN webapp-balanced/"+w.name+"/' /etc/exports"); blocks != "1" {
		t.Errorf("after moment %d there are %s blocks, want one", moment, blocks)
	}
}
