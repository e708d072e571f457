// Command prcomment writes what a change of the configuration would do, for the comment on a pull request: it runs
// `pulumi preview --json` for a stack in the folder of Pulumi.yaml and prints Markdown. The first line is the
// verdict; a hidden mark in the second names the stack, so that the poster finds the comment of the previous run.
//
// With -drift it compares the stack with the cluster and the NFS server instead of with the last update
// (`pulumi preview --refresh`): if the configuration has not changed, the changes that it shows were made by others.
//
// Its exit status is 0; 1 if the preview failed, with the reason in the Markdown, or if it could not reach the
// cluster or the NFS server, which counts as a failure here: half a comment would mislead; 2 for a usage error;
// with -drift, 3 if there is drift.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	exitFailed = 1
	exitUsage  = 2
	exitDrift  = 3
)

func main() {
	stack := flag.String("stack", "", "the stack; empty for the one that is selected")
	whole := flag.String("whole", "`pulumi preview --diff`", "where the whole preview is, for a comment that has no room for it")
	from := flag.String("from", "", "a folder with a recorded preview, to be rendered instead of a new one")
	drift := flag.Bool("drift", false, "look for what was changed by others than the stack")
	limit := flag.Int("limit", commentLimit, "how many `bytes` the Markdown may have")
	record := flag.String("record", "", "a folder to record the preview in")
	flag.Parse()
	if flag.NArg() > 0 || (*from != "" && *record != "") {
		fmt.Fprintln(os.Stderr, "prcomment: there are no arguments, and -from and -record exclude each other")
		flag.Usage()
		os.Exit(exitUsage)
	}
	r, err := get(*stack, *from, *drift)
	if err == nil && *record != "" {
		err = r.save(*record)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prcomment:", err)
		os.Exit(exitUsage)
	}
	p := parse("webapp-balanced/"+*stack, r.stdout, r.stderr, r.status != 0)
	p.failed = p.failed || p.isIncomplete()
	p.drift = *drift
	fmt.Print(render(p, *whole, *limit))
	switch {
	case p.failed:
		os.Exit(exitFailed)
	case p.drift && p.changes() > 0:
		os.Exit(exitDrift)
	}
}

// recording is the output of a preview, and its exit status.
type recording struct {
	stdout, stderr []byte
	status         int
}

func get(stack, from string, drift bool) (recording, error) {
	if from != "" {
		return load(from)
	}
	args := []string{"preview", "--json", "--non-interactive"}
	if drift {
		args = append(args, "--refresh")
	}
	if stack != "" {
		args = append(args, "--stack", stack)
	}
	cmd := exec.Command("pulumi", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return recording{}, err
	}
	return recording{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}, nil
}

// load reads a recording: the files stdout and stderr, and status if that is not 0.
func load(dir string) (recording, error) {
	var r recording
	var errOut, errErr error
	r.stdout, errOut = os.ReadFile(filepath.Join(dir, "stdout"))
	r.stderr, errErr = os.ReadFile(filepath.Join(dir, "stderr"))
	if status, err := os.ReadFile(filepath.Join(dir, "status")); err == nil {
		if _, err := fmt.Sscan(string(status), &r.status); err != nil {
			return r, fmt.Errorf("read the status of %s: %w", dir, err)
		}
	}
	return r, errors.Join(errOut, errErr)
}

func (r recording) save(dir string) error {
	return errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "stdout"), r.stdout, 0o644),
		os.WriteFile(filepath.Join(dir, "stderr"), r.stderr, 0o644),
		os.WriteFile(filepath.Join(dir, "status"), fmt.Appendf(nil, "%d\n", r.status), 0o644),
	)
}
