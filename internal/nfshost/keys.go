package nfshost

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// ParseKey reads a private key, encrypted if there is a password. Its error contains no part of either.
func ParseKey(pem, password string) (ssh.Signer, error) {
	if password == "" {
		return ssh.ParsePrivateKey([]byte(pem))
	}
	return ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(password))
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
		// A host with several keys must present the pinned one.
		HostKeyAlgorithms: algorithms(expected.Type()),
		HostKeyCallback: func(_ string, _ net.Addr, seen ssh.PublicKey) error {
			if string(seen.Marshal()) != string(expected.Marshal()) {
				return &hostKeyError{expected, seen}
			}
			return nil
		},
	}, nil
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

func (l Login) auth() (ssh.AuthMethod, error) {
	if l.PrivateKey != "" {
		signer, err := ParseKey(l.PrivateKey, l.PrivateKeyPassword)
		if err != nil {
			return nil, fmt.Errorf("read nfsPrivateKey: %w", err)
		}
		return ssh.PublicKeys(signer), nil
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, errors.New("there is no SSH key: set nfsPrivateKey (pulumi config set --secret nfsPrivateKey < ~/.ssh/id_ed25519), or start an SSH agent (SSH_AUTH_SOCK)")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("ask the SSH agent: %w", err)
	}
	return ssh.PublicKeysCallback(agent.NewClient(conn).Signers), nil
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
