// Package input reads what a component is given. A value may come from another resource: it is
// waited for, and in a preview it may not be known yet.
package input

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"webapp-balanced/components/check"
)

// Origins says of a component's properties which are not known yet, which is so in previews only,
// and which are secret. The zero value is that of plain values.
type Origins struct {
	unknown, secret, follow []string
	// After are the resources that values come from.
	After []pulumi.Resource
}

// Secret are the origins of plain values, of which those of some properties are secret.
func Secret(properties ...string) Origins { return Origins{secret: properties} }

// Reader reads the values of one component's properties.
type Reader struct {
	ctx     *pulumi.Context
	origins Origins
	err     error
}

// NewReader returns one.
func NewReader(ctx *pulumi.Context) *Reader { return &Reader{ctx: ctx} }

// Done returns what was found out, or why a value never comes: the resource that it is of failed.
func (r *Reader) Done() (Origins, error) { return r.origins, r.err }

// value waits for a value; ok is false where none is given, or none is known.
func (r *Reader) value(property string, in pulumi.Input) (value any, ok bool) {
	if in == nil || r.err != nil {
		return nil, false
	}
	result, err := internals.UnsafeAwaitOutput(r.ctx.Context(), pulumi.ToOutput(in))
	if err != nil {
		r.err = fmt.Errorf("read %s: %w", property, err)
		return nil, false
	}
	if result.Secret {
		r.origins.secret = append(r.origins.secret, property)
	}
	if len(result.Dependencies) > 0 {
		r.origins.follow = append(r.origins.follow, property)
		r.origins.After = append(r.origins.After, result.Dependencies...)
	}
	if !result.Known {
		r.origins.unknown = append(r.origins.unknown, property)
		return nil, false
	}
	pointer := reflect.ValueOf(result.Value)
	for pointer.Kind() == reflect.Pointer || pointer.Kind() == reflect.Interface {
		pointer = pointer.Elem()
	}
	if !pointer.IsValid() {
		return nil, false
	}
	return pointer.Interface(), true
}

// Of reads a value of a type; its zero value where none is given, or none is known.
func Of[T any](r *Reader, property string, in pulumi.Input) T {
	var none T
	value, ok := r.value(property, in)
	if !ok {
		return none
	}
	typed, ok := value.(T)
	if !ok {
		r.err = fmt.Errorf("%s is a %T, not a %T", property, value, none)
	}
	return typed
}

// Maybe reads a value that may be left out; nil if it is.
func Maybe[T any](r *Reader, property string, in pulumi.Input) *T {
	if in == nil {
		return nil
	}
	value := Of[T](r, property, in)
	return &value
}

// List reads a list, and Texts a map.
func List(r *Reader, property string, in []pulumi.StringInput) []string {
	var list []string
	for _, element := range in {
		list = append(list, Of[string](r, property, element))
	}
	return list
}

// Texts reads texts by name; each is a property of its own, such as env.TOKEN.
func Texts(r *Reader, property string, in map[string]pulumi.StringInput) map[string]string {
	if in == nil {
		return nil
	}
	texts := map[string]string{}
	for name, text := range in {
		texts[name] = Of[string](r, property+"."+name, text)
	}
	return texts
}

// Unknown tells whether one of the properties, or a part of it or what it is part of, is not known yet.
func (o Origins) Unknown(properties ...string) bool { return among(o.unknown, properties) }

// Secret tells so whether one of them is secret.
func (o Origins) Secret(properties ...string) bool { return among(o.secret, properties) }

// Follows tells so whether one of them comes from another resource.
func (o Origins) Follows(properties ...string) bool { return among(o.follow, properties) }

func among(all, properties []string) bool {
	return slices.ContainsFunc(all, func(one string) bool {
		return slices.ContainsFunc(properties, func(property string) bool {
			return one == property || strings.HasPrefix(one, property+".") || strings.HasPrefix(property, one+".")
		})
	})
}

// Text is a property's value as a resource takes it.
func (o Origins) Text(property, value string) pulumi.StringInput {
	switch {
	case o.Unknown(property):
		return UnknownText()
	case o.Secret(property):
		return pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	}
	return pulumi.String(value)
}

// Integer is a property's number as a resource takes it.
func (o Origins) Integer(property string, value int) pulumi.IntInput {
	if o.Unknown(property) {
		return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) int { return 0 }).(pulumi.IntOutput)
	}
	return pulumi.Int(value)
}

// UnknownText is what a preview cannot tell.
func UnknownText() pulumi.StringOutput {
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
}

// Checked are the problems that can be told: not those of what is not known yet, and without the
// values that are secret.
func (o Origins) Checked(problems check.Problems) check.Problems {
	var told check.Problems
	for _, problem := range problems {
		if o.Unknown(problem.Property) {
			continue
		}
		if o.Secret(problem.Property) {
			hide := func(part string) string {
				if strings.Contains(problem.Value, strings.Trim(part, `"`)) {
					return "[secret]"
				}
				return part
			}
			reason, next := quoted.ReplaceAllStringFunc(problem.Reason, hide), quoted.ReplaceAllStringFunc(problem.Next, hide)
			problem.Value, problem.Reason, problem.Next = "", reason, next
		}
		told = append(told, problem)
	}
	return told
}

// quoted is what a text quotes, such as a part of the value.
var quoted = regexp.MustCompile(`"[^"]*"`)

// Warn says which properties are not known yet, if that keeps something from being checked.
func (o Origins) Warn(ctx *pulumi.Context, component pulumi.Resource, kept string, properties ...string) {
	var unknown []string
	for _, property := range properties {
		if o.Unknown(property) {
			unknown = append(unknown, property)
		}
	}
	if len(unknown) > 0 {
		_ = ctx.Log.Warn(fmt.Sprintf("%s: %s not known yet: %s in the update", check.Incomplete, are(unknown), kept), &pulumi.LogArgs{Resource: component})
	}
}

func are(properties []string) string {
	if len(properties) == 1 {
		return properties[0] + " is"
	}
	return check.Enumerate(properties, "and") + " are"
}
