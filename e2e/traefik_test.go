package e2e

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Traefik's ports in the lab.
const (
	traefikHTTP  = "31080"
	traefikHTTPS = "31443"
)

// With Traefik next to HAProxy, the rewrite, the redirect to the right port and TLS work. They all go with the class.
func TestTraefik(t *testing.T) {
	parallel(t)
	if err := theLab.Traefik(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := newStack(t, "e2e-traefik")
	s.setAll("exposure", "clusterip", "ingressClass", "traefik", "ingressControllerService", "traefik/traefik")
	s.up()
	url := "http://" + s.host + ":" + traefikHTTP + "/balanced"
	if got := s.outputs().URL; got != url {
		t.Errorf("the URL is %s, want %s", got, url)
	}
	answers := func(url string, want int) {
		t.Helper()
		eventually(t, 30*time.Second, func() error {
			if status, _, _, err := get(url, node1); err != nil || status != want {
				return notYet("%s answers %d %v, want %d", url, status, err, want)
			}
			return nil
		})
	}
	answers(url, 200)
	answers(url+"/index.php", 200)
	answers(url+"/nothing", 404)
	s.balances(2)

	s.set("tls", "self-signed")
	s.up()
	secure := "https://" + s.host + ":" + traefikHTTPS + "/balanced"
	if got := s.outputs().URL; got != secure {
		t.Errorf("the URL is %s, want %s", got, secure)
	}
	answers(secure+"/index.php", 200)
	eventually(t, 30*time.Second, func() error {
		response, err := clientAt(node2, &tls.Config{}).Get(url + "/a?b=c")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if got := response.Header.Get("Location"); response.StatusCode != http.StatusFound || got != secure+"/a?b=c" {
			return notYet("http is answered %s and sent to %q", response.Status, got)
		}
		return nil
	})
	s.balances(2)
	s.must("pulumi", "preview", "--expect-no-changes")

	// Another controller: nothing of Traefik's stays.
	s.setAll("ingressClass", "haproxy", "ingressControllerService", "haproxy-controller/haproxy-ingress", "tls", "off")
	s.up()
	if left := s.kubectl("get", "middlewares,ingresses", "-o", "name"); left != "ingress.networking.k8s.io/balanced-ingress" {
		t.Errorf("left is %s", left)
	}
	if annotations := s.kubectl("get", "ingress", "balanced-ingress", "-o", "jsonpath={.metadata.annotations}"); strings.Contains(annotations, "traefik.ingress") {
		t.Errorf("the annotations are %s", annotations)
	}
	answers(strings.Replace(url, traefikHTTP, httpPort, 1), 200)
	answers(url, 404)
}
