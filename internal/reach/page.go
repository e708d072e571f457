package reach

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Page is what an application is asked for, and what counts as its answer.
type Page struct {
	// Path below the application's URL; empty or / for that itself.
	Path string
	// Status that it answers with; 0 for any of 200 to 399, which a kubelet takes too
	// (https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/),
	// but being sent from http to https of the same host.
	Status int
}

// ErrOtherAnswer is the error of an answer that is not the page's.
var ErrOtherAnswer = errors.New("another answer")

// otherAnswer is one, in its own words.
type otherAnswer string

func (o otherAnswer) Error() string      { return string(o) }
func (otherAnswer) Is(target error) bool { return target == ErrOtherAnswer }

// of is the page's URL where the application has that one.
func (p Page) of(application string) string {
	if p.Path == "" || p.Path == "/" {
		return application
	}
	return strings.TrimSuffix(application, "/") + p.Path
}

// judge says why an answer is not the page of the application at that URL; nil if it is.
// Where the status is not said, being sent from http to https of the same host is no
// answer: an ingress controller does that for some seconds after TLS was turned off.
func (p Page) judge(application string, answer Answer) error {
	switch {
	case p.Status != 0 && answer.Code != p.Status:
		return otherAnswer(fmt.Sprintf("it answers %s, not %d", answer.Status, p.Status))
	case p.Status == 0 && answer.Code >= 400:
		return otherAnswer("it answers " + answer.Status)
	case p.Status == 0 && toHTTPS(application, answer.Location):
		return otherAnswer(fmt.Sprintf("it answers %s and sends to %s", answer.Status, answer.Location))
	}
	return nil
}

// toHTTPS reports whether a redirect leads from http to https of the same host.
func toHTTPS(from, to string) bool {
	f, errFrom := url.Parse(from)
	t, errTo := url.Parse(to)
	return errFrom == nil && errTo == nil && f.Scheme == "http" && t.Scheme == "https" && f.Hostname() == t.Hostname()
}
