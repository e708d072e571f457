package nfshost

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

// hostAt returns a host on loopback.
func hostAt(port int, hostKey ssh.Signer, userPEM string) *Host {
	return NewHost(Login{
		Host: "127.0.0.1", Port: port, User: "root", HostKey: string(ssh.MarshalAuthorizedKey(hostKey.PublicKey())), PrivateKey: userPEM,
	})
}

// server is an sshd on loopback that accepts one key. serve handles its connections; nil for nothing.
func server(t *testing.T, hostKey ssh.Signer, user ssh.PublicKey, serve func(net.Conn, <-chan ssh.NewChannel)) (port int) {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.Marshal()) {
			return nil, errors.New("not that key")
		}
		return nil, nil
	}}
	config.AddHostKey(hostKey)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, channels, requests, err := ssh.NewServerConn(conn, config)
				if err == nil && serve != nil {
					go ssh.DiscardRequests(requests)
					serve(conn, channels)
				}
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestLogin(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	hostKey, _ := newKey(t)
	otherHostKey, _ := newKey(t)
	user, userPEM := newKey(t)
	other, otherPEM := newKey(t)
	pin := func(key ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(key.PublicKey())) }
	port := server(t, hostKey, user.PublicKey(), nil)
	good := Login{Host: "127.0.0.1", Port: port, User: "root", HostKey: pin(hostKey), PrivateKey: userPEM}
	for _, c := range []struct {
		name   string
		change func(*Login)
		want   string // of the error, after the login's name
	}{
		{"all is well", func(*Login) {}, ""},
		{"nothing listens", func(l *Login) { l.Port = 1 },
			"it cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused; check the address, the port, and that sshd runs there"},
		{"another host key", func(l *Login) { l.HostKey = pin(otherHostKey) },
			fmt.Sprintf("its host key is not the pinned one: expected ssh-ed25519 %s, seen ssh-ed25519 %s; if the host was reinstalled, correct nfs.hostKey, otherwise this may be a man-in-the-middle attack",
				ssh.FingerprintSHA256(otherHostKey.PublicKey()), ssh.FingerprintSHA256(hostKey.PublicKey()))},
		{"a key that is not let in", func(l *Login) { l.PrivateKey = otherPEM },
			fmt.Sprintf("it refuses the key %s of user root: add the public key to that user's authorized_keys, or set nfsPrivateKey to another", ssh.FingerprintSHA256(other.PublicKey()))},
		{"no key at all", func(l *Login) { l.PrivateKey = "" },
			"there is no SSH key: set nfsPrivateKey (pulumi config set --secret nfsPrivateKey < ~/.ssh/id_ed25519), or start an SSH agent (SSH_AUTH_SOCK)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			login := good
			c.change(&login)
			_, _, err := NewHost(login).connection(t.Context())
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := fmt.Sprintf("log in to the NFS host root@127.0.0.1:%d over SSH: %s", login.Port, c.want)
			if err == nil || err.Error() != want {
				t.Errorf("the error is\n%v\nwant\n%s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE KEY") {
				t.Error("the private key is in the error")
			}
		})
	}
}

// A host that stops answering is an error in bounded time: this server accepts the login, and then sends nothing.
func TestHungHost(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as such a host is waited for")
	}
	t.Parallel()
	hostKey, _ := newKey(t)
	user, userPEM := newKey(t)
	host := hostAt(server(t, hostKey, user.PublicKey(), nil), hostKey, userPEM)
	start := time.Now()
	_, err := host.Run(t.Context(), Command{Line: "true"})
	if took := time.Since(start); err == nil || took > 2*timeout {
		t.Errorf("after %s the error is %v", took, err)
	}
}

// All operations on the host share one connection, and a new one replaces one that has ended.
func TestOneConnection(t *testing.T) {
	hostKey, _ := newKey(t)
	user, userPEM := newKey(t)
	connections := make(chan net.Conn, 10)
	var commands atomic.Int32
	port := server(t, hostKey, user.PublicKey(), func(conn net.Conn, channels <-chan ssh.NewChannel) {
		connections <- conn
		for channel := range channels {
			session, requests, err := channel.Accept()
			if err != nil {
				return
			}
			go func() {
				for r := range requests {
					_ = r.Reply(r.Type != "subsystem", nil)
					if r.Type == "exec" {
						commands.Add(1)
						_, _ = session.Write([]byte("done"))
						_, _ = session.SendRequest("exit-status", false, make([]byte, 4))
						session.Close()
					}
				}
			}()
		}
	})
	host := hostAt(port, hostKey, userPEM)
	run := func() {
		t.Helper()
		out, err := host.Run(t.Context(), Command{Line: "a"}, Command{Line: "b"})
		if err != nil || !slices.Equal(out, []string{"done", "done"}) {
			t.Errorf("%q, %v", out, err)
		}
	}
	run()
	run()
	if err := host.Stage(t.Context(), "staging", nil, nil); err == nil || !strings.Contains(err.Error(), "open SFTP") {
		t.Errorf("a host without SFTP: %v", err)
	}
	if n := len(connections); n != 1 {
		t.Errorf("there are %d connections, want 1", n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	before := commands.Load()
	for range 50 {
		if _, err := host.Run(ended, Command{Line: "a"}); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context: %v", err)
		}
	}
	if n := commands.Load() - before; n > 0 {
		t.Errorf("%d commands were started for an ended context", n)
	}
	(<-connections).Close()
	run()
	if n := len(connections); n != 1 {
		t.Errorf("after the end of the first there are %d more connections, want 1", n)
	}
}

// An encrypted key is decrypted once; another password is another key.
func TestEncryptedKey(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("right"))
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(block))
	first, err1 := ParseKey(key, "right")
	second, err2 := ParseKey(key, "right")
	if err1 != nil || err2 != nil || first != second {
		t.Errorf("the same key is decrypted twice: %v, %v", err1, err2)
	}
	if _, err := ParseKey(key, "wrong"); err == nil {
		t.Error("a wrong password decrypts it")
	}
}
