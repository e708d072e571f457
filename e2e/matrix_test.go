package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// matrix is the walk's state.
type matrix struct {
	*stack
	visited         map[string]bool
	pods, clusterIP string // which must stay the same
	port            string // a node port that the row before had
	log             []string
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	keepTLS(t)
	if err := theLab.RemoveMetalLB(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := newStack(t, "e2e-matrix")
	// A key in the controller's ConfigMap that no other stack sets.
	s.setPath("haproxy.timeout-queue", "5s")
	m := &matrix{stack: s, visited: map[string]bool{}}
	metalLB := false
	for i, name := range walk {
		r := rowNamed(t, name)
		if r.metalLB && !metalLB {
			if err := theLab.MetalLB(context.Background()); err != nil {
				t.Fatal(err)
			}
			metalLB = true
			t.Cleanup(func() {
				// After the stack: newStack's cleanup runs later than this one.
				s.must("pulumi", "destroy", "--yes", "--skip-preview")
				if err := theLab.RemoveMetalLB(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		if !t.Run(fmt.Sprintf("%02d %s", i, name), func(t *testing.T) { m.visit(t, r) }) {
			t.FailNow()
		}
		m.visited[name] = true
	}
	for _, r := range rows {
		if !m.visited[r.name] {
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
	start := time.Now()
	requests, failures := hammer(shared, func() {
		out := m.up()
		if r.serviceType == "LoadBalancer" && !r.metalLB {
			contains(t, out, "EXTERNAL-IP of the Service e2e-matrix/balanced-service stays <pending>: nothing was found in this cluster that gives addresses to Services of type LoadBalancer. If there is something, set loadBalancer to present. Install an implementation")
		}
	})
	for _, failure := range failures {
		t.Errorf("during the switch: %s", failure)
	}
	if len(shared) > 0 && requests < 10 {
		t.Errorf("only %d requests during the switch", requests)
	}
	took := time.Since(start).Seconds()
	rate := ""
	if requests > 0 {
		rate = fmt.Sprintf("%.0f requests/s", float64(requests)/took)
	}
	m.log = append(m.log, fmt.Sprintf("  %5.1f s  %-13s  %s", took, rate, r.name))
	o := m.outputs()
	m.checkObjects(t, r, o)
	m.checkURLs(t, r, o)
	m.checkSilence(t, r, o)
	if !m.visited[r.name] {
		m.must("pulumi", "preview", "--expect-no-changes")
		m.balances(2)
	}
}

// checkObjects checks that the row's objects exist and other rows' objects do not, and that pods and
// ClusterIP are the same as in the previous row.
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
	data := kubectl(t, "--namespace=haproxy-controller", "get", "configmap", "haproxy-configmap", "-o", "jsonpath={.data.timeout-queue}")
	if want := map[bool]string{true: "5s", false: ""}[r.ingress]; data != want {
		t.Errorf("timeout-queue is %q, want %q", data, want)
	}
	pods := m.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}")
	if m.pods == "" {
		m.pods, m.clusterIP = pods, service[1]
	}
	if pods != m.pods || service[1] != m.clusterIP {
		t.Errorf("pods %s at %s, want the same as before: %s at %s", pods, service[1], m.pods, m.clusterIP)
	}
}

// checkURLs checks that the outputs name the row's ways, and that each URL balances.
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
		// An ingress controller needs some time before it uses new pods.
		eventually(t, 45*time.Second, func() error {
			if pods := servers(t, u.URL, addressOf(u.URL), 10); len(pods) != 2 {
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
}

// checkSilence checks that ways that the row does not have do not answer.
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
