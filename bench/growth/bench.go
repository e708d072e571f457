package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"webapp-balanced/bench/measure"
	"webapp-balanced/lab"
)

// series has the measurements of one kind of object at each size.
type series struct {
	unit, with string
	points     []point
}

// point has the measurements at one size: of the first up, if there was one, and of a preview after it.
type point struct {
	size        int
	up, preview cost
}

// cost has what a command needed.
type cost struct {
	took                       time.Duration
	processor                  time.Duration // of Pulumi, its plugins and the program
	memory                     int64         // bytes, of all processes together at their peak
	logins, commands, requests int
}

// bench runs the commands.
type bench struct {
	root, work string
	isDeployed bool
}

const (
	share = "/srv/nfs/bench-growth" // contains all shares
	// previews is how often a preview runs. The fastest counts: the first one has cold caches.
	previews = 3
)

// setUp compiles the programs, and creates two stacks: one of the growing program, and one of the project's own.
func (b *bench) setUp(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(b.work, "site"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.work, "site", "index.html"), []byte("<p>One page.</p>\n"), 0o644); err != nil {
		return err
	}
	return b.sh(ctx, `scripts/go build -o .build/trace ./cmd/trace
scripts/go build -o "$WORK/many" ./cmd/many
cp cmd/many/Pulumi.yaml "$WORK"
cp Pulumi.lab.yaml Pulumi.bench-growth.yaml
pulumi stack init bench-growth --no-select
pulumi config set-all --stack bench-growth --plaintext exposure=nodeport --plaintext ingress=false
pulumi config set --stack bench-growth --path nfs.detectDrift false
pulumi config set --stack bench-growth --path nfs.path $SHARE
cd "$WORK"
pulumi stack init growth`)
}

// tearDown removes everything, wherever the benchmark ended.
func (b *bench) tearDown() error {
	ctx := context.Background()
	var errs []error
	if b.isDeployed {
		errs = append(errs, b.sh(ctx, "cd $WORK\npulumi destroy --yes --skip-preview"))
	}
	return errors.Join(append(errs, b.sh(ctx, `ssh -F $LAB_SSH_CONFIG kubemaster rm -rf $SHARE
pulumi stack rm --yes bench-growth || true
rm -f Pulumi.bench-growth.yaml
cd "$WORK"
pulumi stack rm --yes growth`))...)
}

// sh runs commands at the clone's root. The error contains their output.
func (b *bench) sh(ctx context.Context, commands string) error {
	out, err := b.command(ctx, "sh", "-euc", commands).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

func (b *bench) command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	// The trace removes its file, and Pulumi its lock.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "WORK="+b.work, "SHARE="+share, "SERVER="+lab.Addresses()[0], "CLIENTS="+strings.Join(lab.Addresses(), " "),
		"SITE="+filepath.Join(b.work, "site"), "HOST_KEY="+filepath.Join(b.root, ".lab", "keys", "host_kubemaster.pub"),
		"PRIVATE_KEY="+filepath.Join(b.root, ".lab", "keys", "id_ed25519"))
	return cmd
}

// deployed measures the growing program: the first up, and a preview after it.
func (b *bench) deployed(ctx context.Context, s *series, size, shares, apps int) (err error) {
	env := []string{"SHARES=" + strconv.Itoa(shares), "APPS=" + strconv.Itoa(apps)}
	b.isDeployed = true
	p := point{size: size}
	if p.up, err = b.trace(ctx, b.work, env, "up", "--yes", "--skip-preview"); err != nil {
		return err
	}
	if p.preview, err = b.preview(ctx, b.work, env); err != nil {
		return err
	}
	s.points = append(s.points, p)
	if err := b.sh(ctx, "cd $WORK\npulumi destroy --yes --skip-preview\nssh -F $LAB_SSH_CONFIG kubemaster rm -rf $SHARE"); err != nil {
		return err
	}
	b.isDeployed = false
	return nil
}

// previewed measures a preview of the project's own program in another cluster.
func (b *bench) previewed(ctx context.Context, s *series, size int, kubeconfig string) (err error) {
	p := point{size: size}
	p.preview, err = b.preview(ctx, b.root, []string{"PULUMI_STACK=bench-growth", "KUBECONFIG=" + kubeconfig})
	s.points = append(s.points, p)
	return err
}

// preview returns the cost of the fastest of several previews.
func (b *bench) preview(ctx context.Context, dir string, env []string) (cost, error) {
	var best cost
	for n := range previews {
		c, err := b.trace(ctx, dir, env, "preview")
		if err != nil {
			return cost{}, err
		}
		if n == 0 || c.took < best.took {
			best = c
		}
	}
	return best, nil
}

// asked matches the last line of a trace.
var asked = regexp.MustCompile(`logins to NFS hosts (\d+), commands there (\d+), requests to the API server (\d+)`)

// trace runs a pulumi command in a folder, and counts its logins, commands and requests.
func (b *bench) trace(ctx context.Context, dir string, env []string, args ...string) (cost, error) {
	cmd := b.command(ctx, append([]string{filepath.Join(b.root, ".build", "trace")}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return cost{}, err
	}
	memory := measure.WatchMemory(cmd.Process.Pid)
	err := cmd.Wait()
	c := cost{took: time.Since(start), processor: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory: memory()}
	if err != nil {
		return c, fmt.Errorf("pulumi %s: %w\n%s", strings.Join(args, " "), err, out.String())
	}
	match := asked.FindStringSubmatch(out.String())
	if match == nil {
		return c, fmt.Errorf("pulumi %s: the trace does not count what was asked for:\n%s", strings.Join(args, " "), out.String())
	}
	for i, count := range []*int{&c.logins, &c.commands, &c.requests} {
		*count, _ = strconv.Atoi(match[i+1])
	}
	if c.logins == 0 {
		return c, fmt.Errorf("pulumi %s: the trace has nothing of the program, which always logs in:\n%s", strings.Join(args, " "), out.String())
	}
	return c, nil
}
