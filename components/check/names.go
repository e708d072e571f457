package check

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Names are those by which somebody knows a component's properties who does not set them
// himself, such as the user of a program by the keys of its configuration. The zero value has the
// properties' own.
type Names struct {
	// Name is that of a property.
	Name func(property string) string
	// How says how a property is set to a value, from ": " on.
	How func(property, value string) string
	// Value is how a value of the property is written.
	Value func(property, value string) string
}

// property is one that a text names, {path}, that it says how to set, {how path VALUE}, or of which it
// names a value, {value path VALUE}.
var property = regexp.MustCompile(`\{(how |value )?([a-zA-Z.]+)( [^}]*)?\}`)

// Text puts the names into a text.
func (n Names) Text(text string) string {
	return property.ReplaceAllStringFunc(text, func(found string) string {
		parts := property.FindStringSubmatch(found)
		word, name, value := parts[1], parts[2], strings.TrimSpace(parts[3])
		switch {
		case word == "value ":
			return n.value(name, value)
		case word == "how " && n.How != nil:
			return n.How(name, value)
		case word == "how ":
			return ""
		}
		return n.name(name)
	})
}

func (n Names) name(property string) string {
	if n.Name == nil {
		return property
	}
	return n.Name(property)
}

func (n Names) value(property, value string) string {
	if n.Value == nil {
		return value
	}
	return n.Value(property, value)
}

// Problems are those with the names in them.
func (n Names) Problems(p Problems) Problems {
	named := make(Problems, len(p))
	for i, problem := range p {
		named[i] = Problem{Property: n.name(problem.Property), Value: n.value(problem.Property, problem.Value), Reason: n.Text(problem.Reason), Next: n.Text(problem.Next)}
	}
	return named
}

type namesKey struct{}

// WithNames is a context whose components name their properties otherwise, by the component's type.
func WithNames(ctx *pulumi.Context, names func(component string) Names) *pulumi.Context {
	return ctx.WithValue(namesKey{}, names)
}

// NamesOf are those of a component's properties; by default their own.
func NamesOf(ctx *pulumi.Context, component string) Names {
	if names, ok := ctx.Value(namesKey{}).(func(string) Names); ok {
		return names(component)
	}
	return Names{}
}
