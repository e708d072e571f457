package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// balances deploys the example: both applications balance, and nothing changes after that.
func (p *program) balances(blogOutput, shopOutput, blogHost string) {
	p.t.Helper()
	contains(p.t, p.must("", "pulumi", "preview"), "to create")
	p.must("", "pulumi", "up", "--yes", "--skip-preview")
	p.must("", "pulumi", "preview", "--expect-no-changes")
	urls := map[string]string{}
	if err := json.Unmarshal([]byte(p.must("", "pulumi", "stack", "output", "--json")), &urls); err != nil {
		p.t.Fatal(err)
	}
	blog, shop := urls[blogOutput], urls[shopOutput]
	if want := "http://" + blogHost + ":" + httpPort + "/"; blog != want {
		p.t.Fatalf("the blog is at %q, want %s", blog, want)
	}
	pods := map[string]bool{}
	for url, page := range map[string]string{blog: "?who", shop: ""} {
		answering := servers(p.t, url+page, addressOf(url), 40)
		if len(answering) != 2 {
			p.t.Errorf("%s is answered by %v, want two pods", url, answering)
		}
		for pod := range answering {
			pods[pod] = true
		}
	}
	if len(pods) != 4 {
		p.t.Errorf("the pods that answer are %v, want two of each application", pods)
	}
	if _, _, body, err := get(shop+"greeting", addressOf(shop)); err != nil || body != "hello" {
		p.t.Errorf("the shop's environment has %q, %v", body, err)
	}
}

// tellsAllProblems previews the example with a relative path of the share, another in the shop, which waits
// for the share, and an unknown type of its exposure, which waits for the shop. The preview fails and reports
// each problem with its property. No output contains an invalid private key.
func (p *program) tellsAllProblems(source string) {
	p.t.Helper()
	// At the same depth as the example, whose paths are relative.
	if err := os.MkdirAll(filepath.Join(root, ".build"), 0o755); err != nil {
		p.t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Join(root, ".build"), "example-")
	if err != nil {
		p.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	wrong := &program{t: p.t, dir: dir, env: p.env}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == source {
			continue
		}
		if err := os.Symlink(filepath.Join(p.dir, entry.Name()), filepath.Join(wrong.dir, entry.Name())); err != nil {
			p.t.Fatal(err)
		}
	}
	content, err := os.ReadFile(filepath.Join(p.dir, source))
	if err != nil {
		p.t.Fatal(err)
	}
	content = []byte(strings.NewReplacer("/srv/nfs/example-", "srv/nfs/example-", "NodePort", "Nodeport",
		`mountPath: "/site"`, `mountPath: "site"`, "mountPath: /site", "mountPath: site",
		`config.requireSecret("nfsPrivateKey")`, `"sesame"`, "${nfsPrivateKey}", "sesame").Replace(string(content)))
	if err := os.WriteFile(filepath.Join(wrong.dir, source), content, 0o600); err != nil {
		p.t.Fatal(err)
	}
	// One resource at a time: the first component with problems ends the preview.
	one, err := wrong.run("", "pulumi", "preview", "--parallel", "1")
	if err == nil {
		p.t.Errorf("wrong properties are accepted:\n%s", one)
	}
	contains(p.t, one, "NfsShare resource 'files' has a problem", "property connection.privateKey has a problem")
	out, err := wrong.run("", "pulumi", "preview")
	if err == nil {
		p.t.Errorf("wrong properties are accepted:\n%s", out)
	}
	if strings.Contains(one+out, "sesame") {
		p.t.Errorf("the private key is told:\n%s\n%s", one, out)
	}
	contains(p.t, out, "NfsShare resource 'files' has a problem", `property path has a problem: "srv/nfs/example-`, "is not absolute",
		"BalancedApp resource 'shop' has a problem", `property mountPath has a problem: "site"`,
		"Exposure resource 'shop", `property type has a problem: "Nodeport"`)
}

// hosts returns a directory with the language hosts, except Go's.
func hosts(t *testing.T) string {
	t.Helper()
	programs, err := theLab.Languages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Copies: Python's host needs the program that runs its programs next to itself, and resolves links. It
	// generates SDKs without that program.
	dir := t.TempDir()
	if out, err := exec.Command("cp", append(programs, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "pulumi-language-python-exec"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Another program composes one share and two applications, and leaves nothing of them.
func TestGoProgram(t *testing.T) {
	parallel(t)
	p := newProgram(t, "go")
	p.readme()
	p.balances("blog", "shop", "blog.example")
}

func TestYAMLProgram(t *testing.T) {
	parallel(t)
	p := newProgram(t, "yaml", hosts(t))
	p.readme()
	p.tellsAllProblems("Pulumi.yaml")
	p.balances("blog", "shop", "blog.yaml.example")
}

func TestTypeScriptProgram(t *testing.T) {
	parallel(t)
	p := newProgram(t, "typescript", hosts(t))
	p.readme()
	p.must("", "npx", "tsc")
	p.tellsAllProblems("index.ts")
	p.balances("blogUrl", "shopUrl", "blog.typescript.example")
}

// SDKs are generated from the committed schema, and compile as far as possible here: Pulumi's own SDK for
// Python is not installed.
func TestSDKs(t *testing.T) {
	parallel(t)
	out := t.TempDir()
	p := &program{t: t, dir: filepath.Join(root, "plugin"), env: append(os.Environ(), "PATH="+hosts(t)+":"+os.Getenv("PATH"))}
	for _, language := range []string{"go", "python"} {
		p.must("", "pulumi", "package", "gen-sdk", "schema.json", "--language", language, "--out", out)
	}
	p.must("", "python3", "-m", "compileall", "-q", filepath.Join(out, "python"))
	for file, text := range map[string]string{
		"python/webapp_balanced_webapp_balanced/nfs_share.py": "class NfsShare(", "python/webapp_balanced_webapp_balanced/exposure.py": "class Exposure(",
		"go/webappbalanced/nfsShare.go": "func NewNfsShare(", "go/webappbalanced/balancedApp.go": "func NewBalancedApp(",
	} {
		content, err := os.ReadFile(filepath.Join(out, file))
		if err != nil || !strings.Contains(string(content), text) {
			t.Errorf("%s has no %q: %v", file, text, err)
		}
	}
	// Next to copies of the example's go.mod and go.sum, which have all that it needs.
	module := filepath.Join(out, "go")
	for _, file := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, "examples/go", file))
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.ReplaceAll(content, []byte("module webapp-balanced/examples/go"), []byte("module webapp-balanced/sdk/go"))
		content = bytes.ReplaceAll(content, []byte("=> ../.."), []byte("=> "+root))
		if err := os.WriteFile(filepath.Join(module, file), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.dir = module
	p.must("", filepath.Join(root, "scripts/go"), "build", "-mod=mod", "./...")
}
