package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"webapp-balanced/config"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/probe"
)

// The Deployment surges by one pod if a node has room for it; otherwise it takes one pod away first. The
// update's timeout is rolloutTimeout for each pod.
func TestRollout(t *testing.T) {
	for _, c := range []struct {
		replicas, antiAffinity, timeout   string
		maxSurge, maxUnavailable, seconds string
	}{
		{"1", "required", "3m", "1", "0", "180"},
		{"2", "required", "3m", "0", "1", "360"}, // two nodes take pods
		{"2", "preferred", "3m", "1", "0", "360"},
		{"5", "off", "90s", "1", "0", "450"},
		{"0", "required", "3m", "1", "0", "180"},
	} {
		set := devConfig(t)
		set[config.Project+":replicas"], set[config.Project+":antiAffinity"], set[config.Project+":rolloutTimeout"] = c.replicas, c.antiAffinity, c.timeout
		e, err := run(t, set, tutorial(), false)
		if err != nil {
			t.Fatal(err)
		}
		const deployment = "kubernetes:apps/v1:Deployment app-deployment"
		for path, want := range map[string]string{
			"spec.strategy.rollingUpdate.maxSurge": c.maxSurge, "spec.strategy.rollingUpdate.maxUnavailable": c.maxUnavailable,
			`metadata.annotations["pulumi.com/timeoutSeconds"]`: c.seconds,
		} {
			if got := e.input(t, deployment, path); got != want {
				t.Errorf("%+v: %s is %s, want %s", c, path, got, want)
			}
		}
		// The time that pods take to end does not depend on rolloutTimeout.
		if got := e.deletion["app-deployment"]; got != "10m0s" && got != "10m" {
			t.Errorf("%+v: its deletion may take %s, want 10m", c, got)
		}
	}
}

// The readiness probe requests answerPath. If a kubelet counts answerStatus as a failure, the probe connects
// to the port instead.
func TestReadiness(t *testing.T) {
	for _, c := range []struct {
		path, status string
		want         map[string]string
	}{
		{"/", "0", map[string]string{"httpGet.path": "/", "tcpSocket": absent}},
		{"/health", "204", map[string]string{"httpGet.path": "/health", "tcpSocket": absent}},
		{"/", "401", map[string]string{"httpGet": absent, "tcpSocket.port": "80"}},
	} {
		set := devConfig(t)
		set[config.Project+":answerPath"], set[config.Project+":answerStatus"] = c.path, c.status
		w := tutorial()
		e, err := run(t, set, w, false)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range c.want {
			path = "spec.template.spec.containers[0].readinessProbe." + path
			if got := e.input(t, "kubernetes:apps/v1:Deployment app-deployment", path); got != want {
				t.Errorf("%+v: %s is %q, want %q", c, path, got, want)
			}
		}
		if status, _ := strconv.Atoi(c.status); w.page != (probe.Page{Path: c.path, Status: status}) {
			t.Errorf("%+v: the URLs are asked for %+v", c, w.page)
		}
	}
}

// If no URL answers after an update: required and reported warn of each, required fails with the reasons, and off
// requests nothing.
func TestNothingAnswers(t *testing.T) {
	all := []string{"http://foo-balanced.bar:31716/balanced", "http://192.168.1.160:31707/", "http://192.168.1.161:31707/", "http://192.168.1.162:31707/", "http://192.168.1.200/"}
	for _, c := range []struct {
		answers string
		silent  []string
		want    string
	}{
		{"required", all[1:], ""},
		{"required", all, "no URL answers, and the setting answers is required\n  " + all[0] + ": connection refused\n"},
		{"required", all, "0 of the 2 pods are ready:\n  a on kubenode1: ImagePullBackOff\nset answers to reported"},
		{"reported", all, ""},
		{"off", all, ""},
	} {
		set := devConfig(t)
		set[config.Project+":answers"] = c.answers
		w := tutorial()
		w.silent = c.silent
		w.notReady = errors.New("0 of the 2 pods are ready:\n  a on kubenode1: ImagePullBackOff")
		e, err := run(t, set, w, false)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.answers, err, c.want)
		}
		if warned := slices.Contains(e.warnings, all[0]+" does not answer and is left out of the URLs: connection refused"); warned != (c.answers != "off" && slices.Contains(c.silent, all[0])) {
			t.Errorf("%s: the warnings are %q", c.answers, e.warnings)
		}
		if c.answers == "off" && w.asked > 0 {
			t.Errorf("%d URLs were asked", w.asked)
		}
	}
}

// Names with dots and a wildcard host are used in the Ingress and its certificate.
func TestNamesWithDots(t *testing.T) {
	dev := devConfig(t)
	dev[config.Project+":host"], dev[config.Project+":path"], dev[config.Project+":tls"] = "*.example.com", "/v1.2", "self-signed"
	e, err := run(t, dev, tutorial(), false)
	if err != nil {
		t.Fatal(err)
	}
	const ingress = "kubernetes:networking.k8s.io/v1:Ingress exposure-ingress"
	if got, want := e.input(t, ingress, `metadata.annotations["haproxy.org/path-rewrite"]`), `^/v1\.2/?(.*)$ /\1`; got != want {
		t.Errorf("the rewrite is %s, want %s", got, want)
	}
	if got := e.input(t, ingress, "spec.rules[0].host"); got != "*.example.com" {
		t.Errorf("the rule's host is %s", got)
	}
	made, err := certificate.SelfSigned(certificate.Pair{}, "*.example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(made.Cert))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || leaf.VerifyHostname("www.example.com") != nil {
		t.Errorf("the certificate is for %v (%v)", leaf.DNSNames, err)
	}
	if again, err := certificate.SelfSigned(made, "*.example.com", time.Now()); err != nil || again != made {
		t.Errorf("it is recreated (%v)", err)
	}
}

// An update fails if none of its pods starts, even if an old pod still answers.
func TestNoPodOfTheUpdate(t *testing.T) {
	w := tutorial()
	w.notReady = errors.Join(cluster.ErrNoNewPod, errors.New("web-1 on node1: ImagePullBackOff"))
	if _, err := run(t, devConfig(t), w, false); err == nil || !strings.Contains(err.Error(), "ImagePullBackOff") {
		t.Errorf("the error is %v", err)
	}
}
