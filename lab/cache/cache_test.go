package cache

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T) *Cache {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEnsureBuildsOnce(t *testing.T) {
	c := open(t)
	builds := 0
	build := func(dir string) error {
		builds++
		return os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o644)
	}
	for i := range 2 {
		path, built, err := c.Ensure("thing", KeyOf("a"), build)
		if err != nil || built != (i == 0) {
			t.Errorf("call %d: built %v, %v", i, built, err)
		}
		if _, err := os.Stat(filepath.Join(path, "f")); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := c.Ensure("thing", KeyOf("b"), build); err != nil || builds != 2 {
		t.Errorf("%d builds for two keys (%v)", builds, err)
	}
}

func TestFailedBuildLeavesNothing(t *testing.T) {
	c := open(t)
	_, _, err := c.Ensure("thing", KeyOf("a"), func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), errors.New("no"))
	})
	if err == nil || c.Has("thing", KeyOf("a")) {
		t.Errorf("a failed build is in the cache (%v)", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.dir, "thing*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestKeysOfDifferentParts(t *testing.T) {
	if KeyOf("ab", "c") == KeyOf("a", "bc") {
		t.Error("the border between two parts does not count")
	}
}

func TestUnusedAreForgotten(t *testing.T) {
	c := open(t)
	build := func(string) error { return nil }
	old, _, err := c.Ensure("thing", KeyOf("old"), build)
	if err != nil {
		t.Fatal(err)
	}
	recent, _, _ := c.Ensure("thing", KeyOf("recent"), build)
	other, _, _ := c.Ensure("other-thing", KeyOf("old"), build)
	past := time.Now().Add(-unused - time.Hour)
	for _, path := range []string{old, other} {
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Ensure("thing", KeyOf("new"), build); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{old: false, recent: true, other: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}

func TestDirectoryWithBlankIsRefused(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", filepath.Join(t.TempDir(), "with blank"))
	if _, err := Open(); err == nil || !strings.Contains(err.Error(), "set XDG_CACHE_HOME to another") {
		t.Errorf("the error is %v", err)
	}
}
