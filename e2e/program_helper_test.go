package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is one of the examples, with a stack of its own.
type program struct {
	t   *testing.T
	dir string
	env []string
}

// newProgram returns an example before its README's commands run. hosts are directories, one with the
// language's host.
func newProgram(t *testing.T, language string, hosts ...string) *program {
	t.Helper()
	p := &program{t: t, dir: filepath.Join(root, "examples", language), env: append(os.Environ(),
		"PULUMI_STACK=e2e-"+language, "NO_COLOR=1", "PATH="+path(t, hosts...))}
	share := "/srv/nfs/example-" + language
	ssh(t, "kubemaster", "rm -rf "+share)
	t.Cleanup(func() {
		if out, err := p.run("", "pulumi", "destroy", "--yes", "--skip-preview"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		p.must("", "pulumi", "stack", "rm", "--yes")
		if left := ssh(t, "kubemaster", "cat /etc/exports; exportfs -v"); strings.Contains(left, share) {
			t.Errorf("the host has\n%s", left)
		}
		if left := kubectl(t, "get", "namespace", "example-"+language, "--ignore-not-found"); left != "" {
			t.Errorf("the namespace is left: %s", left)
		}
	})
	return p
}

// readme runs the commands of the example's README up to pulumi up. It replaces a user's values by the lab's,
// and fails if a replacement matches no command.
func (p *program) readme() {
	p.t.Helper()
	lab := func(args ...string) string {
		p.t.Helper()
		cmd := exec.Command("pulumi", append([]string{"config", "get", "--stack", "lab"}, args...)...)
		cmd.Dir = root
		value, err := cmd.Output()
		if err != nil {
			p.t.Fatal(err)
		}
		return strings.TrimSpace(string(value))
	}
	key := filepath.Join(p.t.TempDir(), "id_ed25519")
	if err := os.WriteFile(key, []byte(lab("nfsPrivateKey")+"\n"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	var clients []string
	for i, client := range []string{master, node1, node2} {
		clients = append(clients, fmt.Sprintf("pulumi config set --path 'nfsClients[%d]' %s", i, client))
	}
	inLab := map[string]string{ // by how a command begins
		"pulumi stack init dev":                                   "pulumi stack init $PULUMI_STACK --no-select",
		"pulumi config set nfsHost 192.168.1.160":                 "pulumi config set nfsHost " + lab("--path", "nfs.host"),
		`pulumi config set nfsHostKey "$(ssh-keyscan`:             "pulumi config set nfsHostKey '" + lab("--path", "nfs.hostKey") + "'",
		"pulumi config set --secret nfsPrivateKey < ~/.ssh/":      "pulumi config set --secret nfsPrivateKey < " + key,
		"pulumi config set --path 'nfsClients[0]' 192.168.1.161":  strings.Join(clients, " && "),
		"pulumi config set blogImage quay.io/rhte_2019/webapp:v1": "pulumi config set blogImage lab.local/webapp:v1",
		"pulumi config set shopImage YOUR-IMAGE":                  "pulumi config set shopImage lab.local/static:v1",
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "README.md"))
	if err != nil {
		p.t.Fatal(err)
	}
	_, commands, _ := strings.Cut(string(text), "```console\n")
	commands, _, ends := strings.Cut(commands, "pulumi up\n```")
	if !ends {
		p.t.Fatalf("the commands of the README do not end in pulumi up:\n%s", text)
	}
	for _, command := range strings.Split(strings.TrimSpace(commands), "\n") {
		for begins, instead := range inLab {
			if strings.HasPrefix(command, begins) {
				delete(inLab, begins)
				command = instead
				break
			}
		}
		p.must("", "sh", "-c", command)
	}
	if len(inLab) > 0 {
		p.t.Errorf("the README has no command that begins as %v", inLab)
	}
}

// path returns a PATH that begins with the directories, and that has Go.
func path(t *testing.T, dirs ...string) string {
	t.Helper()
	goroot, err := exec.Command(filepath.Join(root, "scripts/go"), "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(dirs, filepath.Join(strings.TrimSpace(string(goroot)), "bin"), os.Getenv("PATH")), ":")
}

func (p *program) run(stdin string, argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = p.dir, p.env, strings.NewReader(stdin)
	// exec looks for the program on this process's PATH.
	if found, err := exec.Command("sh", "-c", `PATH=$1 command -v "$2"`, "sh", pathIn(p.env), argv[0]).Output(); err == nil {
		cmd.Path = strings.TrimSpace(string(found))
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func pathIn(env []string) string {
	for _, variable := range env {
		if path, ok := strings.CutPrefix(variable, "PATH="); ok {
			return path
		}
	}
	return ""
}

func (p *program) must(stdin string, argv ...string) string {
	p.t.Helper()
	out, err := p.run(stdin, argv...)
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return out
}
