package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"webapp-balanced/internal/hostscripts"
)

// diffLines returns the lines of a diff block for a step: the changed fields, each with its old and its new value.
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

// flatten writes every value below a path: spec.ports[0].port. It omits fields that the SDK keeps for itself,
// which begin with two underscores.
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

// unknown is Pulumi's text for a value that only the update will know.
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

// readable shortens a text: of a script with its data, it keeps the data, and of the script only what
// distinguishes it from another.
func readable(text string) string {
	if text == unknown {
		return "[known after the update]"
	}
	if data, script, ok := hostscripts.SplitInput(text); ok {
		sum := sha256.Sum256([]byte(script))
		return fmt.Sprintf("%s\n(and the script, %d lines, %x)", data, strings.Count(script, "\n"), sum[:4])
	}
	return text
}

// textDiff returns the difference of two texts by lines. It omits unchanged lines, except those next to a change.
func textDiff(before, after string) []string {
	a, b := split(before), split(after)
	var lines []string
	add := func(sign string, of []string) {
		for _, line := range of {
			lines = append(lines, sign+"   "+line)
		}
	}
	end := 0 // of the written part of a
	for _, group := range difflib.NewMatcherWithJunk(a, b, false, nil).GetGroupedOpCodes(1) {
		if group[0].I1 > end {
			lines = append(lines, "    ...")
		}
		for _, op := range group {
			if op.Tag == 'e' {
				add(" ", a[op.I1:op.I2])
				continue
			}
			add("-", a[op.I1:op.I2])
			add("+", b[op.J1:op.J2])
		}
		end = group[len(group)-1].I2
	}
	if end < len(a) {
		lines = append(lines, "    ...")
	}
	return lines
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
