package hostscripts

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// If the link to the directory was changed, the files that a stack has published are kept, and remain its
// own: the files that are there now belong to others.
func TestForgetWhereALinkWasRedirected(t *testing.T) {
	t.Parallel()
	for name, turn := range map[string]string{"turned": "ln -sfn two /srv/nfs", "gone": "rm /srv/nfs"} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, "")
				h.do("mkdir -p /srv/one/web /srv/two/web/css; ln -s one /srv/nfs")
				files := h.site(contentsOf("a", "css/b"))
				below := func(a *Share) { doDelete(a); a.Path = "/srv/nfs/web" }
				h.mustPublishAs("publish 01", files, below)
				h.do(turn)
				s := h.scripts("s", below, files)
				if out := h.must(s.site, "forget 01"); !strings.Contains(out, "the files are kept, and remain this stack's: /srv/nfs/web was /srv/one/web and is /srv/") {
					t.Errorf("it says %s", out)
				}
				for _, stays := range []string{"one/web/a", "one/web/css/b", "two/web/css"} {
					if _, err := os.Stat(h.at("srv/" + stays)); err != nil {
						t.Error(err)
					}
				}
				// If the link leads there again, they are still its own, also with another site.
				h.do("rm -f /srv/nfs; ln -s one /srv/nfs")
				if got := h.inspect(h.scripts("s", below, h.site(map[string]string{"a": "other"}))).reasons(); got != "" {
					t.Errorf("the inspection says %s", got)
				}
			})
		})
	}
}

// A client may change names in the share at any moment.
func TestPublishWhileItsOwnDirectoryIsRenamed(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		h.hook("mv", `case $* in *fd/6*) cd /srv/share; for d in .webapp-balanced.*; do mv "$d" x; ln -s x "$d"; done; cd "$OLDPWD" ;; esac`)
		files := h.site(contentsOf("a", "b"))
		h.mustPublish(files, nil)
		for _, name := range []string{"a", "b"} {
			if _, err := os.Stat(h.at("srv/share/" + name)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestForgetWhileAFileBecomesADirectory(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		files := h.site(contentsOf("a", "b"))
		h.mustPublishAs("publish 01", files, doDelete)
		h.hook("rm", `case $* in *./a) $REAL -f /srv/share/a; mkdir /srv/share/a ;; esac`)
		if out := h.must(h.scripts("s", doDelete, files).site, "forget 01"); !strings.Contains(out, "a was changed by hand, so it is kept") {
			t.Errorf("it says %s", out)
		}
		if got := h.shared(); slices.Contains(got, "b") {
			t.Errorf("the share has %q", got)
		}
	})
}
