package tools

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestVersionsAgree holds that the tools, the program and its plugin require the same version of each library:
// otherwise the library, and all that imports it, is compiled once for each version (364 MB of source text instead of
// 261 when it was written).
func TestVersionsAgree(t *testing.T) {
	// Pulumi's own modules only compile with each other: the language host with 3.192.0, the Kubernetes plugin with up
	// to 3.246.0. With them come a few small libraries.
	apart := map[string][]string{
		"tools/pulumi-language-go":         {"github.com/pulumi/", "github.com/go-git/", "github.com/skeema/knownhosts"},
		"tools/pulumi-resource-kubernetes": {"github.com/pulumi/"},
	}
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
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		var file struct {
			Require []struct{ Path, Version string }
		}
		if err := json.Unmarshal(out, &file); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, r := range file.Require {
			isApart := slices.ContainsFunc(apart[dir], func(prefix string) bool { return strings.HasPrefix(r.Path, prefix) })
			if isApart || r.Version == "v0.0.0" { // a part of Kubernetes, which is replaced
				continue
			}
			if requiredBy[r.Path] == nil {
				requiredBy[r.Path] = map[string][]string{}
			}
			requiredBy[r.Path][r.Version] = append(requiredBy[r.Path][r.Version], dir)
		}
	}
	if len(requiredBy) < 300 {
		t.Errorf("only %d libraries were found", len(requiredBy))
	}
	for path, versions := range requiredBy {
		if len(versions) > 1 {
			t.Errorf("%s: %v; choose one, with `go get %s@VERSION && go mod tidy` in the other folders", path, versions, path)
		}
	}
}
