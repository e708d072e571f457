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

// IsUser tells whether a text is the name of a user, as useradd(8) takes it.
func IsUser(text string) bool { return user.MatchString(text) }

// IsLabel tells whether a text is one part of a DNS name in small letters (RFC 1123, section 2.1).
func IsLabel(text string) bool { return label.MatchString(text) }

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// DNSName says why name is no DNS name, empty if it is one.
func DNSName(name string) string {
	if len(name) > 253 {
		return "is longer than the 253 characters of a DNS name"
	}
	for _, part := range strings.Split(strings.ToLower(name), ".") {
		if !label.MatchString(part) {
			return fmt.Sprintf("is no DNS name: %q is none of its parts (letters, digits and -, RFC 1123)", part)
		}
	}
	return ""
}

// IsSubdomain tells whether a name is one that most objects of Kubernetes can have, with dots
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
func IsSubdomain(name string) bool { return DNSName(name) == "" && strings.ToLower(name) == name }

// urlPath is an absolute path that needs no escape, neither in a URL nor in
// the regular expression of the rewrite, in which a dot is quoted.
var urlPath = regexp.MustCompile(`^/[A-Za-z0-9_~./-]*$`)

// dots are parts of a path that a browser takes out.
var dots = regexp.MustCompile(`/\.{1,2}(/|$)`)

// IsURLPath tells whether a path is one that everybody takes as it is.
func IsURLPath(path string) bool {
	return urlPath.MatchString(path) && !strings.Contains(path, "//") && !dots.MatchString(path)
}

// Answer adds the problems of what the application is asked for.
func Answer(p *Problems, path string, status int) {
	if !IsURLPath(path) {
		p.Add("answerPath", path, "is no path to ask for", "use a path from / on with letters, digits, dots, _, ~ and -, such as /health")
	}
	if status != 0 && (status < 200 || status > 599) {
		p.Add("answerStatus", status, "is no status that an answer ends with", "use 200 to 599, such as 401, or 0 for any of 200 to 399")
	}
}

// Duration adds the problem that a text is no duration which an update waits for.
func Duration(p *Problems, property, text string) {
	if d, err := time.ParseDuration(text); err != nil || d < time.Second || d > 24*time.Hour {
		p.Add(property, text, "is no duration from a second to a day", "use a number with a unit, such as 90s or 3m: it is for one pod")
	}
}

// Port adds the problem that a number is no port of TCP.
func Port(p *Problems, property string, port int, next string) {
	if port < 1 || port > 65535 {
		p.Add(property, port, "is no TCP port", next)
	}
}

// Annotations checks names of annotations
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/#syntax-and-character-set).
func Annotations(p *Problems, property string, annotations map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		prefix, _, _ := strings.Cut(name, "/")
		if len(validation.IsQualifiedName(strings.ToLower(name))) > 0 {
			p.Add(property, name, "is no name of an annotation", "use NAME or PREFIX/NAME: a DNS name, and up to 63 letters, digits, dots, _ and -")
		} else if prefix == "webapp-balanced" || prefix == "pulumi.com" {
			p.Add(property, name, "is an annotation by which this program works", "leave it out")
		}
	}
}

// IsObject tells whether a text is NAMESPACE/NAME of an object of Kubernetes.
func IsObject(text string) bool { return object.MatchString(text) }

var object = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
