package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// To a computer whose clock is a year off, the API server's certificate is not valid yet, or no longer valid.
func TestReliabilityClock(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-clock")
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	content, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	if err == nil {
		err = os.WriteFile(kubeconfig, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		from time.Time // of the certificate, which is good for a year
	}{
		{"slow", time.Now().AddDate(1, 0, -1)},
		{"fast", time.Now().AddDate(-1, 0, -1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, authority := apiServerFrom(t, c.from)
			s.env = []string{"KUBECONFIG=" + kubeconfig}
			defer func() { s.env = nil }()
			name := s.must("kubectl", "config", "view", "-o", "jsonpath={.clusters[0].name}")
			s.must("kubectl", "config", "set-cluster", name, "--server=https://"+server, "--certificate-authority="+authority, "--embed-certs")
			start := time.Now()
			out := s.fails("up", "--yes", "--skip-preview")
			outcome{Section: atTheUpdate, Failure: "the deployer's clock is a year " + c.name, Sees: "the update fails before it changes anything, with the dates of the certificate and of the clock",
				Fails: time.Since(start), Within: time.Minute}.record(t)
			contains(t, out, "its certificate is good from "+c.from.UTC().Format(time.RFC3339), "correct this computer's clock, which says "+time.Now().UTC().Format(time.DateOnly))
		})
	}
	if left := ssh(t, "kubemaster", "grep "+s.share+" /etc/exports || true") + kubectl(t, "get", "namespaces", "-o", "name", "--field-selector=metadata.name="+s.namespace); left != "" {
		t.Errorf("something was made: %s", left)
	}
}

// apiServerFrom starts a server whose certificate is valid for a year from a day on, and returns its address
// and the file of the certificate.
func apiServerFrom(t *testing.T, from time.Time) (address, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: from.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "authority.crt")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), file
}
