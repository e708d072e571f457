package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// target is a stack whose pods answer at the Ingress and at a node port, for tests that cause failures under
// it. They run alone: the failures affect all stacks.
type target struct {
	*stack
	url, portURL string // at the Ingress and at the node port of the node that stays
	controller   string // the node of the ingress controller, which stays
	dead         string // the node that fails
}

var addresses = map[string]string{"kubemaster": master, "kubenode1": node1, "kubenode2": node2}

func newTarget(t *testing.T, name string) *target {
	t.Helper()
	s := newStack(t, name)
	s.setAll("exposure", "nodeport", "ingress", "true")
	s.up()
	w := &target{stack: s, url: "http://" + s.host + ":" + httpPort + "/balanced"}
	w.locate(t)
	w.answersByTwo(t, time.Minute)
	return w
}

// locate finds the node of the ingress controller.
func (w *target) locate(t *testing.T) {
	t.Helper()
	w.controller = kubectl(t, "--namespace=haproxy-controller", "get", "pods", "-l", "run=haproxy-ingress", "-o", "jsonpath={.items[0].spec.nodeName}")
	w.dead = map[string]string{"kubenode1": "kubenode2", "kubenode2": "kubenode1"}[w.controller]
	w.portURL = fmt.Sprintf("http://%s:%d/", addresses[w.controller], w.outputs().NodePort)
}

// run runs a test of the target.
func (w *target) run(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { w.t = t; f(t) })
	w.t = t
}

// atIngress is the load at the Ingress.
func (w *target) atIngress() load {
	return load{urls: []string{w.url}, node: addresses[w.controller], patience: time.Minute, atOnce: 400}
}

// answersByTwo waits until two pods answer at the Ingress and at the node port.
func (w *target) answersByTwo(t *testing.T, patience time.Duration) {
	t.Helper()
	for _, url := range []string{w.url, w.portURL} {
		eventually(t, patience, func() error {
			pods := map[string]bool{}
			for range 12 {
				_, pod, _, err := get(url, addresses[w.controller])
				if err != nil || pod == "" {
					return notYet("%s: %q %v", url, pod, err)
				}
				pods[pod] = true
			}
			if len(pods) != 2 {
				return notYet("%s is answered by %v, want two pods", url, pods)
			}
			return nil
		})
	}
}

// restarts returns how often containers of the pods were restarted.
func (w *target) restarts() string {
	return w.kubectl("get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}")
}

// nodeHangs freezes a node, whose connections then hang. HAProxy, which runs on the other node, sends
// requests that the frozen node does not answer to another pod.
func (w *target) nodeHangs(t *testing.T) {
	o := outcome{Section: inTheCluster, Failure: hangs, Sees: "some answers take a second longer", Slowest: 6 * time.Second, Within: time.Minute, node: true}
	begun := time.Now()
	all := w.atIngress().during(func() {
		time.Sleep(2 * time.Second)
		failed := time.Now()
		o.failed = time.Since(begun)
		if err := theLab.Freeze(w.dead); err != nil {
			t.Error(err)
		}
		time.Sleep(12 * time.Second)
		if err := theLab.Thaw(w.dead); err != nil {
			t.Error(err)
		}
		kubectl(t, "wait", "--for=condition=Ready", "node/"+w.dead, "--timeout=60s")
		w.answersByTwo(t, time.Minute)
		o.Well = time.Since(failed)
	})
	o.with(w.atIngress(), all).record(t)
}

// nodeLosesPower cuts a node's power for 80 s: Kubernetes notices it, gives up the node's pod, and starts it
// again with the node. Then both pods answer without manual work.
func (w *target) nodeLosesPower(t *testing.T) {
	ingress := outcome{Section: inTheCluster, Failure: noPower, Sees: "some answers take a second longer", Slowest: 6 * time.Second, Within: 4 * time.Minute, Picture: "dead-node.svg", node: true}
	port := outcome{Section: inTheCluster, Failure: noPowerAtPort, Sees: "every second connection is not answered until Kubernetes counts the node as dead", MayLose: 50, Within: 4 * time.Minute}
	var answersAtPort answers
	begun := time.Now()
	loadAtPort := load{urls: []string{w.portURL}, patience: 3 * time.Second, atOnce: 200}
	answersAtIngress := w.atIngress().during(func() {
		answersAtPort = loadAtPort.during(func() {
			time.Sleep(2 * time.Second)
			failed := time.Now()
			ingress.failed = time.Since(begun)
			if err := theLab.Kill(w.dead); err != nil {
				t.Fatal(err)
			}
			time.Sleep(80 * time.Second)
			// Kubernetes takes 50 s to notice, and the tolerations of the pods add 10 s.
			if ending := w.kubectl("get", "pods", "--field-selector=spec.nodeName="+w.dead, "-o", "jsonpath={.items[*].metadata.deletionTimestamp}"); ending == "" {
				t.Errorf("after 80 s the pod of %s has not been given up", w.dead)
			}
			if err := theLab.Restart(context.Background(), w.dead); err != nil {
				t.Fatal(err)
			}
			kubectl(t, "wait", "--for=condition=Ready", "node/"+w.dead, "--timeout=120s")
			w.answersByTwo(t, 2*time.Minute)
			ingress.Well = time.Since(failed)
			port.Well = ingress.Well
		})
	})
	ingress.with(w.atIngress(), answersAtIngress).record(t)
	port.with(loadAtPort, answersAtPort).record(t)
	if nodes := w.kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}"); !strings.Contains(nodes, w.dead) {
		t.Errorf("the pods are on %s, none of them on %s", nodes, w.dead)
	}
}

// controllerDies deletes the ingress controller's only pod: nothing answers until the next pod does.
func (w *target) controllerDies(t *testing.T) {
	o := outcome{Section: inTheCluster, Failure: "the ingress controller's only pod dies", Sees: "no answer until its next pod is ready", MayLose: 100, Loses: 40 * time.Second, Within: time.Minute}
	// While a connection is tried, a node sends its packets to the pod that is gone: do not wait for those.
	atIngress := w.atIngress()
	atIngress.patience = 3 * time.Second
	begun := time.Now()
	all := atIngress.during(func() {
		time.Sleep(2 * time.Second)
		failed := time.Now()
		o.failed = time.Since(begun)
		kubectl(t, "--namespace=haproxy-controller", "delete", "pods", "-l", "run=haproxy-ingress", "--force", "--grace-period=0")
		kubectl(t, "--namespace=haproxy-controller", "rollout", "status", "deployment/haproxy-ingress", "--timeout=60s")
		w.locate(t)
		w.answersByTwo(t, time.Minute)
		o.Well = time.Since(failed)
	})
	o.with(atIngress, all).record(t)
	if out := w.must("pulumi", "preview", "--expect-no-changes"); strings.Contains(out, "warning") {
		t.Errorf("the preview warns:\n%s", out)
	}
}
