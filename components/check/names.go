package check

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Names are the names that users know a component's properties by, such as the config keys of a program. The
// zero value has the properties' own names.
type Names struct {
	// Name returns the name of a property.
	Name func(property string) string
	// How returns how to set a property to a value, beginning with ": ".
	How func(property, value string) string
	// Value returns how to write a value of the property.
	Value func(property, value string) string
}

// property matches a placeholder in a text: {path} for the property's name, {how path VALUE} for how to set
// it, and {value path VALUE} for how to write the value.
var property = regexp.MustCompile(`\{(how |value )?([a-zA-Z.]+)( [^}]*)?\}`)

// Text replaces the placeholders in a text by the names.
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

// Problems returns the problems with the names in them.
func (n Names) Problems(p Problems) Problems {
	named := make(Problems, len(p))
	for i, problem := range p {
		named[i] = Problem{Property: n.name(problem.Property), Value: n.value(problem.Property, problem.Value), Reason: n.Text(problem.Reason), Hint: n.Text(problem.Hint)}
	}
	return named
}

type namesKey struct{}

// WithNames returns a context in which components use other names for their properties, by the component's type.
func WithNames(ctx *pulumi.Context, names func(component string) Names) *pulumi.Context {
	return ctx.WithValue(namesKey{}, names)
}

// NamesOf returns the names of a component's properties; by default their own.
func NamesOf(ctx *pulumi.Context, component string) Names {
	if names, ok := ctx.Value(namesKey{}).(func(string) Names); ok {
		return names(component)
	}
	return Names{}
}
