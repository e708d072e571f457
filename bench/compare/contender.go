package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"webapp-balanced/bench/measure"
	"webapp-balanced/lab"
)

const (
	image       = "lab.local/webapp:v1"
	ingressPort = "31716" // of the ingress controller
)

// phase is a piece of work that each tool does.
type phase struct {
	name, title string
	// replicas and kind are the application's number of pods and type of Service at the end of the phase.
	replicas, kind string
	// answers says that the phase ends when the application answers at every machine.
	answers bool
}

var phases = []phase{
	{"deploy", "first deploy, until the URL answers", "1", "ClusterIP", true},
	{"nothing", "nothing changed: what would happen", "1", "ClusterIP", false},
	{"switch", "from the Ingress to a node port, until that answers", "1", "NodePort", true},
	{"back", "and back, until the Ingress answers", "1", "ClusterIP", true},
	{"scale", "one pod more, until it is ready", "2", "ClusterIP", false},
	{"less", "one pod less", "1", "ClusterIP", false},
	{"destroy", "all of it removed", "1", "ClusterIP", false},
}

// contender is a tool, with the commands that its users would type in each phase.
type contender struct {
	name, version string
	prepare       string            // before the rounds, not measured
	commands      map[string]string // by phase, for sh
	remove        string            // after the rounds

	id           string // of its folders, namespace and stack
	dir          string
	isDeployed   bool
	env          []string
	measurements map[string][]measurement
}

// measurement has what a phase needed.
type measurement struct {
	took   time.Duration
	memory int64 // bytes, of all processes together at their peak
}

func named(all []contender, name string) []contender {
	for _, c := range all {
		if c.name == name {
			return []contender{c}
		}
	}
	return nil
}

// setUp creates the tool's folder, with the files of bench/NAME.
func (c *contender) setUp(ctx context.Context, root, work string) error {
	folder := strings.ReplaceAll(strings.ToLower(c.name), " ", "")
	c.id, c.dir = "bench-"+folder, filepath.Join(work, folder)
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	source := filepath.Join(root, "bench", folder)
	if _, err := os.Stat(source); err == nil {
		if err := os.CopyFS(c.dir, os.DirFS(source)); err != nil {
			return err
		}
	}
	c.env = append(os.Environ(), "NAME="+c.id, "SHARE=/srv/nfs/"+c.id, "SERVER="+lab.Addresses()[0], "CLIENTS="+strings.Join(lab.Addresses(), " "),
		"IMAGE="+image, "SITE="+filepath.Join(root, "site"), "ROOT="+root, "WORK="+c.dir, "NO_COLOR=1")
	c.measurements = map[string][]measurement{}
	_, err := c.sh(ctx, c.prepare, phases[0])
	return err
}

// tearDown removes everything of a tool, also after a failed round.
func (c *contender) tearDown() {
	if c.isDeployed {
		if _, err := c.sh(context.Background(), c.commands["destroy"], phases[0]); err != nil {
			fmt.Fprintln(os.Stderr, "compare:", err)
		}
	}
	if _, err := c.sh(context.Background(), removeData+c.remove, phases[0]); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
	}
}

// removeData removes the served files: they stay when an application is removed, and the next round must
// start without them.
const removeData = "ssh -F $LAB_SSH_CONFIG kubemaster rm -rf $SHARE\n"

// round runs the phases.
func (c *contender) round(ctx context.Context) error {
	if _, err := c.sh(ctx, removeData, phases[0]); err != nil {
		return err
	}
	c.isDeployed = true
	for _, p := range phases {
		command, ok := c.commands[p.name]
		if !ok {
			continue
		}
		start := time.Now()
		memory, err := c.sh(ctx, command, p)
		if err == nil && p.answers {
			err = c.answers(ctx, p)
		}
		if err != nil {
			return fmt.Errorf("%s, %s: %w", c.name, p.name, err)
		}
		took := time.Since(start)
		if p.kind == "NodePort" {
			// Not measured: the remains of this Ingress must not answer for the next one.
			if err := c.isSilent(ctx); err != nil {
				return fmt.Errorf("%s, %s: %w", c.name, p.name, err)
			}
		}
		c.measurements[p.name] = append(c.measurements[p.name], measurement{took, memory})
	}
	c.isDeployed = false
	return nil
}

// sh runs a command in the tool's folder. The error contains its output.
func (c *contender) sh(ctx context.Context, command string, p phase) (memory int64, err error) {
	cmd := exec.CommandContext(ctx, "sh", "-euc", command)
	cmd.Dir = c.dir
	cmd.Env = append(c.env, "REPLICAS="+p.replicas, "TYPE="+p.kind)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	stop := measure.WatchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	memory = stop()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, strings.TrimSpace(out.String()))
	}
	return memory, err
}

// answers waits until the application answers at every machine, at the Ingress or the node port, depending on
// the phase.
func (c *contender) answers(ctx context.Context, p phase) error {
	if p.kind != "NodePort" {
		return c.atIngress(ctx, true)
	}
	out, err := exec.CommandContext(ctx, "kubectl", "--namespace", c.id, "get", "services", "-o", "jsonpath={.items[*].spec.ports[0].nodePort}").Output()
	if err != nil {
		return err
	}
	return atEveryNode(ctx, ":"+string(out)+"/", "", true)
}

// isSilent waits until the ingress controller no longer serves the application.
func (c *contender) isSilent(ctx context.Context) error { return c.atIngress(ctx, false) }

func (c *contender) atIngress(ctx context.Context, answers bool) error {
	return atEveryNode(ctx, ":"+ingressPort+"/balanced", c.id+".test", answers)
}

// atEveryNode waits until each machine answers, or no longer answers.
func atEveryNode(ctx context.Context, rest, host string, answers bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, node := range lab.Addresses() {
		url := "http://" + node + rest
		for {
			err := request(ctx, url, host)
			if ctx.Err() != nil {
				fault := map[bool]string{true: "does not answer", false: "still answers"}[answers]
				return errors.Join(fmt.Errorf("%s %s: %w", url, fault, ctx.Err()), err)
			}
			if (err == nil) == answers {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// request fails unless the answer has status 200. Each request has its own connection.
func request(ctx context.Context, url, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Host, r.Close = host, true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", response.Status)
	}
	return nil
}
