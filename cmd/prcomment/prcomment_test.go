package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the comments that the recordings give")

// Recordings of real previews give the reviewed comments.
func TestRecordings(t *testing.T) {
	recordings, err := filepath.Glob("testdata/*")
	if err != nil || len(recordings) < 9 {
		t.Fatalf("%d recordings, %v", len(recordings), err)
	}
	for _, dir := range recordings {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			r, err := load(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := render(parse("webapp-balanced/dev", r.stdout, r.stderr, r.status != 0), "the job's summary", commentLimit)
			golden := filepath.Join(dir, "comment.md")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("the comment is\n%s\nwant\n%s(%v)", got, want, err)
			}
			if len([]rune(got)) > 65536 || strings.Contains(got, "PRIVATE KEY") {
				t.Error("it is too long, or has a secret")
			}
			mustFind(t, got, find[filepath.Base(dir)])
		})
	}
}

// find has what a reader of a recording's comment must find: the verdict in its first line, and then, in this
// order, what changes.
var find = map[string][]string{
	"first-deploy": {"15 changes", "EXTERNAL-IP", "stays <pending>", "create <b>Command share-exports</b>", "+ connection: [secret]",
		"+   line /srv/nfs/e2e-previews 198.18.0.160(rw,sync,no_subtree_check)", "create <b>Ingress ", "create <b>Deployment "},
	"no-change":         {"✅", "no changes"},
	"exposure-switched": {"⚠️", "**1 delete**", "update <b>Service ", "- spec.type: LoadBalancer", "+ spec.type: ClusterIP"},
	"line-added":        {"1 change", "update <b>Command share-exports</b>", "+   line /srv/nfs/e2e-previews 198.18.0.99(rw,sync,no_subtree_check)"},
	"replace":           {"⚠️", "**2 replace**", "delete <b>PersistentVolume ", "replace <b>Command share-exports</b>", "+   line /srv/nfs/e2e-previews-2 198.18.0.160("},
	"delete":            {"⚠️", "**2 delete**", "delete <b>Ingress "},
	"failure":           {"❌", "the preview failed", "**error**", `replicas = "3": is more than the 2 nodes`, "use at most 2"},
	"enormous":          {"1 change", "update <b>Command share-site</b>", "page-0000.html", "lines more"},
	"drift": {"2 changes", "the NFS host has changed since the last update", "/etc/exports has: /srv/nfs/e2e-previews 198.18.0.161(ro,", "index.php was changed",
		"update <b>Command share-exports</b>", "update <b>Command share-site</b>"},
}

// mustFind checks that the texts are in a comment one after the other, the first one in its first line.
func mustFind(t *testing.T, comment string, texts []string) {
	t.Helper()
	if len(texts) == 0 {
		t.Fatal("find does not have this recording")
	}
	if first, _, _ := strings.Cut(comment, "\n"); !strings.Contains(first, texts[0]) {
		t.Errorf("the first line is %q, want %q there", first, texts[0])
	}
	rest := comment
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			t.Errorf("%q is not where it belongs", text)
			continue
		}
		rest = after
	}
}

const urnPrefix = "urn:pulumi:dev::webapp-balanced::webapp-balanced:index:Exposure$kubernetes:core/v1:Service::"

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		summary map[string]int
		failed  bool
		want    string
	}{
		{map[string]int{"same": 12}, false, "✅ `p/s`: no changes"},
		{map[string]int{"same": 12, "update": 1}, false, "🟦 `p/s`: 1 change"},
		{map[string]int{"create": 14}, false, "🟦 `p/s`: 14 changes"},
		{map[string]int{"update": 2, "delete": 1, "replace": 2}, false, "⚠️ `p/s`: 5 changes, of them **1 delete** and **2 replace**"},
		{map[string]int{"update": 2}, true, "❌ `p/s`: the preview failed"},
	} {
		p := preview{stack: "p/s", failed: c.failed, digest: digest{ChangeSummary: c.summary}}
		if got := p.verdict(); got != c.want {
			t.Errorf("%v: %q, want %q", c.summary, got, c.want)
		}
	}
}

// Changed fields are lines; of texts, the changed lines; of a script with its data, the data.
func TestDiffLines(t *testing.T) {
	script := func(data string) string {
		return ": sudo -n\nexec 3<<'END OF DATA'\n" + data + "\nEND OF DATA\nset -eu\necho\n\n"
	}
	inputs := func(nodePort any, stdin string) *state {
		return &state{Inputs: map[string]any{
			"spec":       map[string]any{"type": "NodePort", "ports": []any{map[string]any{"port": 80.0, "nodePort": nodePort}}},
			"connection": "[secret]", "__defaults": []any{}, "stdin": stdin,
		}}
	}
	s := step{
		Op: "update", URN: urnPrefix + "exposure-service",
		Old: inputs(31183.0, script("block b\ndirectory /srv\nline /srv 10.0.0.1(rw)\nline /srv 10.0.0.3(rw)\nfile a")),
		New: inputs(unknown, script("block b\ndirectory /srv\nline /srv 10.0.0.1(rw)\nline /srv 10.0.0.2(rw)\nfile a")),
	}
	const want = `- spec.ports[0].nodePort: 31183
+ spec.ports[0].nodePort: [known after the update]
  stdin:
    ...
    line /srv 10.0.0.1(rw)
-   line /srv 10.0.0.3(rw)
+   line /srv 10.0.0.2(rw)
    file a
    ...`
	if got := strings.Join(diffLines(s), "\n"); got != want {
		t.Errorf("the lines are\n%s\nwant\n%s", got, want)
	}
}

// The comment of a preview of any size is complete Markdown within the limit, and names what it omits.
func TestEnormous(t *testing.T) {
	p := preview{stack: "p/s", digest: digest{ChangeSummary: map[string]int{"create": 3000}}}
	for i := range 3000 {
		inputs := map[string]any{}
		for j := range i % 400 {
			inputs[fmt.Sprintf("key%03d", j)] = "```" + strings.Repeat("x", 50)
		}
		p.digest.Steps = append(p.digest.Steps, step{Op: "create", URN: urn(fmt.Sprintf("%sr%d", urnPrefix, i)), New: &state{Inputs: inputs}})
	}
	got := render(p, "the job's summary", commentLimit)
	if len([]rune(got)) > 65536 {
		t.Errorf("it has %d characters", len([]rune(got)))
	}
	if strings.Count(got, "<details") != strings.Count(got, "</details>") || !strings.Contains(got, "left out, there is no room**, see the job's summary:") {
		t.Errorf("it ends with\n%s", got[len(got)-600:])
	}
	if again := render(p, "the job's summary", commentLimit); again != got {
		t.Error("it is another text the second time")
	}
}

// Special characters in names are shown unchanged, within the limit.
func TestSpecialCharactersInNames(t *testing.T) {
	p := preview{stack: "p/s", digest: digest{ChangeSummary: map[string]int{"replace": 500}}}
	for i := range 500 {
		name := fmt.Sprintf("<!-- %d **x** `y` </summary> & [z](a)\n|%s", i, strings.Repeat("<", 2000))
		p.digest.Steps = append(p.digest.Steps, step{Op: "replace", URN: urn(urnPrefix + name), ReplaceReasons: slices.Repeat([]string{name}, 30)})
	}
	const limit = 10000
	got := render(p, "the job's summary", limit)
	if len(got) > limit {
		t.Errorf("it has %d bytes, want at most %d", len(got), limit)
	}
	if want := "Service &#60;!-- 0 &#42;&#42;x&#42;&#42; &#96;y&#96; &#60;/summary&#62; &#38; &#91;z&#93;(a) &#124;&#60;"; !strings.Contains(got, want) || strings.Contains(got, "</summary> &") {
		t.Errorf("it is\n%.1500s", got)
	}
	if !strings.Contains(got, "left out, there is no room**") {
		t.Errorf("it ends with\n%s", got[len(got)-300:])
	}
	if got := code("a<b"); got != "<code>a&#60;b</code>" {
		t.Errorf("a name as code is %s", got)
	}
	if got := code("spec.ports"); got != "`spec.ports`" {
		t.Errorf("a name as code is %s", got)
	}
}

// The comment of a failed preview begins with that, and why.
func TestFailure(t *testing.T) {
	p := parse("p/s", []byte(`{"diagnostics": [
		{"urn": "`+urnPrefix+`exposure-service", "message": "error: port is taken\n", "severity": "error"},
		{"message": "warning: EXTERNAL-IP stays pending", "severity": "warning"}], "changeSummary": {}}`), nil, true)
	const want = "### ❌ `p/s`: the preview failed\n<!-- pulumi preview of p/s -->\n\n" +
		"**error** of `Service exposure-service`\n```\nport is taken\n```\n\n**warning**\n```\nEXTERNAL-IP stays pending\n```\n\n"
	if got := render(p, "", commentLimit); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	early := parse("p/s", nil, []byte("error: no stack named 's' found\n"), true)
	if got := render(early, "", commentLimit); !strings.Contains(got, "the preview failed") || !strings.Contains(got, "```\nerror: no stack named 's' found\n```") {
		t.Errorf("it is\n%s", got)
	}
}

// A preview that could not reach the cluster is not fit for a decision.
func TestIncomplete(t *testing.T) {
	p := parse("p/s", []byte(`{"diagnostics": [{"message": "warning: this preview is incomplete: list the nodes", "severity": "warning"}]}`), nil, false)
	if !p.isIncomplete() {
		t.Error("it is taken for a whole one")
	}
	if p := parse("p/s", []byte(`{}`), nil, false); p.isIncomplete() || p.failed {
		t.Error("a complete preview counts as incomplete")
	}
}
