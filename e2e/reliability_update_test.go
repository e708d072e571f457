package e2e

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// upWith starts an update, calls happen once the output contains the text, and returns the output when both
// have ended.
func (s *stack) upWith(t *testing.T, text string, happen func()) (string, error) {
	t.Helper()
	cmd := s.prepare("pulumi", "up", "--yes", "--skip-preview")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var out bytes.Buffer
	var wg sync.WaitGroup
	begun := false
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		out.WriteString(line)
		if !begun && strings.Contains(line, text) {
			begun = true
			wg.Go(happen)
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	wg.Wait()
	if !begun {
		t.Fatalf("%q is not in:\n%s", text, &out)
	}
	return out.String(), err
}

// made returns the stack's objects in the cluster, and its part of /etc/exports.
func (w *target) made(t *testing.T) string {
	t.Helper()
	return w.kubectl("get", "deployments,services,ingresses,persistentvolumeclaims,secrets,poddisruptionbudgets", "-o", "name") +
		"\n" + w.kubectl("get", "persistentvolumes", "-o", `jsonpath={range .items[*]}{.spec.nfs.path}{"\n"}{end}`) +
		"\n" + ssh(t, "kubemaster", "grep -c ' webapp-balanced/"+w.name+"/' /etc/exports; ls /var/lib/webapp-balanced | wc -l")
}

// interrupted calls happen in the middle of an update, under load at the Ingress. says is a part of the
// update's error; empty if the update may also succeed.
func (w *target) interrupted(t *testing.T, o outcome, text, says string, happen func()) {
	t.Helper()
	o.Section, o.Slowest = atTheUpdate, 15*time.Second
	before := w.made(t)
	var out string
	var err error
	all := w.atIngress().during(func() {
		start := time.Now()
		if out, err = w.upWith(t, text, happen); err != nil {
			w.up()
		}
		o.Well = time.Since(start)
	})
	if says != "" && (err == nil || !strings.Contains(out, says)) {
		t.Errorf("%v: the update does not fail with %q:\n%s", err, says, out)
	}
	o.with(w.atIngress(), all).record(t)
	w.must("pulumi", "preview", "--expect-no-changes")
	if after := w.made(t); after != before {
		t.Errorf("there is\n%s\nand before\n%s", after, before)
	}
	w.answersByTwo(t, time.Minute)
}

// again changes the pods' template, so that the next update replaces the pods.
func (w *target) again(t *testing.T) {
	t.Helper()
	w.setPath("app.env.ROUND", time.Now().Format("150405"))
}

func (w *target) apiServerIsAway(t *testing.T) {
	w.again(t)
	w.interrupted(t, outcome{Failure: "the API server is away for 30 s", Sees: "nothing; the update fails (connection refused), and the next one converges", Within: 3 * time.Minute}, "Deployment", "connection refused", func() {
		w.restart(t, "kube-apiserver", 30*time.Second)
	})
}

func (w *target) etcdIsRestarted(t *testing.T) {
	w.again(t)
	w.interrupted(t, outcome{Failure: "etcd is restarted", Sees: "nothing; the update goes on, or the next one converges", Within: 3 * time.Minute}, "Deployment", "", func() {
		w.restart(t, "etcd", 3*time.Second)
	})
}

// restart kills a program of the control plane, starts it again some time later, and waits until the API
// server is ready. It runs in another goroutine than the test, so it must not end the test.
func (w *target) restart(t *testing.T, program string, away time.Duration) {
	t.Helper()
	if err := theLab.Kill(program); err != nil {
		t.Error(err)
	}
	time.Sleep(away)
	if err := theLab.Restart(context.Background(), program); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := exec.Command("kubectl", "get", "--raw", "/readyz").CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("the API server is not ready a minute after %s was started again: %s", program, out)
			return
		}
	}
}

// sshIsCut ends the SSH connection while the site's files are being sent.
func (w *target) sshIsCut(t *testing.T) {
	defer w.publishMany(t)()
	w.interrupted(t, outcome{Failure: "SSH is cut while files are published", Sees: "nothing; the update fails, and the next one converges", Within: 2 * time.Minute}, "updating", "share-site", func() {
		out, err := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", `n=0; until pgrep -f "[s]h -s -- publish" >/dev/null || [ $n = 300 ]; do sleep 0.05; n=$((n+1)); done; [ $n -lt 300 ] || exit 1
			for p in $(pgrep -f "^sshd: root@"); do [ $p = $PPID ] || kill -9 $p; done; true`).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if files := ssh(t, "kubemaster", "ls "+w.share+" | wc -l"); files != "201" {
		t.Errorf("%s files are published, want 201", files)
	}
}
