package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// The lab's machines.
const (
	master   = "198.18.0.160"
	node1    = "198.18.0.161"
	node2    = "198.18.0.162"
	httpPort = "31716" // of the ingress controller
)

var places = make(chan struct{}, 4)

// parallel runs a test in parallel with others, as many at a time as there are places. TestMatrix needs no
// place: it takes as long as all others, and must start with the first. For that, -parallel in the Makefile
// is above the number of tests.
func parallel(t *testing.T) {
	t.Helper()
	t.Parallel()
	keepTLS(t)
	places <- struct{}{}
	t.Cleanup(func() { <-places })
}

// stack is a stack of the program, configured as the lab's is.
type stack struct {
	t         *testing.T
	name      string
	namespace string
	host      string // of its Ingress
	share     string
	path      string // of its Ingress, if a test changes it
	env       []string
}

// newStack creates a stack of that name with its own namespace, host and share, so that it disturbs no other
// stack, and destroys it at the end.
func newStack(t *testing.T, name string, env ...string) *stack {
	t.Helper()
	s := &stack{t: t, name: name, namespace: name, host: name + ".test", share: "/srv/nfs/" + name, env: env}
	file := s.configure()
	// A destroyed stack leaves its data, which belongs to another owner for the next stack.
	ssh(t, "kubemaster", "rm -rf "+s.share+" "+s.share+"-2")
	s.must("pulumi", "stack", "init", name, "--no-select")
	t.Cleanup(func() {
		s.t = t // and not a subtest, which has ended
		if t.Failed() {
			s.keepArtefacts()
		}
		s.must("pulumi", "destroy", "--yes", "--skip-preview")
		s.must("pulumi", "stack", "rm", "--yes", "--preserve-config", name)
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	})
	return s
}

// configure writes the stack's configuration: the lab's, with the tutorial's values, whatever the user has set in
// the running lab. It returns the file's name.
func (s *stack) configure() string {
	s.t.Helper()
	var document map[string]any
	content, err := os.ReadFile(filepath.Join(root, "Pulumi.lab.yaml"))
	if err == nil {
		err = yaml.Unmarshal(content, &document)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	config := document["config"].(map[string]any)
	for key, value := range map[string]any{
		"exposure": "loadbalancer", "ingress": "true", "tls": "off", "nodePort": 0, "path": "/balanced", "replicas": 2,
		"createNamespace": true, "namespace": s.namespace, "host": s.host,
	} {
		config["webapp-balanced:"+key] = value
	}
	nfs := config["webapp-balanced:nfs"].(map[string]any)
	nfs["path"] = s.share
	// Drift detection starts more programs, each of which takes tens of milliseconds on such machines. The tests of the
	// share turn it on.
	nfs["detectDrift"] = false
	if content, err = yaml.Marshal(document); err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(root, "Pulumi."+s.name+".yaml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// newShare creates a stack for tests of the NFS server: without pods, and without an Ingress, so that HAProxy
// does not reload for it.
func newShare(t *testing.T, name string, env ...string) *stack {
	t.Helper()
	s := newStack(t, name, env...)
	s.setAll("exposure", "nodeport", "ingress", "auto", "replicas", "0")
	return s
}

// keepArtefacts saves the state of a failed test's objects, and logs.
func (s *stack) keepArtefacts() {
	dir := filepath.Join(root, ".lab", "e2e", s.t.Name())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Error(err)
		return
	}
	for name, argv := range map[string][]string{
		"objects.yaml": {"kubectl", "--namespace", s.namespace, "get", "all,ingress,pvc,events", "-o", "yaml"},
		"pods.txt":     {"kubectl", "--namespace", s.namespace, "describe", "pods"},
		"haproxy.log":  {"kubectl", "--namespace", "haproxy-controller", "logs", "deployment/haproxy-ingress", "--tail=200"},
		"exports.txt":  {"ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", "cat /etc/exports; exportfs -v"},
	} {
		out, _ := s.command(argv...)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(out), 0o644); err != nil {
			s.t.Error(err)
		}
	}
	s.t.Logf("what the cluster said is kept in %s", dir)
}

// prepare returns a command at the clone's root, for this stack.
func (s *stack) prepare(argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "PULUMI_STACK="+s.name, "NO_COLOR=1"), s.env...)
	return cmd
}

// command runs a command, and returns all that it prints.
func (s *stack) command(argv ...string) (string, error) {
	out, err := s.prepare(argv...).CombinedOutput()
	return string(out), err
}

func (s *stack) must(argv ...string) string {
	s.t.Helper()
	out, err := s.command(argv...)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return out
}

func (s *stack) set(key, value string) {
	s.t.Helper()
	s.must("pulumi", "config", "set", key, value)
}

// setAll sets keys that take effect together: KEY, VALUE, and so on.
func (s *stack) setAll(pairs ...string) {
	s.t.Helper()
	argv := []string{"pulumi", "config", "set-all"}
	for i := 0; i+1 < len(pairs); i += 2 {
		argv = append(argv, "--plaintext", pairs[i]+"="+pairs[i+1])
	}
	s.must(argv...)
}

func (s *stack) setPath(path, value string) {
	s.t.Helper()
	s.must("pulumi", "config", "set", "--path", path, "--", value)
}

func (s *stack) up() string {
	s.t.Helper()
	return s.must("pulumi", "up", "--yes", "--skip-preview")
}

// verify runs the verify command until its requests are answered in time. On a busy machine, the lab's HAProxy keeps
// some requests waiting for longer than the command does.
func (s *stack) verify() (out string, err error) {
	for deadline := time.Now().Add(shared(30 * time.Second)); ; {
		out, err = s.command(root + "/.build/verify")
		if err == nil || !strings.Contains(out, "requests failed: no answer in time") || time.Now().After(deadline) {
			return out, err
		}
		s.t.Logf("verify runs again:\n%s", out)
	}
}

// balances fails the test unless all pods answer at every URL.
func (s *stack) balances(pods int) {
	s.t.Helper()
	out, err := s.verify()
	if err != nil {
		s.t.Fatalf("verify: %v\n%s", err, out)
	}
	contains(s.t, out, fmt.Sprintf("every URL is answered by all %d pods that are ready", pods))
}

// refusal is how long pulumi may take to refuse something, if nothing else runs.
const refusal = 30 * time.Second

// fails runs pulumi, which must fail in time, and returns its output.
func (s *stack) fails(args ...string) string {
	s.t.Helper()
	start := time.Now()
	out, err := s.command(append([]string{"pulumi"}, args...)...)
	if err == nil {
		s.t.Fatalf("pulumi %s succeeded:\n%s", strings.Join(args, " "), out)
	}
	if took := time.Since(start); took > shared(refusal) {
		s.t.Errorf("pulumi %s took %s to fail", strings.Join(args, " "), took)
	}
	return out
}

// outputs are the stack's outputs, by the names of the contract.
type outputs struct {
	URL         string
	URLs        []struct{ Via, URL string }
	Exports     []string
	Pods        int
	ServiceType string
	NodePort    int
}

func (s *stack) outputs() outputs {
	s.t.Helper()
	var o outputs
	if err := json.Unmarshal([]byte(s.must("pulumi", "stack", "output", "--json")), &o); err != nil {
		s.t.Fatal(err)
	}
	return o
}

// urls returns the URLs of one way.
func (o outputs) urls(via string) []string {
	var urls []string
	for _, u := range o.URLs {
		if u.Via == via {
			urls = append(urls, u.URL)
		}
	}
	return urls
}

func (s *stack) kubectl(args ...string) string {
	s.t.Helper()
	return strings.TrimSpace(s.must(append([]string{"kubectl", "--namespace", s.namespace}, args...)...))
}
