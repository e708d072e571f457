package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// connection is a login to the NFS server that all tests share for ssh: each login takes a second on such a machine.
type connection struct{ cmd *exec.Cmd }

// connectionDir is removed with the lab. It is short, since a Unix socket's path has to be.
const connectionDir = "/run/webapp-balanced-lab/run/e2e"

// open logs in, and makes every ssh with LAB_SSH_CONFIG use the connection. Without it, each would log in.
func (c *connection) open() error {
	if err := os.MkdirAll(connectionDir, 0o700); err != nil {
		return err
	}
	config, socket := filepath.Join(connectionDir, "config"), filepath.Join(connectionDir, "socket")
	text := fmt.Sprintf("Host kubemaster\n\tControlPath %s\nHost *\n\tInclude \"%s\"\n", socket, filepath.Join(root, ".lab/keys/ssh_config"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	c.cmd = exec.Command("ssh", "-F", config, "-M", "-N", "kubemaster")
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			return os.Setenv("LAB_SSH_CONFIG", config)
		}
		if time.Now().After(deadline) {
			return errors.New("ssh has not logged in to kubemaster within 20 s")
		}
	}
}

func (c *connection) close() error {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // it was killed
	return os.RemoveAll(connectionDir)
}

// ssh runs a command on a machine.
func ssh(t *testing.T, machine, command string) string {
	t.Helper()
	out, err := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), machine, command).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh %s %s: %v\n%s", machine, command, err, out)
	}
	return strings.TrimSpace(string(out))
}
