package nfshost

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/singleflight"

	"webapp-balanced/internal/poll"
)

// Host is the NFS server. All operations share one connection, which is opened on first use, and again when
// it has ended.
type Host struct {
	Login
	dialing singleflight.Group
	mutex   sync.Mutex
	client  *ssh.Client // nil while there is no connection
	places  chan struct{}
}

// sessions is the maximum of concurrent sessions of the connection. The default of sshd is ten
// (sshd_config(5), MaxSessions).
const sessions = 8

// NewHost returns the host of a login. Nothing is sent yet.
func NewHost(login Login) *Host {
	return &Host{Login: login, places: make(chan struct{}, sessions)}
}

// connection returns the connection, and logs in if there is none; isNew tells whether it had to. Concurrent
// callers share the result of a login. The error says whether the host is unreachable, presents another host
// key than the pinned one, or refuses the key.
func (h *Host) connection(ctx context.Context) (client *ssh.Client, isNew bool, err error) {
	if client = h.current(); client != nil {
		return client, false, nil
	}
	dialed, err, _ := h.dialing.Do("", func() (any, error) {
		if client := h.current(); client != nil { // another caller's login ended after the first check
			return client, nil
		}
		client, err := h.dial(ctx)
		if err == nil {
			h.mutex.Lock()
			defer h.mutex.Unlock()
			h.client = client
		}
		return client, err
	})
	return dialed.(*ssh.Client), true, err
}

func (h *Host) current() *ssh.Client {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.client
}

// forget makes the next caller log in again. Others may still use the connection.
func (h *Host) forget(client *ssh.Client) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.client == client {
		h.client = nil
	}
}

// open opens a channel on the connection, and logs in again if that has ended since its last use. If the host
// allows fewer sessions, it retries until others have ended.
func open[T any](ctx context.Context, h *Host, on func(*ssh.Client) (T, error)) (opened T, err error) {
	pollErr := poll.Until(ctx, timeout, func() (bool, error) {
		var client *ssh.Client
		var isNew bool
		if client, isNew, err = h.connection(ctx); err != nil {
			return false, err
		}
		var refused *ssh.OpenChannelError
		if opened, err = on(client); err == nil || errors.As(err, &refused) {
			return err == nil, nil
		}
		h.forget(client)
		if isNew {
			return false, err
		}
		return false, nil
	})
	return opened, cmp.Or(err, pollErr)
}

// Command is a command and its standard input.
type Command struct{ Line, Stdin string }

// Run runs commands one after the other, and returns the standard output of each. Without a command it only
// logs in. The error is that of the login, or of a command with its standard error.
func (h *Host) Run(ctx context.Context, commands ...Command) ([]string, error) {
	h.places <- struct{}{}
	defer func() { <-h.places }()
	if len(commands) == 0 {
		_, _, err := h.connection(ctx)
		return nil, err
	}
	var outputs []string
	for _, command := range commands {
		out, err := h.run(ctx, command)
		if err != nil {
			return nil, fmt.Errorf("on the NFS host %s: %s: %w", h.Host, command.Line, err)
		}
		outputs = append(outputs, out)
	}
	return outputs, nil
}

func (h *Host) run(ctx context.Context, command Command) (string, error) {
	ctx, span := tracer.Start(ctx, "SSH: run a command")
	defer span.End()
	session, err := open(ctx, h, (*ssh.Client).NewSession)
	if err != nil {
		return "", err
	}
	defer session.Close()
	var stdout, stderr bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(command.Stdin), &stdout, &stderr
	defer context.AfterFunc(ctx, func() { session.Close() })()
	err = session.Run(command.Line)
	if text := strings.TrimSpace(stderr.String()); err != nil && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return stdout.String(), err
}
