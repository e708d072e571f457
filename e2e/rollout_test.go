package e2e

import (
	"strings"
	"testing"
	"time"
)

// An update that cannot succeed ends after rolloutTimeout, and interrupts nothing: the new pod comes before
// the old one goes if there is a node for it. An update after which no URL answers fails.
func TestRollout(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-rollout")
	// An Ingress of others at the same host and path would count as the application's.
	kubectl(t, "create", "namespace", "e2e-rollout-theirs")
	t.Cleanup(func() { kubectl(t, "delete", "namespace", "e2e-rollout-theirs") })
	kubectl(t, "--namespace=e2e-rollout-theirs", "create", "ingress", "theirs", "--class=haproxy", "--rule="+s.host+"/balanced*=theirs:80")
	s.setAll("exposure", "clusterip", "replicas", "1", "rolloutTimeout", "30s")
	contains(t, s.fails("preview"), `path = "/balanced": is already used, on the host `+s.host+`, by the Ingress e2e-rollout-theirs/theirs`)
	kubectl(t, "--namespace=e2e-rollout-theirs", "delete", "ingress", "theirs")

	s.up()
	url := "http://" + s.host + ":" + httpPort + "/balanced"
	image := s.must("pulumi", "config", "get", "image")
	s.set("image", "lab.local/misspelt:v1")
	start := time.Now()
	requests, failures := hammer([]string{url}, func() {
		if out, err := s.command("pulumi", "up", "--yes", "--skip-preview"); err == nil || !strings.Contains(out, "misspelt") {
			t.Errorf("%v: %s", err, out)
		}
	})
	if took := time.Since(start); took > shared(75*time.Second) {
		t.Errorf("an image that is not there is known after %s, want some 30 s", took)
	}
	s.set("image", strings.TrimSpace(image))
	more, failed := hammer([]string{url}, func() { s.up() })
	for _, failure := range append(failures, failed...) {
		t.Errorf("during the updates: %s", failure)
	}
	if requests < 100 || more < 10 {
		t.Errorf("only %d and %d requests were made", requests, more)
	}

	// The pods are ready, but answer something else.
	s.set("answerStatus", "418")
	out, err := s.command("pulumi", "up", "--yes", "--skip-preview")
	if err == nil {
		t.Errorf("it succeeds:\n%s", out)
	}
	contains(t, out, "no URL answers, and the setting answers is required", url+": it answers 200 OK, not 418")
	s.set("answers", "reported")
	contains(t, s.up(), url+" does not answer and is left out of the URLs: it answers 200 OK, not 418")
}
