// Package controlplane runs the cluster's control plane, etcd and three programs of Kubernetes, outside the
// lab's machines. In a machine an API server would be ten times slower.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"webapp-balanced/lab/pki"
	"webapp-balanced/lab/proc"
)

// ControlPlane has the paths and addresses of the control plane's programs.
type ControlPlane struct {
	Dir      string // for certificates, etcd's data and logs
	Address  string // of every program
	Services string // the CIDR of the cluster's Services
	Service  string // the API server's address in it, the first
	Program  func(name string) string
	CA       *pki.Authority
}

// URL of the API server.
func (c ControlPlane) URL() string { return "https://" + net.JoinHostPort(c.Address, "6443") }

// Start starts the programs one after the other, each when the one before is ready.
func (c ControlPlane) Start(ctx context.Context, table *proc.Table) error {
	return c.start(ctx, table, c.programs())
}

// StartStore starts only etcd and the API server: they store objects, and nothing acts on them.
func (c ControlPlane) StartStore(ctx context.Context, table *proc.Table) error {
	return c.start(ctx, table, c.programs()[:2])
}

func (c ControlPlane) start(ctx context.Context, table *proc.Table, programs []program) error {
	if err := c.writeCertificates(); err != nil {
		return err
	}
	client, err := c.Client()
	if err != nil {
		return err
	}
	for _, program := range programs {
		log := filepath.Join(c.Dir, program.name+".log")
		p, err := table.Start(program.name, log, append([]string{c.Program(program.name)}, program.args...)...)
		if err != nil {
			return err
		}
		if err := p.WaitFor(ctx, time.Minute, func() error { return get(client, program.ready) }); err != nil {
			return err
		}
	}
	return nil
}

// program is a program of the control plane. ready is the URL that reports when it is ready.
type program struct {
	name, ready string
	args        []string
}

func (c ControlPlane) programs() []program {
	return []program{
		{"etcd", "https://" + c.Address + ":2379/health", c.etcd()},
		{"kube-apiserver", c.URL() + "/readyz", c.apiserver()},
		{"kube-controller-manager", "https://" + c.Address + ":10257/healthz", c.controllerManager()},
		{"kube-scheduler", "https://" + c.Address + ":10259/healthz", c.scheduler()},
	}
}

// Recipe returns a text that changes with the control plane's programs and arguments.
func (c ControlPlane) Recipe() string {
	var recipe strings.Builder
	for _, p := range c.programs() {
		fmt.Fprintln(&recipe, c.Program(p.name), p.args)
	}
	return recipe.String()
}

func (c ControlPlane) file(name string) string { return filepath.Join(c.Dir, name) }

func (c ControlPlane) writeCertificates() error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	server, err := c.CA.Server("control-plane", c.Address, c.Service, "127.0.0.1",
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
	if err != nil {
		return err
	}
	// The API server, as a client of the kubelets, and the user of the lab's kubeconfig may do everything.
	admin, err := c.CA.Client("kubernetes-admin", "system:masters")
	if err != nil {
		return err
	}
	accounts, err := c.CA.Server("service-accounts")
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"ca.crt": c.CA.Cert, "ca.key": c.CA.Key,
		"server.crt": server.Cert, "server.key": server.Key,
		"admin.crt": admin.Cert, "admin.key": admin.Key,
		"service-accounts.crt": accounts.Cert, "service-accounts.key": accounts.Key,
		"admin.kubeconfig": c.CA.Kubeconfig(c.URL(), "kubernetes-admin", admin),
	}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		client, err := c.CA.Client("system:" + name)
		if err != nil {
			return err
		}
		files[name+".kubeconfig"] = c.CA.Kubeconfig(c.URL(), "system:"+name, client)
	}
	for name, content := range files {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c ControlPlane) etcd() []string {
	client, peer := "https://"+c.Address+":2379", "http://127.0.0.1:2380"
	return []string{
		"--name=lab", "--data-dir=" + c.file("etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=lab=" + peer,
		"--cert-file=" + c.file("server.crt"), "--key-file=" + c.file("server.key"),
		"--trusted-ca-file=" + c.file("ca.crt"), "--client-cert-auth",
		"--unsafe-no-fsync", // the data is as short-lived as the lab
		"--log-level=warn",
	}
}

func (c ControlPlane) apiserver() []string {
	return []string{
		"--advertise-address=" + c.Address, "--bind-address=" + c.Address,
		"--etcd-servers=https://" + c.Address + ":2379", "--etcd-cafile=" + c.file("ca.crt"),
		"--etcd-certfile=" + c.file("server.crt"), "--etcd-keyfile=" + c.file("server.key"),
		"--tls-cert-file=" + c.file("server.crt"), "--tls-private-key-file=" + c.file("server.key"),
		"--client-ca-file=" + c.file("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--service-cluster-ip-range=" + c.Services,
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.file("service-accounts.crt"),
		"--service-account-signing-key-file=" + c.file("service-accounts.key"),
		"--kubelet-certificate-authority=" + c.file("ca.crt"),
		"--kubelet-client-certificate=" + c.file("admin.crt"), "--kubelet-client-key=" + c.file("admin.key"),
		"--kubelet-preferred-address-types=InternalIP",
		// The API server calls admission webhooks at pod addresses: no kube-proxy runs here.
		"--enable-aggregator-routing=true",
		"--profiling=false",
	}
}

func (c ControlPlane) controllerManager() []string {
	return []string{
		"--bind-address=" + c.Address,
		"--kubeconfig=" + c.file("kube-controller-manager.kubeconfig"),
		"--authentication-kubeconfig=" + c.file("kube-controller-manager.kubeconfig"),
		"--authorization-kubeconfig=" + c.file("kube-controller-manager.kubeconfig"),
		"--client-ca-file=" + c.file("ca.crt"),
		"--tls-cert-file=" + c.file("server.crt"), "--tls-private-key-file=" + c.file("server.key"),
		"--root-ca-file=" + c.file("ca.crt"),
		"--service-account-private-key-file=" + c.file("service-accounts.key"),
		"--use-service-account-credentials",
		"--leader-elect=false",
		"--profiling=false",
	}
}

func (c ControlPlane) scheduler() []string {
	return []string{
		"--bind-address=" + c.Address,
		"--kubeconfig=" + c.file("kube-scheduler.kubeconfig"),
		"--authentication-kubeconfig=" + c.file("kube-scheduler.kubeconfig"),
		"--authorization-kubeconfig=" + c.file("kube-scheduler.kubeconfig"),
		"--client-ca-file=" + c.file("ca.crt"),
		"--tls-cert-file=" + c.file("server.crt"), "--tls-private-key-file=" + c.file("server.key"),
		"--leader-elect=false",
		"--profiling=false",
	}
}

// Client returns an HTTP client with the administrator's certificate. The control plane must have been
// started before.
func (c ControlPlane) Client() (*http.Client, error) {
	pair, err := tls.LoadX509KeyPair(c.file("admin.crt"), c.file("admin.key"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.CA.Cert)
	return &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}},
	}, nil
}

func get(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 500))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s says %s: %s", url, response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}
