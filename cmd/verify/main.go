// Command verify proves that a stack balances: it requests every URL of the
// stack's outputs many times, each time over a new connection, and prints
// which pods answered. It runs in the folder of Pulumi.yaml and means the stack
// that is selected there. Host names are looked for at the cluster's own
// addresses, so no hosts file has to know them.
//
// It fails when a URL does not answer every request, or is answered by fewer
// pods than are ready.
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

	"webapp-balanced/cluster"
	"webapp-balanced/components"
)

func main() {
	requests := flag.Int("requests", 0, "requests to each URL; 0 means 12 for each pod that is ready")
	flag.Parse()
	if err := run(context.Background(), *requests); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

// target is what is verified: a stack's URLs and what stands behind them.
type target struct {
	URLs      []components.URL
	Pods      []cluster.Pod // those that are ready
	Addresses []string      // where to look for host names
}

func run(ctx context.Context, requests int) error {
	t, err := load(ctx)
	if err != nil {
		return err
	}
	if len(t.Pods) == 0 {
		return errors.New("no pod is ready: kubectl get pods tells more")
	}
	if len(t.URLs) == 0 {
		return errors.New("the stack has no URL that answered: `pulumi up` says why")
	}
	if requests == 0 {
		requests = 12 * len(t.Pods)
	}
	var problems []error
	for _, url := range t.URLs {
		result := ask(ctx, url, t.Addresses, requests)
		result.print(os.Stdout, t.Pods)
		problems = append(problems, result.verdict(len(t.Pods)))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	fmt.Printf("\nevery URL is answered by all %d pods that are ready\n", len(t.Pods))
	return nil
}

// load reads the selected stack's outputs and asks its cluster.
func load(ctx context.Context) (target, error) {
	var t target
	var outputs struct {
		URLs []components.URL `json:"urls"`
	}
	if err := pulumi(ctx, &outputs, "stack", "output", "--json"); err != nil {
		return t, err
	}
	var config map[string]struct{ Value string }
	if err := pulumi(ctx, &config, "config", "--json", "--show-secrets"); err != nil {
		return t, err
	}
	t.URLs = outputs.URLs
	client, err := cluster.Connect(config["kubernetes:kubeconfig"].Value, config["kubernetes:context"].Value)
	if err != nil {
		return t, err
	}
	pods, err := client.Pods(ctx, config["webapp-balanced:namespace"].Value, components.AppName)
	if err != nil {
		return t, err
	}
	for _, pod := range pods {
		if pod.Ready {
			t.Pods = append(t.Pods, pod)
		}
	}
	snapshot, err := client.Inspect(ctx, config["webapp-balanced:ingressControllerService"].Value)
	if err != nil {
		return t, err
	}
	t.Addresses = snapshot.ControllerAddresses()
	return t, nil
}

// pulumi runs the CLI and decodes the JSON that it prints.
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
