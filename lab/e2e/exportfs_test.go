package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The real exportfs reads what the scripts write: for every one of the files of
// the table, in a mount namespace of the machine where the files are its own.
func TestRealExportfs(t *testing.T) {
	beside(t)
	s := newShare(t, "e2e-real")
	s.up()
	var state struct {
		Deployment struct {
			Resources []struct {
				URN    string
				Inputs struct{ Stdin string }
			}
		}
	}
	if err := json.Unmarshal([]byte(s.must("pulumi", "stack", "export")), &state); err != nil {
		t.Fatal(err)
	}
	var script string
	for _, r := range state.Deployment.Resources {
		if strings.HasSuffix(r.URN, "::share-exports") {
			script = strings.ReplaceAll(r.Inputs.Stdin, "e2e-real", "e2e-unreal")
		}
	}
	if script == "" {
		t.Fatal("the state has no script")
	}
	// Some of the table: each takes its time on such a machine.
	files := []string{"exports/05-no-newline", "exports/07-crlf", "exports/13-continued",
		"exports/18-ipv6", "exports/37-vagrant-block"}
	archive, err := exec.Command("tar", append([]string{"-C", filepath.Join(root, "components/testdata"), "-cz"}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	upload := func(name string, content []byte) {
		cmd := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", "mkdir -p /run/real && cat >/run/real/"+name)
		cmd.Stdin = strings.NewReader(string(content))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	upload("files.tar.gz", archive)
	upload("script", []byte(script))
	parser, err := os.ReadFile(filepath.Join(root, "components/scripts/entries.sh"))
	if err != nil {
		t.Fatal(err)
	}
	upload("entries.sh", parser)
	defer ssh(t, "kubemaster", "rm -rf /run/real")
	out := ssh(t, "kubemaster", `cd /run/real && tar -xzf files.tar.gz && { cp -a /var/lib/nfs etab || true; } && unshare --mount sh -ec '
		mount --bind etab /var/lib/nfs
		cp -a /etc etc || true # others change files there
		mount --bind etc /etc
		mkdir srv
		mount --bind srv /srv
		. ./entries.sh
		for file in exports/*; do
			cp "$file" /etc/exports
			entries "$file" | cut -f 5 | while read -r dir; do case $dir in /srv/*) mkdir -p "$dir" ;; esac; done
			if sh -s apply <script >out 2>&1; then
				cmp -s "$file" /etc/exports && echo "$file: nothing was added"
				sh -s remove <script >out 2>&1 || { echo "$file: not removed:"; cat out; }
				result=exported
			elif grep -q "the fault is not this change" out; then
				result=refused
			else
				result=failed; cat out
			fi
			cmp "$file" /etc/exports || echo "$file is not what it was"
			ls /etc/exports.webapp* 2>/dev/null || true
			echo "$result"
		done | sort | uniq -c'`)
	t.Logf("of the real exportfs: %s", out)
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) != 2 || (fields[1] != "exported" && fields[1] != "refused") {
			t.Errorf("%s", line)
		}
	}
	// Only what is broken is refused: vagrant's block is for another system, and
	// this exportfs takes a carriage return for a part of a word.
	var exported int
	if _, err := fmt.Sscanf(out, "%d exported", &exported); err != nil || exported < len(files)-1 {
		t.Errorf("only %d were exported", exported)
	}
}
