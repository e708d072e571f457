package proc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// begin starts a program as Table.Start does, but in this computer's network, so it needs no root.
func begin(t *testing.T, table *Table, name, script string) *Process {
	t.Helper()
	p, err := table.start(name, filepath.Join(t.TempDir(), name+".log"), "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func TestWaitForTellsExitedFromTimedOut(t *testing.T) {
	never := func() error { return errors.New("not ready") }
	table := NewTable(t.TempDir(), "")
	exits := begin(t, table, "exits", "echo last words; exit 3")
	err := exits.WaitFor(t.Context(), 10*time.Second, never)
	if err == nil || !strings.Contains(err.Error(), "exits exited (exit status 3)") || !strings.Contains(err.Error(), "last words") {
		t.Errorf("the error is %v", err)
	}
	hangs := begin(t, table, "hangs", "echo still here; sleep 60")
	err = hangs.WaitFor(t.Context(), 300*time.Millisecond, never)
	if err == nil || !strings.Contains(err.Error(), "hangs timed out after 300ms: not ready") || !strings.Contains(err.Error(), "still here") {
		t.Errorf("the error is %v", err)
	}
}

func TestStopAllEndsTheWholeGroupAndNothingElse(t *testing.T) {
	table := NewTable(t.TempDir(), "")
	bystander := exec.Command("sleep", "60")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer bystander.Process.Kill()
	p := begin(t, table, "parent", "sleep 61 & sleep 62")
	// Another process has only the records of the table.
	other := NewTable(table.dir, "")
	all, err := other.All()
	if err != nil || len(all) != 1 || !all[0].Running() {
		t.Fatalf("the table has %v (%v)", all, err)
	}
	if err := other.StopAll(); err != nil {
		t.Fatal(err)
	}
	if p.Running() || groupAlive(p.PID) {
		t.Error("the program or its child is still there")
	}
	if _, state := startTime(bystander.Process.Pid); state == "" || state == "Z" {
		t.Error("another program was ended")
	}
	if all, _ := other.All(); len(all) > 0 {
		t.Errorf("the table still has %v", all)
	}
}

func TestRestart(t *testing.T) {
	table := NewTable(t.TempDir(), "")
	logs := func(p *Process, want string) {
		t.Helper()
		err := p.WaitFor(t.Context(), 10*time.Second, func() error {
			if log := Tail(p.Log, 9); log != want {
				return errors.New("its log is\n" + log)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	logs(begin(t, table, "again", "echo here; sleep 60"), "    here")
	all, err := table.All()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if _, err := table.Restart(all[0]); err == nil || err.Error() != "again runs already" {
		t.Errorf("a program that runs is started again: %v", err)
	}
	if err := all[0].Stop(); err != nil {
		t.Fatal(err)
	}
	if err := all[0].Stop(); err == nil || err.Error() != "again does not run" {
		t.Errorf("a program that does not run is ended: %v", err)
	}
	p, err := table.Restart(all[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	logs(p, "    here\n    here")
	if all, err = table.All(); err != nil || len(all) != 1 || all[0].PID != p.PID || !all[0].Running() {
		t.Errorf("the table has %v (%v), want %v", all, err, p)
	}
}

// A PID that now belongs to another program does not count as ours.
func TestRunningKnowsARecycledPID(t *testing.T) {
	p := &Process{PID: os.Getpid(), Started: "1"}
	if p.Running() {
		t.Error("another program with the same PID passes for ours")
	}
}
