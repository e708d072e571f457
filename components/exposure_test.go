package components

import (
	"regexp"
	"strings"
	"testing"
)

// The rewrite keeps what follows the rule's path. The pattern is applied here
// as HAProxy's http-request replace-path does.
func TestRewrite(t *testing.T) {
	for _, c := range []struct{ rule, path, want string }{
		{"/balanced", "/balanced", "/"},
		{"/balanced", "/balanced/", "/"},
		{"/balanced", "/balanced/a/b.css", "/a/b.css"},
		{"/balanced/", "/balanced/a", "/a"},
		{"/a/b", "/a/b/c", "/c"},
	} {
		pattern, replacement, _ := strings.Cut(ExposureArgs{Path: c.rule}.rewrite(), " ")
		got := regexp.MustCompile(pattern).ReplaceAllString(c.path, strings.ReplaceAll(replacement, `\1`, "$1"))
		if got != c.want {
			t.Errorf("the rule %s makes %s of %s, want %s", c.rule, got, c.path, c.want)
		}
	}
	if got := (ExposureArgs{Path: "/"}).rewrite(); got != "" {
		t.Errorf("the rule / rewrites: %s", got)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"clusterip", "nodeport", "loadbalancer"}
	for value, want := range map[string]string{
		"nodport": "nodeport", "NodePorts": "nodeport", "loadbalencer": "loadbalancer", "x": "", "": "", "internet": "",
	} {
		if got := Nearest(value, words); got != want {
			t.Errorf("nearest to %q is %q, want %q", value, got, want)
		}
	}
}
