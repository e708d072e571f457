// Package check has the common parts of the components' checks: problems, which are all reported in one
// error, suggestions, and the valid forms of names.
package check

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Problem is one thing that is wrong with the arguments of a component.
type Problem struct {
	Property string // such as path, or connection.host
	Value    string // as it was given; empty for a value that is missing or secret
	// Reason, and Hint, which says what to do, may contain placeholders for [Names.Text].
	Reason, Hint string
}

// Incomplete begins the warning of a preview that could not reach the cluster or the NFS server.
const Incomplete = "this preview is incomplete"

// Problems is every [Problem] that was found, as one error.
type Problems []Problem

// Error lists the problems, two lines each.
func (p Problems) Error() string { return p.Describe("of the arguments") }

// Describe lists the problems under a heading that says what they are of.
func (p Problems) Describe(of string) string {
	noun := "problems"
	if len(p) == 1 {
		noun = "problem"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s:", len(p), noun, of)
	for _, problem := range (Names{}).Problems(p) {
		value := ""
		if problem.Value != "" {
			value = fmt.Sprintf(" = %q", problem.Value)
		}
		fmt.Fprintf(&b, "\n  %s%s: %s\n      %s", problem.Property, value, problem.Reason, problem.Hint)
	}
	return b.String()
}

// Err returns the problems as an error, nil when there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Add appends a problem.
func (p *Problems) Add(property string, value any, reason, next string) {
	*p = append(*p, Problem{Property: property, Value: fmt.Sprint(value), Reason: reason, Hint: next})
}

// OneOf adds a problem if value is not one of allowed, and suggests the nearest.
func (p *Problems) OneOf(property, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	next := "use " + Enumerate(allowed, "or")
	if near := Suggest(value, allowed); near != "" {
		next = fmt.Sprintf("did you mean %s? %s", near, next)
	}
	p.Add(property, value, "is not an allowed value", next)
}

// Quantity returns a quantity of storage in Kubernetes' notation, or adds a problem and returns 0.
func (p *Problems) Quantity(property, value string) resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		p.Add(property, value, "is not a storage quantity", "use a number with a unit, such as 10Gi")
		return resource.Quantity{}
	}
	return q
}

// Enumerate joins words as in "a, b or c".
func Enumerate(words []string, conjunction string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + conjunction + " " + words[len(words)-1]
}

// Suggest returns the word that value was probably meant to be, empty when
// none is near: no more than two letters, and a third of them, may differ.
func Suggest(value string, words []string) string {
	best, bestDistance := "", 3
	for _, word := range words {
		d := distance(strings.ToLower(value), strings.ToLower(word))
		if d < bestDistance && d*3 <= max(len(word), 3) {
			best, bestDistance = word, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
