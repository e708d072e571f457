package main

import (
	"errors"
	"strings"
	"testing"
)

const exportsCommand, siteCommand = "command:remote:Command share-exports", "command:remote:Command share-site"

// Drift on the host becomes a part of the scripts' data, so that the update
// heals it; what the last update has healed is again what it was then.
func TestDriftIsAnInput(t *testing.T) {
	w := tutorial()
	w.probes = [2]string{
		"drift /etc/exports lacks: /srv/nfs/weblb 192.168.1.161(rw)\nhealed 2030-01-01T00:00:00Z something else\n",
		"healed 2030-01-01T00:00:00Z index.php was changed\n",
	}
	e, err := run(t, devConfig(t), w, true)
	if err != nil {
		t.Fatal(err)
	}
	exports, site := e.input(t, exportsCommand, "stdin"), e.input(t, siteCommand, "stdin")
	if !strings.Contains(exports, "Z /etc/exports lacks: /srv/nfs/weblb 192.168.1.161(rw)\nline ") || strings.Contains(exports, "something else") {
		t.Errorf("the exports' data is\n%.600s", exports)
	}
	if !strings.Contains(site, "\ndrift 2030-01-01T00:00:00Z index.php was changed\nfile ") {
		t.Errorf("the site's data is\n%.600s", site)
	}
	if len(w.commands) != 2 || w.commands[0].Line != "sh -s -- probe webapp-balanced/dev/share:/srv/nfs/weblb" {
		t.Errorf("%d commands were run: %q", len(w.commands), w.commands)
	}
}

// What an update would refuse is refused at preview, all of it at once.
func TestConflictsAreProblems(t *testing.T) {
	config := devConfig(t)
	config[project+":replicas"] = "5"
	w := tutorial()
	w.probes = [2]string{"conflict line 3 of /etc/exports exports the same\n", "conflict index.php is somebody else's there\n"}
	_, err := run(t, config, w, true)
	for _, want := range []string{"3 problems", `nfs.path = "/srv/nfs/weblb": cannot be exported: line 3 of /etc/exports`, `nfs.site = "./site": cannot be published: index.php is somebody`, `replicas = "5"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

// detectDrift false logs in, and looks no further.
func TestWithoutDriftDetection(t *testing.T) {
	config := devConfig(t)
	config[project+":nfs"] = strings.Replace(config[project+":nfs"], `"detectDrift":true`, `"detectDrift":false`, 1)
	w := tutorial()
	if _, err := run(t, config, w, true); err != nil || len(w.commands) > 0 {
		t.Errorf("%d commands were run (%v)", len(w.commands), err)
	}
	w.hostError = errors.New("the host is down")
	if _, err := run(t, config, w, false); err == nil || !strings.Contains(err.Error(), "the host is down") {
		t.Errorf("the error is %v", err)
	}
}

// Only the files that the host lacks are staged, and none in a preview.
func TestStaging(t *testing.T) {
	hash := func(e *engine) string {
		_, after, _ := strings.Cut(e.input(t, siteCommand, "stdin"), "\nfile ")
		return after[:64]
	}
	for _, c := range []struct {
		preview, lacking bool
		want             int
	}{{true, true, 0}, {false, true, 1}, {false, false, 0}} {
		w := tutorial()
		e, err := run(t, devConfig(t), w, true)
		if err != nil {
			t.Fatal(err)
		}
		w.probes[1] = "lacking " + strings.Repeat("0", 64) + "\n"
		if c.lacking {
			w.probes[1] = "lacking " + hash(e) + "\n"
		}
		if _, err := run(t, devConfig(t), w, c.preview); err != nil {
			t.Fatal(err)
		}
		if len(w.staged) != c.want {
			t.Errorf("%+v: %d files were staged", c, len(w.staged))
		}
	}
}
