package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// row is a way to expose the application: its configuration, the objects that
// it has, and where it answers and where it does not.
type row struct {
	name    string
	config  map[string]string // over the defaults of rowDefaults
	metalLB bool              // the cluster has MetalLB

	serviceType string
	ingress     bool
	tls         bool
	secret      string // of ours, empty for none
	nodePort    bool
	external    bool
	via         []string // of the URLs, each way once
}

// rowDefaults are all keys that a row may set.
var rowDefaults = map[string]string{
	"exposure": "clusterip", "ingress": "auto", "tls": "off", "tlsSecretName": "",
	"nodePort": "0", "allocateLoadBalancerNodePorts": "true",
}

const (
	pinned    = "31183"
	httpsPort = "32613" // of the ingress controller
)

var rows = []row{
	{
		name: "clusterip", serviceType: "ClusterIP", ingress: true, via: []string{"ingress"},
	}, {
		name: "nodeport", config: map[string]string{"exposure": "nodeport"},
		serviceType: "NodePort", nodePort: true, via: []string{"nodeport"},
	}, {
		name: "nodeport pinned", config: map[string]string{"exposure": "nodeport", "nodePort": pinned},
		serviceType: "NodePort", nodePort: true, via: []string{"nodeport"},
	}, {
		name: "loadbalancer, none there", config: map[string]string{"exposure": "loadbalancer"},
		serviceType: "LoadBalancer", nodePort: true, via: []string{"nodeport"},
	}, {
		name: "loadbalancer with Ingress, none there", config: map[string]string{"exposure": "loadbalancer", "ingress": "true"},
		serviceType: "LoadBalancer", ingress: true, nodePort: true, via: []string{"ingress", "nodeport"},
	}, {
		name: "clusterip, self-signed", config: map[string]string{"tls": "self-signed"},
		serviceType: "ClusterIP", ingress: true, tls: true, secret: "balanced-tls", via: []string{"ingress"},
	}, {
		name: "clusterip, secret", config: map[string]string{"tls": "secret", "tlsSecretName": "mine"},
		serviceType: "ClusterIP", ingress: true, tls: true, via: []string{"ingress"},
	}, {
		name: "loadbalancer by MetalLB", metalLB: true, config: map[string]string{"exposure": "loadbalancer"},
		serviceType: "LoadBalancer", nodePort: true, external: true, via: []string{"loadbalancer", "nodeport"},
	}, {
		name: "loadbalancer by MetalLB without node ports", metalLB: true,
		config:      map[string]string{"exposure": "loadbalancer", "allocateLoadBalancerNodePorts": "false"},
		serviceType: "LoadBalancer", external: true, via: []string{"loadbalancer"},
	},
}

func rowNamed(t *testing.T, name string) row {
	t.Helper()
	for _, r := range rows {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("there is no row %q", name)
	return row{}
}

// The walk visits every row, and these transitions in this order; those of
// MetalLB come last, since a cluster has it or not.
var walk = []string{
	"clusterip",
	"nodeport",
	"nodeport pinned",
	"clusterip, self-signed",
	"loadbalancer with Ingress, none there",
	"clusterip, secret",
	"loadbalancer, none there",
	"clusterip",
	"clusterip, self-signed",
	"clusterip, secret",
	"nodeport",
	"loadbalancer, none there",
	"nodeport pinned",
	// from here on with MetalLB
	"loadbalancer by MetalLB",
	"clusterip",
	"loadbalancer by MetalLB without node ports",
	"nodeport",
	"loadbalancer by MetalLB",
}

// matrix is the walk's state.
type matrix struct {
	*stack
	pods, clusterIP string // which must stay the same
	port            string // a node port that the row before had
	log             []string
}

func TestMatrix(t *testing.T) {
	if err := theLab.RemoveMetalLB(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := newStack(t, "e2e-matrix")
	m := &matrix{stack: s}
	metalLB := false
	visited := map[string]bool{}
	for i, name := range walk {
		r := rowNamed(t, name)
		if r.metalLB && !metalLB {
			if err := theLab.MetalLB(context.Background()); err != nil {
				t.Fatal(err)
			}
			metalLB = true
			t.Cleanup(func() {
				// After the stack: newStack's cleanup comes later than this one.
				s.must("pulumi", "destroy", "--yes", "--skip-preview")
				if err := theLab.RemoveMetalLB(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		if !t.Run(fmt.Sprintf("%02d %s", i, name), func(t *testing.T) { m.visit(t, r) }) {
			t.FailNow()
		}
		visited[name] = true
	}
	for _, r := range rows {
		if !visited[r.name] {
			t.Errorf("the row %q was not visited", r.name)
		}
	}
	t.Logf("how long each switch took:\n%s", strings.Join(m.log, "\n"))
}

// visit switches to a row and checks everything about it.
func (m *matrix) visit(t *testing.T, r row) {
	m.stack.t = t
	argv := []string{"pulumi", "config", "set-all"}
	for key, value := range rowDefaults {
		if set, ok := r.config[key]; ok {
			value = set
		}
		argv = append(argv, "--plaintext", key+"="+value)
	}
	m.must(argv...)
	if r.config["tls"] == "secret" {
		m.makeSecret(t)
	}
	var shared []string
	if m.pods != "" {
		for _, u := range m.outputs().URLs {
			if r.shares(u.Via, u.URL) {
				shared = append(shared, u.URL)
			}
		}
	}
	failures := hammer(shared, func() {
		start := time.Now()
		out := m.up()
		m.log = append(m.log, fmt.Sprintf("  %5.1f s  %s", time.Since(start).Seconds(), r.name))
		if r.serviceType == "LoadBalancer" && !r.metalLB {
			contains(t, out, "EXTERNAL-IP of the Service e2e-matrix/balanced-service stays <pending>: nothing in this cluster gives addresses to Services of type LoadBalancer. Install an implementation")
		}
	})
	for _, failure := range failures {
		t.Errorf("during the switch: %s", failure)
	}
	m.must("pulumi", "preview", "--expect-no-changes")
	o := m.outputs()
	m.checkObjects(t, r, o)
	m.checkURLs(t, r, o)
	m.checkSilence(t, r, o)
}

// shares reports whether a URL of the row before is one of this row too, as
// the row is known to have it: the same way at the same port.
func (r row) shares(via, url string) bool {
	switch via {
	case "ingress":
		return r.ingress && r.tls == strings.HasPrefix(url, "https:")
	case "nodeport":
		// A pinned port moves the Service's to it.
		return r.nodePort && (r.config["nodePort"] == "" || strings.Contains(url, ":"+r.config["nodePort"]+"/"))
	case "loadbalancer":
		return r.external
	}
	return false
}

// hammer requests the URLs, all together 50 times a second, while f runs, and
// returns what failed.
func hammer(urls []string, f func()) []string {
	done := make(chan struct{})
	var mu sync.Mutex
	var failures []string
	var wg sync.WaitGroup
	if len(urls) > 0 {
		wg.Go(func() {
			ticker := time.NewTicker(20 * time.Millisecond)
			defer ticker.Stop()
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				case <-ticker.C:
				}
				url := urls[i%len(urls)]
				wg.Go(func() {
					status, _, _, err := get(url, addressOf(url))
					if err != nil || status != http.StatusOK {
						mu.Lock()
						failures = append(failures, fmt.Sprintf("%s: %d %v", url, status, err))
						mu.Unlock()
					}
				})
			}
		})
	}
	f()
	close(done)
	wg.Wait()
	return failures
}

// addressOf is where a URL's host is: itself if it is an address, or a node.
func addressOf(url string) string {
	host := strings.Split(strings.SplitN(url, "/", 4)[2], ":")[0]
	if net.ParseIP(host) != nil {
		return host
	}
	return node2
}

// checkObjects: what the row has is there, what others have is not, and pods
// and ClusterIP are those of the row before.
func (m *matrix) checkObjects(t *testing.T, r row, o outputs) {
	if o.ServiceType != r.serviceType {
		t.Errorf("the output serviceType is %s, want %s", o.ServiceType, r.serviceType)
	}
	service := strings.Split(m.kubectl("get", "service", "balanced-service", "-o",
		"jsonpath={.spec.type} {.spec.clusterIP} {.spec.ports[0].nodePort}"), " ")
	if service[0] != r.serviceType {
		t.Errorf("the Service's type is %s, want %s", service[0], r.serviceType)
	}
	if hasPort := len(service) > 2 && service[2] != ""; hasPort != r.nodePort || (o.NodePort != 0) != r.nodePort {
		t.Errorf("the Service has the node port %q and the output says %d, want one: %v", service[2:], o.NodePort, r.nodePort)
	}
	if want := r.config["nodePort"]; want != "" && fmt.Sprint(o.NodePort) != want {
		t.Errorf("the node port is %d, want %s", o.NodePort, want)
	}
	if ingress := m.kubectl("get", "ingress", "-o", "name"); (ingress != "") != r.ingress {
		t.Errorf("Ingresses: %q, want one: %v", ingress, r.ingress)
	}
	ours := m.kubectl("get", "secrets", "-l", "app=webapp-balanced", "-o", "jsonpath={.items[*].metadata.name}")
	if ours != r.secret {
		t.Errorf("our Secrets are %q, want %q", ours, r.secret)
	}
	data := kubectl(t, "--namespace=haproxy-controller", "get", "configmap", "haproxy-configmap", "-o", "jsonpath={.data.servers-increment}")
	// In a lab that somebody uses, that one's stack may own the key too.
	if want := map[bool]string{true: "42", false: ""}[r.ingress]; data != want && !wasRunning {
		t.Errorf("servers-increment is %q, want %q", data, want)
	}
	pods := m.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}")
	if m.pods == "" {
		m.pods, m.clusterIP = pods, service[1]
	}
	if pods != m.pods || service[1] != m.clusterIP {
		t.Errorf("pods %s at %s, want the same as before: %s at %s", pods, service[1], m.pods, m.clusterIP)
	}
}

// checkURLs: the outputs name the row's ways, and each URL balances.
func (m *matrix) checkURLs(t *testing.T, r row, o outputs) {
	var via []string
	for _, u := range o.URLs {
		if !slices.Contains(via, u.Via) {
			via = append(via, u.Via)
		}
		if strings.HasPrefix(u.URL, "https:") {
			m.checkTLS(t, u.URL)
			continue
		}
		// An ingress controller takes new pods in every 5 s.
		eventually(t, 45*time.Second, func() error {
			if pods := servers(t, u.URL, addressOf(u.URL), 20); len(pods) != 2 {
				return notYet("%s is answered by %v, want two pods", u.URL, pods)
			}
			return nil
		})
	}
	if !slices.Equal(via, r.via) {
		t.Errorf("the URLs are via %v, want %v", via, r.via)
	}
	if want := 3 * len(slices.DeleteFunc(slices.Clone(r.via), func(v string) bool { return v != "nodeport" })); len(o.urls("nodeport")) != want {
		t.Errorf("%d node port URLs, want %d", len(o.urls("nodeport")), want)
	}
	contains(t, m.must(root+"/.build/verify"), "every URL is answered by all 2 pods that are ready")
}

// checkTLS: the page answers by https, verified against the certificate in the
// Secret, and http redirects to it.
func (m *matrix) checkTLS(t *testing.T, url string) {
	if want := "https://" + m.host + ":" + httpsPort + "/balanced"; url != want {
		t.Errorf("the URL is %s, want %s", url, want)
	}
	name := m.kubectl("get", "ingress", "balanced-ingress", "-o", "jsonpath={.spec.tls[0].secretName}")
	encoded := m.kubectl("get", "secret", name, "-o", `jsonpath={.data.tls\.crt}`)
	certificate, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		t.Fatalf("the Secret %s has no certificate", name)
	}
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
	if target := response.Header.Get("Location"); response.StatusCode/100 != 3 || target != url {
		t.Errorf("%s answers %s and sends to %q, want a redirect to %s", plain, response.Status, target, url)
	}
}

// checkSilence: what the row does not have does not answer.
func (m *matrix) checkSilence(t *testing.T, r row, o outputs) {
	if !r.ingress {
		url := "http://" + m.host + ":" + httpPort + "/balanced"
		eventually(t, 15*time.Second, func() error {
			if status, _, _, err := get(url, node1); err != nil || status != http.StatusNotFound {
				return notYet("%s without an Ingress answers %d %v, want 404", url, status, err)
			}
			return nil
		})
	}
	if !r.nodePort && m.port != "" {
		url := "http://" + node1 + ":" + m.port + "/"
		eventually(t, 15*time.Second, func() error {
			if status, pod, _, err := get(url, node1); err == nil {
				return notYet("%s without a node port answers %d by %q", url, status, pod)
			}
			return nil
		})
	}
	m.port = ""
	if o.NodePort != 0 {
		m.port = fmt.Sprint(o.NodePort)
	}
}

// makeSecret makes the user's own Secret, once.
func (m *matrix) makeSecret(t *testing.T) {
	if _, err := m.command("kubectl", "--namespace", m.namespace, "get", "secret", "mine"); err == nil {
		return
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN="+m.host,
		"-addext", "subjectAltName=DNS:"+m.host, "-keyout", key, "-out", cert).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m.kubectl("create", "secret", "tls", "mine", "--cert="+cert, "--key="+key)
}

// The rewrite takes the rule's path off and keeps what follows.
func TestRewrite(t *testing.T) {
	s := newStack(t, "e2e-rewrite")
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
			s.must("pulumi", "config", "set-all", "--plaintext", "exposure=clusterip", "--plaintext", "path="+c.rule)
			s.up()
		}
		url := "http://" + s.host + ":" + httpPort + c.path
		eventually(t, 15*time.Second, func() error {
			status, _, body, err := get(url, node1)
			if err != nil || status != c.status || (c.body != "" && body != c.body) {
				return notYet("with the rule %s, %s answers %d %q (%v), want %d %q", c.rule, c.path, status, body, err, c.status, c.body)
			}
			return nil
		})
	}
}

// What the cluster does not allow is refused at preview, all at once.
func TestRefusedByCluster(t *testing.T) {
	s := newStack(t, "e2e-refused")
	s.must("pulumi", "config", "set-all", "--plaintext", "exposure=nodeport", "--plaintext", "ingress=true",
		"--plaintext", "nodePort="+httpPort, "--plaintext", "ingressClass=nginx", "--plaintext", "replicas=3",
		"--plaintext", "tls=secret", "--plaintext", "tlsSecretName=none")
	contains(t, s.fails("preview"), "4 problems in the stack's configuration",
		`replicas = "3": is more than the 2 nodes`,
		`nodePort = "31716": is taken by the Service haproxy-controller/haproxy-ingress`,
		`ingressClass = "nginx": is no IngressClass of this cluster use haproxy`,
		`tlsSecretName = "none": is no Secret in the namespace e2e-refused`)
}
