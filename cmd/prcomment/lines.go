package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// diffLines are the lines of a diff block for a step: the fields that change,
// each with its old and its new value.
func diffLines(s step) []string {
	before, after := map[string]string{}, map[string]string{}
	if s.Old != nil && s.Op != "create" {
		flatten("", s.Old.Inputs, before)
	}
	if s.New != nil && s.Op != "delete" {
		flatten("", s.New.Inputs, after)
	}
	paths := slices.Sorted(maps.Keys(merged(before, after)))
	var lines []string
	for _, path := range paths {
		old, hadOld := before[path]
		now, hasNow := after[path]
		switch {
		case hadOld && hasNow && old == now:
		case strings.Contains(old+now, "\n"):
			lines = append(lines, "  "+path+":")
			lines = append(lines, textDiff(old, now)...)
		default:
			if hadOld {
				lines = append(lines, "- "+path+": "+old)
			}
			if hasNow {
				lines = append(lines, "+ "+path+": "+now)
			}
		}
	}
	return lines
}

func merged(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// flatten writes every value below a path: spec.ports[0].port. What the SDK
// keeps for itself, in fields that begin with two underscores, is left out.
func flatten(path string, value any, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			if strings.HasPrefix(key, "__") {
				continue
			}
			below := key
			if path != "" {
				below = path + "." + key
			}
			flatten(below, field, into)
		}
	case []any:
		for i, element := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), element, into)
		}
	case string:
		into[path] = readable(v)
	default:
		text, _ := json.Marshal(v)
		into[path] = string(text)
	}
}

// unknown is what Pulumi writes for a value that only the update will know.
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

// readable is a text without what nobody reads: of a script with its data, the
// data alone (components/nfs_share.go).
func readable(text string) string {
	if text == unknown {
		return "[known after the update]"
	}
	const begin, end = "data() { cat <<'END OF DATA'\n", "\nEND OF DATA\n"
	if rest, ok := strings.CutPrefix(text, begin); ok {
		if data, script, ok := strings.Cut(rest, end); ok {
			return fmt.Sprintf("%s\n(and the script, %d lines)", data, strings.Count(script, "\n"))
		}
	}
	return text
}

// textDiff is the difference of two texts by lines, with what stays between the
// changes left out but for the lines next to them.
func textDiff(before, after string) []string {
	a, b := split(before), split(after)
	// What is the same at both ends is most of a long text.
	head, tail := 0, 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var lines []string
	for _, line := range a[:head] {
		lines = append(lines, "    "+line)
	}
	same := a[len(a)-tail:]
	a, b = a[head:len(a)-tail], b[head:len(b)-tail]
	// The length of the longest common subsequence of what follows a[i] and b[j].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			lines = append(lines, "    "+a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			lines = append(lines, "-   "+a[i])
			i++
		default:
			lines = append(lines, "+   "+b[j])
			j++
		}
	}
	for _, line := range same {
		lines = append(lines, "    "+line)
	}
	return withContext(lines)
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// withContext keeps the lines that change and one on each side of them.
func withContext(lines []string) []string {
	changed := func(i int) bool { return i >= 0 && i < len(lines) && lines[i][0] != ' ' }
	var kept []string
	for i, line := range lines {
		if changed(i-1) || changed(i) || changed(i+1) {
			kept = append(kept, line)
		} else if len(kept) > 0 && kept[len(kept)-1] != "    ..." || len(kept) == 0 {
			kept = append(kept, "    ...")
		}
	}
	return kept
}
