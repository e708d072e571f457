// Command growth deploys more and more shares and applications in the lab, and previews the program against
// an API server with more and more nodes and Services. It measures the cost of one more, and writes
// docs/growth.md and its picture. If it had to start the lab, it stops it at the end.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"webapp-balanced/bench/measure"
	"webapp-balanced/lab"
	"webapp-balanced/lab/step"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	return measure.InLab(ctx, func(l *lab.Lab, work string) error { return grow(ctx, l, work) })
}

func grow(ctx context.Context, l *lab.Lab, work string) (err error) {
	programs, err := l.Tools(ctx)
	if err != nil {
		return err
	}
	b := &bench{root: l.Root, work: work}
	store := &store{dir: filepath.Join(work, "store"), programs: programs}
	defer func() { err = errors.Join(err, b.tearDown(), store.stop()) }()

	progress := step.New(os.Stderr, 1+len(sharesOf)+len(appsOf)+len(clustersOf))
	if err := progress.Run("prepare", func() (string, error) { return "", errors.Join(b.setUp(ctx), store.start(ctx)) }); err != nil {
		return err
	}
	shares, apps, clusters := series{unit: "share"}, series{unit: "application"}, series{unit: "node", with: ", and five Services for each"}
	for _, n := range sharesOf {
		if err := progress.Run(fmt.Sprintf("%d shares", n), func() (string, error) { return "", b.deployed(ctx, &shares, n, n, 0) }); err != nil {
			return err
		}
	}
	for _, n := range appsOf {
		if err := progress.Run(fmt.Sprintf("%d applications", n), func() (string, error) { return "", b.deployed(ctx, &apps, n, 1, n) }); err != nil {
			return err
		}
	}
	for _, n := range clustersOf {
		err := progress.Run(fmt.Sprintf("%d nodes, %d Services", n, 5*n), func() (string, error) {
			if err := store.grow(ctx, n, 5*n); err != nil {
				return "", err
			}
			return "", b.previewed(ctx, &clusters, n, store.kubeconfig())
		})
		if err != nil {
			return err
		}
	}
	return writeReport(l.Root, []series{shares, apps, clusters})
}

// The sizes to measure, one after the other.
var (
	sharesOf   = []int{1, 10, 50}
	appsOf     = []int{1, 10, 20, 30}
	clustersOf = []int{3, 100, 1000}
)
