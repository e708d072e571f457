// Package e2e tests everything with real parts: pulumi against the lab's cluster and NFS server. It uses this
// clone's lab, with its own stacks. If it had to start the lab, it stops it at the end, and the lab must
// leave nothing behind. After a failure, the lab's logs and the output of the commands stay in .lab/e2e.
// Tests run in parallel, after those that say why they do not.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"webapp-balanced/lab"
)

var (
	root       string // of the clone
	theLab     *lab.Lab
	wasRunning bool // a user started the lab and goes on using it
	toMaster   connection
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if root, err = filepath.Abs(".."); err != nil {
		return 0, err
	}
	if theLab, err = lab.New(root, os.Stderr); err != nil {
		return 0, err
	}
	before, err := ownFiles()
	if err != nil {
		return 0, err
	}
	defer func() {
		after, ownErr := ownFiles()
		if ownErr == nil && after != before {
			ownErr = fmt.Errorf("this computer's own files were\n%sand are now\n%s", before, after)
		}
		err = errors.Join(err, ownErr)
	}()
	wasRunning = theLab.Running()
	_, statErr := os.Stat(filepath.Join(root, "Pulumi.lab.yaml"))
	hadConfig := statErr == nil
	if err := theLab.Start(context.Background()); err != nil {
		return 0, err
	}
	for _, v := range theLab.Env() {
		if err := os.Setenv(v.Name, v.Value); err != nil {
			return 0, err
		}
	}
	// Jobs of the make that runs the tests are not for the make commands in the tests, which would warn.
	for _, name := range []string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL"} {
		if err := os.Unsetenv(name); err != nil {
			return 0, err
		}
	}
	// The Kubernetes plugin leaves a copy of a kubeconfig in the folder for temporary files, and Node.js its cache.
	temporary, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temporary)
	if err := os.Setenv("TMPDIR", temporary); err != nil {
		return 0, err
	}
	if err := toMaster.open(); err != nil {
		return 0, err
	}
	code = m.Run()
	if os.Getenv("SOAK") == "report" && code == 0 {
		if err := writeReport(); err != nil {
			return 0, err
		}
	}
	if err := toMaster.close(); err != nil {
		return code, err
	}
	switch {
	case wasRunning:
		return code, nil
	case code != 0:
		fmt.Fprintln(os.Stderr, "e2e: the lab is left running, so that you can inspect it; `make lab-down` stops it")
		return code, nil
	case hadConfig:
		err = theLab.Stop()
	default:
		err = theLab.Clean()
	}
	return code, errors.Join(err, leavings())
}
