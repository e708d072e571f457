package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordPreviews records the previews for the tests of the comments on pull requests
// (cmd/prcomment/testdata). `make recordings` runs it.
func TestRecordPreviews(t *testing.T) {
	if os.Getenv("UPDATE_RECORDINGS") == "" {
		t.Skip("`make recordings` runs this")
	}
	s := newStack(t, "e2e-previews")
	s.setPath("nfs.detectDrift", "true")
	s.set("replicas", "1")
	for i, node := range []string{master, node1, node2} {
		s.setPath(fmt.Sprintf("nfs.clients[%d]", i), node)
	}
	site := t.TempDir()
	for i := range 3000 {
		if err := os.WriteFile(filepath.Join(site, fmt.Sprintf("page-%04d.html", i)), fmt.Appendf(nil, "%d", i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := func(path, value string) func() {
		return func() { s.setPath(path, value) }
	}
	for _, c := range []struct {
		name         string
		before, undo func()
	}{
		{"first-deploy", nil, func() { s.up() }},
		{"no-change", nil, nil},
		{"exposure-switched", set("exposure", "clusterip"), set("exposure", "loadbalancer")},
		{"line-added", set("nfs.clients[3]", "198.18.0.99"), func() { s.must("pulumi", "config", "rm", "--path", "nfs.clients[3]") }},
		{"replace", set("nfs.path", s.share+"-2"), set("nfs.path", s.share)},
		{"delete", set("ingress", "false"), set("ingress", "true")},
		{"failure", set("replicas", "3"), set("replicas", "1")},
		{"enormous", set("nfs.site", site), set("nfs.site", "./site")},
		{"drift", func() {
			ssh(t, "kubemaster", "sed -i 's|^"+s.share+" "+node1+"(rw|"+s.share+" "+node1+"(ro|' /etc/exports; echo edited >"+s.share+"/index.php")
		}, func() { s.up() }},
	} {
		if c.before != nil {
			c.before()
		}
		dir := filepath.Join(root, "cmd/prcomment/testdata", c.name)
		// It fails if the preview fails.
		_, _ = s.command(root+"/.build/prcomment", "-stack", s.name, "-record", dir)
		shrink(t, filepath.Join(dir, "stdout"))
		if c.undo != nil {
			c.undo()
		}
	}
}

// shrink removes the unchanged resources from a preview: they are most of it, and a comment does not show them.
func shrink(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var digest map[string]any
	if json.Unmarshal(content, &digest) != nil {
		return // it failed before there was any
	}
	delete(digest, "config")
	delete(digest, "duration")
	steps, _ := digest["steps"].([]any)
	var kept []any
	for _, step := range steps {
		fields := step.(map[string]any)
		if fields["op"] == "same" {
			continue
		}
		for _, state := range []string{"oldState", "newState"} {
			if of, ok := fields[state].(map[string]any); ok {
				delete(of, "outputs")
				delete(of, "sourcePosition")
				delete(of, "stackTrace")
			}
		}
		kept = append(kept, step)
	}
	digest["steps"] = kept
	small, err := json.MarshalIndent(digest, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(small), root) {
		t.Errorf("%s has a path of this computer", file)
	}
	if err := os.WriteFile(file, append(small, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
