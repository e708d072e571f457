// Package kernel brings the kernel of the lab's machines: user-mode Linux of Debian 13 with its modules. It starts a
// process in half the time that Debian 12's needs. Since its C library is newer than that of the lab's computer, it has
// its own.
package kernel

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"webapp-balanced/lab/cache"
)

const (
	suite   = "trixie"
	program = "usr/bin/linux.uml"
	library = "usr/lib/x86_64-linux-gnu"
	modules = "usr/lib/uml/modules"
)

// A program names the file that loads it and its libraries (PT_INTERP, elf(5)). The kernel's is a link in the folder of
// the lab that runs; its name has as many characters as the one that it replaces.
const (
	debianLoader = "/lib64/ld-linux-x86-64.so.2"
	loader       = "/run/webapp-balanced-lab/ld"
)

var _ = [1]struct{}{}[len(loader)-len(debianLoader)] // does not compile with another length

// Kernel is the folder with a kernel and its libraries.
type Kernel struct{ dir string }

// Source is this file, which decides what is extracted and how the kernel is started.
//
//go:embed kernel.go
var Source string

// Ensure returns the kernel, which it gets from Debian if the cache has none. The packages are extracted to the cache
// and not installed; apt checks their signatures.
func Ensure(c *cache.Cache) (Kernel, error) {
	dir, _, err := c.Ensure("kernel", cache.KeyOf(Source), func(dir string) error {
		root := filepath.Join(dir, "root")
		extract := exec.Command("mmdebstrap", "--quiet", "--variant=extract", "--include=user-mode-linux", suite, root)
		if out, err := extract.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w:\n%s", strings.Join(extract.Args, " "), err, bytes.TrimSpace(out))
		}
		for _, name := range []string{program, library, modules} {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
				return err
			}
			if err := os.Rename(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		if err := setLoader(filepath.Join(dir, program)); err != nil {
			return err
		}
		return os.RemoveAll(root)
	})
	return Kernel{dir}, err
}

func setLoader(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if n := bytes.Count(content, []byte(debianLoader)); n != 1 {
		return fmt.Errorf("%s names its loader %s %d times, not once", file, debianLoader, n)
	}
	return os.WriteFile(file, bytes.Replace(content, []byte(debianLoader), []byte(loader), 1), 0o755)
}

// Link puts the kernel's loader where its program looks for it.
func (k Kernel) Link() error {
	return os.Symlink(filepath.Join(k.dir, library, filepath.Base(debianLoader)), loader)
}

// Command returns the beginning of the kernel's command line, with a library to preload.
func (k Kernel) Command(preload string) []string {
	return []string{"/usr/bin/env", "LD_LIBRARY_PATH=" + filepath.Join(k.dir, library), "LD_PRELOAD=" + preload, filepath.Join(k.dir, program)}
}

// Version names the kernel's version: the modules on a disk must have the same.
func (k Kernel) Version() string {
	versions, _ := fs.Glob(os.DirFS(k.Modules()), "*")
	return strings.Join(versions, " ")
}

// Modules returns the folder that has a folder of modules for each version.
func (k Kernel) Modules() string { return filepath.Join(k.dir, modules) }
