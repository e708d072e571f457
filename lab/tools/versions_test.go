package tools

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestVersionsAgree holds that the modules that a first `make up` compiles require the same version of each library:
// otherwise the library, and all that imports it, is compiled once for each version (364 MB of source text instead of
// 231 when it was written).
func TestVersionsAgree(t *testing.T) {
	// Pulumi's own modules only compile with each other: the language host with 3.192.0, the Kubernetes plugin with
	// up to 3.246.0. With them come a few small libraries.
	apart := []string{"github.com/pulumi/", "github.com/go-git/", "github.com/skeema/knownhosts"}

	modules := []string{".", "plugin"}
	for _, tool := range All {
		if dir := "tools/" + tool.Module; !slices.Contains(modules, dir) {
			modules = append(modules, dir)
		}
	}
	requiredBy := map[string]map[string][]string{} // by library and version
	for _, dir := range modules {
		for path, version := range requirements(t, dir) {
			if requiredBy[path] == nil {
				requiredBy[path] = map[string][]string{}
			}
			requiredBy[path][version] = append(requiredBy[path][version], dir)
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

// requirements returns the versions that a module requires, without those that it replaces.
func requirements(t *testing.T, dir string) map[string]string {
	cmd := exec.Command("../../scripts/go", "mod", "edit", "-json", "../../"+dir+"/go.mod")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", cmd, err))
	}
	var file struct {
		Require []struct{ Path, Version string }
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, r := range file.Require {
		versions[r.Path] = r.Version
	}
	for _, r := range file.Replace {
		delete(versions, r.Old.Path)
	}
	return versions
}
