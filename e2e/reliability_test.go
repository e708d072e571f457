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

// soaking says that the tests cause every failure. With SOAK=report, as in `make soak`, they write the report
// at the end.
var soaking = os.Getenv("SOAK") != ""

// TestReliability causes every failure under one stack. Other stacks would be affected, so their tests wait
// until this is over. `make test` runs only the failures that take less than a minute.
func TestReliability(t *testing.T) {
	w := newTarget(t, "e2e-reliability")
	w.setPath("nfs.detectDrift", "true")
	w.up()
	w.run(t, "a node hangs", w.nodeHangs)
	w.run(t, "rpc.mountd is killed", w.mountdIsKilled)
	w.run(t, "exportfs -ua", w.unexportAll)
	w.run(t, "the share's directory is renamed", w.directoryIsRenamed)
	w.run(t, "the disk is full", w.diskIsFull)
	w.run(t, "the NFS server loses its power", w.serverLosesPower)
	w.run(t, "etcd is restarted", w.etcdIsRestarted)
	w.run(t, "the ingress controller's pod dies", w.controllerDies)
	if !soaking {
		return
	}
	w.run(t, "SSH is cut", w.sshIsCut)
	w.run(t, "a node loses its power", w.nodeLosesPower)
	w.run(t, "the API server is away", w.apiServerIsAway)
	w.run(t, "operations", w.operations)
}

// outcome is a row of docs/reliability.md: what fails, what that does to users and operators, and what was measured.
type outcome struct {
	Section string // of the table
	Failure string
	Sees    string // a user of the website, or of pulumi
	// Requests is how many requests were made, and Lost and Slow how many of them were lost or slow; 0 if
	// none were made. InFlight requests were lost or late because a node had them when it failed: no balancer
	// can prevent that, and they are not in Lost.
	Requests, Lost, Slow, InFlight int
	// MayLose is how many of 100 requests may be lost, and Loses for how long after the failure; 0 means
	// until all is well.
	MayLose int
	Loses   time.Duration
	// Slowest is how long an answer may take; 0 if requests wait until the failed part is back.
	Slowest time.Duration
	// Well is how long it took until all was well, and Within its limit; 0 if nothing has to come back. Fails
	// is how long it took until the update failed, with the same limit.
	Well, Fails, Within time.Duration
	// Picture is the file name of a picture of the answers over time; empty for none.
	Picture string
	load    load
	answers answers
	failed  time.Duration // when the failure began, after the load's beginning
	node    bool          // a node fails, with the requests in flight
}

const (
	inTheCluster = "The cluster"
	onTheHost    = "The NFS host"
	atTheUpdate  = "The update"
	ordinary     = "Ordinary operations"
)

var sections = []string{inTheCluster, onTheHost, atTheUpdate, ordinary}

// presupposed has the preconditions of the rows of a section.
var presupposed = map[string]string{
	inTheCluster: "In the lab, a node that comes back needs no manual step, because its machines clear `/var/lib/cni` when they start; " +
		"[what your own nodes need](exposures.md#when-a-node-dies). The ingress controller runs on the node that stays up. A request that the failing node is processing is lost or late, and is not counted.",
	ordinary: "With two pods of the ingress controller and a PodDisruptionBudget for them, each pod with `preStop: sleep` and a readiness probe that tolerates a busy machine, " +
		"as in `lab/manifests/haproxy-ingress.yaml`. An update of the controller replaces its pods. When the Ingress and a node port are both tested, each gets 25 requests a second.",
}

// failures lists all rows of the report, in order.
var failures = []string{
	hangs, noPower, noPowerAtPort, "the ingress controller's only pod dies",
	"the NFS server is without power for 20 s (5 requests a second)", "rpc.mountd is killed", "exportfs -ua is run by hand", "the share's directory is renamed", "the disk is full",
	"the API server is away for 30 s", "etcd is restarted", "SSH is cut while files are published", killedUpdates, "the deployer's clock is a year slow", "the deployer's clock is a year fast",
	"an image does not exist" + shortTimeout, "a pod crashes" + shortTimeout, "a claim of the podTemplate does not bind" + shortTimeout, "a mount is denied" + shortTimeout,
	"another image" + atIngress, "another image" + atPort, "one pod, and two again" + atIngress, "one pod, and two again" + atPort,
	"exposure from nodeport to loadbalancer, clusterip and back" + atIngress, "a key of HAProxy" + atIngress, "a key of HAProxy" + atPort,
	"kubenode1 is drained and uncordoned" + atIngress, "kubenode1 is drained and uncordoned" + atPort,
	"kubenode2 is drained and uncordoned" + atIngress, "kubenode2 is drained and uncordoned" + atPort,
	"the ingress controller's pods are replaced" + atIngress, "the certificate is renewed" + atIngress, "the certificate is renewed" + atPort,
}

const (
	atIngress     = " (at the Ingress)"
	atPort        = " (at a node port)"
	hangs         = "a node hangs for 12 s" + atIngress
	noPower       = "a node is without power for 80 s" + atIngress
	noPowerAtPort = "a node is without power for 80 s (at a node port of another node)"
	shortTimeout  = " (rolloutTimeout 20s)"
	killedUpdates = "up or destroy is killed, at 56 moments"
)

var (
	outcomes   []outcome
	outcomesMu sync.Mutex
)

// with adds the results of a load's requests. It counts every lost request, even if its second attempt succeeded.
func (o outcome) with(l load, all answers) outcome {
	o.load, o.answers, o.Requests, o.Slow = l, all, len(all), all.slow()
	o.Lost, o.InFlight = len(o.counted().where(isLost)), 0
	for _, a := range o.answers {
		if o.inFlight(a) && (isLost(a) || o.Slowest > 0 && a.took > o.Slowest) {
			o.InFlight++
		}
	}
	return o
}

// inFlight reports whether the failing node may have had the request.
func (o outcome) inFlight(a answer) bool {
	return o.node && a.at <= o.failed && a.at+a.took >= o.failed
}

// counted returns the answers except those of requests in flight.
func (o outcome) counted() answers {
	return o.answers.where(func(a answer) bool { return !o.inFlight(a) })
}

// record fails the test if the outcome exceeds its limits, and keeps it for the report.
func (o outcome) record(t *testing.T) {
	t.Helper()
	counted := o.counted()
	slowest, within := counted.slowest(), shared(o.Within)
	t.Logf("%s: %d of %d requests lost, %d slow, %d in flight, the slowest %.1f s; fails after %.1f s, all is well after %.1f s", o.Failure, o.Lost, o.Requests, o.Slow, o.InFlight, slowest.Seconds(), o.Fails.Seconds(), o.Well.Seconds())
	if !slices.Contains(failures, o.Failure) {
		t.Errorf("failures lacks %q", o.Failure)
	}
	if o.Lost*100 > o.MayLose*o.Requests {
		var why []string
		for _, a := range counted.where(isLost) {
			why = append(why, a.lost)
		}
		t.Errorf("%s: %d of %d requests are lost, more than %d %%, such as %s", o.Failure, o.Lost, o.Requests, o.MayLose, strings.Join(why[:min(3, len(why))], ", "))
	}
	if last := o.lastLost(); o.Loses > 0 && last > shared(o.Loses) {
		t.Errorf("%s: a request is lost %s after the failure, want %s at most", o.Failure, last, o.Loses)
	}
	if o.Slowest > 0 && slowest > shared(o.Slowest) {
		t.Errorf("%s: an answer took %s, want %s at most", o.Failure, slowest, o.Slowest)
	}
	if n := len(o.answers); n > 0 {
		// A load that stops would lose nothing, either. Other tests leave fewer of the processors to it.
		least := int(o.answers[n-1].at / o.load.interval() * 2 / 5)
		if soaking {
			least *= 2
		}
		if n < least {
			t.Errorf("%s: %d requests were made in %s, want %d at least", o.Failure, n, o.answers[n-1].at, least)
		}
	}
	if within > 0 && max(o.Well, o.Fails) > within {
		t.Errorf("%s: it took %s, want %s at most", o.Failure, max(o.Well, o.Fails), within)
	}
	outcomesMu.Lock()
	defer outcomesMu.Unlock()
	outcomes = append(outcomes, o)
}

// lastLost returns how long after the failure the last request was lost.
func (o outcome) lastLost() time.Duration {
	var last time.Duration
	for _, a := range o.counted().where(isLost) {
		last = max(last, a.at-o.failed)
	}
	return last
}

// Row returns the row of the section's table.
func (o outcome) Row() string {
	sees, lost, well := o.Sees, "", ""
	if o.Requests > 0 {
		lost = fmt.Sprintf("%d of %d", o.Lost, o.Requests)
		if o.MayLose > 0 {
			lost += fmt.Sprintf(" (at most %d %%)", o.MayLose)
		}
		if o.Loses > 0 && o.Lost > 0 {
			lost += fmt.Sprintf(", the last one %.0f s after the failure (at most %.0f)", o.lastLost().Seconds(), o.Loses.Seconds())
		}
		if o.Slow > 0 {
			lost += fmt.Sprintf(", %d slow (%.1f s at most)", o.Slow, o.counted().where(func(a answer) bool { return !isLost(a) }).slowest().Seconds())
		}
		if o.InFlight > 0 {
			lost += fmt.Sprintf(", and %d that the node had", o.InFlight)
		}
	}
	switch {
	case o.Fails > 0:
		well = fmt.Sprintf("it fails after %.0f s (at most %.0f)", o.Fails.Seconds(), o.Within.Seconds())
	case o.Within > 0:
		well = fmt.Sprintf("%.0f s (at most %.0f)", o.Well.Seconds(), o.Within.Seconds())
	}
	if rest, isNothing := strings.CutPrefix(sees, "nothing"); isNothing && o.Slow*100 > o.Requests {
		sees = "some answers are slow" + rest
	}
	if o.Section == ordinary {
		return fmt.Sprintf("| %s | %s | %s |", o.Failure, sees, lost)
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", o.Failure, sees, lost, well)
}

var report = template.Must(template.New("").Parse(`# When something fails

This page shows what users notice during failures and ordinary operations. ` + "`make soak`" + ` causes each one in
[the lab](architecture.md#the-lab), measures it, and writes this page. It fails if more requests are lost or if recovery takes
longer than the limit in brackets. Requests are sent at a steady rate, 50 a second unless the row says otherwise, each over its own
connection, from before the failure until everything works again. A request is slow if it takes more than {{ .Slow }} s. The
lab's machines share two cores, so times differ by up to a third between runs. Rows with a limit above 1 % lose requests until
the next pod or update, so their number differs more. Kubernetes counts a node as dead when it has not reported for 50 s.
{{ range .Sections }}{{ if .Rows }}
## {{ .Name }}
{{ with .Before }}
{{ . }}
{{ end }}
{{ .Head }}
{{ range .Rows }}{{ .Row }}
{{ end }}{{ range .Rows }}{{ if .Picture }}
![{{ .Failure }}: answers over time](images/{{ .Picture }})
{{ end }}{{ end }}{{ end }}{{ end }}`))

// head returns the head of a section's table.
func head(section string) string {
	if section == ordinary {
		return "| operation | what users notice | requests lost |\n| --- | --- | --- |"
	}
	return "| failure | what users notice | requests lost | duration |\n| --- | --- | --- | --- |"
}

// writeReport writes docs/reliability.md and its pictures. It fails if a row was not measured.
func writeReport() error {
	type section struct {
		Name, Before, Head string
		Rows               []outcome
	}
	data := struct {
		Slow     float64
		Sections []section
	}{Slow: slow.Seconds()}
	docs := filepath.Join(root, "docs")
	for _, name := range sections {
		data.Sections = append(data.Sections, section{Name: name, Before: presupposed[name], Head: head(name)})
	}
	for _, failure := range failures {
		n := slices.IndexFunc(outcomes, func(o outcome) bool { return o.Failure == failure })
		if n < 0 {
			return fmt.Errorf("docs/reliability.md is left as it was: %q was not measured", failure)
		}
		o := outcomes[n]
		of := &data.Sections[slices.Index(sections, o.Section)]
		of.Rows = append(of.Rows, o)
		if o.Picture != "" {
			if err := os.WriteFile(filepath.Join(docs, "images", o.Picture), o.picture(), 0o644); err != nil {
				return err
			}
		}
	}
	var page bytes.Buffer
	if err := report.Execute(&page, data); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "reliability.md"), page.Bytes(), 0o644)
}
