package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A new directory is exported before the pods move to it, and the old one until the last pod has left it. A
// destroy also waits for the last pod.
func TestShareOutlivesItsPods(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-moved")
	s.set("replicas", "2")
	s.up()
	old := s.share
	s.share = "/srv/nfs/e2e-moved-2"
	s.setPath("nfs.path", s.share)
	for _, violation := range s.watchPods(t, func() { s.up() }, old, s.share) {
		t.Error(violation)
	}
	exports := ssh(t, "kubemaster", "cat /etc/exports; exportfs -s; ls "+old+" "+s.share)
	if strings.Contains(exports, old+" ") || strings.Count(exports, s.share+" ") != 8 || strings.Count(exports, "index.php") != 2 {
		t.Errorf("after the move the host has\n%s", exports)
	}
	for _, u := range s.outputs().URLs {
		servers(t, u.URL, addressOf(u.URL), 4)
	}
	for _, violation := range s.watchPods(t, func() { s.must("pulumi", "destroy", "--yes", "--skip-preview") }, s.share) {
		t.Error(violation)
	}
}

// watchPods returns each time that a pod existed, while f ran, whose share was not exported.
func (s *stack) watchPods(t *testing.T, f func(), shares ...string) (violations []string) {
	checks := 0
	during(f, func() {
		time.Sleep(300 * time.Millisecond) // leaves the processors to other work
		table, err := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", "cat /var/lib/nfs/etab").Output()
		volumes, errVolumes := s.command("kubectl", "get", "pv", "-o", `jsonpath={range .items[*]}{.spec.nfs.path} {.spec.claimRef.name}{"\n"}{end}`)
		pods, errPods := s.command("kubectl", "--namespace", s.namespace, "get", "pods", "-o", "jsonpath={.items[*].spec.volumes[0].persistentVolumeClaim.claimName}")
		if err != nil || errVolumes != nil || errPods != nil {
			return
		}
		checks++
		for line := range strings.Lines(volumes) {
			path, claim, _ := strings.Cut(strings.TrimSpace(line), " ")
			// The pods were listed after the table was read: one that exists now existed then.
			if slices.Contains(shares, path) && slices.Contains(strings.Fields(pods), claim) && !strings.Contains(string(table), path+"\t") {
				violations = append(violations, fmt.Sprintf("%s is not exported, and pods are there with its claim: %s", path, pods))
			}
		}
	})
	if checks < 5 {
		t.Errorf("only %d checks", checks)
	}
	return violations
}
