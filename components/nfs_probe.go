package components

import (
	"context"
	"fmt"
	"strings"
	"time"

	"webapp-balanced/nfshost"
)

// Found is what a look at the NFS server found.
type Found struct {
	Exports, Site Drift
	lacking       map[string]bool // hashes of files that have to be staged
	files         []siteFile      // the site's, which are read once
}

// Drift is how the host differs from what the last update left there.
type Drift struct {
	// Found are the differences, empty if there is none.
	Found []string
	// seen is when they were found. It makes their healing a change, and every
	// line of it, even if the same was found, and healed, before.
	seen time.Time
	// healed is what the last update healed: it is part of the update's input,
	// and has to be so again for nothing to have changed.
	healed []string
}

// lines are the part of a script's data that has the next update heal what was
// found, and a preview show it.
func (d Drift) lines() []string {
	if len(d.Found) == 0 {
		return d.healed
	}
	var lines []string
	for _, found := range d.Found {
		lines = append(lines, "drift "+d.seen.UTC().Format(time.RFC3339)+" "+found)
	}
	return lines
}

// Look logs in to the host and, to detect drift, looks at the share there, all
// over one connection. It changes nothing and takes no lock. What an update
// would refuse is among the problems; an error says why the host could not be
// looked at.
func (a NfsShareArgs) Look(ctx context.Context, project, stack, name string, now time.Time) (Found, Problems, error) {
	a = a.withDefaults()
	if !a.DetectDrift {
		_, err := a.Server.Run(ctx)
		return Found{}, nil, err
	}
	files, err := siteFiles(a.Site)
	if err != nil {
		return Found{}, nil, err
	}
	s := a.scripts(shareID{project, stack, name}, files)
	probe := a.shell("probe", s.block)
	outputs, err := a.Server.Run(ctx, nfshost.Command{Line: probe, Stdin: s.exports}, nfshost.Command{Line: probe, Stdin: s.site})
	if err != nil {
		return Found{}, nil, err
	}
	exports, site := parseProbe(outputs[0]), parseProbe(outputs[1])
	var p Problems
	for _, conflict := range exports.conflicts {
		p.add("nfs.path", a.Path, "cannot be exported: "+conflict, "mend /etc/exports on the host, or share another directory")
	}
	for _, conflict := range site.conflicts {
		p.add("nfs.site", a.Site, "cannot be published: "+conflict, "take it out of "+a.Path+" on the host, or out of the site")
	}
	return Found{
		Exports: Drift{Found: exports.drift, healed: exports.healed, seen: now},
		Site:    Drift{Found: site.drift, healed: site.healed, seen: now},
		lacking: site.lacking,
		files:   files,
	}, p, nil
}

// probed is what the probe of one script says.
type probed struct {
	conflicts     []string // what an update would refuse
	drift, healed []string
	lacking       map[string]bool
}

// parseProbe reads what a probe prints, a line each: a word and a text.
func parseProbe(output string) probed {
	p := probed{lacking: map[string]bool{}}
	for line := range strings.Lines(output) {
		word, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "conflict":
			p.conflicts = append(p.conflicts, text)
		case "lacking":
			p.lacking[text] = true
		case "drift":
			p.drift = append(p.drift, text)
		case "healed":
			p.healed = append(p.healed, "drift "+text)
		}
	}
	return p
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
