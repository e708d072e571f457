package nfshost

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// refusing returns a host that ends each connection after a while, and counts them.
func refusing(t *testing.T, after time.Duration) (host *Host, logins *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	logins = &atomic.Int32{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			logins.Add(1)
			time.Sleep(after)
			conn.Close()
		}
	}()
	hostKey, _ := newKey(t)
	_, userPEM := newKey(t)
	return hostAt(listener.Addr().(*net.TCPAddr).Port, hostKey, userPEM), logins
}

// A login that failed before an operation needed it is that operation's error. The next one tries again.
func TestEarlyLogin(t *testing.T) {
	host, logins := refusing(t, 0)
	host.LogIn(t.Context())
	early, _ := host.attempt(t.Context())
	<-early.done
	for want := range int32(2) {
		if _, err := host.Run(t.Context(), Command{Line: "true"}); err == nil || logins.Load() != want+1 {
			t.Errorf("operation %d: %v, after %d logins", want+1, err, logins.Load())
		}
	}
}

// All operations that wait for a login share its error, also those that would wait for a session.
func TestLoginIsShared(t *testing.T) {
	host, logins := refusing(t, time.Second) // all operations are waiting by then
	const operations = 3 * sessions
	var all sync.WaitGroup
	for range operations {
		all.Go(func() {
			if _, err := host.Run(t.Context(), Command{Line: "true"}); err == nil {
				t.Error("a login that failed is not an error")
			}
		})
	}
	all.Wait()
	if n := logins.Load(); n != 1 {
		t.Errorf("%d operations made %d logins, want 1", operations, n)
	}
}

// A cancelled operation does not wait for a host that opens no session.
func TestCancelledOpening(t *testing.T) {
	hostKey, _ := newKey(t)
	user, userPEM := newKey(t)
	port := server(t, hostKey, user.PublicKey(), func(net.Conn, <-chan ssh.NewChannel) {})
	host := hostAt(port, hostKey, userPEM)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	_, err := host.Run(ctx, Command{Line: "true"})
	if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > timeout/2 {
		t.Errorf("after %s: %v", took, err)
	}
}

// An SSH agent that does not answer is an error at the login's deadline.
func TestHungAgent(t *testing.T) {
	hostKey, _ := newKey(t)
	user, _ := newKey(t)
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv("SSH_AUTH_SOCK", socket)
	login := Login{Host: "127.0.0.1", Port: server(t, hostKey, user.PublicKey(), nil), User: "root", HostKey: string(ssh.MarshalAuthorizedKey(hostKey.PublicKey()))}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := login.dial(ctx)
		failed <- err
	}()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("a login without a key is not an error")
		}
	case <-time.After(timeout):
		t.Error("it still waits for the agent")
	}
}
