package components

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"sync"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/cluster"
)

// URL is a way to reach the application.
type URL struct {
	// Via says by what: ingress, nodeport, loadbalancer or clusterip.
	Via string `json:"via" pulumi:"via"`
	URL string `json:"url" pulumi:"url"`
}

// URLArrayOutput is a list of URLs that is known late.
type URLArrayOutput struct{ *pulumi.OutputState }

// ElementType is for the SDK.
func (URLArrayOutput) ElementType() reflect.Type { return reflect.TypeFor[[]URL]() }

func init() { pulumi.RegisterOutputType(URLArrayOutput{}) }

// way is a URL that may answer, with the addresses at which its host name is
// to be looked for.
type way struct {
	URL
	addresses []string
}

// urls returns the URLs that answer. In a preview nothing is requested: those
// are returned that will have to answer.
func (a ExposureArgs) urls(ctx *pulumi.Context, exposure pulumi.Resource, service *corev1.Service, objects pulumi.Array) URLArrayOutput {
	warn := func(format string, values ...any) {
		_ = ctx.Log.Warn(fmt.Sprintf(format, values...), &pulumi.LogArgs{Resource: exposure})
	}
	return pulumi.All(service.Spec, a.Namespace, a.Replicas, objects).ApplyT(func(values []any) ([]URL, error) {
		spec, namespace, replicas := values[0].(corev1.ServiceSpec), values[1].(string), values[2].(int)
		if a.Cluster == nil {
			return nil, nil
		}
		var external []string
		if a.Type == "loadbalancer" {
			var err error
			if external, err = a.externalAddresses(ctx, namespace, warn); err != nil {
				return nil, err
			}
		}
		ways := a.ways(spec, external, warn)
		if ctx.DryRun() {
			return urlsOf(ways), nil
		}
		if replicas == 0 {
			warn("replicas is 0: no URL answers")
			return []URL{}, nil
		}
		return a.thatAnswer(ctx.Context(), ways, warn), nil
	}).(URLArrayOutput)
}

// externalAddresses waits for a load balancer's only where there is one.
func (a ExposureArgs) externalAddresses(ctx *pulumi.Context, namespace string, warn func(string, ...any)) ([]string, error) {
	if a.Cluster.LoadBalancer == "" {
		warn("EXTERNAL-IP of the Service %s/%s stays <pending>: nothing in this cluster gives addresses to Services of type LoadBalancer. "+
			"Install an implementation for bare metal such as MetalLB, reach the Service by its node port meanwhile, or set exposure to nodeport or clusterip.",
			namespace, serviceName)
		return nil, nil
	}
	if ctx.DryRun() {
		return nil, nil
	}
	addresses, err := a.Reach.ExternalAddresses(ctx.Context(), namespace, serviceName)
	if errors.Is(err, cluster.ErrNoAddress) {
		warn("EXTERNAL-IP of the Service %s/%s is still <pending>, although the cluster has %s: look at its address pool and its log.",
			namespace, serviceName, a.Cluster.LoadBalancer)
		return nil, nil
	}
	return addresses, err
}

// ways lists every URL by which the application may be reached.
func (a ExposureArgs) ways(spec corev1.ServiceSpec, external []string, warn func(string, ...any)) []way {
	var ways []way
	if a.hasIngress() {
		ways = append(ways, a.ingressWay(warn)...)
	}
	for _, address := range external {
		ways = append(ways, way{URL: URL{"loadbalancer", "http://" + urlHost(address) + "/"}})
	}
	for _, port := range spec.Ports {
		if port.NodePort == nil || *port.NodePort == 0 {
			continue
		}
		for _, address := range a.Cluster.Addresses() {
			ways = append(ways, way{URL: URL{"nodeport", "http://" + net.JoinHostPort(address, strconv.Itoa(*port.NodePort)) + "/"}})
		}
	}
	if len(ways) == 0 && spec.ClusterIP != nil {
		ways = append(ways, way{URL: URL{"clusterip", "http://" + urlHost(*spec.ClusterIP) + "/"}})
	}
	return ways
}

// ingressWay is the Ingress's URL: at the ingress controller's node port, or
// at its address where it has one.
func (a ExposureArgs) ingressWay(warn func(string, ...any)) []way {
	scheme, usual := "http", 80
	if a.TLS != "off" {
		scheme, usual = "https", 443
	}
	if a.Cluster.Controller == nil {
		warn("there is no Service %s, so the Ingress's URL cannot be told: set ingressControllerService to your ingress controller's", a.ControllerService)
		return nil
	}
	port := a.controllerPort(scheme, usual)
	if port == 0 {
		warn("the Service %s has no port %s (%d) that is reached from outside, so the Ingress's URL cannot be told", a.ControllerService, scheme, usual)
		return nil
	}
	authority := a.Host
	if port != usual {
		authority = net.JoinHostPort(a.Host, strconv.Itoa(port))
	}
	return []way{{URL{"ingress", scheme + "://" + authority + a.Path}, a.Cluster.ControllerAddresses()}}
}

// controllerPort is the port at which people reach a port of the ingress
// controller; 0 when there is none.
func (a ExposureArgs) controllerPort(name string, number int) int {
	if a.Cluster == nil || a.Cluster.Controller == nil {
		return 0
	}
	port := a.Cluster.Controller.Port(name, number)
	switch {
	case port == nil:
		return 0
	case len(a.Cluster.Controller.Addresses) > 0:
		return port.Port
	}
	return port.NodePort
}

// urlHost writes an address as a URL's host: IPv6 in brackets.
func urlHost(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

// thatAnswer returns the URLs that answer, and warns of those that do not.
func (a ExposureArgs) thatAnswer(ctx context.Context, ways []way, warn func(string, ...any)) []URL {
	problems := make([]error, len(ways))
	var wg sync.WaitGroup
	for i, w := range ways {
		wg.Go(func() { problems[i] = a.Reach.Answers(ctx, w.URL.URL, w.addresses, a.Certificate.Cert) })
	}
	wg.Wait()
	var answering []way
	for i, w := range ways {
		if problems[i] != nil {
			warn("%s does not answer and is left out of the URLs: %v", w.URL.URL, problems[i])
			continue
		}
		answering = append(answering, w)
	}
	return urlsOf(answering)
}

func urlsOf(ways []way) []URL {
	urls := make([]URL, 0, len(ways))
	for _, w := range ways {
		urls = append(urls, w.URL)
	}
	return urls
}

// First returns the first URL, empty if there is none.
func (o URLArrayOutput) First() pulumi.StringOutput {
	return o.ApplyT(func(urls []URL) string {
		if len(urls) == 0 {
			return ""
		}
		return urls[0].URL
	}).(pulumi.StringOutput)
}
