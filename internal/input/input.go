// Package input reads the inputs of a component. A value may come from another resource: the reader waits
// for it, and in a preview it may be unknown.
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

// Origins has the names of a component's properties that are unknown, in previews only, and that are
// secret. The zero value is for plain values.
type Origins struct {
	unknown, secret, follow []string
	// After are the resources that values come from.
	After []pulumi.Resource
}

// Secret returns the origins of plain values, with the given properties secret.
func Secret(properties ...string) Origins { return Origins{secret: properties} }

// Reader reads the values of one component's properties.
type Reader struct {
	ctx     *pulumi.Context
	origins Origins
	err     error
}

// NewReader returns a Reader.
func NewReader(ctx *pulumi.Context) *Reader { return &Reader{ctx: ctx} }

// Done returns the origins, or why a value never comes: its resource failed.
func (r *Reader) Done() (Origins, error) { return r.origins, r.err }

// value waits for a value; ok is false if it is not set or unknown.
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

// Of reads a value of type T; the zero value if it is not set or unknown.
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

// Maybe reads an optional value; nil if it is not set.
func Maybe[T any](r *Reader, property string, in pulumi.Input) *T {
	if in == nil {
		return nil
	}
	value := Of[T](r, property, in)
	return &value
}

// List reads a list.
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

// Unknown tells whether one of the properties, a part of it, or its parent is unknown.
func (o Origins) Unknown(properties ...string) bool { return among(o.unknown, properties) }

// Secret tells the same for secret properties.
func (o Origins) Secret(properties ...string) bool { return among(o.secret, properties) }

// Follows tells the same for properties that come from another resource.
func (o Origins) Follows(properties ...string) bool { return among(o.follow, properties) }

func among(all, properties []string) bool {
	return slices.ContainsFunc(all, func(one string) bool {
		return slices.ContainsFunc(properties, func(property string) bool {
			return one == property || strings.HasPrefix(one, property+".") || strings.HasPrefix(property, one+".")
		})
	})
}

// Text returns a property's value as a resource input.
func (o Origins) Text(property, value string) pulumi.StringInput {
	switch {
	case o.Unknown(property):
		return UnknownText()
	case o.Secret(property):
		return pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
	}
	return pulumi.String(value)
}

// Integer returns a property's number as a resource input.
func (o Origins) Integer(property string, value int) pulumi.IntInput {
	if o.Unknown(property) {
		return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) int { return 0 }).(pulumi.IntOutput)
	}
	return pulumi.Int(value)
}

// UnknownText returns an unknown output.
func UnknownText() pulumi.StringOutput {
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
}

// Checked returns the problems to report: none of unknown properties, and none with a secret value.
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
			reason, next := quoted.ReplaceAllStringFunc(problem.Reason, hide), quoted.ReplaceAllStringFunc(problem.Hint, hide)
			problem.Value, problem.Reason, problem.Hint = "", reason, next
		}
		told = append(told, problem)
	}
	return told
}

// quoted matches quoted text, such as a part of the value.
var quoted = regexp.MustCompile(`"[^"]*"`)

// Warn names the unknown properties, if they prevent a check.
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
