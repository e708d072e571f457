// Command trace runs a command of pulumi, such as preview, and shows where its time goes: a line for each thing
// that took a while, with when it began and a bar. Pulumi, its plugins and the program say what they do by
// OpenTelemetry (pulumi --otel-traces).
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	least := flag.Duration("least", 20*time.Millisecond, "leave out what took less")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: trace [-least DURATION] COMMAND-OF-PULUMI [ARGUMENT ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Args(), *least); err != nil {
		fmt.Fprintln(os.Stderr, "trace:", err)
		os.Exit(1)
	}
}

func run(args []string, least time.Duration) error {
	dir, err := os.MkdirTemp("", "webapp-balanced-trace-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "spans.json")
	cmd := exec.Command("pulumi", append(args, "--otel-traces", "file://"+file)...)
	// Without one the program says nothing; the lab's language host, 3.192, does not set it
	// (https://www.w3.org/TR/trace-context/).
	cmd.Env = append(os.Environ(), "TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	failed := cmd.Run()
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	spans, err := parse(content)
	if err != nil {
		return err
	}
	fmt.Print(timeline(spans, least))
	return failed
}
