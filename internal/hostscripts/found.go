package hostscripts

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Found is what the script [Inspect] found on the host.
type Found struct {
	// Conflicts are what an update would refuse.
	Conflicts []Conflict
	// Warnings are about lines of others.
	Warnings []string
	// Real is the directory's path without symbolic links; empty if unknown. The export table has this
	// path, so NFSv4 clients mount it.
	Real          string
	Exports, Site Drift
	Lacking       map[string]bool // hashes of files to stage
}

// Conflict is what an update would refuse: a property of the share (host is that of its connection),
// the reason, and what to do.
type Conflict struct{ Property, Reason, Hint string }

// Drift is the difference between the host and what the last update left there.
type Drift struct {
	// Changes are the differences, empty if there is none.
	Changes []string
	// seen is when they were found. The timestamp makes repeated drift a new input, even if the same
	// drift was repaired before.
	seen time.Time
	// repaired is what the last update repaired. It stays in the input: without it, the input would change.
	repaired []string
}

// lines are the data lines that make the next update repair the drift, and a preview show it.
func (d Drift) lines() []string {
	if len(d.Changes) == 0 {
		return d.repaired
	}
	var lines []string
	for _, found := range d.Changes {
		lines = append(lines, "drift "+d.seen.UTC().Format(time.RFC3339)+" "+found)
	}
	return lines
}

// String lists how the host differs from what the last update left there; empty if it does not.
func (f Found) String() string {
	var b strings.Builder
	for _, drift := range append(append([]string{}, f.Exports.Changes...), f.Site.Changes...) {
		fmt.Fprintf(&b, "\n  %s", drift)
	}
	return b.String()
}

// Recreated is when the directory was found missing, so that the update recreates it; otherwise empty. Pods
// that have mounted the old directory keep it, even after a rename.
func (f Found) Recreated() string {
	for _, line := range f.Exports.lines() {
		fields := strings.SplitN(line, " ", 3)
		if len(fields) == 3 && strings.HasPrefix(fields[2], "the directory ") && strings.HasSuffix(fields[2], " is gone") {
			return fields[1]
		}
	}
	return ""
}

// ParseFound parses the output of inspect.awk. Text of others may have any bytes, but Pulumi accepts only
// UTF-8: other bytes are shown as \xHH.
func ParseFound(output string, seen time.Time) Found {
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
			drift.Changes = append(drift.Changes, rest)
		case kind == "repaired":
			drift.repaired = append(drift.repaired, "drift "+rest)
		case kind == "lacking":
			f.Lacking[rest] = true
		}
	}
	return f
}

// printable escapes control characters except tab, and bytes that are not UTF-8.
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
