// Package proc starts the lab's programs, each in its own session, and records them, so that another process, even of
// another clone, can tell whether they run and end exactly them. No program is ever ended by its name.
package proc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"
)

// Table is the record of the lab's programs: a directory with a file for each program.
type Table struct {
	dir       string
	namespace string
}

// NewTable returns the table kept in dir, whose programs run in the network
// namespace of that name (ip-netns(8)), or in the caller's if it has none.
func NewTable(dir, namespace string) *Table {
	return &Table{dir: dir, namespace: namespace}
}

// Process is a program that was started.
type Process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Started is the program's start time, field 22 of /proc/PID/stat (proc(5)). PID and start time together
	// identify a process.
	Started string `json:"started"`
	Log     string `json:"log"`
	// Argv is its command line, in the table's network namespace.
	Argv []string `json:"argv"`

	record string // its file in the table
	exited chan struct{}
	err    error
}

// Start runs argv in the lab's network namespace, appends its output to the file log, and records it.
func (t *Table) Start(name, log string, argv ...string) (*Process, error) {
	if t.namespace == "" {
		return t.start(name, log, argv...)
	}
	// nsenter becomes the program, so the PID is the program's.
	return t.start(name, log, append([]string{"nsenter", "--net=/run/netns/" + t.namespace, "--"}, argv...)...)
}

// Restart starts a program that has ended, with the same command line, and appends its output to the same log.
func (t *Table) Restart(p *Process) (*Process, error) {
	if p.Running() {
		return nil, fmt.Errorf("%s runs already", p.Name)
	}
	return t.start(p.Name, p.Log, p.Argv...)
}

func (t *Table) start(name, log string, argv ...string) (*Process, error) {
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{Name: name, PID: cmd.Process.Pid, Log: log, Argv: argv, record: t.file(name), exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	p.Started, _ = startTime(p.PID)
	record, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(p.record, record, 0o644)
	}
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("record %s: %w", name, err)
	}
	return p, nil
}

func (t *Table) file(name string) string { return filepath.Join(t.dir, name+".json") }

// All returns every recorded program, running or not, by name.
func (t *Table) All() ([]*Process, error) {
	files, err := filepath.Glob(filepath.Join(t.dir, "*.json"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var all []*Process
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		p := &Process{record: file}
		if err := json.Unmarshal(data, p); err != nil {
			return nil, fmt.Errorf("read the record %s: %w", file, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// StopAll ends every recorded program with its whole session, waits until it is gone and forgets it.
func (t *Table) StopAll() error {
	all, err := t.All()
	if err != nil {
		return err
	}
	var problems []error
	for _, p := range all {
		if p.Running() {
			p.kill()
		}
	}
	for _, p := range all {
		if err := p.gone(5 * time.Second); err != nil {
			problems = append(problems, err)
			continue
		}
		problems = append(problems, os.Remove(p.record))
	}
	return errors.Join(problems...)
}

// Running reports whether the program is still there: the same PID, started at the same time, and not a zombie.
func (p *Process) Running() bool {
	started, state := startTime(p.PID)
	return started != "" && started == p.Started && state != "Z"
}

// Freeze suspends a program or resumes it. The processes that a user-mode kernel traces stop with it; if they
// were suspended themselves, they would not continue.
func (p *Process) Freeze(frozen bool) error {
	if !p.Running() {
		return fmt.Errorf("%s does not run", p.Name)
	}
	if frozen {
		return syscall.Kill(p.PID, syscall.SIGSTOP)
	}
	return syscall.Kill(p.PID, syscall.SIGCONT)
}

// Stop ends the program with its whole session and waits until it is gone. The table keeps it, for [Table.Restart].
func (p *Process) Stop() error {
	if !p.Running() {
		return fmt.Errorf("%s does not run", p.Name)
	}
	return p.gone(5 * time.Second)
}

// kill ends the program's process group, which Start created. A user-mode kernel has a host process in that
// group for each of its own processes.
func (p *Process) kill() { _ = syscall.Kill(-p.PID, syscall.SIGKILL) }

func (p *Process) gone(patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for p.Running() || groupAlive(p.PID) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s (pid %d) is still there %s after SIGKILL", p.Name, p.PID, patience)
		}
		p.kill()
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// groupAlive reports whether the group still has a process that is not a zombie. Callers only pass groups
// whose leader was ours.
func groupAlive(pgid int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		fields := statFields(file)
		if len(fields) > 2 && fields[2] == fmt.Sprint(pgid) && fields[0] != "Z" {
			return true
		}
	}
	return false
}

// startTime returns field 22 and field 3 (state) of /proc/PID/stat, empty when there is no such process.
func startTime(pid int) (started, state string) {
	fields := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	if len(fields) < 20 {
		return "", ""
	}
	return fields[19], fields[0]
}

// statFields returns the fields of a stat file from the third, the state, on:
// the second is a name in brackets that may hold blanks.
func statFields(file string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	end := strings.LastIndex(string(data), ")")
	if end < 0 {
		return nil
	}
	return strings.Fields(string(data)[end+1:])
}

// WaitFor polls ready until it returns nil. It gives up when the program exits or the time is over, and says which,
// with ready's last answer and the end of the program's log.
func (p *Process) WaitFor(ctx context.Context, timeout time.Duration, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited (%v); the end of %s:\n%s", p.Name, p.err, p.Log, Tail(p.Log, 15))
		case <-ctx.Done():
			return fmt.Errorf("%s timed out after %s: %w; the end of %s:\n%s", p.Name, timeout, err, p.Log, Tail(p.Log, 15))
		case <-ticker.C:
		}
	}
}

// WaitExit waits until the program ends by itself, forgets it, and returns how it ended.
func (p *Process) WaitExit(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case <-p.exited:
		return errors.Join(p.err, os.Remove(p.record))
	case <-ctx.Done():
		p.kill()
		return fmt.Errorf("%s timed out after %s; the end of %s:\n%s", p.Name, timeout, p.Log, Tail(p.Log, 15))
	}
}

// Tail returns the last n lines of a file, indented, or why it cannot be read.
func Tail(file string, n int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return "    " + err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "    " + strings.Join(lines, "\n    ")
}
