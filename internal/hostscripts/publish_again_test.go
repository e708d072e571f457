package hostscripts

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Two concurrent runs come one after the other.
func TestPublishTwiceAtOnce(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		mv, err := exec.LookPath("mv")
		if err != nil {
			t.Fatal(err)
		}
		// The first one waits when it begins to put files in place.
		h.write("bin/mv", "#!/bin/sh\ncase $* in *index.php) mkdir "+h.at("slow")+" 2>/dev/null && sleep 2 ;; esac\nexec "+mv+" \"$@\"\n", 0o755)
		contents := []string{strings.Repeat("one\n", 5000), strings.Repeat("two\n", 5000)}
		var wg sync.WaitGroup
		outs, errs, took := make([]string, 2), make([]error, 2), make([]time.Duration, 2)
		for i, content := range contents {
			files := h.site(map[string]string{"index.php": content})
			s := h.scripts("s", nil, files)
			h.write(s.staging+"/"+files[0].SHA256, content, 0o600)
			wg.Go(func() {
				start := time.Now()
				outs[i], errs[i] = h.run(s.site, "publish")
				took[i] = time.Since(start)
			})
			within(t, func() bool { return i > 0 || h.has("slow") })
		}
		wg.Wait()
		for i := range contents {
			if errs[i] != nil {
				t.Errorf("%v: %s", errs[i], outs[i])
			}
		}
		if took[1] < time.Second {
			t.Errorf("the second did not wait: it took %s", took[1])
		}
		if h.read("srv/share/index.php") != contents[1] {
			t.Errorf("what the second has published is not what is there")
		}
		files := h.site(map[string]string{"index.php": contents[1]})
		if l := h.inspect(h.scripts("s", nil, files)); len(l.Site.Changes) > 0 || len(l.Lacking) > 0 {
			t.Errorf("after that the inspection says %+v", l)
		}
	})
}

// Pulumi creates a replacement before it deletes the old resource.
func TestForgetOfAnOldRun(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		for _, change := range []func(*Share){nil, doDelete} {
			h := newHost(t, shell, "")
			h.mustDir("srv/share")
			files := h.site(contentsOf("a"))
			h.mustPublishAs("publish 01", files, change)
			h.mustPublishAs("publish 02", files, change)
			h.mustPublish(files, change) // an update keeps the generation
			s := h.scripts("s", change, files)
			if out := h.must(s.site, "forget 01"); !strings.Contains(out, "published again by a newer update, so they are kept") {
				t.Errorf("it says %s", out)
			}
			if got := h.shared(); !slices.Equal(got, []string{"a"}) {
				t.Errorf("the share has %q", got)
			}
			if l := h.inspect(s); len(l.Site.Changes) > 0 || len(l.Lacking) > 0 {
				t.Errorf("the inspection says %+v", l)
			}
			h.must(s.site, "forget 02")
			want := []string{"a"}
			if change != nil {
				want = nil
			}
			if got := h.shared(); !slices.Equal(got, want) {
				t.Errorf("the share has %q, want %q", got, want)
			}
			if notes, _ := filepath.Glob(h.at("var/lib/webapp-balanced/*/site")); notes != nil {
				t.Errorf("the notes are left: %q", notes)
			}
		}
	})
}

// A stack that is back recognizes the files that it left: by its identity, or by its name after a destroy.
func TestPublishWhatWasLeft(t *testing.T) {
	t.Parallel()
	again := func(a *Share) { a.Identity = identityOf("again") }
	eachShell(t, func(t *testing.T, shell []string) {
		for _, change := range []func(*Share){nil, again} {
			h := newHost(t, shell, "")
			h.mustDir("srv/share")
			h.mustPublishAs("publish 01", h.site(contentsOf("a", "b", "gone", "same")), nil)
			h.must(h.scripts("s", nil, nil).site, "forget 01")
			files := h.site(map[string]string{"a": "changed", "b": "changed", "same": "content of same"})
			s := h.scripts("s", change, files)
			b := h.read("srv/share/b")
			h.write("srv/share/b", "by hand", 0o644)
			want := "b is already in the share, and this stack did not publish it"
			if got := h.inspect(s).reasons(); got != want {
				t.Errorf("the inspection would refuse %q, want %q", got, want)
			}
			if _, out, err := h.publishAs("publish 02", files, change); err == nil || !strings.Contains(out, want) {
				t.Errorf("%v: %s", err, out)
			}
			if h.read("srv/share/b") != "by hand" || h.read("srv/share/a") != "content of a" {
				t.Errorf("something was published; b was %q", b)
			}
			h.remove("srv/share/b")
			if staged := h.mustPublishAs("publish 02", files, change); staged != 1 {
				t.Errorf("%d files were staged, want that of two names", staged)
			}
			if got, want := h.shared(), []string{"a", "b", "same"}; !slices.Equal(got, want) {
				t.Errorf("the share has %q, want %q", got, want)
			}
			if l := h.inspect(s); len(l.Site.Changes) > 0 || len(l.Lacking) > 0 || l.reasons() != "" {
				t.Errorf("the inspection says %+v", l)
			}
			if left, _ := filepath.Glob(h.at("var/lib/webapp-balanced/*/left")); left != nil {
				t.Errorf("the old notes are left: %q", left)
			}
		}
		// Another stack's is refused.
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		files := h.site(contentsOf("a"))
		h.mustPublish(files, nil)
		h.must(h.scripts("s", nil, nil).site, "forget")
		if l := h.inspect(h.scripts("two", nil, files)); l.reasons() != "a is already in the share, and this stack did not publish it" {
			t.Errorf("the inspection would refuse %q", l.reasons())
		}
	})
}

// Starting a process costs more than its work.
func TestPublishProcesses(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.mustDir("srv/share")
		files := h.site(contentsOf("a"))
		s := h.scripts("s", nil, files)
		h.stage(s, files)
		for _, file := range files {
			h.chmod(s.staging+"/"+file.SHA256, 0o644) // as sftp-server(8) makes them
		}
		first, again, inspection := h.processes(s.site, "publish 01"), h.processes(s.site, "publish"), h.processes(s.inspect, "probe")
		t.Logf("processes: %d for the first publish, %d for an unchanged one, %d for the inspection", first, again, inspection)
		if first > 30 || again > 15 || inspection > 12 {
			t.Error("that is more than 30, 15 and 12")
		}
	})
}
