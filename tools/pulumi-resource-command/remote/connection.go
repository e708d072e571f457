// Package remote implements the resources of the module command:remote.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// endpoint is what a connection and its proxy have in common. Each of the two
// repeats it field by field, as the published schema does.
type endpoint struct {
	user, password, host, hostKey        *string
	privateKey, privateKeyPassword, sock *string
	port                                 *float64
	dialErrorLimit, perDialTimeout       *int
}

// Connection says how to log in to a host.
type Connection struct {
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional"`
	Host               *string  `pulumi:"host"`
	HostKey            *string  `pulumi:"hostKey,optional"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
	Proxy              *Proxy   `pulumi:"proxy,optional"`
}

// Proxy says how to log in to the host through which another is reached.
type Proxy struct {
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional"`
	Host               *string  `pulumi:"host"`
	HostKey            *string  `pulumi:"hostKey,optional"`
	Port               *float64 `pulumi:"port,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
}

// TypeName gives the proxy the name of the published schema.
func (p *Proxy) Annotate(a infer.Annotator) { a.SetToken("remote", "ProxyConnection") }

func (c *Connection) endpoint() endpoint {
	return endpoint{
		user: c.User, password: c.Password, host: c.Host, hostKey: c.HostKey, port: c.Port,
		privateKey: c.PrivateKey, privateKeyPassword: c.PrivateKeyPassword, sock: c.AgentSocketPath,
		dialErrorLimit: c.DialErrorLimit, perDialTimeout: c.PerDialTimeout,
	}
}

func (p *Proxy) endpoint() endpoint {
	return endpoint{
		user: p.User, password: p.Password, host: p.Host, hostKey: p.HostKey, port: p.Port,
		privateKey: p.PrivateKey, privateKeyPassword: p.PrivateKeyPassword, sock: p.AgentSocketPath,
		dialErrorLimit: p.DialErrorLimit, perDialTimeout: p.PerDialTimeout,
	}
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

func (e endpoint) address() string {
	return net.JoinHostPort(*e.host, strconv.Itoa(int(or(e.port, 22))))
}

func (e endpoint) timeout() time.Duration {
	return time.Duration(or(e.perDialTimeout, 15)) * time.Second // 0 means no limit, as in net.Dialer
}

// client returns the SSH side of the endpoint. done closes what it holds.
func (e endpoint) client() (config *ssh.ClientConfig, done func(), err error) {
	done = func() {}
	config = &ssh.ClientConfig{
		User:            or(e.user, "root"),
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the documented default: without hostKey nothing is checked
		Timeout:         e.timeout(),
	}
	if e.hostKey != nil {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*e.hostKey))
		if err != nil {
			return nil, done, fmt.Errorf("failed to parse host key: %w", err)
		}
		config.HostKeyCallback = ssh.FixedHostKey(key)
		// A server with several must offer the one that is expected. For an RSA key that is
		// ssh-rsa alone, in 1.2.1, which OpenSSH refuses since 8.8.
		config.HostKeyAlgorithms = []string{key.Type()}
	}
	if e.privateKey != nil {
		var signer ssh.Signer
		if e.privateKeyPassword != nil {
			signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(*e.privateKey), []byte(*e.privateKeyPassword))
		} else {
			signer, err = ssh.ParsePrivateKey([]byte(*e.privateKey))
		}
		if err != nil {
			return nil, done, err
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if e.password != nil {
		config.Auth = append(config.Auth, ssh.Password(*e.password), ssh.KeyboardInteractive(
			func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = *e.password
				}
				return answers, nil
			}))
	}
	if sock := or(e.sock, os.Getenv("SSH_AUTH_SOCK")); sock != "" {
		conn, err := net.Dial("unix", sock)
		if err != nil {
			return nil, done, err
		}
		done = func() { conn.Close() }
		config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	}
	return config, done, nil
}

// dial logs in, by way of the proxy if there is one.
func (c *Connection) dial(ctx context.Context) (*ssh.Client, error) {
	direct := func(ctx context.Context, address string, timeout time.Duration) (net.Conn, error) {
		return (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", address)
	}
	if c.Proxy == nil {
		return c.endpoint().login(ctx, direct)
	}
	proxy, err := c.Proxy.endpoint().login(ctx, direct)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	client, err := c.endpoint().login(ctx, func(ctx context.Context, address string, _ time.Duration) (net.Conn, error) {
		return proxy.DialContext(ctx, "tcp", address)
	})
	if err != nil {
		proxy.Close()
	}
	return client, err
}

// login tries until it succeeds or has failed more often than dialErrorLimit.
func (e endpoint) login(ctx context.Context, dial func(context.Context, string, time.Duration) (net.Conn, error)) (*ssh.Client, error) {
	config, done, err := e.client()
	if err != nil {
		return nil, err
	}
	defer done()
	limit, pause := or(e.dialErrorLimit, 10), 100*time.Millisecond
	for failures := 1; ; failures++ {
		client, err := e.try(ctx, config, dial)
		if err == nil {
			return client, nil
		}
		if limit >= 0 && failures > limit {
			return nil, fmt.Errorf("after %d failed attempts: %w", failures, err)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(pause):
			pause = min(pause*3/2, 5*time.Second)
		}
	}
}

func (e endpoint) try(ctx context.Context, config *ssh.ClientConfig, dial func(context.Context, string, time.Duration) (net.Conn, error)) (*ssh.Client, error) {
	conn, err := dial(ctx, e.address(), e.timeout())
	if err != nil {
		return nil, err
	}
	// The handshake counts too: a host that accepts and then says nothing
	// would hold this up for ever.
	if e.timeout() > 0 {
		_ = conn.SetDeadline(time.Now().Add(e.timeout()))
	}
	sshConn, channels, requests, err := ssh.NewClientConn(conn, e.address(), config)
	if err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(sshConn, channels, requests), nil
}
