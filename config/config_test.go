package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"webapp-balanced/internal/devconfig"
)

// TestMain runs the tests in the folder of Pulumi.yaml: paths in the configuration are relative to it.
func TestMain(m *testing.M) {
	if err := os.Chdir(".."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// Each bad value has its message: key, value, reason, next step.
func TestProblems(t *testing.T) {
	nfs := func(key, value string) map[string]string { return map[string]string{"nfs." + key: value} }
	const path = "use an absolute path of its own, such as /srv/nfs/weblb"
	const host = "use a name such as foo-balanced.bar, or *.foo-balanced.bar for all names of one part more"
	rsaKey := newRSAKey(t)
	const hostKey = "set it to the host's public key: ssh-keyscan -t ed25519 HOST prints it; compare it with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on the host"
	for _, c := range []struct {
		name string
		set  map[string]string
		want string
	}{
		{"misspelt exposure", map[string]string{"exposure": "nodport"},
			`exposure = "nodport": is not an allowed value; did you mean nodeport? use clusterip, nodeport or loadbalancer`},
		{"unknown exposure", map[string]string{"exposure": "internet"},
			`exposure = "internet": is not an allowed value; use clusterip, nodeport or loadbalancer`},
		{"replicas below 0", map[string]string{"replicas": "-1"},
			`replicas = "-1": is below 0; use the number of pods that you want; 0 stops the application`},
		{"replicas no number", map[string]string{"replicas": "two"},
			`replicas = "two": is not an integer; use digits only`},
		{"host with an underscore", map[string]string{"host": "foo_bar.example"},
			`host = "foo_bar.example": is not a DNS name: "foo_bar" is not a valid label (letters, digits and -, RFC 1123); ` + host},
		{"host with capital letters", map[string]string{"host": "Foo.Example.com"},
			`host = "Foo.Example.com": has capital letters, which Kubernetes does not take; use foo.example.com`},
		{"an address as host", map[string]string{"host": "192.168.1.160"},
			`host = "192.168.1.160": is an address, and the rule of an Ingress takes names only; ` + host},
		{"host with * elsewhere", map[string]string{"host": "foo.*.bar"},
			`host = "foo.*.bar": is not a DNS name: "*" is not a valid label (letters, digits and -, RFC 1123); ` + host},
		{"path with a blank", map[string]string{"path": "/a b"},
			`path = "/a b": is not a path of an Ingress rule; use a path that starts with /, with letters, digits, dots, _, ~ and -, such as /balanced`},
		{"path with two dots", map[string]string{"path": "/a/../b"},
			`path = "/a/../b": is not a path of an Ingress rule; use a path that starts with /, with letters, digits, dots, _, ~ and -, such as /balanced`},
		{"class with capital letters", map[string]string{"ingressClass": "HAProxy"},
			`ingressClass = "HAProxy": is not a valid IngressClass name; kubectl get ingressclass lists them`},
		{"node port out of range", map[string]string{"nodePort": "80"},
			`nodePort = "80": is not one of Kubernetes' node ports; use 30000 to 32767, or 0 to have one allocated`},
		{"controller without namespace", map[string]string{"ingressControllerService": "haproxy"},
			`ingressControllerService = "haproxy": is not NAMESPACE/NAME; name the namespace and the object, such as haproxy-controller/haproxy-ingress`},
		{"no boolean", map[string]string{"allocateLoadBalancerNodePorts": "maybe"},
			`allocateLoadBalancerNodePorts = "maybe": is neither true nor false; use true or false`},
		{"seconds on a dead node", map[string]string{"app": `{"tolerationSeconds": -1}`},
			`app.tolerationSeconds = "-1": is out of range; use 0 to 86400, in seconds`},
		{"anti-affinity", map[string]string{"antiAffinity": "prefered"},
			`antiAffinity = "prefered": is not an allowed value; did you mean preferred? use required, preferred or off`},
		{"too long", map[string]string{"rolloutTimeout": "25h"},
			`rolloutTimeout = "25h": is not a duration from 1s to 24h; use a number with a unit, such as 90s or 3m: it is for one pod`},
		{"no duration", map[string]string{"rolloutTimeout": "180"},
			`rolloutTimeout = "180": is not a duration from 1s to 24h; use a number with a unit, such as 90s or 3m: it is for one pod`},
		{"no path to ask for", map[string]string{"answerPath": "health"},
			`answerPath = "health": is not a path to request; use a path that starts with /, with letters, digits, dots, _, ~ and -, such as /health`},
		{"no last status", map[string]string{"answerStatus": "100"},
			`answerStatus = "100": is not a final HTTP status; use 200 to 599, such as 401, or 0 for any of 200 to 399`},
		{"namespace", map[string]string{"namespace": "Web_App"},
			`namespace = "Web_App": is not a valid namespace name; use up to 63 lower-case letters, digits and - (RFC 1123)`},
		{"quantity", map[string]string{"storageCapacity": "10 GB"},
			`storageCapacity = "10 GB": is not a storage quantity; use a number with a unit, such as 10Gi`},
		{"request above the capacity", map[string]string{"storageCapacity": "1Gi"},
			`storageRequest = "2Gi": is more than storageCapacity (1Gi): the claim would get no volume; use at most 1Gi`},
		{"unreachable", map[string]string{"exposure": "clusterip", "ingress": "false"},
			`ingress = "false": leaves the application unreachable from outside: a ClusterIP Service has no port there; set ingress to auto or true, or exposure to nodeport or loadbalancer`},
		{"TLS without Ingress", map[string]string{"exposure": "nodeport", "ingress": "auto", "tls": "self-signed"},
			`tls = "self-signed": needs an Ingress, which is what serves TLS; set ingress to true, or tls to off`},
		{"misspelt TLS", map[string]string{"tls": "selfsigned"},
			`tls = "selfsigned": is not an allowed value; did you mean self-signed? use off, self-signed or secret`},
		{"no name of a Secret", map[string]string{"tls": "secret"},
			`tlsSecretName: is not the name of a Secret; name a Secret of type kubernetes.io/tls in the namespace`},
		{"load balancer's ports without load balancer", map[string]string{"exposure": "nodeport", "allocateLoadBalancerNodePorts": "false"},
			`allocateLoadBalancerNodePorts = "false": applies only to LoadBalancer Services, and exposure is nodeport; set exposure to loadbalancer, or allocateLoadBalancerNodePorts to true`},
		{"node port of a ClusterIP", map[string]string{"exposure": "clusterip", "nodePort": "31183"},
			`nodePort = "31183": needs a Service with node ports, and exposure is clusterip; set exposure to nodeport, or nodePort to 0`},
		{"node port that is not allocated", map[string]string{"nodePort": "31183", "allocateLoadBalancerNodePorts": "false"},
			`nodePort = "31183": contradicts allocateLoadBalancerNodePorts false; set one of the two back to its default`},
		{"no NFS host", nfs("host", ""),
			`nfs.host: is missing; set it to the NFS server's address or name for SSH: pulumi config set --path nfs.host 192.168.1.160`},
		{"no host key", nfs("hostKey", ""),
			`nfs.hostKey: is missing, and the program never trusts an unknown host key; ` + hostKey},
		{"broken host key", nfs("hostKey", "ssh-ed25519 AAAA"),
			`nfs.hostKey = "ssh-ed25519 AAAA": is not one public key in the format of authorized_keys; ` + hostKey},
		{"unknown NFS key", nfs("hotKey", "x"),
			`nfs.hotKey = "x": is not a key of nfs; did you mean nfs.hostKey?`},
		{"relative share", nfs("path", "srv/nfs"), `nfs.path = "srv/nfs": is not absolute; ` + path},
		{"root as share", nfs("path", "/"), `nfs.path = "/": belongs to the system: exporting it would give clients control of the host; ` + path},
		{"/etc as share", nfs("path", "/etc"), `nfs.path = "/etc": belongs to the system: exporting it would give clients control of the host; ` + path},
		{"below /etc", nfs("path", "/etc/nfs"), `nfs.path = "/etc/nfs": belongs to the system: exporting it would give clients control of the host; ` + path},
		{"the server's own state", nfs("path", "/var/lib/nfs"), `nfs.path = "/var/lib/nfs": belongs to the system: exporting it would give clients control of the host; ` + path},
		{"crontabs", nfs("path", "/var/spool/cron"), `nfs.path = "/var/spool/cron": belongs to the system: exporting it would give clients control of the host; ` + path},
		{"RSA host key", nfs("hostKey", rsaKey), fmt.Sprintf("nfs.hostKey = %q: is an RSA key, for which the command plugin offers only SHA-1 signatures (ssh-rsa), which OpenSSH 8.8 and later refuse; ", rsaKey) + hostKey},
		{"dots", nfs("path", "/srv/../etc"),
			`nfs.path = "/srv/../etc": is not in its shortest form (it has .., ., // or a slash at the end); did you mean /etc? ` + path},
		{"space", nfs("path", "/srv/my share"),
			`nfs.path = "/srv/my share": has white space, which separates the fields of /etc/exports; ` + path},
		{"line break", nfs("path", "/srv/a\n/srv/b"),
			`nfs.path = "/srv/a\n/srv/b": has white space, which separates the fields of /etc/exports; ` + path},
		{"no directory", nfs("site", "./nowhere"),
			`nfs.site = "./nowhere": is not a directory; name the directory with the files to publish, by an absolute path, or by one from the folder that the program runs in`},
		{"port", nfs("port", "70000"), `nfs.port = "70000": is not a TCP port; use 1 to 65535; SSH is 22 by default`},
		{"private key", map[string]string{"nfsPrivateKey": "hunter2"},
			`nfsPrivateKey: cannot be used (ssh: no key found); set it from the key's file: pulumi config set --secret nfsPrivateKey < ~/.ssh/id_ed25519`},
		{"encrypted private key", map[string]string{"nfsPrivateKey": encryptedKey(t)},
			`nfsPrivateKey: is encrypted; set its password: pulumi config set --secret nfsPrivateKeyPassword`},
		{"wrong password", map[string]string{"nfsPrivateKey": encryptedKey(t), "nfsPrivateKeyPassword": "hunter2"},
			`nfsPrivateKeyPassword: does not decrypt nfsPrivateKey (x509: decryption password incorrect); set it again: pulumi config set --secret nfsPrivateKeyPassword`},
		{"password without a key", map[string]string{"nfsPrivateKeyPassword": "hunter2"},
			`nfsPrivateKeyPassword: is set without nfsPrivateKey; set both, or neither to use the SSH agent`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.set)
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != 3 || lines[0] != "1 problem in the stack's configuration:" {
				t.Fatalf("the error is\n%s\nwant one problem", err)
			}
			if got := strings.TrimSpace(lines[1]) + "; " + strings.TrimSpace(lines[2]); got != c.want {
				t.Errorf("the problem is\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Names with dots and a wildcard are accepted.
func TestNamesWithDots(t *testing.T) {
	if _, err := load(t, map[string]string{
		"host": "*.example.com", "path": "/v1.2/app", "ingressClass": "haproxy.example.com", "tls": "secret", "tlsSecretName": "www.example.com-tls",
	}); err != nil {
		t.Error(err)
	}
}

// All problems are in one error.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := load(t, map[string]string{"exposure": "x", "replicas": "-1", "host": "_", "nfs.host": "", "nfs.path": "/"})
	if err == nil || !strings.HasPrefix(err.Error(), "5 problems in the stack's configuration:") {
		t.Errorf("the error is %v, want 5 problems", err)
	}
}

func lookup(config map[string]string) func(string) (string, bool) {
	return func(key string) (string, bool) {
		value, ok := config[Project+":"+key]
		return value, ok
	}
}

// load reads the tutorial's configuration with some keys set. "nfs.KEY" sets a key of the object nfs; an
// empty value removes it.
func load(t *testing.T, set map[string]string) (Config, error) {
	t.Helper()
	config := devconfig.Read(t, ".")
	for key, value := range set {
		field, isNFS := strings.CutPrefix(key, "nfs.")
		if !isNFS {
			config[Project+":"+key] = value
			continue
		}
		var nfs map[string]any
		unmarshal(t, config[Project+":nfs"], &nfs)
		nfs[field] = value
		if value == "" {
			delete(nfs, field)
		}
		config[Project+":nfs"] = devconfig.Text(t, nfs)
	}
	return Load(Source{Get: lookup(config)})
}

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// encryptedKey is a new private key, encrypted.
func encryptedKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func newRSAKey(t *testing.T) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}
