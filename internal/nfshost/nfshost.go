// Package nfshost connects to the NFS server over SSH: it runs scripts there, and stages files by SFTP. It
// always checks the host's key.
package nfshost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"golang.org/x/crypto/ssh"
)

// tracer has the spans that `make trace` shows.
var tracer = otel.Tracer("webapp-balanced/internal/nfshost")

// timeout bounds a login and the answer to a keepalive, which is sent at half that interval. It does not
// bound commands.
const timeout = 15 * time.Second

// Login says how to log in. Its fields are those of share.NfsShareArgs.
type Login struct {
	Host               string
	Port               int
	User               string
	HostKey            string // a line of authorized_keys
	PrivateKey         string // PEM; empty for the SSH agent
	PrivateKeyPassword string // of an encrypted PrivateKey
}

// dial logs in, within timeout.
func (l Login) dial(ctx context.Context) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ctx, span := tracer.Start(ctx, "SSH: log in")
	defer span.End()
	address := net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
	config, done, err := l.config(ctx)
	if err != nil {
		return nil, l.explain(err)
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, l.explain(fmt.Errorf("it cannot be reached: %w; check the address, the port, and that sshd runs there", err))
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		conn.Close()
		return nil, l.explain(l.reason(err))
	}
	_ = conn.SetDeadline(time.Time{})
	client := ssh.NewClient(c, channels, requests)
	go stayAlive(client)
	return client, nil
}

// stayAlive closes a connection whose other side stops answering; a command would wait for ever otherwise.
func stayAlive(client *ssh.Client) {
	for {
		lost := time.AfterFunc(timeout, func() { client.Close() })
		alive := isAlive(client)
		lost.Stop()
		if !alive {
			return
		}
		time.Sleep(timeout / 2)
	}
}

// isAlive waits until the other side answers or the connection ends, and says which.
func isAlive(client *ssh.Client) bool {
	_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
	return err == nil
}

// reason explains a failed login.
func (l Login) reason(err error) error {
	var mismatch *hostKeyError
	switch {
	case errors.As(err, &mismatch):
		return mismatch
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return errors.New("it has no host key of the pinned one's type; correct nfs.hostKey if the host was reinstalled, otherwise this may be a man-in-the-middle attack")
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("it refuses the key %s of user %s: add the public key to that user's authorized_keys, or set nfsPrivateKey to another", l.keyName(), l.User)
	}
	return err
}

func (l Login) explain(err error) error {
	return fmt.Errorf("log in to the NFS host %s@%s over SSH: %w", l.User, net.JoinHostPort(l.Host, strconv.Itoa(l.Port)), err)
}
