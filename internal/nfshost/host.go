package nfshost

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"webapp-balanced/internal/poll"
)

// Host is the NFS server. All operations share one connection, which LogIn or the first operation opens, and the
// next one after it has ended.
type Host struct {
	Login
	mutex  sync.Mutex
	last   *attempt // whose result the next operation uses; nil for none
	places chan struct{}
}

// attempt is a login. Its result is there once done is closed.
type attempt struct {
	done   chan struct{}
	client *ssh.Client
	err    error
}

// sessions is the maximum of concurrent sessions of the connection. The default of sshd is ten
// (sshd_config(5), MaxSessions).
const sessions = 8

// NewHost returns the host of a login. Nothing is sent yet.
func NewHost(login Login) *Host {
	return &Host{Login: login, places: make(chan struct{}, sessions)}
}

// LogIn starts to log in if there was no login, and does not wait. The next operation uses the connection, or returns
// the login's error.
func (h *Host) LogIn(ctx context.Context) { h.attempt(ctx) }

// attempt returns the last login, or starts one; isNew says which.
func (h *Host) attempt(ctx context.Context) (a *attempt, isNew bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.last != nil {
		return h.last, false
	}
	a = &attempt{done: make(chan struct{})}
	h.last = a
	go func() {
		defer close(a.done)
		// Others may wait for it when this caller no longer does.
		a.client, a.err = h.dial(context.WithoutCancel(ctx))
	}()
	return a, true
}

// connection waits for a login. Concurrent callers share its result. The error says whether the host is unreachable,
// presents another host key than the pinned one, or refuses the key; after an error, the next caller logs in again.
func (h *Host) connection(ctx context.Context) (a *attempt, isNew bool, err error) {
	a, isNew = h.attempt(ctx)
	select {
	case <-ctx.Done():
		return a, isNew, ctx.Err()
	case <-a.done:
	}
	if a.err != nil {
		h.forget(a)
	}
	return a, isNew, a.err
}

// forget makes the next caller log in again. Others may still use the connection.
func (h *Host) forget(a *attempt) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.last == a {
		h.last = nil
	}
}

// open opens a channel on the connection, and logs in again if that has ended since its last use. If the host
// allows fewer sessions, it retries until others have ended. It takes at most timeout, and a login.
func open[T io.Closer](ctx context.Context, h *Host, on func(*ssh.Client) (T, error)) (opened T, err error) {
	pollErr := poll.Until(ctx, timeout, func() (bool, error) {
		var a *attempt
		var isNew bool
		if a, isNew, err = h.connection(ctx); err != nil {
			return false, err
		}
		var isOver bool
		var refused *ssh.OpenChannelError
		if opened, isOver, err = within(ctx, func() (T, error) { return on(a.client) }); err == nil || errors.As(err, &refused) {
			return err == nil, nil
		}
		if isOver || isNew || isAlive(a.client) {
			return false, err
		}
		h.forget(a)
		return false, nil
	})
	return opened, cmp.Or(err, pollErr)
}

// within returns the result of opening a channel, or an error when the context ends or after timeout, when isOver is
// true. A later result is closed.
func within[T io.Closer](ctx context.Context, open func() (T, error)) (opened T, isOver bool, err error) {
	type result struct {
		opened T
		err    error
	}
	results := make(chan result, 1)
	go func() {
		opened, err := open()
		results <- result{opened, err}
	}()
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case r := <-results:
		return r.opened, false, r.err
	case <-ctx.Done():
		err = ctx.Err()
	case <-late.C:
		err = fmt.Errorf("the host opens no session within %s", timeout)
	}
	go func() {
		if r := <-results; r.err == nil {
			r.opened.Close()
		}
	}()
	return opened, true, err
}

// enter waits for a login, and then for a place among the sessions, so that a failed login is everybody's error at
// once. Call leave afterwards.
func (h *Host) enter(ctx context.Context) (leave func(), err error) {
	if _, _, err := h.connection(ctx); err != nil {
		return nil, err
	}
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Command is a command and its standard input.
type Command struct{ Line, Stdin string }

// Run runs commands one after the other, and returns the standard output of each. The error is that of the
// login, or of a command with its standard error.
func (h *Host) Run(ctx context.Context, commands ...Command) ([]string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
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
