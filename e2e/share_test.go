package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// watcher reads the export table of a share every 10 ms, and prints a line for every client that leaves it,
// until the share has the file watcher-stop.
const watcher = `perl -e '
	my ($share, @clients) = @ARGV; my $rounds = 0; my %lost; $| = 1;
	until (-e "$share/watcher-stop" or not -d $share) {
		open(my $table, "<", "/var/lib/nfs/etab") or die; local $/; my $text = <$table>; close $table;
		$lost{$_}++ or print "lost $_\n" for grep { index($text, "$share\t$_(") < 0 } @clients;
		print "started\n" unless $rounds++; select(undef, undef, undef, 0.01);
	}
	print "$rounds rounds\n"' `

// watchTable watches a share's clients while f runs, and returns those that left the table.
func watchTable(t *testing.T, share string, clients []string, f func()) []string {
	t.Helper()
	cmd := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", watcher+share+" "+strings.Join(clients, " "))
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if first, err := out.ReadString('\n'); first != "started\n" {
		t.Errorf("the watcher begins with %q, %v", first, err)
	}
	f()
	ssh(t, "kubemaster", "touch "+share+"/watcher-stop")
	text, _ := io.ReadAll(out)
	ssh(t, "kubemaster", "rm "+share+"/watcher-stop")
	_ = cmd.Wait()
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var rounds int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d rounds", &rounds); err != nil || rounds < 20 {
		t.Errorf("the table was not watched: %q", lines)
	}
	return lines[:len(lines)-1]
}

// A preview shows manual changes on the host line by line, and the next update repairs them, while all
// exported clients stay exported. A node that is removed from the list is no longer a client.
func TestShare(t *testing.T) {
	// Not in parallel: to a client of another share, the server reports that there is no such file, instead
	// of refusing it.
	s := newShare(t, "e2e-share")
	s.setPath("nfs.detectDrift", "true")
	s.up()
	line := func(client string) string { return s.share + " " + client + "(rw,sync,no_subtree_check)" }
	deleted := "sed -i '\\|^# BEGIN.*/" + s.name + "/|,\\|^# END.*/" + s.name + "/|d' /etc/exports; rm " + s.share + "/index.php"
	all := []string{master, node1, node2}
	for _, c := range []struct {
		name, do string
		want     []string // of the preview
		stay     []string // clients that stay exported during the repair; nil for no repair
	}{
		{"edited", "sed -i 's|^" + s.share + " " + node1 + "(rw|" + s.share + " " + node1 + "(ro|' /etc/exports; echo edited >" + s.share + "/index.php; exportfs -u " + node2 + ":" + s.share,
			[]string{"/etc/exports lacks: " + line(node1), "/etc/exports has: " + strings.Replace(line(node1), "rw", "ro", 1), "the export table lacks: " + s.share + " " + node2 + "(rw,sync,wdelay,", "index.php was changed"},
			[]string{master, node1}},
		{"deleted", deleted, []string{"/etc/exports lacks: " + line(node1), "/etc/exports lacks: " + line(node2), "index.php is gone"}, all},
		{"deleted again", deleted, []string{"/etc/exports lacks: " + line(node1), "index.php is gone"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			ssh(t, "kubemaster", c.do)
			preview := s.must("pulumi", "preview", "--diff")
			contains(t, preview, "warning: the NFS host has changed since the last update", "to update")
			for _, want := range c.want {
				added := regexp.MustCompile(`(?m)^ *\+ drift [0-9TZ:-]+ ` + regexp.QuoteMeta(want))
				if !added.MatchString(preview) {
					t.Errorf("%q is not among the lines of:\n%s", want, preview)
				}
			}
			if c.stay == nil {
				return
			}
			for _, lost := range watchTable(t, s.share, c.stay, func() { s.up() }) {
				t.Errorf("during the repair: %s", lost)
			}
			table := ssh(t, "kubemaster", "exportfs -s; cat "+s.share+"/index.php")
			for _, client := range all {
				if !strings.Contains(table, s.share+"  "+client+"(sync,wdelay,hide,no_subtree_check,sec=sys,rw,") {
					t.Errorf("%s is not exported to %s:\n%s", s.share, client, table)
				}
			}
			if !strings.Contains(table, "X-Served-By") {
				t.Errorf("the page is not repaired:\n%s", table)
			}
		})
	}
	s.t = t
	s.setPath("nfs.detectDrift", "false")
	// kubenode2 is removed from the list.
	s.setPath("nfs.clients[0]", master)
	s.setPath("nfs.clients[1]", node1)
	s.up()
	t.Run("a node that is not exported to is refused by the server", s.isDenied)
	t.Run("drift that is not to be detected", func(t *testing.T) {
		s.t = t
		ssh(t, "kubemaster", "echo edited >"+s.share+"/index.php")
		s.must("pulumi", "preview", "--expect-no-changes")
	})
}

// isDenied checks that no pod on kubenode2 can mount the share.
func (s *stack) isDenied(t *testing.T) {
	s.t = t
	table := ssh(t, "kubemaster", "exportfs -s")
	if strings.Contains(table, s.share+"  "+node2) {
		t.Fatalf("%s is exported to %s:\n%s", s.share, node2, table)
	}
	want := "access denied by server"
	if strings.Contains(table, "  "+node2) {
		// A lab in use exports its own stack's share to the node. Then the node has an NFS 4 tree, without
		// this share.
		want = "No such file or directory"
	}
	pod := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "denied"}, "spec": {
		"nodeName": "kubenode2", "terminationGracePeriodSeconds": 0,
		"containers": [{"name": "c", "image": "lab.local/webapp:v1", "imagePullPolicy": "Never",
			"volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
		"volumes": [{"name": "v", "nfs": {"server": %q, "path": %q}}]}}`, master, s.share)
	apply := exec.Command("kubectl", "--namespace", s.namespace, "apply", "-f", "-")
	apply.Stdin = strings.NewReader(pod)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	eventually(t, time.Minute, func() error {
		events := s.kubectl("get", "events", "--field-selector=involvedObject.name=denied,reason=FailedMount", "-o", "jsonpath={.items[*].message}")
		if !strings.Contains(events, want) {
			return notYet("the events say %q, want %q", events, want)
		}
		return nil
	})
	s.kubectl("delete", "pod", "denied", "--force")
}

// A renamed stack keeps its objects on the host and in the cluster.
func TestRename(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-rename")
	s.setPath("nfs.detectDrift", "true")
	s.up()
	uid := s.kubectl("get", "deployment", "webapp-balanced", "-o", "jsonpath={.metadata.uid}")
	rename := func(name string) {
		s.must("pulumi", "stack", "rename", name)
		s.name = name
	}
	rename("e2e-renamed")
	t.Cleanup(func() { s.t = t; rename("e2e-rename") })
	s.must("pulumi", "preview")
	s.up()
	s.must("pulumi", "preview", "--expect-no-changes")
	marks := ssh(t, "kubemaster", "grep -c ^"+s.share+" /etc/exports; grep '^# BEGIN.*:"+s.share+" ' /etc/exports")
	if !strings.HasPrefix(marks, "3\n# BEGIN webapp-balanced/e2e-renamed/share:") || strings.Count(marks, "BEGIN") != 1 {
		t.Errorf("the block is\n%s", marks)
	}
	if got := s.kubectl("get", "deployment", "webapp-balanced", "-o", "jsonpath={.metadata.uid}"); got != uid {
		t.Errorf("the Deployment is another: %s, before %s", got, uid)
	}
}
