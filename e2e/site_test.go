package e2e

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files with all kinds of names, and a big one, arrive whole.
func TestSite(t *testing.T) {
	parallel(t)
	s := newShare(t, "e2e-site")
	site := t.TempDir()
	big := make([]byte, 200<<20)
	if _, err := rand.Read(big); err != nil {
		t.Fatal(err)
	}
	names := []string{"a b", "it's", `"q"`, "two\nlines", "-rf", "ünïcode", " edge ", `back\slash`, "$(reboot)", "sub/dir/file"}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(site, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(site, name), []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(site, "big"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	s.setPath("nfs.site", site)
	out := s.up()
	contains(t, out, "site: 100 of 200 MB sent, 50 %", "site: 200 of 200 MB sent, 100 %")
	var want []string
	for _, name := range append(names, "big") {
		content, err := os.ReadFile(filepath.Join(site, name))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%d %q", len(content), name))
	}
	got := ssh(t, "kubemaster", "cd "+s.share+` && find . -type f -perm 644 -printf '%s %P\0' | perl -0 -ne 'chomp; my ($s, $n) = /^(\d+) (.*)$/s; $n =~ s/([\\"])/\\$1/g; $n =~ s/\n/\\n/g; print "$s \"$n\"\n"'`)
	lines := strings.Split(got, "\n")
	// The contents, in the order of the names.
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range append([]string{"big"}, names...) {
		content, err := os.ReadFile(filepath.Join(site, name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(content)
	}
	if got, want := ssh(t, "kubemaster", "cd "+s.share+" && find . -type f ! -name big -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 cat -- big | sha256sum"), fmt.Sprintf("%x  -", sum.Sum(nil)); got != want {
		t.Errorf("the contents have the sum %s, want %s", got, want)
	}
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		t.Errorf("the share has\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
