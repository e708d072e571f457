// Command verify proves that a stack balances: it requests every URL of the stack's outputs many times, each time
// over a new connection, and prints which pods answered. It runs in the folder of Pulumi.yaml and uses the selected
// stack. It requests host names at the cluster's own addresses, so they need not be in a hosts file.
//
// It judges answers like `pulumi up`: by the stack's answerPath and answerStatus, and one of several addresses is
// enough; it names those that do not answer.
//
// Its exit status is 0 if every URL answers every request and all ready pods answer at every URL; 1 if one does not;
// 2 for a usage error; 3 if the stack or the cluster could not be read.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"webapp-balanced/components/link"
	"webapp-balanced/config"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/probe"
)

const (
	exitUnbalanced = 1
	exitUsage      = 2
	exitUnknown    = 3
)

func main() {
	requests := flag.Int("requests", 0, "requests to each URL; 0 means 12 for each pod that is ready")
	format := flag.String("o", "table", "what to print: table or json")
	flag.Parse()
	if flag.NArg() > 0 || *requests < 0 || (*format != "table" && *format != "json") {
		fmt.Fprintln(os.Stderr, "verify: -o is table or json, -requests is not below 0, and there is no other argument")
		flag.Usage()
		os.Exit(exitUsage)
	}
	ctx := context.Background()
	t, err := load(ctx, *requests)
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(exitUnknown)
	}
	if err := t.verify(ctx, *format == "json"); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(exitUnbalanced)
	}
}

// target is what to verify: a stack's URLs and the pods behind them.
type target struct {
	URLs         []link.URL
	Pods         []cluster.Pod // the ready ones
	Requests     int           // to each URL
	probe.Target               // how to request each URL
}

// verify requests every URL and prints the answers.
func (t target) verify(ctx context.Context, asJSON bool) error {
	if len(t.Pods) == 0 {
		return errors.New("no pod is ready: kubectl get pods tells more")
	}
	if len(t.URLs) == 0 {
		return errors.New("the stack has no URL that answered: `pulumi up` says why")
	}
	var problems []error
	var results []result
	for _, url := range t.URLs {
		r := askUntilBalanced(ctx, url, t)
		if !asJSON {
			r.print(os.Stdout, t.Pods)
		}
		if r.Problem != "" {
			problems = append(problems, fmt.Errorf("%s: %s", url.URL, r.Problem))
		}
		results = append(results, r)
	}
	if asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(results); err != nil {
			return err
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	if !asJSON {
		fmt.Printf("\nevery URL is answered by all %d pods that are ready\n", len(t.Pods))
	}
	return nil
}

// load reads the selected stack's outputs and asks its cluster.
func load(ctx context.Context, requests int) (target, error) {
	var t target
	var outputs struct {
		URLs []link.URL `json:"urls"`
	}
	if err := pulumi(ctx, &outputs, "stack", "output", "--json"); err != nil {
		return t, err
	}
	var set map[string]struct{ Value string }
	if err := pulumi(ctx, &set, "config", "--json", "--show-secrets"); err != nil {
		return t, err
	}
	// Every update has validated it.
	c, _ := config.Load(config.Source{Get: func(key string) (string, bool) {
		value, ok := set[config.Project+":"+key]
		return value.Value, ok
	}})
	t.URLs = outputs.URLs
	client, err := cluster.Connect(cluster.AccessFrom(func(key string) string { return set[key].Value }))
	if err != nil {
		return t, err
	}
	pods, err := client.Pods(ctx, cluster.Application{Namespace: c.App.Namespace, Selector: c.App.Selector})
	if err != nil {
		return t, err
	}
	for _, pod := range pods {
		if pod.Ready {
			t.Pods = append(t.Pods, pod)
		}
	}
	snapshot, err := client.Inspect(ctx, c.Exposure.Query())
	if err != nil {
		return t, err
	}
	for _, denied := range snapshot.Denied {
		fmt.Fprintf(os.Stderr, "verify: this login may not %s, so this is not checked: %s\n", denied.Doing, denied.Fact)
	}
	t.Addresses = snapshot.ControllerAddresses()
	t.Page = probe.Page{Path: c.Exposure.AnswerPath, Status: c.Exposure.AnswerStatus}
	t.Certificate = certificate.Of(snapshot.Secret).Cert
	if t.Requests = requests; requests == 0 {
		t.Requests = 12 * len(t.Pods)
	}
	return t, nil
}

// pulumi runs the CLI and decodes its JSON output.
func pulumi(ctx context.Context, into any, args ...string) error {
	cmd := exec.CommandContext(ctx, "pulumi", append(args, "--non-interactive")...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(strings.TrimSpace(string(exit.Stderr)))
		}
		return fmt.Errorf("pulumi %s: %w", strings.Join(args, " "), err)
	}
	return json.Unmarshal(out, into)
}
