package e2e

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var keepingTLS sync.Once

// keepTLS makes the ingress controller serve a certificate while the tests run. The controller opens its
// HTTPS port with the first certificate of the cluster and closes it with the last one, of any stack, and
// refuses connections meanwhile. Otherwise tests with TLS would disturb each other.
func keepTLS(t *testing.T) {
	t.Helper()
	keepingTLS.Do(func() {
		const namespace = "e2e-keeps-tls"
		dir := t.TempDir()
		cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
		if out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
			"-days", "2", "-subj", "/CN=keeps.test", "-addext", "subjectAltName=DNS:keeps.test", "-keyout", key, "-out", cert).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		kubectl(t, "delete", "namespace", namespace, "--ignore-not-found")
		kubectl(t, "create", "namespace", namespace)
		kubectl(t, "--namespace", namespace, "create", "secret", "tls", "keeps", "--cert="+cert, "--key="+key)
		kubectl(t, "--namespace", namespace, "create", "service", "clusterip", "keeps", "--tcp=80")
		kubectl(t, "--namespace", namespace, "create", "ingress", "keeps", "--class=haproxy", "--rule=keeps.test/*=keeps:80,tls=keeps")
	})
}
