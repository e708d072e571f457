package e2e

import (
	"strings"
	"testing"
	"time"
)

// A node answers nothing any more. At the Ingress no request is lost, of 50 a second: HAProxy, which runs
// on the other node, gives those that the dead node does not answer to another pod. Once the node is back
// both pods answer again. No other test runs meanwhile.
func TestDeadNode(t *testing.T) {
	s := newStack(t, "e2e-dead-node")
	s.set("exposure", "clusterip")
	s.up()
	url := "http://" + s.host + ":" + httpPort + "/balanced"
	at := map[string]string{"kubenode1": node1, "kubenode2": node2}
	controller := kubectl(t, "--namespace=haproxy-controller", "get", "pods", "-l", "run=haproxy-ingress", "-o", "jsonpath={.items[0].spec.nodeName}")
	dead := "kubenode1"
	if controller == dead {
		dead = "kubenode2"
	}
	if nodes := s.kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}"); !strings.Contains(nodes, dead) {
		t.Fatalf("the pods are on %s, none of them on %s", nodes, dead)
	}
	start := time.Now()
	requests, failures := hammerAt(at[controller], []string{url}, func() {
		time.Sleep(2 * time.Second)
		if err := theLab.Freeze(dead); err != nil {
			t.Error(err)
		}
		time.Sleep(12 * time.Second)
		if err := theLab.Thaw(dead); err != nil {
			t.Error(err)
		}
	})
	if len(failures) > 0 {
		t.Errorf("%d of %d requests are lost, such as %s", len(failures), requests, failures[0])
	}
	if least := int(time.Since(start).Seconds() * 10); requests < least {
		t.Errorf("%d requests were made, want %d at least", requests, least)
	}
	kubectl(t, "wait", "--for=condition=Ready", "node/"+dead, "--timeout=60s")
	eventually(t, time.Minute, func() error {
		if pods := servers(t, url, at[controller], 20); len(pods) != 2 {
			return notYet("%s is answered by %v, want two pods", url, pods)
		}
		return nil
	})
}
