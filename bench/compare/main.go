// Command compare deploys one application with several tools, in turn, in the lab, and compares how long each
// takes and how much memory it needs. It writes docs/benchmarks.md and its picture. If it had to start the
// lab, it stops it at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"webapp-balanced/bench/measure"
	"webapp-balanced/lab"
	"webapp-balanced/lab/step"
)

func main() {
	rounds := flag.Int("rounds", 4, "how often each tool does everything")
	only := flag.String("only", "", "the name of one tool, whose figures are printed and not written")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, only string) error {
	return measure.InLab(ctx, func(l *lab.Lab, work string) error { return compare(ctx, l, work, rounds, only) })
}

func compare(ctx context.Context, l *lab.Lab, work string, rounds int, only string) error {
	tools, err := l.Compared(ctx)
	if err != nil {
		return err
	}
	all := contenders(tools)
	if only != "" {
		all = named(all, only)
	}
	if len(all) == 0 {
		return fmt.Errorf("-only %s is not one of the tools", only)
	}
	progress := step.New(os.Stderr, len(all)*(rounds+1))
	for i := range all {
		c := &all[i]
		defer c.tearDown()
		if err := progress.Run("prepare "+c.name, func() (string, error) { return "", c.setUp(ctx, l.Root, work) }); err != nil {
			return err
		}
	}
	for round := range rounds {
		for _, i := range order(round, len(all)) {
			c := &all[i]
			err := progress.Run(fmt.Sprintf("round %d: %s", round+1, c.name), func() (string, error) { return "", c.round(ctx) })
			if err != nil {
				return err
			}
		}
	}
	if only != "" {
		fmt.Print(table(all))
		return nil
	}
	return writeReport(l.Root, all, rounds)
}

// order returns the indices of the tools in the order of a round: each round starts at the next tool, and every other
// round goes backwards, so that no tool always follows the same one.
func order(round, tools int) []int {
	step := 1 - round%2*2
	indices := make([]int, tools)
	for i := range indices {
		indices[i] = ((round+step*i)%tools + tools) % tools
	}
	return indices
}
