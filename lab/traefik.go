package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"webapp-balanced/lab/disk"
	"webapp-balanced/lab/step"
	"webapp-balanced/lab/tools"
)

const traefikManifest = "manifests/traefik.yaml"

// Traefik adds the ingress controller Traefik to the running lab, in addition to HAProxy: the class traefik,
// behind the Service traefik/traefik. A second call changes nothing.
func (l *Lab) Traefik(ctx context.Context) error {
	if !l.Running() {
		return errors.New("the lab does not run; `make lab INGRESS=traefik` starts it and adds Traefik")
	}
	set, err := l.build(ctx, tools.Traefik)
	if err != nil {
		return err
	}
	image := disk.Image{
		Name: "traefik", Reference: "lab.local/traefik:v3.5.4",
		Files:      map[string]string{"traefik": set.Program("traefik")},
		Entrypoint: []string{"/traefik"},
	}
	kinds, err := os.ReadFile(set.Path("traefik", "kubernetes-crd-definition-v1.yml"))
	if err != nil {
		return err
	}
	manifest, err := manifests.ReadFile(traefikManifest)
	if err != nil {
		return err
	}
	if _, err := l.kubectl(ctx, "", "--namespace=traefik", "wait", "--for=condition=Available", "deployment/traefik", "--timeout=1s"); err == nil {
		return nil
	}
	return step.New(l.out, 1).Run("Traefik ready", func() (string, error) {
		if err := l.importImage(ctx, image); err != nil {
			return "", err
		}
		text := string(kinds) + "\n---\n" + strings.ReplaceAll(string(manifest), "IMAGE", image.Reference)
		if _, err := l.kubectl(ctx, text, "apply", "--server-side", "-f", "-"); err != nil {
			return "", err
		}
		if _, err := l.kubectl(ctx, "", "--namespace=traefik", "rollout", "status", "deployment/traefik", "--timeout=120s"); err != nil {
			pods, _ := l.kubectl(ctx, "", "--namespace=traefik", "describe", "pods")
			return "", fmt.Errorf("%w\n%s", err, pods)
		}
		return "", nil
	})
}
