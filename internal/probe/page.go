package probe

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Page is what to request from an application, and the expected answer.
type Page struct {
	// Path is below the application's URL; empty or / for that URL.
	Path string
	// Status is the expected status; 0 for 200 to 399, as a kubelet accepts
	// (https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/),
	// except a redirect from http to https of the same host.
	Status int
}

// ErrOtherAnswer is the error of an unexpected answer.
var ErrOtherAnswer = errors.New("another answer")

// otherAnswer is an ErrOtherAnswer with its own text.
type otherAnswer string

func (o otherAnswer) Error() string      { return string(o) }
func (otherAnswer) Is(target error) bool { return target == ErrOtherAnswer }

// of returns the page's URL below that of the application.
func (p Page) of(application string) string {
	if p.Path == "" || p.Path == "/" {
		return application
	}
	return strings.TrimSuffix(application, "/") + p.Path
}

// judge says why an answer is not the page of the application at that URL; nil if it is. Without a Status, a
// redirect from http to https of the same host does not count: an ingress controller sends it for some
// seconds after TLS was turned off.
func (p Page) judge(application string, answer Answer) error {
	switch {
	case p.Status != 0 && answer.Code != p.Status:
		return otherAnswer(fmt.Sprintf("it answers %s, not %d", answer.Status, p.Status))
	case p.Status == 0 && answer.Code >= 400:
		return otherAnswer("it answers " + answer.Status)
	case p.Status == 0 && toHTTPS(application, answer.Location):
		return otherAnswer(fmt.Sprintf("it answers %s and redirects to %s", answer.Status, answer.Location))
	}
	return nil
}

// toHTTPS reports whether a redirect leads from http to https of the same host.
func toHTTPS(from, to string) bool {
	f, errFrom := url.Parse(from)
	t, errTo := url.Parse(to)
	return errFrom == nil && errTo == nil && f.Scheme == "http" && t.Scheme == "https" && f.Hostname() == t.Hostname()
}
