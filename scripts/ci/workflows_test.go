package ci

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var (
	pinned    = regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40} # v[0-9.]+$`)
	scriptRef = regexp.MustCompile(`scripts/ci/([a-z-]+)`)
)

// The workflows have minimal permissions and actions pinned to commits, and run no code of others with the secrets.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) != 6 {
		t.Fatalf("the workflows are %q, %v", files, err)
	}
	for _, file := range files {
		content := read(t, file)
		var workflow struct {
			Permissions *map[string]string
			Jobs        map[string]struct{ Permissions map[string]string }
		}
		if err := yaml.Unmarshal([]byte(content), &workflow); err != nil {
			t.Fatal(err)
		}
		if workflow.Permissions == nil || len(*workflow.Permissions) > 0 {
			t.Errorf("%s: the permissions at the top are not {}", file)
		}
		for name, job := range workflow.Jobs {
			writes := 0
			for _, permission := range job.Permissions {
				if permission == "write" {
					writes++
				}
			}
			if job.Permissions == nil || writes > 1 {
				t.Errorf("%s: the job %s has the permissions %v", file, name, job.Permissions)
			}
		}
		if strings.Contains(content, "pull_request_target") {
			t.Errorf("%s: pull_request_target runs other people's code with the secrets", file)
		}
		for line := range strings.Lines(content) {
			_, action, found := strings.Cut(strings.TrimSpace(line), "uses: ")
			if found && !strings.HasPrefix(action, "./") && !pinned.MatchString(action) {
				t.Errorf("%s: %s is not pinned to a commit, with the version beside it", file, action)
			}
		}
		for _, match := range scriptRef.FindAllStringSubmatch(content, -1) {
			if info, err := os.Stat(match[1]); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("%s: there is no script %s: %v", file, match[1], err)
			}
		}
	}
}

// Dependabot updates every module except those of tools/, which are pinned to versions that work together.
func TestDependabot(t *testing.T) {
	var settings struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "../../.github/dependabot.yml")), &settings); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("git", "ls-files", "--full-name", ":/*go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, file := range strings.Fields(string(out)) {
		if !strings.HasPrefix(file, "tools/") {
			modules = append(modules, filepath.Join("/", filepath.Dir(file)))
		}
	}
	slices.Sort(modules)
	for _, update := range settings.Updates {
		if slices.Sort(update.Directories); update.Ecosystem == "gomod" && !slices.Equal(update.Directories, modules) {
			t.Errorf("Dependabot updates %q, and the modules are %q", update.Directories, modules)
		}
	}
	if len(modules) < 2 || settings.Updates[0].Ecosystem != "gomod" {
		t.Errorf("the modules are %q, and the updates %v", modules, settings.Updates)
	}
}
