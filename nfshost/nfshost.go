// Package nfshost logs in to the NFS server over SSH, to find out whether that
// works before anything is changed. It runs nothing there.
package nfshost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// timeout of the whole login.
const timeout = 15 * time.Second

// Login says how to log in. Its fields are those of components.NfsShareArgs.
type Login struct {
	Host       string
	Port       int
	User       string
	HostKey    string // a line of authorized_keys
	PrivateKey string // PEM; empty for the SSH agent
}

// Try logs in and out again. Its error says whether the host is unreachable,
// shows another host key than the pinned one, or refuses the key.
func (l Login) Try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	address := net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
	config, err := l.config()
	if err != nil {
		return l.explain(err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return l.explain(fmt.Errorf("it cannot be reached: %w; check nfs.host, nfs.port and that sshd runs there", err))
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	client, _, _, err := ssh.NewClientConn(conn, address, config)
	if err == nil {
		return client.Close()
	}
	var mismatch *hostKeyError
	if errors.As(err, &mismatch) {
		return l.explain(mismatch)
	}
	if strings.Contains(err.Error(), "no common algorithm for host key") {
		return l.explain(errors.New("it has no host key of the pinned one's type; correct nfs.hostKey if the host was set up anew, otherwise somebody may be in between"))
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return l.explain(fmt.Errorf("it refuses the key %s of user %s: add the public key to that user's authorized_keys, or set nfsPrivateKey to another", l.keyName(), l.User))
	}
	return l.explain(err)
}

func (l Login) explain(err error) error {
	return fmt.Errorf("log in to the NFS host %s@%s over SSH: %w", l.User, net.JoinHostPort(l.Host, strconv.Itoa(l.Port)), err)
}

// keyName names the key that is offered, by its fingerprint.
func (l Login) keyName() string {
	if l.PrivateKey == "" {
		return "of the SSH agent"
	}
	signer, err := ssh.ParsePrivateKey([]byte(l.PrivateKey))
	if err != nil {
		return "nfsPrivateKey"
	}
	return ssh.FingerprintSHA256(signer.PublicKey())
}

// hostKeyError says that a host shows another key than the one it is known by.
type hostKeyError struct{ expected, seen ssh.PublicKey }

func (e *hostKeyError) Error() string {
	return fmt.Sprintf("its host key is not the pinned one: expected %s %s, seen %s %s; if the host was set up anew, correct nfs.hostKey, otherwise somebody may be in between",
		e.expected.Type(), ssh.FingerprintSHA256(e.expected), e.seen.Type(), ssh.FingerprintSHA256(e.seen))
}

func (l Login) config() (*ssh.ClientConfig, error) {
	expected, _, _, _, err := ssh.ParseAuthorizedKey([]byte(l.HostKey))
	if err != nil {
		return nil, fmt.Errorf("read nfs.hostKey: %w", err)
	}
	auth, err := l.auth()
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User: l.User,
		Auth: []ssh.AuthMethod{auth},
		// A host with several keys must show the one that is pinned.
		HostKeyAlgorithms: algorithms(expected.Type()),
		HostKeyCallback: func(_ string, _ net.Addr, seen ssh.PublicKey) error {
			if string(seen.Marshal()) != string(expected.Marshal()) {
				return &hostKeyError{expected, seen}
			}
			return nil
		},
	}, nil
}

func algorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

func (l Login) auth() (ssh.AuthMethod, error) {
	if l.PrivateKey != "" {
		signer, err := ssh.ParsePrivateKey([]byte(l.PrivateKey))
		if err != nil {
			return nil, fmt.Errorf("read nfsPrivateKey: %w", err)
		}
		return ssh.PublicKeys(signer), nil
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, errors.New("there is neither nfsPrivateKey nor an SSH agent: set the one (pulumi config set --secret nfsPrivateKey < ~/.ssh/id_ed25519), or start the other (SSH_AUTH_SOCK)")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("ask the SSH agent: %w", err)
	}
	return ssh.PublicKeysCallback(agent.NewClient(conn).Signers), nil
}
