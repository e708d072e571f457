package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The rewrite removes the rule's path and keeps what follows.
func TestRewrite(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-rewrite")
	s.set("replicas", "1")
	site := t.TempDir()
	for name, content := range map[string]string{
		"index.php": "<?php echo 'index of ' . $_SERVER['REQUEST_URI'];",
		"a/b.php":   "<?php echo 'file at ' . $_SERVER['REQUEST_URI'];",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(site, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(site, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.setPath("nfs.site", site)
	for _, c := range []struct {
		rule, path string
		status     int
		body       string
	}{
		{"/balanced", "/balanced", 200, "index of /"},
		{"/balanced", "/balanced/", 200, "index of /"},
		{"/balanced", "/balanced/a/b.php?x=1", 200, "file at /a/b.php?x=1"},
		{"/balanced", "/balancedX", 404, ""},
		{"/balanced", "/", 404, ""},
		{"/", "/", 200, "index of /"},
		{"/", "/a/b.php?x=1", 200, "file at /a/b.php?x=1"},
	} {
		if s.path != c.rule {
			s.path = c.rule
			s.setAll("exposure", "clusterip", "path", c.rule)
			s.up()
		}
		url := "http://" + s.host + ":" + httpPort + c.path
		eventually(t, 30*time.Second, func() error {
			status, _, body, err := get(url, node1)
			if err != nil || status != c.status || (c.body != "" && body != c.body) {
				return notYet("with the rule %s, %s answers %d %q (%v), want %d %q", c.rule, c.path, status, body, err, c.status, c.body)
			}
			return nil
		})
	}
}

// A preview refuses what the cluster does not allow, in one error.
func TestRefusedByCluster(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-refused")
	s.setAll("exposure", "nodeport", "ingress", "true", "nodePort", httpPort, "ingressClass", "nginx", "replicas", "3", "tls", "secret", "tlsSecretName", "none")
	contains(t, s.fails("preview"), "4 problems in the stack's configuration",
		`replicas = "3": is more than the 2 nodes`,
		`nodePort = "31716": is taken by the Service haproxy-controller/haproxy-ingress`,
		`ingressClass = "nginx": is not an IngressClass of this cluster use haproxy`,
		`tlsSecretName = "none": is not a Secret in the namespace e2e-refused`)
}
