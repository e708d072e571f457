package main

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"text/template"
	"time"

	"webapp-balanced/bench/measure"
)

// figures are the results of one tool in one phase.
type figures struct {
	median, least, most time.Duration
	memory              int64 // the median of the peaks
}

func (c *contender) figures(phase string) (figures, bool) {
	all := c.measurements[phase]
	if len(all) == 0 {
		return figures{}, false
	}
	var times []time.Duration
	var memory []int64
	for _, m := range all {
		times, memory = append(times, m.took), append(memory, m.memory)
	}
	return figures{measure.Median(times), slices.Min(times), slices.Max(times), measure.Median(memory)}, true
}

// ratios returns the ratio of a tool's time to the time by hand for each round. Within a round, the machine's speed
// changes little.
func ratios(tool, byHand []measurement) []float64 {
	var ratios []float64
	for round := range min(len(tool), len(byHand)) {
		ratios = append(ratios, float64(tool[round].took)/float64(byHand[round].took))
	}
	return ratios
}

// table returns a table with a row for each phase: the median of each tool, minimum and maximum, and the
// ratios to "by hand".
func table(all []contender) string {
	var b strings.Builder
	b.WriteString("| work |")
	for _, c := range all {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(all)) + "\n")
	for _, p := range phases {
		fmt.Fprintf(&b, "| %s |", p.title)
		for _, c := range all {
			f, ok := c.figures(p.name)
			if !ok {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " **%.1f** (%.1f–%.1f)", f.median.Seconds(), f.least.Seconds(), f.most.Seconds())
			if ratios := ratios(c.measurements[p.name], all[0].measurements[p.name]); c.name != all[0].name && len(ratios) > 0 {
				fmt.Fprintf(&b, " %.1f× (%.1f–%.1f)", measure.Median(ratios), slices.Min(ratios), slices.Max(ratios))
			}
			b.WriteString(" |")
		}
		b.WriteString("\n")
	}
	b.WriteString("| memory at the peak of the deploy, MB |")
	for _, c := range all {
		deploy, _ := c.figures("deploy")
		fmt.Fprintf(&b, " %d |", deploy.memory>>20)
	}
	return b.String() + "\n"
}

var page = template.Must(template.New("").Parse(`# How long it takes, compared

This page compares the time of this program with other tools and with work by hand. ` + "`make bench`" + ` deploys one application to
[the lab](architecture.md#the-lab) with each tool in turn, {{ .Rounds }} times, and writes this page. The seconds are medians, with
minimum and maximum in brackets, followed by the ratio to the time by hand in the same round, as median, minimum and maximum. Seconds
depend on how fast the machine is at the time, so compare the ratios of two runs. All tools create the same things: a directory with its lines in
` + "`/etc/exports`" + `, the site's files, namespace, volume, claim, Deployment, Service and Ingress; this program also sets its keys in
HAProxy's ConfigMap. The input of each tool is in [bench/](../bench). A change by hand begins with the edited manifests; the other
tools get the new value as an argument (` + "`pulumi up --config exposure=nodeport`" + `). A phase ends when the tool reports that it is done, or, where the
table says so, when the application has answered at all three machines, which is checked in the same way for all tools.

![Seconds of each phase, by tool](images/benchmarks.svg)

{{ .Table }}
Where this program is slower than by hand, Helm or OpenTofu, it does more: it inspects the cluster and the NFS host before it changes
anything, creates the Ingress only when the pods are ready ([why](exposures.md#clusterip)), waits for the ingress controller to configure it, and requests
every URL at the end. "What would happen" also inspects both, with a login to the NFS host, as Ansible does; by hand and OpenTofu inspect
only the cluster, and Helm compares nothing.
` + "`make trace`" + ` shows [where the time of one run goes](architecture.md#where-the-time-goes).

Measured on {{ .Cores }} cores, {{ .Processor }}, which the lab's machines share with the tools.

| tool | version |
| --- | --- |
{{ range .Tools }}| {{ .Name }} | {{ .Version }} |
{{ end }}`))

// writeReport writes docs/benchmarks.md and its picture.
func writeReport(root string, all []contender, rounds int) error {
	type tool struct{ Name, Version string }
	data := struct {
		Rounds, Cores    int
		Table, Processor string
		Tools            []tool
	}{Rounds: rounds, Cores: runtime.NumCPU(), Table: table(all), Processor: measure.Processor()}
	for _, c := range all {
		data.Tools = append(data.Tools, tool{c.name, c.version})
	}
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return err
	}
	return measure.WriteReport(root, "benchmarks", b.Bytes(), picture(all))
}

var colours = []string{"#6b7280", "#2563eb", "#0f766e", "#b91c1c", "#d97706"}

// picture returns the medians as SVG: a bar for each tool in each phase, with a line from minimum to maximum.
func picture(all []contender) []byte {
	const bar, left, width = 13, 150, 620
	var longest time.Duration
	for _, c := range all {
		for _, p := range phases {
			if f, ok := c.figures(p.name); ok {
				longest = max(longest, f.most)
			}
		}
	}
	x := func(d time.Duration) float64 { return left + float64(d)/float64(cmp.Or(longest, 1))*(width-left-60) }
	var b bytes.Buffer
	y := 8
	for _, p := range phases {
		fmt.Fprintf(&b, `<text x="8" y="%d" font-size="13">%s</text>`+"\n", y+13, p.title)
		y += 19
		for n, c := range all {
			f, ok := c.figures(p.name)
			if !ok {
				continue
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-6, y+10, c.name)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, y, x(f.median)-left, bar-2, colours[n%len(colours)])
			fmt.Fprintf(&b, `<path d="M%.1f %dH%.1f" stroke="#111"/>`, x(f.least), y+5, x(f.most))
			fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.1f s</text>`+"\n", x(f.most)+4, y+10, f.median.Seconds())
			y += bar
		}
		y += 8
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n"+
		`<rect width="100%%" height="100%%" fill="#fff"/>`+"\n%s</svg>\n", width, y, b.Bytes())
}
