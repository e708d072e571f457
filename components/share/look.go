package share

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/nfshost"
	"webapp-balanced/internal/outside"
)

// found is what a look at the NFS server found.
type found struct {
	exports, site Drift
	// real is where the directory is, without symbolic links; empty if unknown. The table
	// of exports has it, and so NFS 4 clients mount it.
	real    string
	lacking map[string]bool // hashes of files that have to be staged
}

// Drift is how the host differs from what the last update left there.
type Drift struct {
	// Found are the differences, empty if there is none.
	Found []string
	// seen is when they were found. It makes their repair a change, and every
	// line of it, even if the same was found, and repaired, before.
	seen time.Time
	// repaired is what the last update repaired: it is part of the update's input,
	// and has to be so again for nothing to have changed.
	repaired []string
}

// lines are the part of a script's data that has the next update repair what was
// found, and a preview show it.
func (d Drift) lines() []string {
	if len(d.Found) == 0 {
		return d.repaired
	}
	var lines []string
	for _, found := range d.Found {
		lines = append(lines, "drift "+d.seen.UTC().Format(time.RFC3339)+" "+found)
	}
	return lines
}

// Prepare reads the site and looks at the host: where the directory really is, and, to detect drift,
// what of the share is there, all over one connection. It changes nothing and takes no lock. What an
// update would refuse is among the problems. An error says why the host could not be looked at;
// the plan is good for a preview then, if the site could be read.
func Prepare(ctx *pulumi.Context, name string, args NfsShareArgs) (*Plan, check.Problems, error) {
	p := &Plan{args: args, name: name, id: shareID{ctx.Project(), ctx.Stack(), name, args.Identity.ID}}
	problems := args.Validate()
	if len(problems) > 0 {
		return p, problems, nil
	}
	p.host = outside.Of(ctx).NFSServer(args.Login())
	var err error
	if p.files, err = siteFiles(args.Site); err != nil {
		p.unreadable = err
		return p, nil, err
	}
	var more []string
	switch {
	case !args.DetectDrift:
		more = append(more, "look nothing")
	case args.Identity.Deployed(name+"-exports", "directory "+args.Path):
		more = append(more, "deployed yes")
	}
	output, err := p.look(ctx.Context(), args.hostData(p.id, found{}, p.files), more...)
	if err != nil {
		return p, nil, err
	}
	looked := parseLook(output)
	for _, c := range looked.conflicts {
		property := c.property
		if property == "host" {
			property = "connection.host"
		}
		problems.Add(property, args.valueOf(property), c.reason, c.hint)
	}
	now := time.Now()
	p.found = found{
		exports: Drift{Found: looked.exports.drift, repaired: looked.exports.repaired, seen: now},
		site:    Drift{Found: looked.site.drift, repaired: looked.site.repaired, seen: now},
		real:    looked.real,
		lacking: looked.lacking,
	}
	if drift := p.found.String(); drift != "" {
		_ = ctx.Log.Warn("the NFS host is not as the last update left it, which the next one repairs:"+drift, nil)
	}
	for _, warning := range looked.warnings {
		_ = ctx.Log.Warn("on the NFS host "+args.Host+", of others: "+warning, nil)
	}
	return p, problems, nil
}

// look runs the look on the host. All of it is one script, since a process costs more
// than anything that it does.
func (p *Plan) look(ctx context.Context, d hostData, more ...string) (string, error) {
	data := append(more, d.exports...)
	for _, line := range d.site {
		if strings.HasPrefix(line, "file ") {
			data = append(data, line)
		}
	}
	outputs, err := p.host.Run(ctx, nfshost.Command{Line: p.args.shell("probe", d.block), Stdin: p.args.stdin(lookScript, data)})
	if err != nil {
		return "", err
	}
	return outputs[0], nil
}

func (a NfsShareArgs) valueOf(property string) string {
	switch property {
	case "connection.host":
		return a.Host
	case "clients":
		return strings.Join(a.Clients, ", ")
	case "options":
		return strings.Join(a.Options, ",")
	case "site":
		return a.Site
	}
	return a.Path
}

// looked is what the look says.
type looked struct {
	conflicts     []conflict
	warnings      []string
	real          string // where the directory is, without symbolic links
	exports, site struct{ drift, repaired []string }
	lacking       map[string]bool
}

// conflict is what an update would refuse: a property, why, and what to do.
type conflict struct{ property, reason, hint string }

// parseLook reads what look.awk prints. What others have written may be of any bytes;
// Pulumi takes UTF-8 only, so that the rest is shown as \xHH.
func parseLook(output string) looked {
	l := looked{lacking: map[string]bool{}}
	for line := range strings.Lines(output) {
		word, text, _ := strings.Cut(printable(strings.TrimSuffix(line, "\n")), " ")
		kind, rest, _ := strings.Cut(text, " ")
		drift := &l.exports
		if word == "site" {
			drift = &l.site
		}
		switch {
		case word == "conflict":
			reason, hint, _ := strings.Cut(rest, "\t")
			l.conflicts = append(l.conflicts, conflict{kind, reason, hint})
		case word == "warning":
			l.warnings = append(l.warnings, text)
		case word == "real":
			l.real = text
		case kind == "drift":
			drift.drift = append(drift.drift, rest)
		case kind == "repaired":
			drift.repaired = append(drift.repaired, "drift "+rest)
		case kind == "lacking":
			l.lacking[rest] = true
		}
	}
	return l
}

// printable is a text in UTF-8 without control characters but the tab.
func printable(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || r != '\t' && unicode.IsControl(r) {
			for _, c := range []byte(text[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// String says how the host differs from what the last update left there; empty
// if it does not.
func (f found) String() string {
	var b strings.Builder
	for _, drift := range append(append([]string{}, f.exports.Found...), f.site.Found...) {
		fmt.Fprintf(&b, "\n  %s", drift)
	}
	return b.String()
}
