// Package cache keeps the results of long builds, named by a hash of their inputs, so that a second clone of
// the project and CI do not build them again.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Cache is a directory of build results.
type Cache struct{ dir string }

// unused is how long a result that a newer one of the same name has replaced is kept for clones that still use it.
const unused = 14 * 24 * time.Hour

// Open returns the project's cache, in the user's cache directory ($XDG_CACHE_HOME or ~/.cache).
func Open() (*Cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find the user's cache directory: %w", err)
	}
	dir := filepath.Join(base, "webapp-balanced")
	if strings.ContainsAny(dir, " \t,:") {
		return nil, fmt.Errorf("the cache directory %q has a blank, comma or colon, which the lab's machines cannot be given; set XDG_CACHE_HOME to another", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return &Cache{dir: dir}, nil
}

// Key is the hash of all inputs of a build.
type Key string

// KeyOf returns the key of a build with these inputs, in order.
func KeyOf(parts ...string) Key {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return Key(hex.EncodeToString(h.Sum(nil))[:16])
}

// Dir returns a path in the cache.
func (c *Cache) Dir(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}

// Path returns the path of the result of that name and key, built or not.
func (c *Cache) Path(name string, key Key) string {
	return filepath.Join(c.dir, name+"-"+string(key))
}

// Has reports whether the result exists.
func (c *Cache) Has(name string, key Key) bool {
	_, err := os.Stat(c.Path(name, key))
	return err == nil
}

// Ensure returns the directory of the result of that name and key. If it does not exist, build fills an empty
// directory, which becomes the result only if build succeeds. Two processes never build the same result at once.
func (c *Cache) Ensure(name string, key Key, build func(dir string) error) (path string, built bool, err error) {
	path = c.Path(name, key)
	if c.Has(name, key) {
		now := time.Now()
		return path, false, os.Chtimes(path, now, now)
	}
	unlock, err := c.Lock(filepath.Base(path))
	if err != nil {
		return "", false, err
	}
	defer unlock()
	if c.Has(name, key) {
		return path, false, nil
	}
	partial := path + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", false, err
	}
	if err := os.Mkdir(partial, 0o755); err != nil {
		return "", false, err
	}
	if err := build(partial); err != nil {
		os.RemoveAll(partial)
		return "", false, err
	}
	c.forgetOlder(name)
	return path, true, os.Rename(partial, path)
}

// forgetOlder removes results of that name that no clone has used for long.
func (c *Cache) forgetOlder(name string) {
	entries, _ := os.ReadDir(c.dir)
	for _, entry := range entries {
		key, found := strings.CutPrefix(entry.Name(), name+"-")
		info, err := entry.Info()
		if found && err == nil && len(key) == 16 && time.Since(info.ModTime()) > unused {
			os.RemoveAll(filepath.Join(c.dir, entry.Name()))
		}
	}
}

// Lock waits for the exclusive lock of that name and takes it. The lock ends with the process at the latest.
// Its file stays: if it were removed, two processes could hold the lock of the same name.
func (c *Cache) Lock(name string) (unlock func(), err error) {
	path := filepath.Join(c.dir, "locks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}
