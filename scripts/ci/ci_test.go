// Package ci tests the scripts that the CI systems' jobs run. What needs a cluster is tested in e2e.
package ci

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// run runs a script with variables added to the environment.
func run(t *testing.T, env []string, script string, args ...string) (stdout, stderr string) {
	t.Helper()
	path, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", script, args, err, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The stacks are those whose files are committed, without templates.
func TestStacks(t *testing.T) {
	clone := t.TempDir()
	write(t, filepath.Join(clone, "scripts/ci/stacks"), read(t, "stacks"))
	for _, c := range []struct{ file, content, want string }{
		{"Pulumi.yaml", "name: p\n", "[]\n"},
		{"Pulumi.dev.yaml", "config:\n  # REPLACE: the host\n  p:host: h\n", "[]\n"},
		{"Pulumi.home.yaml", "config:\n  p:host: h\n", `["home"]` + "\n"},
		{"Pulumi.lab-2.yaml", "config: {}\n", `["home","lab-2"]` + "\n"},
	} {
		write(t, filepath.Join(clone, c.file), c.content)
		for _, argv := range [][]string{{"init", "--quiet"}, {"add", "."}} {
			if out, err := exec.Command("git", append([]string{"-C", clone}, argv...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		write(t, filepath.Join(clone, "Pulumi.mine.yaml"), "config: {}\n") // not committed
		stdout, stderr := run(t, nil, filepath.Join(clone, "scripts/ci/stacks"))
		os.Remove(filepath.Join(clone, "Pulumi.mine.yaml"))
		if stdout != c.want {
			t.Errorf("with %s: %q, want %q", c.file, stdout, c.want)
		}
		if strings.Contains(stderr, "Pulumi.dev.yaml is left out") != (c.file != "Pulumi.yaml") {
			t.Errorf("with %s it says %q", c.file, stderr)
		}
	}
}

// A written preview is posted as it is. If there is none, the comment says so under the same mark.
func TestComment(t *testing.T) {
	dir := t.TempDir()
	env := []string{"RUN_URL=https://forge.test/run/7", "REVISION=abc123"}
	run(t, env, "comment", "home", dir+"/new")
	const want = "### ❌ `webapp-balanced/home`: the preview did not run\n<!-- pulumi preview of webapp-balanced/home -->\n\n" +
		"Its job ended before there was one, see [the run](https://forge.test/run/7). Commit abc123.\n"
	if got := read(t, dir+"/new/comment.md"); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	write(t, dir+"/comment.md", "a preview\n")
	run(t, env, "comment", "home", dir)
	if got := read(t, dir+"/comment.md"); got != "a preview\n" {
		t.Errorf("the preview became %q", got)
	}
}

// The comment names what was previewed, also in a shallow clone, as jobs have.
func TestCommit(t *testing.T) {
	dir := t.TempDir()
	git := func(clone string, argv ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", filepath.Join(dir, clone), "-c", "user.name=a", "-c", "user.email=a@b.test"}, argv...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git(".", "init", "--quiet", "--initial-branch=main", "all")
	git("all", "commit", "--quiet", "--allow-empty", "-m", "base")
	base := git("all", "rev-parse", "HEAD")
	git("all", "checkout", "--quiet", "-b", "change")
	git("all", "commit", "--quiet", "--allow-empty", "-m", "change\n\nparent of nothing")
	change := git("all", "rev-parse", "HEAD")
	git("all", "checkout", "--quiet", "main")
	git("all", "merge", "--quiet", "--no-ff", "change")
	merge := git("all", "rev-parse", "HEAD")
	git(".", "clone", "--quiet", "--depth=1", "file://"+dir+"/all", "shallow")
	script, err := filepath.Abs("commit")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(dir, "shallow"))
	for revision, want := range map[string]string{"": merge, merge: merge, change: change + ", merged into " + base, "abc": merge + ", for abc"} {
		if got, stderr := run(t, []string{"REVISION=" + revision}, script); got != want+"\n" {
			t.Errorf("of %q it says %q %s, want %q", revision, got, stderr, want)
		}
	}
}

// The command gets the kubeconfig in a file and the key in an agent, and both are gone after it.
func TestCredentials(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(string(pem.EncodeToMemory(block)))
	out, _ := run(t, []string{"KUBECONFIG_TEXT=apiVersion: v1\nkind: Config", "NFS_SSH_KEY=" + text}, "credentials",
		"sh", "-c", `cat "$KUBECONFIG"; stat -c %a "$KUBECONFIG"; ssh-add -l; env | grep -c -e KUBECONFIG_TEXT -e NFS_SSH_KEY; echo "$KUBECONFIG"; echo "$SSH_AUTH_SOCK"`)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 7 {
		t.Fatalf("it printed %q", lines)
	}
	if !slices.Equal(lines[:3], []string{"apiVersion: v1", "kind: Config", "600"}) || !strings.Contains(lines[3], ssh.FingerprintSHA256(key)) || lines[4] != "0" {
		t.Errorf("the command saw %q", lines[:5])
	}
	deadline := time.Now().Add(5 * time.Second) // the agent ends some time after it was told to
	for _, left := range []string{lines[5], filepath.Dir(lines[5]), lines[6]} {
		for _, err := os.Stat(left); err == nil; _, err = os.Stat(left) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is left", left)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// gh lists the open issues of a file, through jq as the real one does, and writes down what else it is asked.
const gh = `#!/bin/sh
case "$*" in
"api --paginate repos/o/r/issues?state=open&per_page=100 --jq "*) for filter; do :; done; jq "$filter" <"$ISSUES" ;;
*) printf '[%s]' "$@" >>"$ISSUES.asked" ;;
esac
`

// There is one issue for a stack's drift: opened, updated, closed.
func TestIssue(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/bin/gh", gh)
	env := []string{"ISSUES=" + dir + "/issues", "GH_REPO=o/r", "PATH=" + dir + "/bin:" + os.Getenv("PATH")}
	body := "[--body-file][" + dir + "/result/comment.md]"
	// A pull request with that title and another stack's issue do not count.
	const others = `{"number": 1, "title": "Drift of the stack home", "pull_request": {}}, {"number": 2, "title": "Drift of the stack homer"}`
	const open = others + `, {"number": 3, "title": "Drift of the stack home"}`
	for _, c := range []struct {
		name, issues string
		drift        bool
		want         string
	}{
		{"nothing, as before", others, false, ""},
		{"drift", others, true, "[issue][create][--title][Drift of the stack home]" + body},
		{"drift, still", open, true, "[issue][edit][3]" + body},
		{"the drift is gone", open, false, "[issue][close][3][--comment][The drift is gone.]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, dir+"/issues", "["+c.issues+"]")
			write(t, dir+"/issues.asked", "")
			write(t, dir+"/result/comment.md", "what was found")
			os.Remove(dir + "/result/drift")
			if c.drift {
				write(t, dir+"/result/drift", "")
			}
			run(t, env, "issue", "home", dir+"/result")
			if got := read(t, dir+"/issues.asked"); got != c.want {
				t.Errorf("gh is asked %q, want %q", got, c.want)
			}
		})
	}
}

// A failed check closes no issue.
func TestIssueWithoutACheck(t *testing.T) {
	out, err := exec.Command("./issue", "home", t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "home was not checked: its issue stays as it is") {
		t.Errorf("%v: %s", err, out)
	}
}
