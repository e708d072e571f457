package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
)

// sshServer is an SSH server on loopback that runs commands with sh on this
// computer and accepts every environment variable.
type sshServer struct {
	listener net.Listener
	hostKey  ssh.Signer
	userKey  string // PEM of the one key that may log in
}

func newPrivateKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func newSigner(t *testing.T, privateKey string) ssh.Signer {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(privateKey))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newAuthorizedKey(t *testing.T) string {
	return string(ssh.MarshalAuthorizedKey(newSigner(t, newPrivateKey(t)).PublicKey()))
}

func newSSHServer(t *testing.T) *sshServer {
	t.Helper()
	return newSSHServerOf(t, newSigner(t, newPrivateKey(t)))
}

// newRSAServer is one with an RSA key, which it uses as OpenSSH does since 8.8.
func newRSAServer(t *testing.T) *sshServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	modern, err := ssh.NewSignerWithAlgorithms(signer.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
	if err != nil {
		t.Fatal(err)
	}
	return newSSHServerOf(t, modern)
}

func newSSHServerOf(t *testing.T, hostKey ssh.Signer) *sshServer {
	t.Helper()
	s := &sshServer{userKey: newPrivateKey(t), hostKey: hostKey}
	user := newSigner(t, s.userKey).PublicKey()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.Marshal()) {
			return nil, errors.New("not that key")
		}
		return nil, nil
	}}
	config.AddHostKey(s.hostKey)
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, config)
		}
	}()
	return s
}

// connection is how the server is logged in to.
func (s *sshServer) connection() resource.PropertyMap {
	return resource.PropertyMap{
		"host":       text("127.0.0.1"),
		"port":       resource.NewNumberProperty(float64(s.listener.Addr().(*net.TCPAddr).Port)),
		"user":       text("somebody"),
		"privateKey": text(s.userKey),
		"hostKey":    text(strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.hostKey.PublicKey())))),
	}
}

func serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go session(channel, requests)
	}
}

func session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	env := os.Environ()
	for request := range requests {
		_ = request.Reply(true, nil)
		switch request.Type {
		case "env":
			var v struct{ Name, Value string }
			_ = ssh.Unmarshal(request.Payload, &v)
			env = append(env, v.Name+"="+v.Value)
		case "exec":
			var e struct{ Command string }
			_ = ssh.Unmarshal(request.Payload, &e)
			cmd := exec.Command("sh", "-c", e.Command)
			cmd.Env = env
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			stdin, _ := cmd.StdinPipe()
			go func() {
				_, _ = io.Copy(stdin, channel)
				stdin.Close()
			}()
			_ = cmd.Run()
			status := make([]byte, 4)
			binary.BigEndian.PutUint32(status, uint32(cmd.ProcessState.ExitCode()))
			_, _ = channel.SendRequest("exit-status", false, status)
			return
		}
	}
}
