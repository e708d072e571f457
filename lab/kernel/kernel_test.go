package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A program that names its loader once gets the other name, and keeps its length. Any other file stays as it is.
func TestSetLoader(t *testing.T) {
	for names, changed := range []bool{false, true, false} {
		file := filepath.Join(t.TempDir(), "program")
		content := "ELF" + strings.Repeat("\x00"+debianLoader+"\x00", names) + "rest"
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		err := setLoader(file)
		if (err == nil) != changed {
			t.Errorf("%d names: error %v", names, err)
		}
		want := content
		if changed {
			want = strings.Replace(content, debianLoader, loader, 1)
		}
		if got, _ := os.ReadFile(file); string(got) != want || len(got) != len(content) {
			t.Errorf("%d names: the file is %q, want %q", names, got, want)
		}
	}
}
