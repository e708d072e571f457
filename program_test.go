package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// scripts/program compiles the program again only if one of its sources has changed.
func TestProgramIsCompiled(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{"program", "go"} {
		text, err := os.ReadFile("scripts/" + script)
		if err != nil {
			t.Fatal(err)
		}
		write("scripts/"+script, string(text))
	}
	write("go.mod", "module example\n\ngo 1.26.0\n")
	write("go.sum", "")
	write("main.go", "package main\n\nimport \"example/said\"\n\nfunc main() { print(said.Text()) }\n")
	write("said/said.go", "package said\n\nimport _ \"embed\"\n\n//go:embed text/text\nvar text string\n\nfunc Text() string { return text }\n")
	write("said/text/text", "first")
	binary := filepath.Join(dir, ".build/webapp-balanced")
	run := func(change, want string, compiled bool) {
		t.Helper()
		before, _ := os.Stat(binary)
		if before != nil { // works with timestamps in whole seconds, too
			old := time.Now().Add(-time.Minute)
			if err := os.Chtimes(binary, old, old); err != nil {
				t.Fatal(err)
			}
			before, _ = os.Stat(binary)
		}
		out, err := exec.Command(filepath.Join(dir, "scripts/program")).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%s: it says %q (%v), want %q", change, out, err, want)
		}
		after, err := os.Stat(binary)
		if err != nil {
			t.Fatal(err)
		}
		if got := before == nil || !after.ModTime().Equal(before.ModTime()); got != compiled {
			t.Errorf("%s: it was compiled: %v", change, got)
		}
	}
	old := time.Now().Add(-time.Hour)
	aged := func() {
		if err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !strings.HasPrefix(path, filepath.Join(dir, ".build")) {
				err = os.Chtimes(path, old, old)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	run("nothing compiled", "first", true)
	aged()
	run("nothing", "first", false)
	write("said/said_test.go", "package said\n")
	write("README", "")
	run("a test", "first", false)
	write("said/text/text", "second")
	run("an embedded file", "second", true)
	aged()
	write("said/said.go", "package said\n\nimport \"example/other\"\n\nfunc Text() string { return other.Text }\n")
	write("other/other.go", "package other\n\nconst Text = \"third\"\n")
	run("another package", "third", true)
	aged()
	write("other/other.go", "package other\n\nconst Text = \"fourth\"\n")
	run("a file of that", "fourth", true)
	write("other/more.go", "package other\n\nfunc init() { print(\"more and \") }\n")
	run("a file more", "more and fourth", true)
	aged()
	if err := os.Remove(filepath.Join(dir, "other/more.go")); err != nil {
		t.Fatal(err)
	}
	run("a file less", "fourth", true)
}
