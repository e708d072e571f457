// Package tools builds, from pinned Go modules, every program that the lab needs and that cannot be had as a package:
// Pulumi with its plugins, the parts of Kubernetes, the ingress controller. Each module lies in a folder of its own
// below tools/ at the top of the repository; results are cached by what they were built from. The modules require the
// same versions of the libraries that they share, so that each is compiled once; TestVersionsAgree has the exceptions.
package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"webapp-balanced/lab/cache"
	"webapp-balanced/lab/step"
)

// Tool is a program and how it is built.
type Tool struct {
	Name    string // the program's file name
	Module  string // its folder below tools/
	Package string // its import path; empty for the folder's own main package
	Version string
	// VersionVar is the variable that the program prints as its version.
	VersionVar string
	// Keep are files of the Go module KeepFrom, copied beside the program.
	Keep     []string
	KeepFrom string
	// Toolchain is the Go that compiles it; empty for this project's own.
	Toolchain string `json:",omitempty"`
}

const (
	kubernetesModule = "k8s.io/kubernetes"
	// KubernetesVersion is that of all its parts, and of kubectl.
	KubernetesVersion = "v1.35.4"
)

func kubernetes(name string) Tool {
	return Tool{
		Name: name, Module: "kubernetes", Package: kubernetesModule + "/cmd/" + name,
		Version: KubernetesVersion, VersionVar: "k8s.io/component-base/version.gitVersion",
	}
}

const (
	provider = "github.com/pulumi/pulumi-kubernetes/provider/v4"
	haproxy  = "github.com/haproxytech/kubernetes-ingress"
)

// All are the tools in the order in which they are built, two at once. Those at the end are quick, so both end together.
var All = []Tool{
	{Name: "pause", Module: "pause"},
	{Name: "static", Module: "static"},
	{
		Name: "pulumi-resource-command", Module: "pulumi-resource-command", Version: "1.2.1",
	},
	{
		Name: "pulumi-language-go", Module: "pulumi-language-go",
		Package: "github.com/pulumi/pulumi/sdk/go/pulumi-language-go/v3",
		Version: "3.192.0", VersionVar: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
	},
	{
		Name: "haproxy-ingress-controller", Module: "haproxy-ingress",
		Package: haproxy,
		Version: "v1.11.12", VersionVar: haproxy + "/pkg/version.GitTag",
		KeepFrom: haproxy, Keep: []string{"fs/usr/local/etc/haproxy/haproxy.cfg"},
	},
	{
		Name: "pulumi", Module: "pulumi", Package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
		Version: "v3.259.0", VersionVar: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
	},
	{
		Name: "pulumi-resource-kubernetes", Module: "pulumi-resource-kubernetes",
		Version: "4.25.0", VersionVar: provider + "/pkg/version.Version",
		KeepFrom: provider,
		Keep:     []string{"cmd/pulumi-resource-kubernetes/schema.json", "cmd/pulumi-resource-kubernetes/terraform-mapping.json"},
	},
	{Name: "etcd", Module: "kubernetes", Package: "go.etcd.io/etcd/server/v3", Version: "v3.6.5"},
	kubernetes("kube-apiserver"),
	kubernetes("kube-controller-manager"),
	kubernetes("kube-scheduler"),
	kubernetes("kubelet"),
	kubernetes("kube-proxy"),
	kubernetes("kubectl"),
}

const metallb = "go.universe.tf/metallb"

// MetalLB are the programs of the load balancer, which the lab has only when asked for.
var MetalLB = []Tool{
	{
		Name: "controller", Module: "metallb", Package: metallb + "/controller", Version: "v0.16.1",
		KeepFrom: metallb, Keep: []string{"config/manifests/metallb-native.yaml"},
	},
	{Name: "speaker", Module: "metallb", Package: metallb + "/speaker", Version: "v0.16.1"},
}

const traefik = "github.com/traefik/traefik/v3"

// Traefik is the other ingress controller that the lab can have.
var Traefik = []Tool{{
	Name: "traefik", Module: "traefik", Package: traefik + "/cmd/traefik",
	Version: "v3.5.4", VersionVar: traefik + "/pkg/version.Version",
	KeepFrom: traefik, Keep: []string{"docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml"},
}}

// VersityGW is a server of S3, for the tests of a state that is kept there.
var VersityGW = []Tool{{
	Name: "versitygw", Module: "versitygw", Package: "github.com/versity/versitygw/cmd/versitygw", Version: "v1.8.0",
}}

// Compared are the tools that the program is compared to by `make bench`.
var Compared = []Tool{
	{Name: "helm", Module: "helm", Package: "helm.sh/helm/v4/cmd/helm", Version: "v4.3.1", VersionVar: "helm.sh/helm/v4/internal/version.version"},
	{Name: "tofu", Module: "opentofu", Package: "github.com/opentofu/opentofu/cmd/tofu", Version: "v1.12.6"},
	{
		Name: "terraform-provider-kubernetes", Module: "terraform-provider-kubernetes",
		Package: "github.com/hashicorp/terraform-provider-kubernetes", Version: "3.2.1",
	},
}

// VersionOf returns the version of a tool of All or Compared, without a leading v.
func VersionOf(name string) string {
	all := slices.Concat(All, Compared)
	return strings.TrimPrefix(all[slices.IndexFunc(all, func(t Tool) bool { return t.Name == name })].Version, "v")
}

// Set is the built tools: each one's directory, by the tool's name.
type Set map[string]string

// Path returns the file of a program, or of a file kept with it.
func (s Set) Path(tool, file string) string { return filepath.Join(s[tool], file) }

// Program returns the file of a program.
func (s Set) Program(name string) string { return s.Path(name, name) }

// Builder builds tools from the folder tools/ of a clone.
type Builder struct {
	Dir   string // the folder tools/
	Go    string // the go command
	Cache *cache.Cache
}

// Ensure returns the tools, of which it builds those that the cache does not
// have, and tells progress of each that it builds. It begins no build after one has failed or ctx has ended.
func (b Builder) Ensure(ctx context.Context, all []Tool, begin func(total int) *step.Progress) (Set, error) {
	set := Set{}
	keys := map[string]cache.Key{}
	var missing []Tool
	for _, tool := range all {
		key, err := b.key(tool)
		if err != nil {
			return nil, err
		}
		keys[tool.Name], set[tool.Name] = key, b.Cache.Path("tool-"+tool.Name, key)
		if !b.Cache.Has("tool-"+tool.Name, key) {
			missing = append(missing, tool)
		}
	}
	if len(missing) == 0 {
		return set, nil
	}
	progress := begin(len(missing))
	for _, tool := range missing {
		progress.Expected += tool.takes()
	}
	// One build alone leaves processors idle, while it links or compiles one large package.
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, tool := range missing {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			label := strings.TrimSpace("build " + tool.Name + " " + tool.Version)
			return progress.RunFor(tool.takes(), label, func() (string, error) {
				_, _, err := b.Cache.Ensure("tool-"+tool.Name, keys[tool.Name], func(dir string) error {
					return b.build(tool, dir)
				})
				return "", err
			})
		})
	}
	return set, group.Wait()
}

func (t Tool) ldflags() string {
	flags := "-s -w"
	if t.VersionVar != "" {
		flags += " -X " + t.VersionVar + "=" + t.Version
	}
	return flags
}

// takes is how long it takes to build, where nothing is cached and nothing else runs, on two cores. Only an estimate
// of what is left depends on it.
func (t Tool) takes() time.Duration { return time.Duration(seconds[t.Name]) * time.Second }

var seconds = map[string]int{
	"pulumi-resource-command": 50, "pulumi-language-go": 40, "haproxy-ingress-controller": 90, "pulumi": 120,
	"etcd": 12, "kube-apiserver": 100, "kube-controller-manager": 70, "kube-scheduler": 4, "kubelet": 10, "kube-proxy": 4, "kubectl": 15,
	"pulumi-resource-kubernetes": 180, "controller": 40, "speaker": 15, "traefik": 240, "versitygw": 60,
	"pulumi-language-yaml": 60, "pulumi-language-nodejs": 30, "pulumi-language-python": 20,
	"helm": 90, "tofu": 150, "terraform-provider-kubernetes": 90,
}

// key is the hash of the recipe, the Go version and the module's own files:
// with go.sum, they name every byte that is compiled.
func (b Builder) key(tool Tool) (cache.Key, error) {
	module := filepath.Join(b.Dir, tool.Module)
	recipe, err := json.Marshal(tool)
	if err != nil {
		return "", err
	}
	goVersion, err := b.goCommand(tool, "env", "GOVERSION", "GOARCH")
	if err != nil {
		return "", err
	}
	parts := []string{string(recipe), goVersion}
	err = filepath.WalkDir(module, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		parts = append(parts, d.Name(), string(content))
		return err
	})
	return cache.KeyOf(parts...), err
}

func (b Builder) build(tool Tool, dir string) error {
	args := []string{"build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", tool.ldflags(), "-o", filepath.Join(dir, tool.Name)}
	pkg := tool.Package
	if pkg == "" {
		pkg = "."
	}
	if _, err := b.goCommand(tool, append(args, pkg)...); err != nil || len(tool.Keep) == 0 {
		return err
	}
	// Only now is it certain that the module has been downloaded.
	source, err := b.goCommand(tool, "list", "-m", "-f", "{{.Dir}}", tool.KeepFrom)
	if err != nil {
		return err
	}
	for _, path := range tool.Keep {
		content, err := os.ReadFile(filepath.Join(source, path))
		if err != nil {
			return fmt.Errorf("keep a file of %s: %w", tool.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// goCommand runs go in a tool's module.
func (b Builder) goCommand(tool Tool, args ...string) (string, error) {
	cmd := exec.Command(b.Go, args...)
	cmd.Dir = filepath.Join(b.Dir, tool.Module)
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), CompilerEnv()...)
	if tool.Toolchain != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+tool.Toolchain)
	}
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s in %s: %w:\n%s", strings.Join(args, " "), cmd.Dir, err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// Languages are the hosts of the languages, other than Go, in which the component package is tested.
var Languages = []Tool{
	{
		Name: "pulumi-language-yaml", Module: "pulumi-language-yaml", Package: "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
		Version: "1.30.1", VersionVar: "github.com/pulumi/pulumi-yaml/pkg/version.Version",
	},
	languageHost("nodejs"),
	languageHost("python"),
}

// languageHost is one that is a module of its own in Pulumi's repository. It generates SDKs, and
// counts on what filepath.Rel(X, "") was before Go 1.26.
func languageHost(language string) Tool {
	name := "pulumi-language-" + language
	return Tool{
		Name: name, Module: name, Package: "github.com/pulumi/pulumi/sdk/" + language + "/cmd/" + name + "/v3",
		Version: "3.192.0", VersionVar: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", Toolchain: "go1.25.8",
	}
}
