package check

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Host adds a problem if host is neither an IP address nor a DNS name.
func Host(p *Problems, property, host, next string) {
	if host == "" {
		p.Add(property, "", "is missing", next)
		return
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return
	}
	if reason := DNSName(host); reason != "" {
		p.Add(property, host, reason, next)
	}
}

var user = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// IsUser reports whether useradd(8) accepts a text as a user name.
func IsUser(text string) bool { return user.MatchString(text) }

// IsLabel reports whether a text is a label of a DNS name in lower case (RFC 1123, section 2.1).
func IsLabel(text string) bool { return label.MatchString(text) }

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// DNSName returns why name is not a DNS name; empty if it is one.
func DNSName(name string) string {
	if len(name) > 253 {
		return "is longer than the 253 characters of a DNS name"
	}
	for _, part := range strings.Split(strings.ToLower(name), ".") {
		if !label.MatchString(part) {
			return fmt.Sprintf("is not a DNS name: %q is not a valid label (letters, digits and -, RFC 1123)", part)
		}
	}
	return ""
}

// IsSubdomain reports whether most Kubernetes objects can have a name, which may contain dots
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
func IsSubdomain(name string) bool { return DNSName(name) == "" && strings.ToLower(name) == name }

// urlPath matches an absolute path that needs no escape, neither in a URL nor in the regular expression of
// the rewrite, in which a dot is quoted.
var urlPath = regexp.MustCompile(`^/[A-Za-z0-9_~./-]*$`)

// dots matches the parts . and .. of a path, which browsers remove.
var dots = regexp.MustCompile(`/\.{1,2}(/|$)`)

// IsURLPath reports whether clients and servers use a path unchanged.
func IsURLPath(path string) bool {
	return urlPath.MatchString(path) && !strings.Contains(path, "//") && !dots.MatchString(path)
}

// Answer adds the problems of the path that is requested and of the expected status.
func Answer(p *Problems, path string, status int) {
	if !IsURLPath(path) {
		p.Add("answerPath", path, "is not a path to request", "use a path that starts with /, with letters, digits, dots, _, ~ and -, such as /health")
	}
	if status != 0 && (status < 200 || status > 599) {
		p.Add("answerStatus", status, "is not a final HTTP status", "use 200 to 599, such as 401, or 0 for any of 200 to 399")
	}
}

// Duration adds a problem if a text is not a duration for which an update can wait.
func Duration(p *Problems, property, text string) {
	if d, err := time.ParseDuration(text); err != nil || d < time.Second || d > 24*time.Hour {
		p.Add(property, text, "is not a duration from 1s to 24h", "use a number with a unit, such as 90s or 3m: it is for one pod")
	}
}

// Port adds a problem if a number is not a TCP port.
func Port(p *Problems, property string, port int, next string) {
	if port < 1 || port > 65535 {
		p.Add(property, port, "is not a TCP port", next)
	}
}

// Annotations checks names of annotations
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set).
func Annotations(p *Problems, property string, annotations map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		prefix, _, _ := strings.Cut(name, "/")
		if len(validation.IsQualifiedName(strings.ToLower(name))) > 0 {
			p.Add(property, name, "is not an annotation name", "use NAME or PREFIX/NAME: a DNS name, and up to 63 letters, digits, dots, _ and -")
		} else if prefix == "webapp-balanced" || prefix == "pulumi.com" {
			p.Add(property, name, "is reserved for this program and for Pulumi", "remove it")
		}
	}
}

// IsObject reports whether a text is NAMESPACE/NAME of a Kubernetes object.
func IsObject(text string) bool { return object.MatchString(text) }

var object = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
