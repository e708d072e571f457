// Command lab builds the project's tools and runs its lab. The Makefile calls
// it; its working directory is the top of the repository.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"webapp-balanced/lab"
)

const usage = `usage: lab COMMAND
  tools      build the tools, and make the Debian systems, that the cache does not have
  test-tools build what tests need besides: MetalLB, Traefik, an S3 server, language hosts
  start      start the lab; one that runs is left as it is
  metallb    add MetalLB to the running lab
  traefik    add the ingress controller Traefik to the running lab
  stop       stop the lab and remove it; the stack's configuration stays
  clean      stop, and remove the stack's configuration too
  status     list the lab's programs
  running    succeed if this clone's lab runs
  env        print export lines for the lab's environment`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one command\n%s", usage)
	}
	l, err := lab.New(".", os.Stderr)
	if err != nil {
		return err
	}
	switch args[0] {
	case "tools":
		_, _, err := l.Prepare(ctx)
		return err
	case "test-tools":
		return l.BuildForTests(ctx)
	case "start":
		return l.Start(ctx)
	case "metallb":
		return l.MetalLB(ctx)
	case "traefik":
		return l.Traefik(ctx)
	case "stop":
		return l.Stop()
	case "clean":
		return l.Clean()
	case "status":
		return l.Status()
	case "running":
		if !l.Running() {
			return fmt.Errorf("the lab does not run; `make lab` starts it")
		}
		return nil
	case "env":
		return env(ctx, l)
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}

// env prints export lines for eval in a shell, and selects the lab's stack.
func env(ctx context.Context, l *lab.Lab) error {
	if _, err := l.Tools(ctx); err != nil {
		return err
	}
	if err := l.SelectStack(ctx); err != nil {
		return err
	}
	for _, v := range l.Env() {
		fmt.Printf("export %s='%s'\n", v.Name, strings.ReplaceAll(v.Value, "'", `'\''`))
	}
	return nil
}
