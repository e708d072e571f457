package e2e

import (
	"testing"
	"time"
)

// operations runs everyday operations under load. At the Ingress nothing is lost. At a node port, kube-proxy
// now and then sends a connection to a pod that has just gone.
func (w *target) operations(t *testing.T) {
	// Keeps one of two pods running while the other one is evicted or replaced.
	const controllers = "--namespace=haproxy-controller"
	kubectl(t, controllers, "create", "poddisruptionbudget", "haproxy-ingress", "--selector=run=haproxy-ingress", "--max-unavailable=1")
	t.Cleanup(func() { kubectl(t, controllers, "delete", "poddisruptionbudget", "haproxy-ingress") })
	t.Cleanup(func() { w.controllers(t, "1") })
	w.controllers(t, "2")
	tagSecond(t)
	change := func(pairs ...string) func(*testing.T) {
		return func(*testing.T) { w.setAll(pairs...); w.up() }
	}
	w.operation(t, "another image", true, change("image", "lab.local/webapp:v2"))
	w.operation(t, "one pod, and two again", true, func(t *testing.T) { change("replicas", "1")(t); change("replicas", "2")(t) })
	w.operation(t, "exposure from nodeport to loadbalancer, clusterip and back", false, func(t *testing.T) {
		for _, exposure := range []string{"loadbalancer", "clusterip", "nodeport"} {
			change("exposure", exposure)(t)
		}
	})
	w.locate(t)
	w.operation(t, "a key of HAProxy", true, func(*testing.T) { w.setPath("haproxy.timeout-queue", "6s"); w.up() })
	for _, node := range []string{"kubenode1", "kubenode2"} {
		w.operation(t, node+" is drained and uncordoned", true, func(t *testing.T) {
			t.Cleanup(func() { kubectl(t, "uncordon", node) })
			kubectl(t, "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=300s")
			kubectl(t, "uncordon", node)
			w.answersByTwo(t, time.Minute)
		})
	}
	w.operation(t, "the ingress controller's pods are replaced", false, func(t *testing.T) {
		kubectl(t, controllers, "rollout", "restart", "deployment/haproxy-ingress")
		kubectl(t, controllers, "rollout", "status", "deployment/haproxy-ingress", "--timeout=300s")
	})
	change("tls", "self-signed")(t)
	http := w.url
	w.url = "https://" + w.host + ":" + httpsPort + "/balanced"
	// The URL answers when the update ends. One of the controller's two pods may open the port 5 s later.
	eventually(t, time.Minute, func() error {
		if lost := w.atIngress().during(func() { time.Sleep(time.Second) }).where(isLost); len(lost) > 0 {
			return notYet("%s", lost[0].lost)
		}
		return nil
	})
	w.operation(t, "the certificate is renewed", true, func(t *testing.T) {
		w.makeDue(t)
		w.up()
	})
	w.url = http
}

// tagSecond gives the tutorial's image a second name.
func tagSecond(t *testing.T) {
	t.Helper()
	for _, node := range []string{"kubenode1", "kubenode2"} {
		ssh(t, node, "ctr -n k8s.io images tag --force lab.local/webapp:v1 lab.local/webapp:v2")
	}
}

// controllers scales the ingress controller to n pods.
func (w *target) controllers(t *testing.T, n string) {
	t.Helper()
	kubectl(t, "--namespace=haproxy-controller", "scale", "deployment/haproxy-ingress", "--replicas="+n)
	kubectl(t, "--namespace=haproxy-controller", "rollout", "status", "deployment/haproxy-ingress", "--timeout=300s")
}

// operation does something under load at the Ingress, and if port is true, also at the node port.
func (w *target) operation(t *testing.T, name string, port bool, do func(t *testing.T)) {
	w.run(t, name, func(t *testing.T) {
		ingress, ports := w.atIngress(), load{node: master, atOnce: 400}
		ingress.node = master
		if port {
			// 50 requests a second in total: one machine alone, while it starts the other one's pods, cannot
			// handle more.
			ports.urls, ports.every, ingress.every = []string{w.portURL}, 40*time.Millisecond, 40*time.Millisecond
		}
		var answersAtPort answers
		answersAtIngress := ingress.during(func() {
			answersAtPort = ports.during(func() { do(t) })
		})
		outcome{Section: ordinary, Failure: name + atIngress, Sees: "nothing", Slowest: 15 * time.Second}.with(ingress, answersAtIngress).record(t)
		if port {
			outcome{Section: ordinary, Failure: name + atPort, Sees: "nothing, or now and then a connection that is refused", MayLose: 1}.with(ports, answersAtPort).record(t)
		}
	})
}
