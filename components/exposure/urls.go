package exposure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/reach"
)

// way is a URL that may answer, with the addresses at which its host name is
// to be looked for.
type way struct {
	URL
	addresses []string
}

// nodeURLs is how many nodes have a URL: on a large cluster the rest is only counted.
const nodeURLs = 3

// reached is how the Service is reached. A preview writes what it does not
// know yet in angle brackets.
type reached struct {
	external  []string // by a load balancer
	nodePort  string   // empty for none
	clusterIP string
}

// urls returns the URLs that answer. In a preview nothing is requested: those
// are returned that will have to answer.
func (a *Plan) urls(ctx *pulumi.Context, exposure pulumi.Resource, settled pulumi.StringOutput, service *corev1.Service, nodePort pulumi.IntOutput, objects pulumi.Array) URLArrayOutput {
	warn := func(format string, values ...any) {
		_ = ctx.Log.Warn(a.names.Text(fmt.Sprintf(format, values...)), &pulumi.LogArgs{Resource: exposure})
	}
	if a.Cluster != nil && a.hasNodePort() {
		if rest := len(a.Cluster.NodeAddresses()) - nodeURLs; rest > 0 {
			_ = ctx.Log.Info(fmt.Sprintf("the node port is that of %d more nodes, which have no URL of their own here", rest), &pulumi.LogArgs{Resource: exposure})
		}
	}
	if ctx.DryRun() {
		if a.Cluster == nil {
			return pulumi.UnsafeUnknownOutput([]pulumi.Resource{service}).ApplyT(func(any) []URL { return nil }).(URLArrayOutput)
		}
		ways, lacking := a.ways(a.foreseen(warn))
		if lacking != "" {
			warn("%s", lacking)
		}
		return pulumi.ToOutput(urlsOf(ways)).(URLArrayOutput)
	}
	return pulumi.All(settled, a.Replicas, service.Spec.ClusterIP(), nodePort, objects).ApplyT(func(values []any) ([]URL, error) {
		namespace, replicas := values[0].(string), values[1].(int)
		if replicas == 0 {
			warn("replicas is 0: no URL answers")
			return []URL{}, nil
		}
		var r reached
		if clusterIP, ok := values[2].(*string); ok && clusterIP != nil {
			r.clusterIP = *clusterIP
		}
		if port := values[3].(int); port != 0 {
			r.nodePort = strconv.Itoa(port)
		}
		if a.Type == "loadbalancer" {
			var err error
			if r.external, err = a.externalAddresses(ctx.Context(), namespace, warn); err != nil {
				return nil, err
			}
		}
		ways, lacking := a.ways(r)
		if lacking != "" {
			warn("%s", lacking)
		}
		if a.Answers == "off" {
			return urlsOf(ways), nil
		}
		return a.thatAnswer(ctx.Context(), ways, lacking, warn)
	}).(URLArrayOutput)
}

// foreseen is how the Service will be reached, as far as it is known before
// the update.
func (a *Plan) foreseen(warn func(string, ...any)) reached {
	r := reached{clusterIP: "<cluster IP>"}
	var external []string
	if s := a.Cluster.Service; s != nil {
		external = s.Addresses
	}
	if a.hasNodePort() {
		r.nodePort = "<node port>"
		if port, known := a.knownNodePort(); known {
			r.nodePort = strconv.Itoa(port)
		}
	}
	switch {
	case a.Type != "loadbalancer":
	case a.LoadBalancer == "absent":
		warn("%s", a.pending(a.Cluster.Namespace))
	case len(external) > 0:
		r.external = external
	case a.expectsAddress():
		r.external = []string{"<external address>"}
	default:
		warn("%s", a.pending(a.Cluster.Namespace))
	}
	return r
}

// pending says that a Service has no address of a load balancer, and why that may be.
func (a *Plan) pending(namespace string) string {
	const next = "Install an implementation for bare metal such as MetalLB, reach the Service by its node port meanwhile, or set {type} to nodeport or clusterip."
	service := fmt.Sprintf("EXTERNAL-IP of the Service %s/%s", namespace, ServiceName)
	switch {
	case a.LoadBalancer == "absent":
		return service + " stays <pending>: {loadBalancer} is absent, so nothing in this cluster gives addresses to Services of type LoadBalancer. " + next
	case a.LoadBalancer == "present" || a.Cluster.LoadBalancer != "":
		return service + " is still <pending>, although the cluster has " + cmp.Or(a.Cluster.LoadBalancer, "a load balancer, as {loadBalancer} says") + ": look at its address pool and its log."
	}
	return service + " stays <pending>: nothing was found in this cluster that gives addresses to Services of type LoadBalancer. If there is something, set {loadBalancer} to present. " + next
}

// expectsAddress tells whether a load balancer is known.
func (a *Plan) expectsAddress() bool {
	return a.LoadBalancer == "present" || a.LoadBalancer == "auto" && a.Cluster.LoadBalancer != ""
}

// externalAddresses waits for the load balancer's addresses: long for one that is known, and
// a moment for one that was not seen.
func (a *Plan) externalAddresses(ctx context.Context, namespace string, warn func(string, ...any)) ([]string, error) {
	patience := 30 * time.Second
	if !a.expectsAddress() {
		patience = 3 * time.Second
	}
	if a.LoadBalancer != "absent" {
		addresses, err := a.there.WaitForAddress(ctx, namespace, ServiceName, patience)
		if !errors.Is(err, cluster.ErrNoAddress) {
			return addresses, err
		}
	}
	warn("%s", a.pending(namespace))
	return nil, nil
}

// ways lists every URL by which the application may be reached, and says why that of the Ingress
// is lacking.
func (a *Plan) ways(r reached) (ways []way, lacking string) {
	if a.hasIngress() {
		ways, lacking = a.ingressWay()
	}
	for _, address := range r.external {
		ways = append(ways, way{URL: URL{"loadbalancer", "http://" + urlHost(address) + "/"}})
	}
	if r.nodePort != "" {
		addresses := a.Cluster.NodeAddresses()
		for _, address := range addresses[:min(len(addresses), nodeURLs)] {
			ways = append(ways, way{URL: URL{"nodeport", "http://" + net.JoinHostPort(address, r.nodePort) + "/"}})
		}
	}
	if len(ways) == 0 {
		ways = append(ways, way{URL: URL{"clusterip", "http://" + urlHost(r.clusterIP) + "/"}})
	}
	return ways, lacking
}

// ingressWay is the Ingress's URL: at the ingress controller's node port, or at its address where
// it has one. Else it says why the URL cannot be told.
func (a *Plan) ingressWay() (ways []way, lacking string) {
	scheme, usual := "http", 80
	if a.TLS != "off" {
		scheme, usual = "https", 443
	}
	if a.Cluster.Controller == nil && !a.Cluster.Knows(cluster.Controller) {
		return nil, "the Ingress's URL cannot be told, since this login may not read at which ports the ingress controller is reached: permit it to"
	}
	if a.Cluster.Controller == nil {
		return nil, fmt.Sprintf("the Ingress's URL cannot be told: there is no Service %s, nor pods of a DaemonSet or Deployment of that name with ports of their nodes; set {controllerService} to your ingress controller's", a.ControllerService)
	}
	port := a.controllerPort(scheme, usual)
	if port == 0 {
		return nil, fmt.Sprintf("the Ingress's URL cannot be told: %s has no port %s (%d) that is reached from outside; set {controllerService} to your ingress controller's", a.ControllerService, scheme, usual)
	}
	authority := certificate.OneHost(a.Host)
	if port != usual {
		authority = net.JoinHostPort(authority, strconv.Itoa(port))
	}
	return []way{{URL{"ingress", scheme + "://" + authority + a.Path}, a.Cluster.ControllerAddresses()}}, ""
}

// controllerPort is the port at which people reach a port of the ingress
// controller; 0 when there is none.
func (a *Plan) controllerPort(name string, number int) int {
	if a.Cluster == nil || a.Cluster.Controller == nil {
		return 0
	}
	return a.Cluster.Controller.Reached(name, number)
}

// urlHost writes an address as a URL's host: IPv6 in brackets.
func urlHost(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

// thatAnswer returns the URLs that answer, and warns of those that do not. That none does is
// an error, unless it is only to be reported.
func (a *Plan) thatAnswer(ctx context.Context, ways []way, lacking string, warn func(string, ...any)) ([]URL, error) {
	at := make([][]string, len(ways))
	silent := make([]reach.Silences, len(ways))
	var wg sync.WaitGroup
	for i, w := range ways {
		wg.Go(func() {
			at[i], silent[i] = a.there.Answering(ctx, reach.Target{
				URL: w.URL.URL, Addresses: w.addresses, Certificate: a.certificate.Cert,
				Page: reach.Page{Path: a.AnswerPath, Status: a.AnswerStatus},
			})
		})
	}
	wg.Wait()
	var answering []way
	for i, w := range ways {
		switch {
		case len(at[i]) == 0:
			warn("%s does not answer and is left out of the URLs: %v", w.URL.URL, silent[i])
			continue
		case len(silent[i]) > 0:
			warn("%s does not answer everywhere: not at %v", w.URL.URL, silent[i])
		}
		answering = append(answering, w)
	}
	if len(answering) > 0 || a.Answers == "reported" {
		return urlsOf(answering), nil
	}
	return nil, a.silence(ways, silent, lacking)
}

// silence says why no URL answers, as far as is known, and what to do about that.
func (a *Plan) silence(ways []way, silent []reach.Silences, lacking string) error {
	reasons := []string{a.names.Text("no URL answers, as {answers}: required demands")}
	next := "set {answers} to reported if this computer cannot reach the cluster's nodes"
	for i, w := range ways {
		reasons = append(reasons, fmt.Sprintf("  %s: %v", w.URL.URL, silent[i]))
		for _, s := range silent[i] {
			if errors.Is(s.Reason, reach.ErrOtherAnswer) {
				next = "if that is what the application answers, say so with {answerPath} and {answerStatus}"
			}
		}
	}
	if lacking != "" {
		reasons = append(reasons, lacking)
	}
	if *a.notReady != nil {
		reasons = append(reasons, (*a.notReady).Error())
	}
	return errors.New(strings.Join(append(reasons, a.names.Text(next)), "\n"))
}

func urlsOf(ways []way) []URL {
	urls := make([]URL, 0, len(ways))
	for _, w := range ways {
		urls = append(urls, w.URL)
	}
	return urls
}
