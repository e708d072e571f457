package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a run costs where nothing has changed: one connection to the NFS host, one command there, a request to the
// API server for each thing that is looked at, and nothing is compiled. Pulumi's traces have it, as `make trace` shows.
func TestCosts(t *testing.T) {
	beside(t)
	s := newStack(t, "e2e-costs")
	s.set("replicas", "1")
	s.setPath("nfs.detectDrift", "true")
	s.up()
	program := filepath.Join(root, ".build", "webapp-balanced")
	before, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	kinds := strings.Fields(kubectl(t, "api-resources", "--namespaced", "--verbs=list", "-o", "name"))
	for _, c := range []struct {
		name     string
		args     []string
		requests int // at most
	}{
		{"preview", []string{"preview", "--expect-no-changes"}, 20},
		// It lists what others have in the namespace, of each kind, and what is asked for until all is well comes on top.
		{"up", []string{"up", "--yes", "--skip-preview", "--expect-no-changes"}, 30 + len(kinds)},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "spans.json")
			cmd := s.prepare(append(append([]string{"pulumi"}, c.args...), "--otel-traces", "file://"+file)...)
			cmd.Env = append(cmd.Env, "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			spans, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			count := func(name string) int {
				return len(regexp.MustCompile(`"name":"`+name).FindAll(spans, -1))
			}
			if n := count("SSH: log in"); n != 1 {
				t.Errorf("it logs in to the NFS host %d times, want once", n)
			}
			if n := count("SSH: run a command"); n != 1 {
				t.Errorf("it runs %d commands on the NFS host, want one", n)
			}
			if n := count("GET /"); n < 10 || n > c.requests {
				t.Errorf("it makes %d requests to the API server, want 10 to %d", n, c.requests)
			}
			if after, err := os.Stat(program); err != nil || !os.SameFile(before, after) {
				t.Errorf("the program was compiled: %v", err)
			}
		})
	}
}
