package components

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stepper stands in for every command of the computer that a script may call:
// it counts the calls, and at the one whose number is in the file kill, kills
// the script and all that it has started, before the command or after it. So a
// step that is added to a script is a step here too.
const stepper = `#!/bin/dash
set -C
n=1
while ! true 2>/dev/null >DIR/counted/$n; do n=$((n + 1)); done
set +C
read -r at when <DIR/kill
[ "$n $when" != "$at before" ] || kill -9 0
case ${0##*/} in exportfs) DIR/bin/exportfs "$@" ;; *) "$(/bin/cat DIR/real/"${0##*/}")" "$@" ;; esac
status=$?
[ "$n $when" != "$at after" ] || kill -9 0
exit $status
`

// newStepper makes a host all of whose commands are steppers.
func newStepper(t *testing.T, exports string) *host {
	h := newHost(t, []string{"dash"}, exports)
	h.write("step", strings.ReplaceAll(stepper, "DIR", h.dir), 0o755)
	names := []string{"exportfs"}
	for _, dir := range []string{"/bin", "/usr/bin", "/sbin", "/usr/sbin"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if !slices.Contains([]string{"dash", "sh", "exportfs"}, entry.Name()) {
				names = append(names, entry.Name())
				h.write("real/"+entry.Name(), filepath.Join(dir, entry.Name())+"\n", 0o644)
			}
		}
	}
	if err := os.Mkdir(h.at("steps"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(h.at("step"), h.at("steps/"+name)); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
	}
	return h
}

// runUntil runs a script that is killed at a step, and reports whether it came
// so far, and how it ended else.
func (h *host) runUntil(stdin, verb string, step int, when string) (killed bool, out string, err error) {
	for _, err := range []error{os.RemoveAll(h.at("counted")), os.Mkdir(h.at("counted"), 0o755)} {
		if err != nil {
			h.t.Fatal(err)
		}
	}
	h.write("kill", fmt.Sprintf("%d %s\n", step, when), 0o644)
	h.path = h.at("steps")
	cmd := h.command(stdin, verb)
	h.path = h.at("bin")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true, string(text), nil
	}
	return false, string(text), err
}

// everyStep kills a script at each of its steps, before and after, and calls
// prepare before that and check when it is dead.
func everyStep(t *testing.T, h *host, stdin, verb string, prepare, check func()) {
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
	if steps < 40 {
		t.Errorf("only %d were found", steps)
	}
}

// A run that is killed, wherever, leaves the old file or the new one, and the
// next run heals what is left.
func TestExportsKilledAtEveryStep(t *testing.T) {
	const byHand = "# by hand\n/other 10.0.0.9(ro)"
	for _, c := range []struct {
		name, verb    string
		before, after []string // clients; none for no block
	}{
		{"create", "apply", nil, []string{"10.0.0.1"}},
		{"change", "apply", []string{"10.0.0.1"}, []string{"10.0.0.1", "10.0.0.2"}},
		{"remove", "remove", []string{"10.0.0.1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newStepper(t, byHand)
			file := func(clients []string) string {
				h.write("etc/exports", byHand, 0o640)
				if clients != nil {
					h.must(h.exports("s", nil, clients...), "apply")
				}
				return h.read("etc/exports")
			}
			before, after := file(c.before), file(c.after)
			script := h.exports("s", nil, slices.Concat(c.before, c.after)...)
			if c.after != nil {
				script = h.exports("s", nil, c.after...)
			}
			everyStep(t, h, script, c.verb, func() { h.write("etc/exports", before, 0o640) }, func() {
				if got := h.read("etc/exports"); got != before && got != after {
					t.Errorf("the file is neither the old one nor the new one:\n%q", got)
				}
				if info, _ := os.Stat(h.at("etc/exports")); info.Mode().Perm() != 0o640 {
					t.Errorf("its mode is %v", info.Mode())
				}
				h.must(script, c.verb)
				if got := h.read("etc/exports"); got != after {
					t.Errorf("the next run makes it\n%q\nwant\n%q", got, after)
				}
				if left := h.beside(); left != nil {
					t.Errorf("left beside the file: %v", left)
				}
			})
		})
	}
}

// A run that is killed with a line that exportfs would refuse does not leave it
// to break the next stack's.
func TestExportsKilledWithABrokenLine(t *testing.T) {
	t.Parallel()
	const before = "/other 10.0.0.9(ro)\n"
	h := newStepper(t, before)
	stride := 1
	if testing.Short() {
		stride = 15
	}
	for step := 1; ; step += stride {
		h.write("etc/exports", before, 0o640)
		killed, _, _ := h.runUntil(h.exports("s", nil, "BROKEN"), "apply", step, "before")
		h.must(h.exports("two", nil, "10.0.0.1"), "apply")
		if got := h.read("etc/exports"); strings.Contains(got, "BROKEN") || !strings.Contains(got, "10.0.0.1") {
			t.Fatalf("killed before step %d, the next stack's run leaves\n%s", step, got)
		}
		h.must(h.exports("two", nil, "10.0.0.1"), "remove")
		if !killed {
			break
		}
	}
}

// 40 shares of 4 stacks, made, changed and removed at once, leave exactly the
// blocks that they should.
func TestExportsOfFortySharesAtOnce(t *testing.T) {
	t.Parallel()
	const shares = 40
	h := newHost(t, []string{"sh"}, foreign)
	script := func(i int, clients ...string) string {
		args := NfsShareArgs{Path: h.at("srv/share" + strconv.Itoa(i)), Clients: clients}
		return args.scripts(shareID{"p", "stack" + strconv.Itoa(i%4), "share" + strconv.Itoa(i)}, nil).exports
	}
	var wg sync.WaitGroup
	problems := make([]string, shares)
	start := time.Now()
	for i := range shares {
		wg.Go(func() {
			for _, step := range []struct{ script, verb string }{
				{script(i, "10.0.0.1"), "apply"}, {script(i, "10.0.0.1", "10.0.0.2"), "apply"}, {script(i, "10.0.0.2"), "apply"}, {script(i, "10.0.0.2"), "remove"},
			} {
				if step.verb == "remove" && i%2 == 0 {
					continue // every second stays
				}
				// A run waits for those of all the others.
				patient := strings.ReplaceAll(step.script, "patience=60", "patience=300")
				if out, err := h.run(patient, step.verb); err != nil {
					problems[i] = fmt.Sprintf("share %d: %s: %v\n%s", i, step.verb, err, out)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d runs in %s", shares*7/2, time.Since(start).Round(time.Millisecond))
	for _, problem := range problems {
		if problem != "" {
			t.Error(problem)
		}
	}
	got := h.read("etc/exports")
	if !strings.HasPrefix(got, foreign) {
		t.Errorf("the lines of others are not what they were:\n%s", got)
	}
	for i := range shares {
		want := map[bool]int{true: 1, false: 0}[i%2 == 0]
		line := h.at("srv/share"+strconv.Itoa(i)) + " 10.0.0.2(rw,sync,no_subtree_check)\n"
		if strings.Count(got, line) != want || strings.Count(h.read("table"), h.at("srv/share"+strconv.Itoa(i))+"  ") != want {
			t.Errorf("share %d has %d lines, want %d", i, strings.Count(got, line), want)
		}
	}
	if n := strings.Count(got, "\n"); n != strings.Count(foreign, "\n")+3*shares/2 {
		t.Errorf("the file has %d lines:\n%s", n, got)
	}
	if left := h.beside(); left != nil {
		t.Errorf("left beside the file: %v", left)
	}
}
