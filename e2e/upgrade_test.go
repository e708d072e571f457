package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// before is the last commit of the program that supported one image only, and objects without the labels that
// Kubernetes recommends.
const before = "7337a061154403f7398219ebbbfb36ec55026224"

// A stack that an earlier program deployed is updated in place: no volume, no claim, no Service is recreated.
func TestUpgrade(t *testing.T) {
	earlier := t.TempDir()
	checkout := exec.Command("sh", "-c", `git -C "$1" archive "$2" | tar -x -C "$3"`, "sh", root, before, earlier)
	if out, err := checkout.CombinedOutput(); err != nil {
		t.Fatalf("the commit %s is not in this clone, whose history may be cut off (git fetch --unshallow): %v\n%s", before, err, out)
	}
	// It is compiled before other tests run in parallel: with its own settings, it finds nothing in the build cache, and a
	// compiler slows down the lab's machines.
	compile := exec.Command("./scripts/go", "build", "-o", ".build/webapp-balanced", ".")
	compile.Dir = earlier
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("compile the earlier program: %v\n%s", err, out)
	}
	parallel(t)
	s := newStack(t, "e2e-upgrade")
	s.setAll("exposure", "loadbalancer", "ingress", "true", "tls", "self-signed")
	config := filepath.Join(earlier, "Pulumi."+s.name+".yaml")
	if err := os.Symlink(filepath.Join(root, filepath.Base(config)), config); err != nil {
		t.Fatal(err)
	}
	up := exec.Command("pulumi", "up", "--yes", "--skip-preview", "--stack", s.name)
	up.Dir = earlier
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("the earlier program: %v\n%s", err, out)
	}
	objects := func() string {
		return s.kubectl("get", "services,ingresses,deployments,persistentvolumeclaims,secrets", "-o", "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.uid} {.spec.volumeName}{\"\\n\"}{end}")
	}
	were := objects()

	var plan struct{ Steps []struct{ Op, URN string } }
	if err := json.Unmarshal([]byte(s.must("pulumi", "preview", "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	updated := 0
	for _, step := range plan.Steps {
		switch {
		case step.Op == "same":
		case step.Op == "update":
			updated++
		case step.Op == "create" && strings.Contains(step.URN, ":PodDisruptionBudget::"):
		default:
			t.Errorf("the preview has %s of %s", step.Op, step.URN)
		}
	}
	if updated == 0 {
		t.Error("nothing is updated: was the stack deployed by an earlier program?")
	}
	s.up()
	if are := objects(); are != were {
		t.Errorf("the objects are\n%s\nand were\n%s", are, were)
	}
	s.must("pulumi", "preview", "--expect-no-changes")
}
