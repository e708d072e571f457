// Package machine runs one machine of the lab: a user-mode Linux kernel, which is an ordinary program of the
// host, with a disk, a network interface and a folder that the host shares with it. boot.sh runs inside it.
package machine

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"webapp-balanced/lab/kernel"
	"webapp-balanced/lab/proc"
)

// boot is the script that a machine runs first.
//
//go:embed boot.sh
var boot string

// preload is the source of a library that is preloaded into the kernel. The file says why.
//
//go:embed preload/preload.c
var preload []byte

//go:embed machine.go
var source string

// Recipe is all that decides how a machine runs, apart from its description and its disk: a lab whose machines were
// started by another recipe is not current.
func Recipe() string { return boot + string(preload) + source + kernel.Source }

// Machine describes a machine.
type Machine struct {
	Name     string
	Kernel   kernel.Kernel
	Memory   string // of the kernel's mem=, such as 2G; taken from the host as it is used
	Tap      string // the host's end of its network interface; empty for none
	MAC      string
	Disk     string            // the base disk, which is only read
	Env      map[string]string // machine.env, see boot.sh
	Files    map[string][]byte // further files of its folder /lab
	Services []string          // what it runs, see boot.sh
	// Number chooses the host's processor that runs the machine: machines with successive numbers run on
	// different ones, as far as there are enough.
	Number int
}

// Start boots the machine. Its folder, which must be new, is dir; its disk is a copy-on-write file there, so the base
// disk stays as it is. The paths given to a kernel must have no blanks.
func (m Machine) Start(table *proc.Table, dir string) (*proc.Process, error) {
	argv, err := m.prepare(dir, filepath.Join(dir, "disk.cow")+","+m.Disk)
	if err != nil {
		return nil, err
	}
	return table.Start(m.Name, filepath.Join(dir, "console.log"), argv...)
}

// StartOn is like Start, but the machine writes to the disk itself.
func (m Machine) StartOn(table *proc.Table, dir, disk string) (*proc.Process, error) {
	argv, err := m.prepare(dir, disk)
	if err != nil {
		return nil, err
	}
	return table.Start(m.Name, filepath.Join(dir, "console.log"), argv...)
}

// prepare fills the machine's folder and returns its kernel's command line.
func (m Machine) prepare(dir, disk string) (argv []string, err error) {
	shared := filepath.Join(dir, "lab")
	if err := os.MkdirAll(filepath.Join(shared, "log"), 0o755); err != nil {
		return nil, err
	}
	files := map[string][]byte{"boot.sh": []byte(boot), "machine.env": m.env()}
	for name, content := range m.Files {
		files[name] = content
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(shared, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	preloaded := filepath.Join(dir, "preload.so")
	compile := exec.Command("tcc", "-shared", "-o", preloaded, "-")
	compile.Stdin = bytes.NewReader(preload)
	if out, err := compile.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile preload.c: %w: %s", err, out)
	}
	cpu, err := m.processor()
	if err != nil {
		return nil, err
	}
	argv = append([]string{"taskset", "--cpu-list", cpu}, m.Kernel.Command(preloaded)...)
	argv = append(argv,
		"umid="+m.Name, "uml_dir="+dir+"/",
		"mem="+m.Memory,
		"ubd0="+disk, "root=/dev/ubda", "rw", "init=/sbin/lab-init",
		"con=null", "con0=null,fd:1", "quiet",
		"lab="+shared,
	)
	if m.Tap != "" {
		argv = append(argv, "vec0:transport=tap,ifname="+m.Tap+",depth=128,gro=1,mac="+m.MAC)
	}
	return argv, nil
}

// processor returns the host's processor that runs the machine, one of those that this program may use. A user-mode
// kernel traces its processes with ptrace(2), so each system call wakes first one and then the other. If they run on two
// processors, that takes up to four times as long; they never run at the same time.
func (m Machine) processor() (string, error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return "", fmt.Errorf("sched_getaffinity: %w", err)
	}
	nth := m.Number % allowed.Count()
	for cpu := 0; ; cpu++ {
		if !allowed.IsSet(cpu) {
			continue
		}
		if nth == 0 {
			return strconv.Itoa(cpu), nil
		}
		nth--
	}
}

func (m Machine) env() []byte {
	var env strings.Builder
	fmt.Fprintf(&env, "NAME='%s'\nSERVICES='%s'\n", m.Name, strings.Join(m.Services, " "))
	for key, value := range m.Env {
		fmt.Fprintf(&env, "%s='%s'\n", key, value)
	}
	return []byte(env.String())
}

// WaitSSH waits until the machine's sshd answers at address.
func WaitSSH(ctx context.Context, p *proc.Process, address string) error {
	return p.WaitFor(ctx, time.Minute, func() error {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, "22"), time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		banner := make([]byte, 4)
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(banner); err != nil {
			return fmt.Errorf("read the banner of sshd: %w", err)
		}
		if string(banner) != "SSH-" {
			return errors.New("what answers on port 22 is not sshd")
		}
		return nil
	})
}
