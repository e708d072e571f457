package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// asked matches the trace's last line: how often the program logged in, ran a command and made a request.
var asked = regexp.MustCompile(`logins to NFS hosts (\d+), commands there (\d+), requests to the API server (\d+)`)

// A run without changes needs one connection to the NFS host, one command there, and a limited number of
// requests to the API server; those of Pulumi's plugins are not counted. It compiles nothing.
func TestCosts(t *testing.T) {
	parallel(t)
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
		// up also lists the objects of each kind in the namespace, and makes more requests until all is well.
		{"up", []string{"up", "--yes", "--skip-preview", "--expect-no-changes"}, 30 + len(kinds)},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := s.must(append([]string{filepath.Join(root, ".build", "trace")}, c.args...)...)
			match := asked.FindStringSubmatch(out)
			if match == nil {
				t.Fatalf("what is asked for is not counted:\n%s", out)
			}
			if match[1] != "1" {
				t.Errorf("it logs in to the NFS host %s times, want once", match[1])
			}
			if match[2] != "1" {
				t.Errorf("it runs %s commands on the NFS host, want one", match[2])
			}
			if n, _ := strconv.Atoi(match[3]); n < 10 || n > c.requests {
				t.Errorf("it makes %d requests to the API server, want 10 to %d", n, c.requests)
			}
			if after, err := os.Stat(program); err != nil || !os.SameFile(before, after) {
				t.Errorf("the program was compiled: %v", err)
			}
		})
	}
}
