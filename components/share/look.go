package share

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/nfshost"
)

// Found is what a look at the NFS server found.
type Found struct {
	Exports, Site Drift
	// Warnings are about lines of others.
	Warnings []string
	// Real is where the directory is, without symbolic links; empty if unknown. The table
	// of exports has it, and so NFS 4 clients mount it.
	Real    string
	lacking map[string]bool // hashes of files that have to be staged
	files   []siteFile      // the site's, which are read once
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

// Look logs in to the host, asks where the directory really is, and, to detect drift,
// looks at the share there, all over one connection. It changes nothing and takes no lock. What an update
// would refuse is among the problems; an error says why the host could not be
// looked at.
func (a NfsShareArgs) Look(ctx context.Context, project, stack, name string, now time.Time) (Found, check.Problems, error) {
	files, err := siteFiles(a.Site)
	if err != nil {
		return Found{}, nil, err
	}
	var more []string
	switch {
	case !a.DetectDrift:
		more = append(more, "look nothing")
	case a.Identity.Deployed(name+"-exports", "directory "+a.Path):
		more = append(more, "deployed yes")
	}
	output, err := a.look(ctx, a.hostData(shareID{project, stack, name, a.Identity.ID}, files), more...)
	if err != nil {
		return Found{}, nil, err
	}
	looked := parseLook(output)
	var p check.Problems
	for _, c := range looked.conflicts {
		property := c.property
		if property == "host" {
			property = "connection.host"
		}
		p.Add(property, a.valueOf(c.property), c.reason, c.hint)
	}
	return Found{
		Exports:  Drift{Found: looked.exports.drift, repaired: looked.exports.repaired, seen: now},
		Site:     Drift{Found: looked.site.drift, repaired: looked.site.repaired, seen: now},
		Warnings: looked.warnings,
		Real:     looked.real,
		lacking:  looked.lacking,
		files:    files,
	}, p, nil
}

// look runs the look on the host. All of it is one script, since a process costs more
// than anything that it does.
func (a NfsShareArgs) look(ctx context.Context, d hostData, more ...string) (string, error) {
	data := append(more, d.exports...)
	for _, line := range d.site {
		if strings.HasPrefix(line, "file ") {
			data = append(data, line)
		}
	}
	outputs, err := a.Server.Run(ctx, nfshost.Command{Line: a.shell("probe", d.block), Stdin: a.stdin(lookScript, data)})
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
func (f Found) String() string {
	var b strings.Builder
	for _, drift := range append(append([]string{}, f.Exports.Found...), f.Site.Found...) {
		fmt.Fprintf(&b, "\n  %s", drift)
	}
	return b.String()
}
