package hostscripts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// stepper stands in for every command that a script may call: it counts the calls, and at the one whose
// number is in the file kill, kills the script and all its children, before the command or after it. So a
// new step of a script is a step here too.
const stepper = `#!/bin/dash
set -C
n=1
while ! true 2>/dev/null >DIR/counted/$n; do n=$((n + 1)); done
set +C
read -r at when <DIR/kill
[ "$n $when" != "$at before" ] || kill -9 0
read -r real <DIR/real/"${0##*/}"
"$real" "$@"
status=$?
[ "$n $when" != "$at after" ] || kill -9 0
exit $status
`

// newStepper makes a host where all commands have steppers, in steps.
func newStepper(t *testing.T, exports string) *host {
	h := newHost(t, []string{"dash"}, exports)
	h.write("step", strings.ReplaceAll(stepper, "DIR", h.dir), 0o755)
	if err := os.Mkdir(h.at("steps"), 0o755); err != nil {
		t.Fatal(err)
	}
	// The host's own commands come first.
	for _, dir := range []string{h.at("bin"), "/bin", "/usr/bin", "/sbin", "/usr/sbin"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := entry.Name()
			if slices.Contains([]string{"dash", "sh"}, name) {
				continue
			}
			err := os.Symlink(h.at("step"), h.at("steps/"+name))
			if errors.Is(err, os.ErrExist) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			h.write("real/"+name, filepath.Join(dir, name)+"\n", 0o644)
		}
	}
	return h
}

// runUntil runs a script that is killed at a step, and reports whether it got so far, and otherwise how it ended.
func (h *host) runUntil(stdin, verb string, step int, when string) (killed bool, out string, err error) {
	for _, err := range []error{os.RemoveAll(h.at("counted")), os.Mkdir(h.at("counted"), 0o755)} {
		if err != nil {
			h.t.Fatal(err)
		}
	}
	h.write("kill", fmt.Sprintf("%d %s\n", step, when), 0o644)
	cmd := h.command(stdin, verb)
	// enter's own arguments: /bin/sh -c enter enter DIR, then the script's; only the script's steps count.
	cmd.Args = slices.Insert(cmd.Args, 5, "env", "PATH="+h.at("steps"))
	cmd.Args[7] = "/bin/dash"
	cmd.SysProcAttr.Setpgid = true
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true, string(text), nil
	}
	return false, string(text), err
}

// everyStep kills a script at each of its steps, before and after, with prepare before each run and check
// after the kill.
func everyStep(t *testing.T, h *host, stdin, verb string, prepare, check func()) {
	t.Helper()
	var steps int
	stride := 1
	if testing.Short() {
		stride = 15 // make unit has no time for all; make test has
	}
	for _, when := range []string{"before", "after"} {
		for step := 1; ; step += stride {
			prepare()
			killed, out, err := h.runUntil(stdin, verb, step, when)
			if err != nil {
				t.Fatalf("killed %s step %d: %v\n%s", when, step, err, out)
			}
			check()
			if t.Failed() {
				t.Fatalf("killed %s step %d of %s", when, step, verb)
			}
			if !killed {
				steps += step - 1
				break
			}
		}
	}
	t.Logf("there are %d places to be killed at", steps)
	if steps < 20 {
		t.Errorf("only %d were found", steps)
	}
}
