// Package cluster reads what the program has to know of the cluster before it
// changes anything, and what is only known afterwards: nodes, the ingress
// controller's ports, addresses of load balancers. It never writes.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	apps "k8s.io/client-go/kubernetes/typed/apps/v1"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	endpoints "k8s.io/client-go/kubernetes/typed/discovery/v1"
	networking "k8s.io/client-go/kubernetes/typed/networking/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
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
	discovery  discovery.ServerGroupsInterface
	server     string
}

// Connect returns a client for the cluster that pulumi-kubernetes would use:
// kubeconfig (the text of one, or its path) and context come from the stack's
// kubernetes:kubeconfig and kubernetes:context; empty, from KUBECONFIG or
// ~/.kube/config. Nothing is sent yet.
func Connect(kubeconfig, context string) (*Client, error) {
	config, err := restConfig(kubeconfig, context)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.Timeout = timeout
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
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{
		apps: appsClient, core: coreClient, endpoints: endpointsClient, networking: networkingClient,
		metadata: metadataClient, discovery: discoveryClient, server: config.Host,
	}, nil
}

func restConfig(kubeconfig, context string) (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: context}
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

// explain says which cluster did not answer.
func (c *Client) explain(doing string, err error) error {
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

// WaitForAddress waits until a LoadBalancer Service has an external address,
// at most for so long.
func (c *Client) WaitForAddress(ctx context.Context, namespace, name string, patience time.Duration) ([]string, error) {
	deadline := time.Now().Add(patience)
	for {
		service, err := c.Service(ctx, namespace, name)
		switch {
		case err != nil:
			return nil, err
		case service != nil && len(service.Addresses) > 0:
			return service.Addresses, nil
		case time.Now().After(deadline):
			return nil, ErrNoAddress
		}
		time.Sleep(250 * time.Millisecond)
	}
}
