package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"webapp-balanced/lab/cache"
	"webapp-balanced/lab/controlplane"
	"webapp-balanced/lab/disk"
	"webapp-balanced/lab/machine"
	"webapp-balanced/lab/proc"
)

// owner says which clone owns the only lab of this computer. It is kept in runtimeDir, which like the lab's
// programs does not survive a reboot.
type owner struct {
	Root  string
	Key   cache.Key // of the lab's inputs
	Ready bool
}

var ownerFile = filepath.Join(runtimeDir, "owner.json")

func readOwner() (owner, error) {
	var o owner
	data, err := os.ReadFile(ownerFile)
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal(data, &o)
}

func (o owner) write() error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return os.WriteFile(ownerFile, data, 0o644)
}

func (l *Lab) table() *proc.Table {
	return proc.NewTable(filepath.Join(runtimeDir, "processes"), namespace)
}

// lock keeps two commands from changing the lab at once.
func (l *Lab) lock() (unlock func(), err error) { return l.cache.Lock("lab") }

// recipeKey is the hash of everything that a running lab was made from.
func (l *Lab) recipeKey(base disk.Base, plane controlplane.ControlPlane) (cache.Key, error) {
	manifest, err := manifests.ReadFile(ingressManifest)
	if err != nil {
		return "", err
	}
	parts := []string{string(base.Key()), plane.Recipe(), machine.Recipe(), string(manifest), proxyConfig, fmt.Sprint(labNetwork())}
	for _, n := range nodes {
		parts = append(parts, fmt.Sprint(n), n.kubeletConfig(), n.routes())
	}
	return cache.KeyOf(parts...), nil
}

// claim makes this clone the owner of the computer's only lab and removes what is left of an earlier one. It
// reports whether the wanted lab already runs, and fails if another clone owns it.
func (l *Lab) claim(key cache.Key) (running bool, err error) {
	o, err := readOwner()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, fmt.Errorf("read whose lab this is: %w", err)
	}
	known := err == nil
	all, err := l.table().All()
	if err != nil {
		return false, err
	}
	alive := 0
	for _, p := range all {
		if p.Running() {
			alive++
		}
	}
	switch {
	case alive == 0:
		if known || labNetwork().Exists() {
			fmt.Fprintln(l.out, "removing what is left of a lab whose programs were ended")
		}
	case o.Root != l.Root && exists(o.Root):
		return false, fmt.Errorf("the lab that runs on this computer belongs to %s: run `make lab-down` there first, there can be only one", o.Root)
	case o.Root == l.Root && o.Ready && alive == len(all) && o.Key == key:
		return true, nil
	case o.Root != l.Root:
		fmt.Fprintf(l.out, "removing the lab of %s, a clone that is no longer there\n", o.Root)
	case !o.Ready || alive < len(all):
		fmt.Fprintf(l.out, "restarting the lab: %d of its %d programs run\n", alive, len(all))
	default:
		fmt.Fprintln(l.out, "restarting the lab: it was made by another version of this clone")
	}
	if err := l.clear(); err != nil {
		return false, err
	}
	if err := os.RemoveAll(l.run()); err != nil {
		return false, err
	}
	for _, dir := range []string{l.run("state"), runtimeDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return false, err
		}
	}
	// A short path without blanks, whatever the clone's is: the machines' kernel accepts no blanks, and the
	// path of a Unix socket may have at most 107 characters.
	if err := os.Symlink(l.run(), filepath.Join(runtimeDir, "run")); err != nil {
		return false, err
	}
	return false, owner{Root: l.Root, Key: key}.write()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (l *Lab) setReady() error {
	o, err := readOwner()
	if err != nil {
		return err
	}
	o.Ready = true
	return o.write()
}

// clear ends the lab's programs and removes its network and runtimeDir.
func (l *Lab) clear() error {
	if err := l.table().StopAll(); err != nil {
		return err
	}
	if err := labNetwork().Down(); err != nil {
		return err
	}
	return os.RemoveAll(runtimeDir)
}

// Stop ends the lab and removes everything except its keys, so that its stack's configuration stays valid for
// the next lab. It does not touch the lab of another existing clone.
func (l *Lab) Stop() error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if o, err := readOwner(); err == nil && o.Root != l.Root && exists(o.Root) {
		fmt.Fprintf(l.out, "the lab that runs on this computer belongs to %s and is left alone\n", o.Root)
	} else if err := l.clear(); err != nil {
		return err
	}
	return os.RemoveAll(l.run())
}

// Clean is like [Lab.Stop], and also removes the stack's configuration and every other file of the lab
// outside the cache.
func (l *Lab) Clean() error {
	if err := l.Stop(); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(l.stackConfig()), os.RemoveAll(l.dir()))
}

// Running reports whether this clone's lab is up and complete.
func (l *Lab) Running() bool {
	o, err := readOwner()
	if err != nil || o.Root != l.Root || !o.Ready {
		return false
	}
	all, err := l.table().All()
	if err != nil {
		return false
	}
	for _, p := range all {
		if !p.Running() {
			return false
		}
	}
	return len(all) > 0
}

// Status prints a line for every program of the lab.
func (l *Lab) Status() error {
	o, err := readOwner()
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(l.out, "no lab runs on this computer; `make lab` starts one")
		return nil
	}
	if err != nil {
		return err
	}
	all, err := l.table().All()
	if err != nil {
		return err
	}
	fmt.Fprintf(l.out, "the lab of %s\n", o.Root)
	for _, p := range all {
		state := "runs"
		if !p.Running() {
			state = "ended"
		}
		address := gateway
		for _, n := range nodes {
			if n.Name == p.Name {
				address = n.Address
			}
		}
		fmt.Fprintf(l.out, "  %-24s %-14s %-6s pid %d\n", p.Name, address, state, p.PID)
	}
	return nil
}
