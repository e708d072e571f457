// Package ways finds the URLs of an application, and checks which of them answer.
package ways

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/components/link"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/probe"
)

// way is a URL that may answer, with the addresses of its host name.
type way struct {
	link.URL
	addresses []string
}

// clusterIP is the way to a Service without any other.
const clusterIP = "clusterip"

// nodeURLs is the number of nodes with a URL: on a large cluster the others are only counted.
const nodeURLs = 3

// Exposure describes how an application is exposed.
type Exposure struct {
	// There is the cluster, and Cluster its state before the update.
	There   env.Cluster
	Cluster *cluster.Snapshot
	Service string // its name
	// Type is the Service's, as Kubernetes spells it; LoadBalancer says whether Services of type LoadBalancer
	// get addresses: auto, present, absent.
	Type, LoadBalancer string
	HasNodePort        bool
	// NodePort is known before the update if KnowsNodePort is true.
	NodePort      int
	KnowsNodePort bool
	// HasIngress tells whether there is an Ingress, for Host and Path, whose controller is ControllerService.
	HasIngress, TLS               bool
	Host, Path, ControllerService string
	// Answers says what happens if no URL answers: required, reported, off.
	Answers     string
	Page        probe.Page
	Certificate string // PEM
	Warn        func(text string)
	Names       check.Names // of the properties
}

// Endpoints has the addresses and the port of the Service. A preview writes unknown ones in angle brackets.
type Endpoints struct {
	External  []string // of a load balancer
	NodePort  string   // empty for none
	ClusterIP string
}

func (e *Exposure) warn(format string, values ...any) {
	e.Warn(e.Names.Text(fmt.Sprintf(format, values...)))
}

// Foreseen returns the URLs that will have to answer, as far as known before the update.
func (e *Exposure) Foreseen() []link.URL {
	ways, lacking := e.ways(e.foreseen())
	if lacking != "" {
		e.warn("%s", lacking)
	}
	return urlsOf(ways)
}

// Answering returns the URLs that answer. It requests the known ones while it waits for the addresses of a load
// balancer.
func (e *Exposure) Answering(ctx context.Context, namespace string, r Endpoints, notReady error) ([]link.URL, error) {
	asked := map[string]func() answer{} // by URL, which two ways may share
	ask := func(ways []way) {
		for _, w := range ways {
			if e.Answers != "off" && asked[w.URL.URL] == nil {
				asked[w.URL.URL] = e.ask(ctx, w)
			}
		}
	}
	known, _ := e.ways(r)
	ask(slices.DeleteFunc(known, func(w way) bool { return w.Via == clusterIP })) // which is used only without others
	if e.Type == "LoadBalancer" {
		var err error
		if r.External, err = e.externalAddresses(ctx, namespace); err != nil {
			return nil, err
		}
	}
	ways, lacking := e.ways(r)
	if lacking != "" {
		e.warn("%s", lacking)
	}
	if e.Answers == "off" {
		return urlsOf(ways), nil
	}
	ask(ways)
	answers := make([]answer, len(ways))
	for i, w := range ways {
		answers[i] = asked[w.URL.URL]()
	}
	return e.thatAnswer(ways, answers, lacking, notReady)
}

// MoreNodes is the number of nodes without a URL.
func (e *Exposure) MoreNodes() int {
	if !e.HasNodePort {
		return 0
	}
	return max(len(e.Cluster.NodeAddresses())-nodeURLs, 0)
}

// foreseen returns the Service's endpoints as far as known before the update.
func (e *Exposure) foreseen() Endpoints {
	r := Endpoints{ClusterIP: "<cluster IP>"}
	var external []string
	if s := e.Cluster.Service; s != nil {
		external = s.Addresses
	}
	if e.HasNodePort {
		r.NodePort = "<node port>"
		if e.KnowsNodePort {
			r.NodePort = strconv.Itoa(e.NodePort)
		}
	}
	switch {
	case e.Type != "LoadBalancer":
	case e.LoadBalancer == "absent":
		e.warn("%s", e.pending(e.Cluster.Namespace))
	case len(external) > 0:
		r.External = external
	case e.expectsAddress():
		r.External = []string{"<external address>"}
	default:
		e.warn("%s", e.pending(e.Cluster.Namespace))
	}
	return r
}

// pending says that a Service has no load balancer address, and the likely reason.
func (e *Exposure) pending(namespace string) string {
	const next = "Install an implementation for bare metal such as MetalLB, reach the Service by its node port meanwhile, or set {type} to {value type NodePort} or {value type ClusterIP}."
	service := fmt.Sprintf("EXTERNAL-IP of the Service %s/%s", namespace, e.Service)
	switch {
	case e.LoadBalancer == "absent":
		return service + " stays <pending>: {loadBalancer} is absent, so nothing in this cluster gives addresses to Services of type LoadBalancer. " + next
	case e.LoadBalancer == "present" || e.Cluster.LoadBalancer != "":
		return service + " is still <pending>, although the cluster has " + cmp.Or(e.Cluster.LoadBalancer, "a load balancer, as {loadBalancer} says") + ": check its address pool and its log."
	}
	return service + " stays <pending>: nothing was found in this cluster that gives addresses to Services of type LoadBalancer. If there is something, set {loadBalancer} to present. " + next
}

// expectsAddress tells whether a load balancer is known.
func (e *Exposure) expectsAddress() bool {
	return e.LoadBalancer == "present" || e.LoadBalancer == "auto" && e.Cluster.LoadBalancer != ""
}

// externalAddresses waits for the load balancer's addresses: long if one is known, briefly if none was found, and
// not at all if the Service had this type before.
func (e *Exposure) externalAddresses(ctx context.Context, namespace string) ([]string, error) {
	patience := time.Minute
	if !e.expectsAddress() {
		patience = 3 * time.Second
		if before := e.Cluster.Service; before != nil && before.Type == "LoadBalancer" {
			patience = 0
		}
	}
	if e.LoadBalancer != "absent" {
		addresses, err := e.There.WaitForAddress(ctx, namespace, e.Service, patience)
		if !errors.Is(err, cluster.ErrNoAddress) {
			return addresses, err
		}
	}
	e.warn("%s", e.pending(namespace))
	return nil, nil
}

// ways lists the URLs of the application, and says why that of the Ingress is missing.
func (e *Exposure) ways(r Endpoints) (ways []way, lacking string) {
	if e.HasIngress {
		ways, lacking = e.ingressWay()
	}
	for _, address := range r.External {
		ways = append(ways, way{URL: link.URL{Via: "loadbalancer", URL: "http://" + urlHost(address) + "/"}})
	}
	if r.NodePort != "" {
		addresses := e.Cluster.NodeAddresses()
		for _, address := range addresses[:min(len(addresses), nodeURLs)] {
			ways = append(ways, way{URL: link.URL{Via: "nodeport", URL: "http://" + net.JoinHostPort(address, r.NodePort) + "/"}})
		}
	}
	if len(ways) == 0 {
		ways = append(ways, way{URL: link.URL{Via: clusterIP, URL: "http://" + urlHost(r.ClusterIP) + "/"}})
	}
	return ways, lacking
}

// ingressWay returns the Ingress's URL: at the ingress controller's node port, or at its address if it has one.
// Otherwise it says why the URL is unknown.
func (e *Exposure) ingressWay() (ways []way, lacking string) {
	scheme, usual := "http", 80
	if e.TLS {
		scheme, usual = "https", 443
	}
	if e.Cluster.Controller == nil && !e.Cluster.Knows(cluster.Controller) {
		return nil, "the Ingress's URL is unknown: this login may not read the ingress controller's ports; permit it to"
	}
	if e.Cluster.Controller == nil {
		return nil, fmt.Sprintf("the Ingress's URL is unknown: there is no Service %s, nor a DaemonSet or Deployment of that name with host ports; set {controllerService} to your ingress controller's", e.ControllerService)
	}
	port := e.Cluster.ControllerPort(scheme, usual)
	if port == 0 {
		return nil, fmt.Sprintf("the Ingress's URL is unknown: %s does not expose port %s (%d) outside the cluster; set {controllerService} to your ingress controller's", e.ControllerService, scheme, usual)
	}
	authority := certificate.OneHost(e.Host)
	if port != usual {
		authority = net.JoinHostPort(authority, strconv.Itoa(port))
	}
	return []way{{URL: link.URL{Via: "ingress", URL: scheme + "://" + authority + e.Path}, addresses: e.Cluster.ControllerAddresses()}}, ""
}

// urlHost writes an address as a URL's host: IPv6 in brackets.
func urlHost(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

func urlsOf(ways []way) []link.URL {
	urls := make([]link.URL, 0, len(ways))
	for _, w := range ways {
		urls = append(urls, w.URL)
	}
	return urls
}
