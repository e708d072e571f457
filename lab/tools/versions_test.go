package tools

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestVersionsAgree holds that the modules that a first `make up` compiles require the same version of each library:
// otherwise the library, and all that imports it, is compiled once for each version (364 MB of source text instead of
// 261 when it was written).
func TestVersionsAgree(t *testing.T) {
	// Pulumi's own modules only compile with each other: the language host with 3.192.0, the Kubernetes plugin with
	// up to 3.246.0. With them come a few small libraries.
	apart := []string{"github.com/pulumi/", "github.com/go-git/", "github.com/skeema/knownhosts"}

	modules := []string{".", "plugin"}
	for _, tool := range All {
		// The ingress controller does not start with newer libraries.
		if dir := "tools/" + tool.Module; !slices.Contains(modules, dir) && tool.Module != "haproxy-ingress" {
			modules = append(modules, dir)
		}
	}
	requiredBy := map[string]map[string][]string{} // by library and version
	for _, dir := range modules {
		out, err := exec.Command("../../scripts/go", "mod", "edit", "-json", "../../"+dir+"/go.mod").Output()
		var file struct {
			Require []struct{ Path, Version string }
		}
		if err != nil || json.Unmarshal(out, &file) != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, r := range file.Require {
			if requiredBy[r.Path] == nil {
				requiredBy[r.Path] = map[string][]string{}
			}
			if r.Version != "v0.0.0" { // a part of Kubernetes, which is replaced
				requiredBy[r.Path][r.Version] = append(requiredBy[r.Path][r.Version], dir)
			}
		}
	}
	if len(requiredBy) < 300 {
		t.Errorf("only %d libraries were found", len(requiredBy))
	}
	for path, versions := range requiredBy {
		if len(versions) > 1 && !slices.ContainsFunc(apart, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			t.Errorf("%s: %v; choose one, with `go get %s@VERSION && go mod tidy` in the other folders", path, versions, path)
		}
	}
}
