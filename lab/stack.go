package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"gopkg.in/yaml.v3"

	"webapp-balanced/lab/disk"
	"webapp-balanced/lab/tools"
)

// ensureStack creates the lab's stack and selects it. A missing configuration is derived from Pulumi.dev.yaml.
func (l *Lab) ensureStack(ctx context.Context, keys *keys) (remark string, err error) {
	source := l.stackConfig()
	remark = "as configured in " + filepath.Base(source)
	if !exists(source) {
		source = filepath.Join(l.Root, "Pulumi.dev.yaml")
		remark = "configured from Pulumi.dev.yaml"
	}
	derived := source != l.stackConfig() || keys.fresh
	if derived {
		if err := l.deriveConfig(source, keys); err != nil {
			return "", err
		}
	}
	if err := l.SelectStack(ctx); err != nil {
		return "", err
	}
	if derived {
		// By standard input: a secret must not be an argument.
		_, err = l.tool(ctx, string(keys.client.private), "pulumi", "config", "set", "--secret", "--stack", stackName, "nfsPrivateKey")
	}
	return remark, err
}

// SelectStack makes the lab's stack the default of pulumi commands.
func (l *Lab) SelectStack(ctx context.Context) error {
	if err := os.MkdirAll(l.run("state"), 0o700); err != nil {
		return err
	}
	_, err := l.tool(ctx, "", "pulumi", "stack", "select", "--create", stackName, "--non-interactive")
	return err
}

// compileProgram compiles the program. Otherwise Pulumi's first command would do that, without a message.
func (l *Lab) compileProgram(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(l.Root, "scripts", "program"), "compile")
	cmd.Env = append(os.Environ(), tools.CompilerEnv()...)
	// The script's children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("compile the program: %w\n%s", err, out)
	}
	return nil
}

// deriveConfig writes the stack's configuration: what source says, with the lab's addresses, keys and image.
func (l *Lab) deriveConfig(source string, keys *keys) error {
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	if len(document.Content) == 0 {
		return fmt.Errorf("read %s: it is empty", source)
	}
	top := document.Content[0]
	top.HeadComment = "# The lab's stack, derived from Pulumi.dev.yaml: `pulumi config set` changes it,\n# `make down` removes it."
	config := child(top, "config")
	nfs := child(config, "webapp-balanced:nfs")
	master := nodes[0]
	set(nfs, "host", master.Address)
	set(nfs, "hostKey", strings.TrimSpace(string(keys.host[master.Name].public)))
	remove(nfs, "server")
	remove(nfs, "clients")
	set(config, "webapp-balanced:image", disk.WebImage)
	// Secrets encrypted with another passphrase are of no use.
	remove(config, "webapp-balanced:nfsPrivateKey")
	remove(top, "encryptionsalt")

	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return err
	}
	return os.WriteFile(l.stackConfig(), out.Bytes(), 0o600)
}

// child returns the mapping below key, made if missing.
func child(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	value := &yaml.Node{Kind: yaml.MappingNode}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	return value
}

func set(mapping *yaml.Node, key, value string) {
	node := child(mapping, key)
	node.Kind, node.Tag, node.Value, node.Content = yaml.ScalarNode, "!!str", value, nil
}

func remove(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
			return
		}
	}
}
