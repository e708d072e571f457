package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"webapp-balanced/components/check"
)

// digest is the output of `pulumi preview --json`.
type digest struct {
	Steps         []step         `json:"steps"`
	Diagnostics   []diagnostic   `json:"diagnostics"`
	ChangeSummary map[string]int `json:"changeSummary"`
}

// step is a planned operation on a resource.
type step struct {
	Op             string   `json:"op"`
	URN            urn      `json:"urn"`
	Old            *state   `json:"oldState"`
	New            *state   `json:"newState"`
	ReplaceReasons []string `json:"replaceReasons"`
}

// state has a resource's inputs, with secrets already masked.
type state struct {
	Inputs map[string]any `json:"inputs"`
}

type diagnostic struct {
	URN      urn    `json:"urn"`
	Message  string `json:"message"`
	Severity string `json:"severity"`
}

// isIncomplete reports whether the preview could not reach the cluster or the NFS server, or lacked values.
func (p preview) isIncomplete() bool {
	for _, d := range p.digest.Diagnostics {
		if strings.Contains(d.Message, check.Incomplete) {
			return true
		}
	}
	return false
}

// urn is urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME.
type urn string

func (u urn) part(i int) string {
	if parts := strings.SplitN(string(u), "::", 4); len(parts) == 4 {
		return parts[i]
	}
	return ""
}

func (u urn) name() string { return u.part(3) }

// kind is the type's last word: Service of kubernetes:core/v1:Service.
func (u urn) kind() string {
	typ := u.part(2)
	return typ[strings.LastIndexByte(typ, ':')+1:]
}

// title names a resource: Service exposure-service.
func (u urn) title() string { return u.kind() + " " + u.name() }

// preview is the result of a run of `pulumi preview --json`.
type preview struct {
	stack  string // PROJECT/STACK
	digest digest
	failed bool
	drift  bool // it compares with the real state, not with the last update
	// text is its other output: on standard error, or instead of JSON.
	text string
}

// parse reads the output of a preview. A preview that fails early prints no JSON.
func parse(stack string, stdout, stderr []byte, failed bool) preview {
	p := preview{stack: stack, failed: failed, text: strings.TrimSpace(string(stderr))}
	if err := json.Unmarshal(stdout, &p.digest); err != nil {
		p.failed = true
		p.text = strings.TrimSpace(strings.TrimSpace(string(stdout)) + "\n" + p.text)
		if p.text == "" {
			p.text = fmt.Sprintf("it printed nothing: %v", err)
		}
	}
	return p
}

// The operations that change something, in display order: losses first.
var operations = []struct{ op, sign string }{
	{"delete", "-"},
	{"replace", "±"},
	{"create", "+"},
	{"update", "~"},
	{"import", "="},
	{"read", "<"},
}
