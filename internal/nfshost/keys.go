package nfshost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// decrypted has the encrypted keys that were read. To decrypt one takes 0.1 s, which bcrypt_pbkdf intends, and each
// component checks its key before it logs in.
var decrypted sync.Map

// ParseKey reads a private key, encrypted if there is a password. Its error contains no part of either.
func ParseKey(pem, password string) (ssh.Signer, error) {
	if password == "" {
		return ssh.ParsePrivateKey([]byte(pem))
	}
	decrypt, _ := decrypted.LoadOrStore([2]string{pem, password}, sync.OnceValues(func() (ssh.Signer, error) {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(password))
	}))
	return decrypt.(func() (ssh.Signer, error))()
}

// config returns the settings of a login. Call done after it.
func (l Login) config(ctx context.Context) (config *ssh.ClientConfig, done func(), err error) {
	expected, _, _, _, err := ssh.ParseAuthorizedKey([]byte(l.HostKey))
	if err != nil {
		return nil, nil, fmt.Errorf("read nfs.hostKey: %w", err)
	}
	auth, done, err := l.auth(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &ssh.ClientConfig{
		User: l.User,
		Auth: []ssh.AuthMethod{auth},
		// A host with several keys must present the pinned one.
		HostKeyAlgorithms: algorithms(expected.Type()),
		HostKeyCallback: func(_ string, _ net.Addr, seen ssh.PublicKey) error {
			if string(seen.Marshal()) != string(expected.Marshal()) {
				return &hostKeyError{expected, seen}
			}
			return nil
		},
	}, done, nil
}

// hostKeyError is the error of a host that presents another key than the pinned one.
type hostKeyError struct{ expected, seen ssh.PublicKey }

func (e *hostKeyError) Error() string {
	return fmt.Sprintf("its host key is not the pinned one: expected %s %s, seen %s %s; if the host was reinstalled, correct nfs.hostKey, otherwise this may be a man-in-the-middle attack",
		e.expected.Type(), ssh.FingerprintSHA256(e.expected), e.seen.Type(), ssh.FingerprintSHA256(e.seen))
}

func algorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

// auth returns how to prove who logs in: with the key, or the keys of the SSH agent, which has to answer before the
// context's deadline. Call done after the login.
func (l Login) auth(ctx context.Context) (method ssh.AuthMethod, done func(), err error) {
	if l.PrivateKey != "" {
		signer, err := ParseKey(l.PrivateKey, l.PrivateKeyPassword)
		if err != nil {
			return nil, nil, fmt.Errorf("read nfsPrivateKey: %w", err)
		}
		return ssh.PublicKeys(signer), func() {}, nil
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, errors.New("there is no SSH key: set nfsPrivateKey (pulumi config set --secret nfsPrivateKey < ~/.ssh/id_ed25519), or start an SSH agent (SSH_AUTH_SOCK)")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("ask the SSH agent: %w", err)
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	return ssh.PublicKeysCallback(agent.NewClient(conn).Signers), func() { conn.Close() }, nil
}

// keyName names the key that is offered, by its fingerprint.
func (l Login) keyName() string {
	if l.PrivateKey == "" {
		return "of the SSH agent"
	}
	signer, err := ParseKey(l.PrivateKey, l.PrivateKeyPassword)
	if err != nil {
		return "nfsPrivateKey"
	}
	return ssh.FingerprintSHA256(signer.PublicKey())
}
