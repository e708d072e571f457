package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// keys are the secrets of a clone's lab.
type keys struct {
	client     keyPair            // logs in as root to every machine
	host       map[string]keyPair // a machine's host key
	passphrase string             // of the stack's secrets
	fresh      bool               // made just now
}

// keyPair is an SSH key: private in OpenSSH's PEM, public as a line of authorized_keys.
type keyPair struct{ private, public []byte }

func newKeyPair(comment string) (keyPair, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return keyPair{}, err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return keyPair{}, err
	}
	sshPublic, err := ssh.NewPublicKey(public)
	if err != nil {
		return keyPair{}, err
	}
	return keyPair{private: pem.EncodeToMemory(block), public: ssh.MarshalAuthorizedKey(sshPublic)}, nil
}

// ensureKeys reads the clone's keys, or makes them.
func (l *Lab) ensureKeys() (*keys, error) {
	if _, err := os.Stat(l.keys("passphrase")); err == nil {
		return l.readKeys()
	}
	k := &keys{host: map[string]keyPair{}, fresh: true, passphrase: rand.Text()}
	var err error
	if k.client, err = newKeyPair("webapp-balanced-lab"); err != nil {
		return nil, err
	}
	files := map[string][]byte{"id_ed25519": k.client.private, "id_ed25519.pub": k.client.public}
	var known, config strings.Builder
	for _, n := range nodes {
		pair, err := newKeyPair(n.Name)
		if err != nil {
			return nil, err
		}
		k.host[n.Name] = pair
		files["host_"+n.Name], files["host_"+n.Name+".pub"] = pair.private, pair.public
		fmt.Fprintf(&known, "%s,%s %s", n.Name, n.Address, pair.public)
		fmt.Fprintf(&config, "Host %s\n  HostName %s\n", n.Name, n.Address)
	}
	fmt.Fprintf(&config, "Host *\n  User root\n  IdentityFile %q\n  IdentitiesOnly yes\n  UserKnownHostsFile %q\n  StrictHostKeyChecking yes\n",
		l.keys("id_ed25519"), l.keys("known_hosts"))
	files["known_hosts"], files["ssh_config"] = []byte(known.String()), []byte(config.String())
	if err := os.MkdirAll(l.keys(), 0o700); err != nil {
		return nil, err
	}
	for name, content := range files {
		if err := os.WriteFile(l.keys(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	// Written last: this file means that all others exist.
	return k, os.WriteFile(l.keys("passphrase"), []byte(k.passphrase), 0o600)
}

func (l *Lab) readKeys() (*keys, error) {
	k := &keys{host: map[string]keyPair{}}
	var err error
	if k.client, err = l.readKeyPair("id_ed25519"); err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if k.host[n.Name], err = l.readKeyPair("host_" + n.Name); err != nil {
			return nil, err
		}
	}
	passphrase, err := os.ReadFile(l.keys("passphrase"))
	k.passphrase = string(passphrase)
	return k, err
}

func (l *Lab) readKeyPair(name string) (k keyPair, err error) {
	if k.private, err = os.ReadFile(l.keys(name)); err != nil {
		return k, err
	}
	k.public, err = os.ReadFile(l.keys(name + ".pub"))
	return k, err
}
