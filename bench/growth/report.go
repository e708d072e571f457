package main

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"text/template"
	"time"

	"webapp-balanced/bench/measure"
)

// table returns a table with a row for each size, and the cost of one more: the difference to the previous
// size, for each added object.
func (s series) table() string {
	var b strings.Builder
	hasUp := s.points[0].up.took > 0
	columns := []string{s.unit + "s"}
	if hasUp {
		columns = append(columns, "first `up`, s", "one more, s")
	}
	columns = append(columns, "`preview`, s", "one more, ms", "processor, s", "one more, ms", "memory, MB", "logins", "commands", "requests")
	b.WriteString("| " + strings.Join(columns, " | ") + " |\n|" + strings.Repeat(" ---: |", len(columns)) + "\n")
	for i, p := range s.points {
		fmt.Fprintf(&b, "| %d |", p.size)
		more := func(of func(point) time.Duration, unit time.Duration, digits int) string {
			if i == 0 {
				return "–"
			}
			before := s.points[i-1]
			each := float64(of(p)-of(before)) / float64(p.size-before.size)
			return fmt.Sprintf("%.*f", digits, each/float64(unit))
		}
		if hasUp {
			fmt.Fprintf(&b, " %.1f | %s |", p.up.took.Seconds(), more(func(p point) time.Duration { return p.up.took }, time.Second, 2))
		}
		fmt.Fprintf(&b, " %.1f | %s | %.1f | %s | %d | %d | %d | %d |\n", p.preview.took.Seconds(), more(func(p point) time.Duration { return p.preview.took }, time.Millisecond, 1),
			p.preview.processor.Seconds(), more(func(p point) time.Duration { return p.preview.processor }, time.Millisecond, 1),
			p.preview.memory>>20, p.preview.logins, p.preview.commands, p.preview.requests)
	}
	return b.String()
}

var page = template.Must(template.New("").Parse(`# What one more costs

This page shows what one more share, application or node costs. ` + "`make growth`" + ` deploys up to {{ .Shares }} shares, then up to {{ .Apps }}
applications, with the components in [the lab](architecture.md#the-lab), previews the program against an API server that has made-up
nodes and Services, and writes this page. "One more" is the difference to the row before, divided by how many were added;
below the noise of the measurement it can be negative. Logins and
commands are the program's own on the NFS host, and requests are its own to the API server, in a preview where nothing has changed; the
plugins' work is not counted. "Processor" is the processor time of Pulumi, its plugins and the program. A preview is the fastest of {{ .Previews }}.

![Seconds, by how many there are](images/growth.svg)

## Shares on one host

Each has a site of one file and three clients. The time is the host's, a virtual machine with one processor, which runs the scripts for
one share after those for another. Pulumi itself needs processor time to read and write the scripts' text, which is in its state.

{{ (index .Series 0).Table }}
## Applications of one stack

Each has a namespace, a volume, a Service and an Ingress of its own, and no pods, so that the program is measured and not the cluster. All
mount one share. An application has eleven resources. In a first ` + "`up`" + ` one more costs more the more there are, since Pulumi writes the
whole state after each resource: in a profile of 30 applications, that took 70 % of Pulumi's processor time. A preview writes no
state; there, Pulumi itself takes 73 % of the processor time, much of it for its log of all properties, the program 15 %, and the plugins 12 %.

{{ (index .Series 1).Table }}
## Nodes of the cluster

A preview before the first ` + "`up`" + `, without drift detection on the NFS host. The cluster has five Services for each node.

{{ (index .Series 2).Table }}
Measured on {{ .Cores }} cores, {{ .Processor }}, which the lab's machines share with Pulumi.
`))

// writeReport writes docs/growth.md and its picture.
func writeReport(root string, all []series) error {
	type table struct{ Table string }
	data := struct {
		Series                 []table
		Shares, Apps, Previews int
		Cores                  int
		Processor              string
	}{Shares: slices.Max(sharesOf), Apps: slices.Max(appsOf), Previews: previews, Cores: runtime.NumCPU(), Processor: measure.Processor()}
	for _, s := range all {
		data.Series = append(data.Series, table{s.table()})
	}
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		return err
	}
	return measure.WriteReport(root, "growth", b.Bytes(), picture(all))
}

const wide, high, left, below = 230, 150, 40, 40 // of a chart, and the space for its scales

// picture returns a chart for each series, with a line for up and one for preview.
func picture(all []series) []byte {
	var b bytes.Buffer
	for i, s := range all {
		at := i*(wide+left+20) + left
		last := s.points[len(s.points)-1]
		most := max(last.up.took, last.preview.took)
		for _, p := range s.points {
			most = max(most, p.up.took, p.preview.took)
		}
		x := func(p point) float64 { return float64(at) + float64(p.size)/float64(last.size)*wide }
		y := func(c cost) float64 { return 30 + high - float64(c.took)/float64(most)*high }
		fmt.Fprintf(&b, `<text x="%d" y="16" font-size="13">%ss%s</text>`+"\n", at, s.unit, s.with)
		fmt.Fprintf(&b, `<path d="M%d 30V%dH%d" fill="none" stroke="#6b7280"/>`+"\n", at, 30+high, at+wide)
		line := func(of func(point) cost, name, colour string) {
			var path []string
			for _, p := range s.points {
				path = append(path, fmt.Sprintf("%.1f %.1f", x(p), y(of(p))))
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x(p), y(of(p)), colour)
			}
			fmt.Fprintf(&b, `<path d="M%s" fill="none" stroke="%s" stroke-width="1.5"/>`, strings.Join(path, "L"), colour)
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="end" fill="%s">%s %.1f s</text>`+"\n", x(last)-6, y(of(last))+4, colour, name, of(last).took.Seconds())
		}
		if last.up.took > 0 {
			line(func(p point) cost { return p.up }, "up", "#2563eb")
		}
		line(func(p point) cost { return p.preview }, "preview", "#0f766e")
		for _, p := range s.points {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`, x(p), 30+high+14, p.size)
		}
		b.WriteString("\n")
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n"+
		`<rect width="100%%" height="100%%" fill="#fff"/>`+"\n%s</svg>\n", len(all)*(wide+left+20)+20, 30+high+below, b.Bytes())
}
