// Package e2e proves the whole with real parts: the real pulumi against the
// lab's cluster and NFS server. It uses this clone's lab, with stacks of its
// own; a lab that it had to start is stopped at the end, and must leave nothing
// behind. On failure the lab's logs and what the commands printed stay in .lab/e2e.
// Tests that nothing of the others disturbs run beside each other, after those that
// say why they do not.
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
	wasRunning bool // the lab is somebody's who goes on using it
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
	// What Pulumi has compiled, at each of its commands, shares the cache with what scripts/go compiles, and
	// is linked without what a debugger needs.
	if err := os.Setenv("GOFLAGS", "-trimpath -ldflags=-w"); err != nil {
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
		fmt.Fprintln(os.Stderr, "e2e: the lab is left running for a look at it; `make lab-down` stops it")
		return code, nil
	case hadConfig:
		err = theLab.Stop()
	default:
		err = theLab.Clean()
	}
	return code, errors.Join(err, leavings())
}
