package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

// job runs a script of scripts/ci as the workflows' jobs do, with their secrets.
type job struct {
	*stack
	kubeconfig string // text
	sshKey     string // PEM
}

// command returns a command with the job's secrets.
func (j job) command(argv ...string) *exec.Cmd {
	cmd := exec.Command("scripts/ci/credentials", argv...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "KUBECONFIG=", "KUBECONFIG_TEXT="+j.kubeconfig, "NFS_SSH_KEY="+j.sshKey, "NO_COLOR=1")
	return cmd
}

// run returns the run's summary, the output, and whether the script succeeded.
func (j job) run(t *testing.T, script string, args ...string) (summary, out string, ok bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "summary")
	cmd := j.command(append([]string{"scripts/ci/" + script, j.name}, args...)...)
	cmd.Env = append(cmd.Env, "RUN_URL=https://forge.test/run/7", "REVISION=abc123", "GITHUB_STEP_SUMMARY="+file)
	text, err := cmd.CombinedOutput()
	content, _ := os.ReadFile(file)
	for _, secret := range strings.Split(strings.TrimSpace(j.sshKey), "\n")[1:3] {
		if strings.Contains(string(text)+string(content), secret) {
			t.Errorf("a secret is in what %s prints", script)
		}
	}
	return string(content), string(text), err == nil
}

// comments is a fake of the action that posts comments. It has the comments on a pull request.
type comments []string

// post replaces the comment with the same mark, or adds one.
func (c *comments) post(t *testing.T, directory string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(directory, "comment.md"))
	if err != nil {
		t.Fatal(err)
	}
	body := string(content)
	mark := strings.Split(body, "\n")[1]
	if !strings.HasPrefix(mark, "<!-- pulumi preview of webapp-balanced/") {
		t.Fatalf("the second line is not a marker: %q", mark)
	}
	for i := range *c {
		if strings.Contains((*c)[i], mark) {
			(*c)[i] = body
			return body
		}
	}
	*c = append(*c, body)
	return body
}

// The workflows' jobs work: previews with read-only credentials and one comment that follows them, even if a
// preview fails; the update with its table; the nightly check for drift.
func TestCI(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-ci")
	s.setPath("nfs.detectDrift", "true")
	s.set("replicas", "1")
	writingKey, err := os.ReadFile(filepath.Join(root, ".lab/keys/id_ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	writing, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	// Each run brings its own key.
	s.must("pulumi", "config", "rm", "nfsPrivateKey")
	result := t.TempDir()
	deploy := job{s, string(writing), string(writingKey)}
	t.Cleanup(func() {
		if out, err := deploy.command("pulumi", "destroy", "--yes", "--skip-preview", "--stack", s.name).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	readOnly := job{s, kubeconfigOf(t, "preview", filepath.Join(root, "docs/ci/preview-access.yaml"), "kube-system"), probingKey(t)}
	var posted comments

	preview := func(t *testing.T) (comment string, ok bool) {
		t.Helper()
		summary, out, ok := readOnly.run(t, "preview", result)
		comment = posted.post(t, result)
		if len(posted) != 1 {
			t.Errorf("there are %d comments, want one that follows the previews", len(posted))
		}
		if !strings.HasSuffix(comment, ", for abc123.\n") || !strings.HasPrefix(comment, summary[:20]) {
			t.Errorf("the comment is\n%s\nand the summary\n%s\n%s", comment, summary, out)
		}
		return comment, ok
	}
	t.Run("the first preview", func(t *testing.T) {
		comment, ok := preview(t)
		if !ok {
			t.Error("it failed")
		}
		contains(t, comment, "### 🟦 `webapp-balanced/e2e-ci`: ", "line "+s.share+" "+node1+"(rw,sync,no_subtree_check)", "Deployment app-e2e-ci-deployment")
	})
	t.Run("a merge", func(t *testing.T) {
		summary, out, ok := deploy.run(t, "up")
		if !ok {
			t.Fatalf("it failed:\n%s", out)
		}
		contains(t, summary, "### ✅ `e2e-ci` after the update", "every URL is answered by all 1 pods that are ready")
	})
	t.Run("an older run", func(t *testing.T) {
		newer := exec.Command("git", "-c", "user.name=a", "-c", "user.email=a@b.test", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "newer")
		newer.Dir = root
		commit, err := newer.Output()
		if err != nil {
			t.Fatal(err)
		}
		deployed := strings.TrimSpace(s.must("pulumi", "stack", "tag", "get", "webapp-balanced:commit"))
		s.must("pulumi", "stack", "tag", "set", "webapp-balanced:commit", strings.TrimSpace(string(commit)))
		if _, out, ok := deploy.run(t, "up"); ok || !strings.Contains(out, "is not deployed over it: to go back, merge a revert") {
			t.Errorf("%v: %s", ok, out)
		}
		s.must("pulumi", "stack", "tag", "set", "webapp-balanced:commit", deployed)
	})
	t.Run("a preview that changes nothing", func(t *testing.T) {
		comment, ok := preview(t)
		if !ok || !strings.HasPrefix(comment, "### ✅ `webapp-balanced/e2e-ci`: no changes\n") {
			t.Errorf("%v:\n%s", ok, comment)
		}
	})
	t.Run("a preview that fails", func(t *testing.T) {
		s.set("replicas", "3")
		defer s.set("replicas", "1")
		comment, ok := preview(t)
		if ok {
			t.Error("it went well")
		}
		contains(t, comment, "### ❌ `webapp-balanced/e2e-ci`: the preview failed", `replicas = "3": is more than the 2 nodes`)
	})
	t.Run("a runner that does not reach the NFS server", func(t *testing.T) {
		s.setPath("nfs.host", "198.18.0.77")
		defer s.setPath("nfs.host", master)
		comment, ok := preview(t)
		if ok {
			t.Error("it went well")
		}
		contains(t, comment, "### ❌ `webapp-balanced/e2e-ci`: the preview failed", "198.18.0.77:22 over SSH: it cannot be reached")
		if _, out, ok := readOnly.run(t, "drift", result); ok {
			t.Errorf("the check for drift succeeded:\n%s", out)
		}
		for _, file := range []string{"comment.md", "drift"} {
			if _, err := os.Stat(filepath.Join(result, file)); err == nil {
				t.Errorf("the failed check left %s", file)
			}
		}
	})
	t.Run("credentials that may only read", func(t *testing.T) {
		s.set("nodePort", "31184")
		if _, out, ok := readOnly.run(t, "up"); ok || !strings.Contains(out, "forbidden") {
			t.Errorf("an update with them: %v\n%s", ok, out)
		}
		s.set("nodePort", "0")
		if out, err := sshWith(t, "root", readOnly.sshKey, "id"); err == nil || !strings.Contains(out, "this key may only read") {
			t.Errorf("its key ran a command: %s", out)
		}
		out, _ := sshWith(t, "root", readOnly.sshKey, "sh -s -- probe x", "touch /etc/exports /srv/nfs/mine; sudo -n id; id -un")
		contains(t, out, "cannot touch '/etc/exports'", "cannot touch '/srv/nfs/mine'", "prevents sudo from running as root")
		if !strings.HasSuffix(out, "\nnobody\n") {
			t.Errorf("as the key's owner: %s", out)
		}
	})
	t.Run("no drift", func(t *testing.T) {
		_, out, ok := readOnly.run(t, "drift", result)
		if _, err := os.Stat(filepath.Join(result, "drift")); !ok || err == nil {
			t.Errorf("%v:\n%s", ok, out)
		}
	})
	t.Run("drift", func(t *testing.T) {
		s.kubectl("patch", "service", "balanced-service", "--type=json", "-p", `[{"op": "replace", "path": "/spec/ports/0/name", "value": "mine"}]`)
		ssh(t, "kubemaster", "echo edited >"+s.share+"/index.php")
		summary, out, ok := readOnly.run(t, "drift", result)
		if _, err := os.Stat(filepath.Join(result, "drift")); !ok || err != nil {
			t.Errorf("%v, %v:\n%s", ok, err, out)
		}
		contains(t, summary, "### 🟦 `webapp-balanced/e2e-ci`: drift in 2 resources", "index.php was changed", "- spec.ports[0].name: mine", "+ spec.ports[0].name: http")
	})
	t.Run("put back as the issue says", func(t *testing.T) {
		if out, err := deploy.command("pulumi", "up", "--refresh", "--yes", "--skip-preview", "--stack", s.name).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		_, out, ok := readOnly.run(t, "drift", result)
		if _, err := os.Stat(filepath.Join(result, "drift")); !ok || err == nil {
			t.Errorf("%v:\n%s", ok, out)
		}
	})
}

// probingKey creates a read-only SSH key as in the documentation.
func probingKey(t *testing.T) string {
	t.Helper()
	public, private := newKey(t)
	script, err := os.ReadFile(filepath.Join(root, "scripts/ci/probe-only"))
	if err != nil {
		t.Fatal(err)
	}
	install := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", "cat >/usr/local/sbin/probe-only && chmod 755 /usr/local/sbin/probe-only")
	install.Stdin = strings.NewReader(string(script))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line := `restrict,command="/usr/local/sbin/probe-only" ` + strings.TrimSpace(string(gossh.MarshalAuthorizedKey(public)))
	ssh(t, "kubemaster", "cp -p ~/.ssh/authorized_keys ~/.ssh/authorized_keys.before && echo '"+line+"' >>~/.ssh/authorized_keys")
	t.Cleanup(func() {
		ssh(t, "kubemaster", "mv ~/.ssh/authorized_keys.before ~/.ssh/authorized_keys; rm /usr/local/sbin/probe-only")
	})
	return string(private)
}

// sshWith runs a command on the NFS server with that key alone.
func sshWith(t *testing.T, user, key, command string, stdin ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ssh", "-F", "none", "-o", "UserKnownHostsFile="+filepath.Join(root, ".lab/keys/known_hosts"), "-o", "StrictHostKeyChecking=yes",
		"-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes", "-i", file, user+"@"+master, command)
	cmd.Stdin = strings.NewReader(strings.Join(stdin, "\n"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
