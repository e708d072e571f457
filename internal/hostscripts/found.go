package hostscripts

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Found is what a look found on the host.
type Found struct {
	// Conflicts are what an update would refuse.
	Conflicts []Conflict
	// Warnings are of what others have there.
	Warnings []string
	// Real is where the directory is, without symbolic links; empty if unknown. The table
	// of exports has it, and so NFS 4 clients mount it.
	Real          string
	Exports, Site Drift
	Lacking       map[string]bool // hashes of files that have to be staged
}

// Conflict is what an update would refuse: a property of the share (host is that of its
// connection), why, and what to do.
type Conflict struct{ Property, Reason, Next string }

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

// String says how the host differs from what the last update left there; empty
// if it does not.
func (f Found) String() string {
	var b strings.Builder
	for _, drift := range append(append([]string{}, f.Exports.Found...), f.Site.Found...) {
		fmt.Fprintf(&b, "\n  %s", drift)
	}
	return b.String()
}

// Remade is when the directory was found gone, so that the update makes it anew; empty if it was not. Pods
// that have mounted the old one keep it, even after it was renamed.
func (f Found) Remade() string {
	for _, line := range f.Exports.lines() {
		fields := strings.SplitN(line, " ", 3)
		if len(fields) == 3 && strings.HasPrefix(fields[2], "the directory ") && strings.HasSuffix(fields[2], " is gone") {
			return fields[1]
		}
	}
	return ""
}

// ParseLook reads what look.awk prints. What others have written may be of any bytes;
// Pulumi takes UTF-8 only, so that the rest is shown as \xHH.
func ParseLook(output string, seen time.Time) Found {
	f := Found{Lacking: map[string]bool{}, Exports: Drift{seen: seen}, Site: Drift{seen: seen}}
	for line := range strings.Lines(output) {
		word, text, _ := strings.Cut(printable(strings.TrimSuffix(line, "\n")), " ")
		kind, rest, _ := strings.Cut(text, " ")
		drift := &f.Exports
		if word == "site" {
			drift = &f.Site
		}
		switch {
		case word == "conflict":
			reason, next, _ := strings.Cut(rest, "\t")
			f.Conflicts = append(f.Conflicts, Conflict{kind, reason, next})
		case word == "warning":
			f.Warnings = append(f.Warnings, text)
		case word == "real":
			f.Real = text
		case kind == "drift":
			drift.Found = append(drift.Found, rest)
		case kind == "repaired":
			drift.repaired = append(drift.repaired, "drift "+rest)
		case kind == "lacking":
			f.Lacking[rest] = true
		}
	}
	return f
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
