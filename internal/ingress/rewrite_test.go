package ingress

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Each controller's rewrite keeps what follows the rule's path. The test applies the patterns like HAProxy's
// http-request replace-path, Traefik's replacePathRegex and nginx's rewrite; nginx only to what its location accepts.
func TestRewrites(t *testing.T) {
	haproxy := func(rule, path string) string {
		pattern, replacement, _ := strings.Cut(haproxyRewrite(rule), " ")
		return regexp.MustCompile(pattern).ReplaceAllString(path, strings.ReplaceAll(replacement, `\1`, "$1"))
	}
	traefik := func(rule, path string) string {
		rewrite := traefikRewrite(rule)
		return regexp.MustCompile(string(rewrite["regex"].(pulumi.String))).ReplaceAllString(path, string(rewrite["replacement"].(pulumi.String)))
	}
	nginx := func(rule, path string) string {
		location := regexp.MustCompile("^" + nginxPath(rule))
		if !location.MatchString(path) {
			return "no location"
		}
		return location.ReplaceAllString(path, "/$2")
	}
	for _, c := range []struct{ rule, path, want string }{
		{"/balanced", "/balanced", "/"},
		{"/balanced", "/balanced/", "/"},
		{"/balanced", "/balanced/a/b.css", "/a/b.css"},
		{"/balanced/", "/balanced/a", "/a"},
		{"/a/b", "/a/b/c", "/c"},
		{"/v1.2", "/v1.2/c", "/c"},
	} {
		for name, rewrite := range map[string]func(rule, path string) string{"HAProxy": haproxy, "Traefik": traefik, "nginx": nginx} {
			if got := rewrite(c.rule, c.path); got != c.want {
				t.Errorf("%s: the rule %s makes %s of %s, want %s", name, c.rule, got, c.path, c.want)
			}
		}
	}
	for _, path := range []string{"/balancedX", "/v1x2"} {
		if got := nginx("/v1.2", path) + nginx("/balanced", path); got != "no locationno location" {
			t.Errorf("nginx takes %s for %s", path, got)
		}
	}
}
