package e2e

import (
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// A user can log in with sudo and an encrypted key, or with an agent. No list of processes contains a secret.
func TestLogins(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-login")
	const gate = "/usr/local/sbin/webapp-balanced-host"
	const password = "correct horse battery staple"
	public, plain := newKey(t)
	raw, err := gossh.ParseRawPrivateKey(plain)
	if err != nil {
		t.Fatal(err)
	}
	authorized := strings.TrimSpace(string(gossh.MarshalAuthorizedKey(public)))
	ssh(t, "kubemaster", "useradd --create-home --shell /bin/sh --password '*' deploy && mkdir -p ~deploy/.ssh && echo '"+authorized+"' >~deploy/.ssh/authorized_keys && chown -R deploy ~deploy/.ssh && chmod -R go= ~deploy/.ssh")
	defer ssh(t, "kubemaster", "userdel --remove deploy 2>/dev/null; rm -f /etc/sudoers.d/*deploy "+gate+"; rm -rf /etc/webapp-balanced")
	ssh(t, "kubemaster", s.must("make", "-s", "sudo-rule", "LOGIN=deploy", "BELOW=/srv/nfs"))
	s.setPath("nfs.user", "deploy")
	s.setPath("nfs.sudo", "true")

	t.Run("sudo and an encrypted key", func(t *testing.T) {
		s.t = t
		block, err := gossh.MarshalPrivateKeyWithPassphrase(raw, "", []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		s.setSecret(t, "nfsPrivateKey", string(pemOf(block)))
		contains(t, s.fails("preview"), "nfsPrivateKey: is encrypted", "pulumi config set --secret nfsPrivateKeyPassword")
		s.setSecret(t, "nfsPrivateKeyPassword", rand.Text())
		contains(t, s.fails("preview"), "nfsPrivateKeyPassword: does not decrypt nfsPrivateKey")
		s.setSecret(t, "nfsPrivateKeyPassword", password)
		seen := watchProcesses(t, []string{password, string(plain[60:90]), string(pemOf(block)[60:90])}, func() {
			out := s.up()
			if strings.Contains(out, password) || strings.Contains(out, "PRIVATE KEY") {
				t.Errorf("a secret is in what is printed:\n%s", out)
			}
		})
		if seen != "" {
			t.Errorf("a secret is in a list of processes: %s", seen)
		}
		if got := ssh(t, "kubemaster", "exportfs -s; ls -l "+s.share); !strings.Contains(got, s.share+" ") || !strings.Contains(got, "-rw-r--r-- 1 root root") {
			t.Errorf("the share is\n%s", got)
		}
	})
	t.Run("sudo allows nothing else", func(t *testing.T) {
		for command, want := range map[string]string{
			"sudo -n id":               "a password is required",
			"sudo -n sh -s -- apply x": "a password is required",
			"sudo -n " + gate + " id p/s/share:/srv/nfs/x":    "unknown command id",
			"sudo -n " + gate + " apply p/s/share:/srv/nfs/x": "this script is not one of those in /etc/webapp-balanced/deploy",
		} {
			out, err := sshWith(t, "deploy", string(plain), command, "exec 3<<'END OF DATA'", "END OF DATA", "id", "")
			if err == nil || strings.Contains(out, "uid=0") || !strings.Contains(out, want) {
				t.Errorf("%s: %v: it says %s", command, err, out)
			}
		}
	})
	t.Run("an agent", func(t *testing.T) {
		s.t = t
		// Now sudo permits any command. A share that was created through the gate is destroyed without it.
		ssh(t, "kubemaster", "echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy; rm -r "+gate+" /etc/webapp-balanced")
		keys := agent.NewKeyring()
		if err := keys.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
			t.Fatal(err)
		}
		socket := filepath.Join(t.TempDir(), "agent")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() { _ = agent.ServeAgent(keys, conn) }()
			}
		}()
		s.env = []string{"SSH_AUTH_SOCK=" + socket}
		s.must("pulumi", "config", "rm", "nfsPrivateKey")
		s.must("pulumi", "config", "rm", "nfsPrivateKeyPassword")
		s.setPath("nfs.clients[0]", node1)
		s.up()
		// The destroy uses the agent, as in the state.
		s.must("pulumi", "destroy", "--yes", "--skip-preview")
	})
}

func (s *stack) setSecret(t *testing.T, key, value string) {
	t.Helper()
	cmd := exec.Command("pulumi", "config", "set", "--secret", "--stack", s.name, key)
	cmd.Dir, cmd.Stdin = root, strings.NewReader(value)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// watchProcesses returns a process of this computer that had one of the texts among its arguments while f ran.
func watchProcesses(t *testing.T, texts []string, f func()) (seen string) {
	during(f, func() {
		time.Sleep(20 * time.Millisecond)
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, file := range files {
			content, _ := os.ReadFile(file)
			for _, text := range texts {
				if strings.Contains(string(content), text) {
					seen = strings.ReplaceAll(string(content), "\x00", " ")
				}
			}
		}
	})
	return seen
}
