package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"
)

// soaking says that every failure is made to happen. With SOAK=report, as `make soak` has it, the report of
// them is written at the end.
var soaking = os.Getenv("SOAK") != ""

// Everything fails once below one site, of which the tests of all stacks would notice: they wait until this is over.
// `make test` has no time but for a few.
func TestReliability(t *testing.T) {
	w := newSite(t, "e2e-reliability")
	w.setPath("nfs.detectDrift", "true")
	w.up()
	w.run(t, "a node hangs", w.nodeHangs)
	w.run(t, "rpc.mountd is killed", w.mountdIsKilled)
	w.run(t, "exportfs -ua", w.allIsWithdrawn)
	if !soaking {
		return
	}
	w.run(t, "the share's directory is renamed", w.directoryIsRenamed)
	w.run(t, "the disk is full", w.diskIsFull)
	w.run(t, "the NFS server loses its power", w.serverLosesPower)
	w.run(t, "a node loses its power", w.nodeLosesPower)
	w.run(t, "the ingress controller's pod is deleted", w.controllerIsDeleted)
	w.run(t, "the API server is away", w.apiServerIsAway)
	w.run(t, "etcd is restarted", w.etcdIsRestarted)
	w.run(t, "SSH is cut", w.sshIsCut)
	w.run(t, "operations", w.operations)
}

// outcome is a row of docs/reliability.md: what fails, what that does to users and operators, and
// what was measured.
type outcome struct {
	Section string // of the table
	Failure string
	Sees    string // a user of the website, or whoever runs pulumi
	// Requests and those of them that were Lost and Slow; 0 requests where nothing was asked.
	Requests, Lost, Slow int
	// MayLose is how many of 100 requests may be lost.
	MayLose int
	// Well is how long it took until all was well, and Within how long it may take; 0 where
	// nothing has to come back.
	Well, Within time.Duration
	// Picture is a name of a file for the answers over time; empty for none.
	Picture string
	answers answers
	failed  time.Duration // when, after the first request
}

const (
	inTheCluster = "The cluster"
	onTheHost    = "The NFS host"
	atTheUpdate  = "The update"
	ordinary     = "Ordinary operations"
)

var sections = []string{inTheCluster, onTheHost, atTheUpdate, ordinary}

var (
	outcomes   []outcome
	outcomesMu sync.Mutex
)

// with adds what became of requests.
func (o outcome) with(all answers) outcome {
	o.answers, o.Requests, o.Lost, o.Slow = all, len(all), len(all.lost()), all.slow()
	return o
}

// record fails the test unless the outcome is as it has to be, and keeps it for the report.
func (o outcome) record(t *testing.T) {
	t.Helper()
	t.Logf("%s: %d of %d requests lost, %d slow; all is well after %.1f s", o.Failure, o.Lost, o.Requests, o.Slow, o.Well.Seconds())
	if !slices.Contains(sections, o.Section) {
		t.Errorf("%s: there is no section %q", o.Failure, o.Section)
	}
	if o.Lost*100 > o.MayLose*o.Requests {
		t.Errorf("%s: %d of %d requests are lost, more than %d %%, such as %s", o.Failure, o.Lost, o.Requests, o.MayLose, strings.Join(o.answers.lost()[:min(3, o.Lost)], ", "))
	}
	if o.Within > 0 && o.Well > o.Within {
		t.Errorf("%s: all is well after %s, want %s at most", o.Failure, o.Well, o.Within)
	}
	outcomesMu.Lock()
	defer outcomesMu.Unlock()
	outcomes = append(outcomes, o)
}

// Row is the row of the section's table.
func (o outcome) Row() string {
	lost, well := "", ""
	if o.Requests > 0 {
		lost = fmt.Sprintf("%d of %d", o.Lost, o.Requests)
		if o.Slow > 0 {
			lost += fmt.Sprintf(", %d slow", o.Slow)
		}
	}
	if o.Within > 0 {
		well = fmt.Sprintf("%.0f s (at most %.0f)", o.Well.Seconds(), o.Within.Seconds())
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", o.Failure, o.Sees, lost, well)
}

var report = template.Must(template.New("").Parse(`# When something fails

` + "`make soak`" + ` has every failure below happen in [the lab](architecture.md#the-lab), measures, and writes
this page. It fails when more is lost than is said here, or when it takes longer than the limit in
brackets. Requests are made at a steady rate over connections of their own, from before the failure until
all is well; slow are those that took more than {{ .Slow }} s. The seconds are of machines that share two
cores: from one run to the next they differ by a third, the requests lost at the Ingress do not. In the
lab Kubernetes counts a node as dead after 20 s without a sign of life; without a setting that is 50 s.
{{ range .Sections }}{{ if .Rows }}
## {{ .Name }}

| failure | what one sees | requests lost | all is well after |
| --- | --- | --- | --- |
{{ range .Rows }}{{ .Row }}
{{ end }}{{ range .Rows }}{{ if .Picture }}
![{{ .Failure }}: answers over time](images/{{ .Picture }})
{{ end }}{{ end }}{{ end }}{{ end }}`))

// writeReport writes docs/reliability.md and its pictures.
func writeReport() error {
	type section struct {
		Name string
		Rows []outcome
	}
	data := struct {
		Slow     float64
		Sections []section
	}{Slow: slow.Seconds()}
	docs := filepath.Join(root, "docs")
	for _, name := range sections {
		s := section{Name: name}
		for _, o := range outcomes {
			if o.Section != name {
				continue
			}
			s.Rows = append(s.Rows, o)
			if o.Picture != "" {
				if err := os.WriteFile(filepath.Join(docs, "images", o.Picture), o.picture(), 0o644); err != nil {
					return err
				}
			}
		}
		slices.SortStableFunc(s.Rows, func(a, b outcome) int { return strings.Compare(a.Failure, b.Failure) })
		data.Sections = append(data.Sections, s)
	}
	var page bytes.Buffer
	if err := report.Execute(&page, data); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "reliability.md"), page.Bytes(), 0o644)
}
