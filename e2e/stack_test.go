package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Not in parallel: the ingress controller loses a pod that becomes ready while another stack's Ingress makes
// HAProxy reload (docs/exposures.md).
func TestLifecycle(t *testing.T) {
	s := newStack(t, "e2e-life")
	exportsBefore := ssh(t, "kubemaster", "cat /etc/exports | md5sum")
	s.up()
	o := s.outputs()

	t.Run("an Ingress URL alternates between two pods on two nodes", func(t *testing.T) {
		want := "http://e2e-life.test:" + httpPort + "/balanced"
		if o.URL != want {
			t.Errorf("url is %q, want %q", o.URL, want)
		}
		eventually(t, 45*time.Second, func() error {
			if pods := servers(t, o.URL, node1, 4); len(pods) != 2 {
				return notYet("answered by %v, want two pods", pods)
			}
			return nil
		})
		pods := servers(t, o.URL, node1, 20)
		for pod, n := range pods {
			if n != 10 {
				t.Errorf("%s answered %d of 20 requests, want every second", pod, n)
			}
		}
		nodes := map[string]bool{}
		for _, node := range strings.Fields(s.kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}")) {
			nodes[node] = true
		}
		if len(nodes) != 2 {
			t.Errorf("the pods are on %v, want two nodes", nodes)
		}
	})

	t.Run("the page names the pod", func(t *testing.T) {
		_, pod, body, err := get(o.URL, master)
		if err != nil || !strings.Contains(body, "<title>Served by "+pod+"</title>") {
			t.Errorf("the page served by %s is:\n%s (%v)", pod, body, err)
		}
	})

	t.Run("every URL answers, as verify says too", func(t *testing.T) {
		for _, u := range o.urls("nodeport") {
			servers(t, u, strings.Split(strings.TrimPrefix(u, "http://"), ":")[0], 4)
		}
		s.balances(2)
		if data := kubectl(t, "--namespace=haproxy-controller", "get", "configmap", "haproxy-configmap", "-o", "jsonpath={.data.servers-increment}"); data != "42" {
			t.Errorf("servers-increment is %q, want the tutorial's 42", data)
		}
	})

	t.Run("the export table has a line a node, mounted with NFS 4.1", func(t *testing.T) {
		table := ssh(t, "kubemaster", "exportfs -s")
		for i, node := range []string{master, node1, node2} {
			if line := s.share + "  " + node + "(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,root_squash,no_all_squash)"; !strings.Contains(table, line) {
				t.Errorf("%q is not in the table:\n%s", line, table)
			}
			if want := s.share + " " + node + "(rw,sync,no_subtree_check)"; o.Exports[i] != want {
				t.Errorf("the output exports has %q, want %q", o.Exports[i], want)
			}
		}
		clients := ssh(t, "kubemaster", "grep -h -e ^address -e '^minor' /proc/fs/nfsd/clients/*/info")
		for _, node := range []string{node1, node2} {
			if !strings.Contains(clients, `address: "`+node+":") || strings.Count(clients, "minor version: ") != strings.Count(clients, "minor version: 1") {
				t.Errorf("%s is not connected with 4.1:\n%s", node, clients)
			}
		}
	})

	t.Run("again: nothing changes", func(t *testing.T) {
		s.must("pulumi", "preview", "--expect-no-changes")
		contains(t, s.up(), "16 unchanged")
	})

	t.Run("scale to 1, by kubectl to 3, and back to 2", func(t *testing.T) {
		for _, replicas := range []int{1, 2} {
			s.set("replicas", fmt.Sprint(replicas))
			s.up()
			if o := s.outputs(); o.Pods != replicas {
				t.Errorf("the output pods is %d, want %d", o.Pods, replicas)
			}
			eventually(t, 20*time.Second, func() error {
				if pods := servers(t, o.URL, node2, 10); len(pods) != replicas {
					return notYet("answered by %v, want %d pods", pods, replicas)
				}
				return nil
			})
			if got := s.kubectl("get", "deployment", "webapp-balanced", "-o", "jsonpath={.spec.replicas}"); got != fmt.Sprint(replicas) {
				t.Errorf("%s replicas, want %d", got, replicas)
			}
			if replicas == 1 {
				s.kubectl("scale", "deployment/webapp-balanced", "--replicas=3")
			}
		}
	})

	t.Run("destroy leaves nothing on the cluster and the host but the data", func(t *testing.T) {
		s.must("pulumi", "destroy", "--yes", "--skip-preview")
		if out, err := s.command("kubectl", "get", "namespace", s.namespace); err == nil || !strings.Contains(out, "NotFound") {
			t.Errorf("the namespace is still there: %s", out)
		}
		if volumes := s.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.nfs.path}"); strings.Contains(volumes, s.share) {
			t.Errorf("a volume is still there: %s", volumes)
		}
		if after := ssh(t, "kubemaster", "cat /etc/exports | md5sum"); after != exportsBefore {
			t.Errorf("/etc/exports is not what it was:\n%s", ssh(t, "kubemaster", "cat /etc/exports"))
		}
		if table := ssh(t, "kubemaster", "exportfs -s"); strings.Contains(table, s.share+" ") {
			t.Errorf("the share is still exported:\n%s", table)
		}
		left := ssh(t, "kubemaster", "ls /etc/exports*; find / -xdev -path '*webapp-balanced*"+s.name+"*' -not -path '/lab/*' 2>/dev/null || true")
		if left != "/etc/exports" {
			t.Errorf("left on the host: %s", left)
		}
		if files := ssh(t, "kubemaster", "ls -A "+s.share); files != "index.php" {
			t.Errorf("the share has %q, want the published index.php", files)
		}
	})
}
