// Package lab runs the tutorial's three machines on one computer: a Kubernetes cluster with an NFS server, an
// ingress controller and no cloud. Start reading at [Lab.Start]; layout.go has all names and addresses.
package lab

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"webapp-balanced/lab/cache"
	"webapp-balanced/lab/controlplane"
	"webapp-balanced/lab/disk"
	"webapp-balanced/lab/kernel"
	"webapp-balanced/lab/machine"
	"webapp-balanced/lab/pki"
	"webapp-balanced/lab/proc"
	"webapp-balanced/lab/step"
	"webapp-balanced/lab/tools"
)

//go:embed manifests
var manifests embed.FS

const ingressManifest = "manifests/haproxy-ingress.yaml"

// Lab is the lab of one clone of the repository.
type Lab struct {
	Layout
	cache *cache.Cache
	out   io.Writer
}

// New returns the lab of the clone at root. It reports its progress to out.
func New(root string, out io.Writer) (*Lab, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	c, err := cache.Open()
	if err != nil {
		return nil, err
	}
	return &Lab{Layout: Layout{Root: root}, cache: c, out: out}, nil
}

// Tools builds the tools that the cache does not have and links all of them where [Lab.Env] finds them.
func (l *Lab) Tools(ctx context.Context) (tools.Set, error) {
	set, err := l.build(ctx, tools.All)
	if err != nil {
		return nil, err
	}
	return set, l.link(set)
}

// Prepare does what [Lab.Tools] does, and at the same time gets the machines' kernel and Debian systems that the cache
// does not have: that mostly waits for the network.
func (l *Lab) Prepare(ctx context.Context) (set tools.Set, k kernel.Kernel, err error) {
	if !disk.HasSystems(l.cache) {
		fmt.Fprintln(l.out, "making the machines' Debian systems, about a minute; once, then they are cached")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		set, err = l.Tools(ctx)
		return err
	})
	group.Go(func() (err error) {
		if k, err = kernel.Ensure(l.cache); err != nil {
			return err
		}
		return disk.EnsureSystems(l.cache)
	})
	err = group.Wait()
	return set, k, err
}

// build builds the tools that the cache does not have.
func (l *Lab) build(ctx context.Context, wanted []tools.Tool) (tools.Set, error) {
	builder := tools.Builder{Dir: filepath.Join(l.Root, "tools"), Go: filepath.Join(l.Root, "scripts", "go"), Cache: l.cache}
	return builder.Ensure(ctx, wanted, func(total int) *step.Progress {
		fmt.Fprintf(l.out, "building %d tools from source; once, then they are cached\n", total)
		return step.New(l.out, total)
	})
}

// Start starts the lab and returns when its cluster and its NFS server are ready. It does not change a
// running lab. It first removes the remains of a lab that was not stopped. Every new lab has an empty
// cluster, so Start also removes the state of the stack that was deployed to the earlier one.
func (l *Lab) Start(ctx context.Context) error {
	set, k, err := l.Prepare(ctx)
	if err != nil {
		return err
	}
	base := disk.Base{
		Kernel: k,
		Programs: map[string]string{
			"kubelet":    set.Program("kubelet"),
			"kube-proxy": set.Program("kube-proxy"),
		},
		Images: []disk.Image{
			disk.Pause(set.Program("pause")),
			disk.Static(set.Program("static")),
			disk.Web(),
			disk.HAProxy(set.Program("haproxy-ingress-controller"), set.Path("haproxy-ingress-controller", "haproxy.cfg")),
		},
	}
	plane := controlplane.ControlPlane{
		Dir: l.run("control-plane"), Address: gateway, Services: services, Service: apiService,
		Program: set.Program,
	}
	key, err := l.recipeKey(base, plane)
	if err != nil {
		return err
	}

	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	running, err := l.claim(key)
	if err != nil || running {
		return err
	}

	ctx, cancel := context.WithTimeout(ctx, 40*time.Minute)
	// The program is compiled while the disk is built, which leaves processors idle.
	var compile errgroup.Group
	compile.Go(func() error { return l.compileProgram(ctx) })
	defer func() { cancel(); _ = compile.Wait() }()
	table := l.table()
	keys, err := l.ensureKeys()
	if err != nil {
		return err
	}
	if plane.CA, err = pki.NewAuthority("webapp-balanced-lab"); err != nil {
		return err
	}
	var machines map[string]*proc.Process
	progress := step.New(l.out, 8)
	for _, s := range []struct {
		name string
		do   func() (string, error)
	}{
		{"network " + namespace, func() (string, error) { return "", labNetwork().Up() }},
		{"machines' disk: Debian, images", func() (string, error) {
			if err := k.Link(); err != nil {
				return "", err
			}
			file, built, err := base.Ensure(ctx, l.cache, table, filepath.Join(runtimeDir, "run"))
			if err != nil {
				return "", err
			}
			return cached(built), os.Symlink(file, baseDisk)
		}},
		{"control plane: etcd and Kubernetes", func() (string, error) {
			if err := plane.Start(ctx, table); err != nil {
				return "", err
			}
			return "", l.writeAccess(plane)
		}},
		{"machines boot: " + strings.Join(nodeNames(), ", "), func() (string, error) {
			machines, err = l.boot(ctx, table, k, plane.CA, plane.URL(), keys)
			return "", err
		}},
		{"nodes ready", func() (string, error) { return "", l.nodesReady(ctx, machines) }},
		{"ingress controller ready", func() (string, error) { return "", l.ingressReady(ctx) }},
		{"stack " + stackName, func() (string, error) { return l.ensureStack(ctx, keys) }},
		{"program compiled", func() (string, error) { return "", compile.Wait() }},
	} {
		if err := progress.Run(s.name, s.do); err != nil {
			return fmt.Errorf("%s: %w\nwhat the lab's programs said is kept in %s until the next start", s.name, err, l.run())
		}
	}
	return l.setReady()
}

func cached(built bool) string {
	if built {
		return ""
	}
	return "cached"
}

// boot starts all machines and waits until sshd answers on each.
func (l *Lab) boot(ctx context.Context, table *proc.Table, k kernel.Kernel, ca *pki.Authority, api string, keys *keys) (map[string]*proc.Process, error) {
	started := map[string]*proc.Process{}
	for i, node := range nodes {
		m, err := node.machine(k, ca, api, keys)
		if err != nil {
			return nil, err
		}
		m.Number = i
		started[node.Name], err = m.Start(table, filepath.Join(runtimeDir, "run", node.Name))
		if err != nil {
			return nil, err
		}
	}
	for _, node := range nodes {
		if err := machine.WaitSSH(ctx, started[node.Name], node.Address); err != nil {
			return nil, err
		}
	}
	return started, nil
}

// nodesReady waits until every machine is a ready node of the cluster, and sets the role that a kubelet may
// not set itself.
func (l *Lab) nodesReady(ctx context.Context, machines map[string]*proc.Process) error {
	for _, node := range nodes {
		err := machines[node.Name].WaitFor(ctx, 2*time.Minute, func() error {
			// One kubectl that waits takes less processor time than many that ask; the machines need it.
			name := "node/" + node.Name
			_, err := l.kubectl(ctx, "", "wait", "--for=create", name, "--timeout=10s")
			if err == nil {
				_, err = l.kubectl(ctx, "", "wait", "--for=condition=Ready", name, "--timeout=10s")
			}
			if err != nil {
				ready, _ := l.kubectl(ctx, "", "get", name, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].message}`)
				err = fmt.Errorf("%w: %s", err, ready)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%w\nthe end of its kubelet's log:\n%s", err, proc.Tail(l.run(node.Name, "lab", "log", "kubelet.log"), 15))
		}
	}
	_, err := l.kubectl(ctx, "", "label", "node", nodes[0].Name, "--overwrite", controlPlaneRole+"=")
	return err
}

// ingressReady deploys the HAProxy ingress controller.
func (l *Lab) ingressReady(ctx context.Context) error {
	manifest, err := manifests.ReadFile(ingressManifest)
	if err != nil {
		return err
	}
	manifest = bytes.ReplaceAll(manifest, []byte("IMAGE"), []byte(disk.HAProxyImage))
	if _, err := l.kubectl(ctx, string(manifest), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	_, err = l.kubectl(ctx, "", "--namespace=haproxy-controller", "rollout", "status", "deployment/haproxy-ingress", "--timeout=120s")
	if err != nil {
		pods, _ := l.kubectl(ctx, "", "--namespace=haproxy-controller", "describe", "pods")
		return fmt.Errorf("%w\n%s", err, pods)
	}
	return nil
}

// kubectl runs kubectl against the lab's cluster and returns what it prints.
func (l *Lab) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	return l.tool(ctx, stdin, "kubectl", args...)
}

// tool runs one of the tools in the lab's environment, at the clone's root.
func (l *Lab) tool(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, l.bin(name), args...)
	cmd.Dir = l.Root
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = os.Environ()
	for _, v := range l.Env() {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
