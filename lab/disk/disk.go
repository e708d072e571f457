// Package disk builds the disk that every machine of the lab starts from: a Debian root file system with the kernel's
// modules, the node's programs, and the lab's container images already imported. It is built once and cached.
package disk

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"webapp-balanced/lab/cache"
	"webapp-balanced/lab/kernel"
	"webapp-balanced/lab/machine"
	"webapp-balanced/lab/proc"
)

const size = "8G" // sparse

// initScript is the disk's whole knowledge of the lab: everything else comes
// from the folder that the host shares, so that the disk need not be rebuilt.
const initScript = `#!/bin/sh
mount -t hostfs -o "$lab" none /lab
exec /bin/sh /lab/boot.sh
`

//go:embed import.sh
var importScript []byte

// Base is the disk's recipe.
type Base struct {
	Kernel   kernel.Kernel     // boots the disk, which has its modules
	Programs map[string]string // name below /usr/bin: file to copy
	Images   []Image
}

// Key is the hash of everything that the disk is built from.
func (b Base) Key() cache.Key {
	parts := []string{b.Kernel.Version(), string(machineSystem.key()), size, initScript, string(importScript), ContainerdConfig}
	for _, name := range sortedKeys(b.Programs) {
		parts = append(parts, name, b.Programs[name])
	}
	for _, image := range b.Images {
		parts = append(parts, string(image.key()))
	}
	return cache.KeyOf(parts...)
}

// Ensure returns the disk's file, which it builds if the cache has none.
func (b Base) Ensure(ctx context.Context, c *cache.Cache, table *proc.Table, scratch string) (file string, built bool, err error) {
	dir, built, err := c.Ensure("disk", b.Key(), func(dir string) error {
		return b.build(ctx, c, table, dir, scratch)
	})
	return filepath.Join(dir, "disk"), built, err
}

func (b Base) build(ctx context.Context, c *cache.Cache, table *proc.Table, dir, scratch string) error {
	root := filepath.Join(dir, "root")
	if err := machineSystem.extract(c, root); err != nil {
		return err
	}
	if err := b.furnish(root); err != nil {
		return err
	}
	disk := filepath.Join(dir, "disk")
	if err := command("mke2fs", "-q", "-t", "ext4", "-d", root, disk, size); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	return b.importImages(ctx, c, table, disk, scratch)
}

// furnish puts the project's own files into the root file system.
func (b Base) furnish(root string) error {
	for _, dir := range []string{"lab", "lib/modules", "srv/nfs", "var/www"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "sbin/lab-init"), []byte(initScript), 0o755); err != nil {
		return err
	}
	modules := b.Kernel.Modules()
	if err := command("cp", "-a", modules+"/.", filepath.Join(root, "lib/modules")); err != nil {
		return err
	}
	entries, err := os.ReadDir(modules)
	if err != nil {
		return err
	}
	for _, version := range entries {
		if err := command("chroot", root, "depmod", version.Name()); err != nil {
			return err
		}
	}
	for name, file := range b.Programs {
		if err := command("install", "-m", "755", file, filepath.Join(root, "usr/bin", name)); err != nil {
			return err
		}
	}
	return nil
}

// importImages boots a machine on the disk that imports the images into its containerd and switches itself off.
// Importing takes long inside, so it is done here, once.
func (b Base) importImages(ctx context.Context, c *cache.Cache, table *proc.Table, disk, scratch string) error {
	m := machine.Machine{
		Name:   "importer",
		Kernel: b.Kernel,
		Memory: "2G",
		Files: map[string][]byte{
			"boot.sh":         importScript,
			"containerd.toml": []byte(ContainerdConfig),
		},
	}
	for _, image := range b.Images {
		archive, err := image.Ensure(c)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(archive)
		if err != nil {
			return err
		}
		m.Files[image.Name+".tar"] = content
	}
	dir := filepath.Join(scratch, "importer")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	p, err := m.StartOn(table, dir, disk)
	if err != nil {
		return err
	}
	exit := p.WaitExit(ctx, 10*time.Minute)
	if _, err := os.Stat(filepath.Join(dir, "lab", "imported")); err != nil {
		return fmt.Errorf("import the container images into the machines' disk: the machine ended (%v) before it was done; the end of its console:\n%s",
			exit, proc.Tail(p.Log, 20))
	}
	return os.RemoveAll(dir)
}

// command runs a program that says nothing when all is well.
func command(argv ...string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w:\n%s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
