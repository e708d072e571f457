package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// checkTLS checks that the page answers by https, verified against the certificate in the Secret, and that
// http redirects to it.
func (m *matrix) checkTLS(t *testing.T, url string) {
	if want := "https://" + m.host + ":" + httpsPort + "/balanced"; url != want {
		t.Errorf("the URL is %s, want %s", url, want)
	}
	roots := x509.NewCertPool()
	roots.AddCert(m.certificate(t))
	client := clientAt(node1, &tls.Config{RootCAs: roots})
	pods := map[string]bool{}
	for range 10 {
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s", url, response.Status)
		}
		pods[response.Header.Get("X-Served-By")] = true
	}
	if len(pods) != 2 {
		t.Errorf("%s is answered by %v, want two pods", url, pods)
	}
	plain := "http://" + m.host + ":" + httpPort + "/balanced"
	response, err := client.Get(plain)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	target := response.Header.Get("Location")
	if response.StatusCode/100 != 3 || target != url {
		t.Errorf("%s answers %s and redirects to %q, want a redirect to %s", plain, response.Status, target, url)
	}
	if response, err = client.Get(target); err != nil {
		t.Fatalf("the redirect's target: %v", err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the redirect's target %s answers %s", target, response.Status)
	}
}

// makeSecret makes the user's own Secret, once.
func (m *matrix) makeSecret(t *testing.T) {
	if _, err := m.command("kubectl", "--namespace", m.namespace, "get", "secret", "mine"); err == nil {
		return
	}
	cert, key := m.selfSign(t, 90)
	m.kubectl("create", "secret", "tls", "mine", "--cert="+cert, "--key="+key)
}

// selfSign creates a certificate for the stack's host that is valid for so many days, and returns the files.
func (s *stack) selfSign(t *testing.T, days int) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", fmt.Sprint(days), "-subj", "/CN="+s.host,
		"-addext", "subjectAltName=DNS:"+s.host, "-keyout", key, "-out", cert).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return cert, key
}

// certificate returns the certificate in the Secret that the Ingress names.
func (s *stack) certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	name := s.kubectl("get", "ingress", "balanced-ingress", "-o", "jsonpath={.spec.tls[0].secretName}")
	content, err := base64.StdEncoding.DecodeString(s.kubectl("get", "secret", name, "-o", `jsonpath={.data.tls\.crt}`))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("the Secret %s has no certificate", name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// makeDue puts a certificate into the stack's Secret that is valid for 29 more days.
func (s *stack) makeDue(t *testing.T) {
	t.Helper()
	cert, key := s.selfSign(t, 29)
	due := s.kubectl("create", "secret", "tls", "balanced-tls", "--cert="+cert, "--key="+key, "--dry-run=client", "-o", "yaml")
	file := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(file, []byte(due), 0o600); err != nil {
		t.Fatal(err)
	}
	s.kubectl("apply", "--server-side", "--force-conflicts", "-f", file)
}

// The next update replaces a certificate in its last 30 days, or for another host, while the page keeps answering.
func TestRenewal(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-renewal")
	s.setAll("exposure", "clusterip", "ingress", "auto", "tls", "self-signed", "replicas", "1")
	s.up()
	first := s.certificate(t)
	s.up()
	if !s.certificate(t).Equal(first) {
		t.Error("the certificate is another one after an update without changes")
	}

	s.makeDue(t)
	// The Secret is never gone, not even briefly: the controller would close the HTTPS port for all stacks if
	// it had no certificate.
	uid := s.kubectl("get", "secret", "balanced-tls", "-o", "jsonpath={.metadata.uid}")
	inPlace := func() {
		t.Helper()
		if got := s.kubectl("get", "secret", "balanced-tls", "-o", "jsonpath={.metadata.uid}"); got != uid {
			t.Errorf("the Secret is another one, %s and not %s", got, uid)
		}
	}
	url := s.outputs().URL
	requests, failures := hammer([]string{url}, func() { s.up() })
	if requests < 20 {
		t.Errorf("only %d requests during the renewal", requests)
	}
	for _, failure := range failures {
		t.Errorf("during the renewal: %s", failure)
	}
	inPlace()
	renewed := s.certificate(t)
	if good := time.Until(renewed.NotAfter); good < 364*24*time.Hour {
		t.Errorf("the renewed certificate is good for %s, want a year", good)
	}
	s.must("pulumi", "preview", "--expect-no-changes")

	s.host = "e2e-renewal-2.test"
	s.set("host", s.host)
	s.up()
	inPlace()
	if err := s.certificate(t).VerifyHostname(s.host); err != nil {
		t.Error(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.certificate(t))
	response, err := clientAt(node2, &tls.Config{RootCAs: roots}).Get(s.outputs().URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("with the new certificate the answer is %s", response.Status)
	}
}
