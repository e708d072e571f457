package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"webapp-balanced/lab/disk"
	"webapp-balanced/lab/step"
	"webapp-balanced/lab/tools"
)

// metalLBPool are the addresses that MetalLB may give to Services, from the
// machines' own network and announced there by ARP (layer 2).
const metalLBPool = "198.18.0.200-198.18.0.219"

const metalLBAddresses = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: lab, namespace: metallb-system}
spec: {addresses: ["` + metalLBPool + `"]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: lab, namespace: metallb-system}
`

// metalLBImage returns the recipe of the image of one of MetalLB's programs.
func metalLBImage(set tools.Set, program string) disk.Image {
	return disk.Image{
		Name: "metallb-" + program, Reference: "lab.local/metallb-" + program + ":v0.16.1",
		Files:      map[string]string{program: set.Program(program)},
		Entrypoint: []string{"/" + program},
	}
}

// MetalLB adds the load balancer MetalLB to the running lab, for its Services of type LoadBalancer. A second
// call changes nothing.
func (l *Lab) MetalLB(ctx context.Context) error {
	if !l.Running() {
		return errors.New("the lab does not run; `make lab METALLB=1` starts it and adds MetalLB")
	}
	set, err := l.build(ctx, tools.MetalLB)
	if err != nil {
		return err
	}
	images := []disk.Image{metalLBImage(set, "controller"), metalLBImage(set, "speaker")}
	if _, err := l.kubectl(ctx, "", "--namespace=metallb-system", "get", "l2advertisement", "lab"); err == nil {
		return nil
	}
	return step.New(l.out, 1).Run("MetalLB ready, with "+metalLBPool, func() (string, error) {
		for _, image := range images {
			if err := l.importImage(ctx, image); err != nil {
				return "", err
			}
		}
		return "", l.deployMetalLB(ctx, set)
	})
}

// importImage imports an image on the running machines, through the folder that the host shares with each.
func (l *Lab) importImage(ctx context.Context, image disk.Image) error {
	archive, err := image.Ensure(l.cache)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	problems := make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, node := range nodes {
		wg.Go(func() {
			file := image.Name + ".tar"
			if problems[i] = os.WriteFile(l.run(node.Name, "lab", file), content, 0o600); problems[i] != nil {
				return
			}
			out, err := exec.CommandContext(ctx, "ssh", "-F", l.sshConfig(), node.Name,
				"ctr --namespace k8s.io images import /lab/"+file+" && rm /lab/"+file).CombinedOutput()
			if err != nil {
				problems[i] = fmt.Errorf("import the image %s on %s: %w: %s", image.Reference, node.Name, err, out)
			}
		})
	}
	wg.Wait()
	return errors.Join(problems...)
}

// metalLBManifest returns MetalLB's own manifest with the lab's images.
func metalLBManifest(set tools.Set) (string, error) {
	manifest, err := os.ReadFile(set.Path("controller", "metallb-native.yaml"))
	if err != nil {
		return "", err
	}
	text := string(manifest)
	for _, program := range []string{"controller", "speaker"} {
		text = strings.Replace(text, "image: quay.io/metallb/"+program+":v0.16.1",
			"image: "+metalLBImage(set, program).Reference+"\n        imagePullPolicy: Never", 1)
	}
	return text, nil
}

func (l *Lab) deployMetalLB(ctx context.Context, set tools.Set) error {
	manifest, err := metalLBManifest(set)
	if err != nil {
		return err
	}
	if _, err := l.kubectl(ctx, manifest, "apply", "--server-side", "--force-conflicts", "-f", "-"); err != nil {
		return err
	}
	for _, workload := range []string{"deployment/controller", "daemonset/speaker"} {
		if _, err := l.kubectl(ctx, "", "--namespace=metallb-system", "rollout", "status", workload, "--timeout=120s"); err != nil {
			pods, _ := l.kubectl(ctx, "", "--namespace=metallb-system", "describe", "pods")
			return fmt.Errorf("%w\n%s", err, pods)
		}
	}
	// The controller is ready some time before its admission webhook listens.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		_, err := l.kubectl(ctx, metalLBAddresses, "apply", "--server-side", "-f", "-")
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
	}
}

// RemoveMetalLB removes MetalLB and the addresses that it gave from the running lab. It is not an error if there
// is none.
func (l *Lab) RemoveMetalLB(ctx context.Context) error {
	set, err := l.build(ctx, tools.MetalLB)
	if err != nil {
		return err
	}
	manifest, err := metalLBManifest(set)
	if err != nil {
		return err
	}
	if _, err := l.kubectl(ctx, manifest, "delete", "--ignore-not-found", "--wait", "-f", "-"); err != nil {
		return err
	}
	services, err := l.kubectl(ctx, "", "get", "services", "--all-namespaces", "-o",
		`jsonpath={range .items[?(@.status.loadBalancer.ingress)]}{.metadata.namespace} {.metadata.name}{"\n"}{end}`)
	if err != nil {
		return err
	}
	for line := range strings.Lines(services) {
		namespace, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := l.kubectl(ctx, "", "--namespace", namespace, "patch", "service", name,
			"--subresource=status", "--type=merge", "--patch", `{"status": {"loadBalancer": null}}`); err != nil {
			return err
		}
	}
	return nil
}
