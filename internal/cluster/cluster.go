// Package cluster reads what the program needs to know of the cluster before it changes anything, and what is known
// only afterwards: nodes, the ingress controller's ports, addresses of load balancers. It never writes.
package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	apps "k8s.io/client-go/kubernetes/typed/apps/v1"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	endpoints "k8s.io/client-go/kubernetes/typed/discovery/v1"
	networking "k8s.io/client-go/kubernetes/typed/networking/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"webapp-balanced/internal/poll"
)

// timeout of one request: an unreachable cluster is an error within seconds.
const timeout = 8 * time.Second

// Client reads a cluster.
type Client struct {
	apps       apps.AppsV1Interface
	core       core.CoreV1Interface
	endpoints  endpoints.DiscoveryV1Interface
	networking networking.NetworkingV1Interface
	metadata   metadata.Interface
	dynamic    dynamic.Interface
	discovery  discovery.DiscoveryInterface
	server     string

	mutex  sync.Mutex
	shared *sharedOverview // the latest
}

// Access is the Kubernetes plugin's configuration of the cluster to use, the stack's kubernetes:kubeconfig,
// kubernetes:context and kubernetes:cluster. Kubeconfig is the content of a kubeconfig, or its path, in which
// ~/ is the home directory; if empty, that of KUBECONFIG or ~/.kube/config. Context and Cluster are names in
// it; if empty, its own choice.
type Access struct{ Kubeconfig, Context, Cluster string }

// AccessFrom reads an Access with get, which returns the value of a key.
func AccessFrom(get func(key string) string) Access {
	return Access{Kubeconfig: get("kubernetes:kubeconfig"), Context: get("kubernetes:context"), Cluster: get("kubernetes:cluster")}
}

// Connect returns a client for the cluster that pulumi-kubernetes would use. Nothing is sent yet.
func Connect(access Access) (*Client, error) {
	config, err := access.restConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.Timeout = timeout
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return traced{next} })
	// Large lists are smaller and quicker to decode as protobuf; types without it come as JSON.
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	config.QPS = -1 // an inspection is some 30 requests, which take seconds at the default of 5 a second
	appsClient, err := apps.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	coreClient, err := core.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	endpointsClient, err := endpoints.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	networkingClient, err := networking.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{
		apps: appsClient, core: coreClient, endpoints: endpointsClient, networking: networkingClient,
		metadata: metadataClient, dynamic: dynamicClient, discovery: discoveryClient, server: config.Host,
	}, nil
}

func (a Access) restConfig() (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.Context, Context: api.Context{Cluster: a.Cluster}}
	kubeconfig := a.Kubeconfig
	if below, ok := strings.CutPrefix(kubeconfig, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		kubeconfig = filepath.Join(home, below)
	}
	if isPath := !strings.Contains(kubeconfig, "\n"); kubeconfig != "" && !(isPath && fileExists(kubeconfig)) {
		config, err := clientcmd.Load([]byte(kubeconfig))
		if err != nil {
			return nil, err
		}
		return clientcmd.NewDefaultClientConfig(*config, overrides).ClientConfig()
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// explain says which cluster did not answer.
func (c *Client) explain(doing string, err error) error {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		err = fmt.Errorf("%w; its certificate is good from %s to %s: correct this computer's clock, which says %s, or renew the certificate (with kubeadm: kubeadm certs renew all)",
			err, stamp(invalid.Cert.NotBefore), stamp(invalid.Cert.NotAfter), stamp(time.Now()))
	}
	return fmt.Errorf("%s of the cluster at %s: %w", doing, c.server, err)
}

// Service reads a Service; nil if there is none of that name.
func (c *Client) Service(ctx context.Context, namespace, name string) (*Service, error) {
	s, err := c.core.Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return serviceOf(s), nil
}

// ErrNoAddress says that a Service has no external address.
var ErrNoAddress = errors.New("no external address was assigned")

// hiccup is the least time for which an API server that does not answer is asked again.
const hiccup = 3 * time.Second

// WaitForAddress waits up to patience until a LoadBalancer Service has an external address.
func (c *Client) WaitForAddress(ctx context.Context, namespace, name string, patience time.Duration) ([]string, error) {
	ctx, span := tracer.Start(ctx, "wait for an external address")
	defer span.End()
	var addresses []string
	var problem error
	deadline := time.Now().Add(patience)
	err := poll.Until(ctx, max(patience, hiccup), func() (bool, error) {
		var service *Service
		if service, problem = c.Service(ctx, namespace, name); problem != nil {
			problem = c.explain("read the Service "+namespace+"/"+name, problem)
			if isFinal(problem) {
				return false, problem
			}
			return false, nil // wait for an API server that is temporarily down
		}
		if service != nil {
			addresses = service.Addresses
		}
		return len(addresses) > 0 || !time.Now().Before(deadline), nil
	})
	switch {
	case ctx.Err() != nil:
		return nil, err
	case problem != nil:
		return nil, problem
	case len(addresses) == 0:
		return nil, ErrNoAddress
	}
	return addresses, nil
}
