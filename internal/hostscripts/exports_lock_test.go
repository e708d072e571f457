package hostscripts

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// The wait for the lock is bounded, and the error names the holder.
func TestExportsLocked(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.write("bin/exportfs", `#!/bin/sh
: >`+h.at("locked")+`
for i in $(seq 600); do test ! -e `+h.at("go-on")+` || break; sleep 0.1; done
exec `+realExportfs+` "$@"
`, 0o755)
		first := h.command(h.exports("one", nil, "10.0.0.1"), "apply")
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.write("go-on", "", 0o644); _ = first.Wait() }) // also if the test ends early
		within(t, func() bool { return h.has("locked") })
		second := h.exports("two", func(a *Share) { a.Path = "/srv/two" }, "10.0.0.2")
		out, err := h.run(with("patience 1", second), "apply")
		want := fmt.Sprintf("exports: the lock on /etc was not free for 1 s: process %d (%s -s -- apply test ) has it; nothing was changed", first.Process.Pid, strings.Join(shell, " "))
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: %s\nwant %s", err, out, want)
		}
		h.write("go-on", "", 0o644)
		if err := first.Wait(); err != nil {
			t.Error(err)
		}
		h.must(second, "apply")
		if got := h.read("etc/exports"); !strings.Contains(got, "10.0.0.1(") || !strings.Contains(got, "10.0.0.2(") {
			t.Errorf("the file is\n%s", got)
		}
	})
}

// Shares that are updated at the same time wait for each other, even longer than for a hung one. Together they hold the
// lock for longer than 12 s; none of them does alone, not even on a busy machine. Without /proc/locks, as in a container,
// the script finds out by looking for the process that has the lock.
func TestExportsManyAtOnce(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.mount = "mount --bind /dev/null /proc/locks"
		h.write("bin/exportfs", "#!/bin/sh\nsleep 2\nexec "+realExportfs+" \"$@\"\n", 0o755)
		var all sync.WaitGroup
		for n := range 8 {
			path := fmt.Sprintf("/srv/%d", n)
			script := h.exports(fmt.Sprint(n), func(a *Share) { a.Path = path }, "10.0.0.1")
			all.Go(func() {
				if out, err := h.run(with("patience 12", script), "apply"); err != nil {
					t.Errorf("%s: %v: %s", path, err, out)
				}
			})
		}
		all.Wait()
		if blocks, entries := strings.Count(h.read("etc/exports"), "# BEGIN "), strings.Count(h.read("var/lib/nfs/etab"), "\t10.0.0.1("); blocks != 8 || entries != 8 {
			t.Errorf("%d blocks and %d entries of the table, want 8", blocks, entries)
		}
	})
}

// Others take the lock in turns, and so many wait that a look at all their processes takes longer than a turn, and finds
// nobody. None of them hangs, so that the script waits for its turn, for longer than for one that hangs.
func TestExportsTurns(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		for range 300 {
			waiting, err := os.Open(h.at("etc"))
			if err != nil {
				t.Fatal(err)
			}
			defer waiting.Close()
		}
		var others sync.WaitGroup
		until := time.Now().Add(6 * time.Second)
		for range 4 {
			others.Go(func() {
				for time.Now().Before(until) {
					if out, err := exec.Command("flock", h.at("etc"), "sleep", "0.05").CombinedOutput(); err != nil {
						t.Errorf("%v: %s", err, out)
						return
					}
				}
			})
		}
		if out, err := h.run(with("patience 2", h.exports("s", nil, "10.0.0.1")), "apply"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		others.Wait()
	})
}
