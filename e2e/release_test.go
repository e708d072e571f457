package e2e

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// A release is made as docs/release.md says, and its package can be installed, and added to a program from
// the repository's address.
func TestRelease(t *testing.T) {
	parallel(t)
	source, err := os.ReadFile(filepath.Join(root, "internal/version/version.go"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`Version = "(.+)"`).FindStringSubmatch(string(source))[1]
	tag := "v" + version
	dir := t.TempDir()
	home := pulumiHome(t)
	p := &program{t: t, dir: dir, env: append(os.Environ(), "PLATFORMS=linux/amd64", "PULUMI_HOME="+home, "PATH="+path(t, hosts(t)),
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")}
	copied := exec.Command("sh", "-c", `git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --target-directory "$1"`, "sh", dir)
	copied.Dir = root
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p.must("", "git", "init", "--quiet", "--initial-branch=main")
	origin := filepath.Join(t.TempDir(), "owner/webapp-balanced.git")
	p.must("", "git", "init", "--quiet", "--bare", origin)
	p.must("", "git", "remote", "add", "origin", origin)

	changelog := func(title string) {
		t.Helper()
		text := "# Changelog\n\n" + title + "\n\n- Of this release.\n\n## 0.0.1 (2025-01-31)\n\n- Of another release.\n"
		if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	changelog("## Unreleased")
	out, err := p.run("", "scripts/release")
	if err == nil {
		t.Fatalf("a tree that is not committed is released:\n%s", out)
	}
	contains(t, out, "cannot release "+version, "the working tree has changes", "this commit is not what origin/main is", `no section "## `+version+` (YYYY-MM-DD)"`)
	if tags := p.must("", "git", "tag", "--list"); tags != "" {
		t.Fatalf("there are tags: %s", tags)
	}

	changelog("## " + version + " (2026-01-31)")
	p.must("", "git", "add", "--all")
	p.must("", "git", "commit", "--quiet", "--message=release: "+version)
	p.must("", "git", "push", "--quiet", "origin", "main")
	contains(t, p.must("", "scripts/release"), tag+" is tagged", "git push origin "+tag, "gh release create "+tag)
	if tagged, head := p.must("", "git", "rev-parse", tag+"^{commit}"), p.must("", "git", "rev-parse", "HEAD"); tagged != head {
		t.Errorf("%s is %s, want %s", tag, tagged, head)
	}
	if out, err := p.run("", "scripts/release"); err == nil || !strings.Contains(out, "the tag "+tag+" exists") {
		t.Errorf("it is released twice: %s", out)
	}

	sums := func() string { return p.must("", "cat", ".build/release/SHA256SUMS") }
	first := sums()
	p.must("", "git", "tag", "--delete", tag)
	p.must("", "scripts/release")
	if again := sums(); again != first {
		t.Errorf("the same commit makes other attachments:\n%s\n%s", first, again)
	}
	p.must("", "git", "push", "--quiet", "origin", tag)

	p.dir = filepath.Join(dir, ".build/release")
	archive := "pulumi-resource-webapp-balanced-" + tag + "-linux-amd64.tar.gz"
	contains(t, p.must("", "sha256sum", "--check", "SHA256SUMS"), archive+": OK", "schema.json: OK")
	notes, err := os.ReadFile(filepath.Join(p.dir, "notes.md"))
	if err != nil || !strings.Contains(string(notes), "- Of this release.") || strings.Contains(string(notes), "Of another release") || strings.Contains(string(notes), "## ") {
		t.Errorf("the notes are %q, %v", notes, err)
	}
	p.must("", "pulumi", "plugin", "install", "resource", "webapp-balanced", version, "--file", archive)
	var schema, attached any
	printed := p.must("", "pulumi", "package", "get-schema", "webapp-balanced@"+version)
	if err := json.NewDecoder(strings.NewReader(printed[strings.Index(printed, "{"):])).Decode(&schema); err != nil { // warnings surround it
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(p.dir, "schema.json"))
	if err == nil {
		err = json.Unmarshal(content, &attached)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(schema, attached) {
		t.Errorf("the installed package has another schema than the one attached:\n%s", printed)
	}

	// Without an installation, Pulumi compiles the package from the repository's address or a path.
	const address = "example.com/owner/webapp-balanced.git/plugin"
	// Pulumi does this first, and that proxy serves no modules: only those in the cache are available.
	p.dir = filepath.Join(dir, "plugin")
	p.must("", "go", "mod", "tidy")
	p.env = append(p.env, servedByGit(t, filepath.Dir(filepath.Dir(origin)))...)
	for _, source := range []string{address + "@" + tag, filepath.Join(dir, "plugin")} {
		p.dir = t.TempDir()
		project := filepath.Join(p.dir, "Pulumi.yaml")
		if err := os.WriteFile(project, []byte("name: other\nruntime: yaml\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.must("", "pulumi", "package", "add", source)
		content, err := os.ReadFile(project)
		if err != nil {
			t.Fatal(err)
		}
		contains(t, string(content), "webapp-balanced: "+source+"\n")
	}
}

// pulumiHome returns a PULUMI_HOME with only the plugins that the package needs.
func pulumiHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	programs, err := filepath.Glob(filepath.Join(os.Getenv("PULUMI_HOME"), "plugins/*/pulumi-resource-*"))
	if err != nil || len(programs) != 2 {
		t.Fatalf("the plugins are %q, %v", programs, err)
	}
	for _, program := range programs {
		plugin := filepath.Join(home, "plugins", filepath.Base(filepath.Dir(program)))
		if err := os.MkdirAll(plugin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(program, filepath.Join(plugin, filepath.Base(program))); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// servedByGit serves the repositories of a folder as https://example.com/ to processes with this environment:
// its proxy leads there for every host.
func servedByGit(t *testing.T, folder string) (env []string) {
	t.Helper()
	programs, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(server.Close)
	certificate := filepath.Join(t.TempDir(), "certificate.pem") // it is valid for example.com
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		there, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		// Answer after the hijacking: otherwise the server would read the first byte of what the client then sends.
		here, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, err = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		}
		if err != nil {
			there.Close()
			return
		}
		go func() { defer there.Close(); _, _ = io.Copy(there, here) }()
		go func() { defer here.Close(); _, _ = io.Copy(here, there) }()
	}))
	t.Cleanup(proxy.Close)
	return []string{"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + certificate}
}
