package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

// What cannot work is refused quickly, with the reason, and nothing is created.
func TestUnreachable(t *testing.T) {
	parallel(t)
	s := newStack(t, "e2e-errors")
	key, err := os.ReadFile(filepath.Join(root, ".lab/keys/id_ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	pinned := strings.TrimSpace(s.must("pulumi", "config", "get", "--path", "nfs.hostKey"))

	t.Run("the NFS host is unreachable", func(t *testing.T) {
		s.setPath("nfs.host", "198.18.0.77")
		s.setPath("nfs.server", master)
		contains(t, s.fails("up", "--yes", "--skip-preview"),
			"log in to the NFS host root@198.18.0.77:22 over SSH: it cannot be reached")
		s.setPath("nfs.host", master)
	})
	t.Run("the NFS host has another host key", func(t *testing.T) {
		other, _ := newKey(t)
		s.setPath("nfs.hostKey", string(gossh.MarshalAuthorizedKey(other)))
		contains(t, s.fails("up", "--yes", "--skip-preview"),
			"its host key is not the pinned one: expected ssh-ed25519 "+gossh.FingerprintSHA256(other)+", seen ssh-ed25519 SHA256:")
		s.setPath("nfs.hostKey", pinned)
	})
	t.Run("the NFS host refuses the key", func(t *testing.T) {
		other, private := newKey(t)
		s.setSecret(t, "nfsPrivateKey", string(private))
		out := s.fails("up", "--yes", "--skip-preview")
		contains(t, out, "it refuses the key "+gossh.FingerprintSHA256(other)+" of user root")
		for _, line := range strings.Split(string(private), "\n")[1:3] {
			if strings.Contains(out, line) {
				t.Errorf("the private key is in the error:\n%s", out)
			}
		}
		s.setSecret(t, "nfsPrivateKey", string(key))
	})
	t.Run("the cluster is unreachable", func(t *testing.T) {
		kubeconfig, err := os.ReadFile(os.Getenv("KUBECONFIG"))
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(elsewhere, []byte(strings.Replace(string(kubeconfig), "198.18.0.1:6443", "198.18.0.78:6443", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		s.env = []string{"KUBECONFIG=" + elsewhere}
		defer func() { s.env = nil }()
		const reason = "list the nodes of the cluster at https://198.18.0.78:6443"
		contains(t, s.fails("up", "--yes", "--skip-preview"), reason)
		contains(t, s.must("pulumi", "preview"), "warning: this preview is incomplete: "+reason, "Service exposure-e2e-errors-service create")
	})
	if resources := s.must("pulumi", "stack", "--show-urns"); strings.Contains(resources, "Namespace") {
		t.Errorf("something was made:\n%s", resources)
	}
}

func newKey(t *testing.T) (gossh.PublicKey, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sshPublic, err := gossh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return sshPublic, pemOf(block)
}

func pemOf(block *pem.Block) []byte { return pem.EncodeToMemory(block) }
