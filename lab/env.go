package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"webapp-balanced/lab/controlplane"
	"webapp-balanced/lab/tools"
)

// Var is an environment variable.
type Var struct{ Name, Value string }

// Env returns the environment in which plain pulumi, kubectl and ssh work against the lab, and do not touch
// the user's own ~/.pulumi and ~/.kube.
func (l *Lab) Env() []Var {
	path, bin := os.Getenv("PATH"), l.dir("bin")
	if !strings.HasPrefix(path, bin+":") {
		path = bin + ":" + path
	}
	env := []Var{}
	if bootstrap := l.cache.Dir("go-bootstrap", "usr", "lib", "go-1.23", "bin"); exists(bootstrap) {
		// scripts/go had to fetch a go command: Pulumi's language host needs one, too.
		path = bootstrap + ":" + path
		env = append(env, Var{"GOTOOLCHAIN", "auto"})
	}
	passphrase, _ := os.ReadFile(l.keys("passphrase"))
	// metadata=skip: a Pulumi that is killed leaves no half-written STACK.json.attrs, with which it could not read the
	// state again (docs/operations.md).
	return append(env, []Var{
		{"PATH", path},
		{"KUBECONFIG", l.kubeconfig()},
		{"KUBECACHEDIR", l.run("kube-cache")},
		{"LAB_SSH_CONFIG", l.sshConfig()},
		{"PULUMI_HOME", l.dir("pulumi")},
		{"PULUMI_BACKEND_URL", "file://" + l.run("state") + "?metadata=skip"},
		{"PULUMI_CONFIG_PASSPHRASE", string(passphrase)},
		{"PULUMI_SKIP_UPDATE_CHECK", "true"},
		{"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true"},
	}...)
}

// link links the built tools: the programs in .lab/bin, and Pulumi's plugins in PULUMI_HOME.
func (l *Lab) link(set tools.Set) error {
	for _, tool := range tools.All {
		link := l.bin(tool.Name)
		if provider, ok := strings.CutPrefix(tool.Name, "pulumi-resource-"); ok {
			link = l.dir("pulumi", "plugins", "resource-"+provider+"-v"+tool.Version, tool.Name)
		}
		place := relink
		if tool.Name == "pulumi" {
			place = copyFile
		}
		if err := place(set.Program(tool.Name), link); err != nil {
			return err
		}
	}
	return nil
}

// copyFile makes copy a regular file like source. Pulumi accepts a language host as its own, without a
// warning, only from its own directory, and it resolves all links to find that.
func copyFile(source, copy string) error {
	from, err := os.Stat(source)
	if err != nil {
		return err
	}
	if to, err := os.Lstat(copy); err == nil && to.Mode().IsRegular() && to.Size() == from.Size() && to.ModTime().Equal(from.ModTime()) {
		return nil
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(copy), 0o755); err != nil {
		return err
	}
	// To a file next to it first: the old program may be running.
	if err := os.WriteFile(copy+".new", content, 0o755); err != nil {
		return err
	}
	if err := os.Chtimes(copy+".new", from.ModTime(), from.ModTime()); err != nil {
		return err
	}
	return os.Rename(copy+".new", copy)
}

// relink makes link a symbolic link to target, whatever it was before.
func relink(target, link string) error {
	if current, err := os.Readlink(link); err == nil && current == target {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(target, link)
}

// writeAccess links the kubeconfig to the path that Env names.
func (l *Lab) writeAccess(plane controlplane.ControlPlane) error {
	return relink(filepath.Join(plane.Dir, "admin.kubeconfig"), l.kubeconfig())
}
