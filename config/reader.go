package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"webapp-balanced/components/check"
)

// reader reads typed values and collects what is wrong with them.
type reader struct {
	get      func(key string) (string, bool)
	isSecret func(key string) bool
	prefix   string // of the keys in problems: "nfs."
	problems check.Problems
	parent   *reader
}

func (r *reader) problem(key, value, reason, next string) {
	top, name := r, key
	for top.parent != nil {
		name = strings.TrimSuffix(top.prefix, ".")
		top = top.parent
	}
	if top.isSecret != nil && top.isSecret(name) {
		value = "" // of an object, Pulumi does not tell what in it is secret
	}
	top.problems = append(top.problems, check.Problem{Property: r.prefix + key, Value: value, Reason: reason, Next: next})
}

func (r *reader) text(key, otherwise string) string {
	if value, ok := r.get(key); ok {
		return value
	}
	return otherwise
}

func (r *reader) integer(key string, otherwise int) int {
	value, ok := r.get(key)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		r.problem(key, value, "is no whole number", "use digits only")
		return otherwise
	}
	return n
}

// maybeInteger is an integer, nil if the key is not set.
func (r *reader) maybeInteger(key string) *int {
	if _, ok := r.get(key); !ok {
		return nil
	}
	value := r.integer(key, 0)
	return &value
}

func (r *reader) boolean(key string, otherwise bool) bool {
	value, ok := r.get(key)
	if !ok {
		return otherwise
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		r.problem(key, value, "is neither true nor false", "use true or false")
		return otherwise
	}
	return b
}

// maybe reads a boolean that may be left out; nil if it is.
func (r *reader) maybe(key string) *bool {
	if _, ok := r.get(key); !ok {
		return nil
	}
	value := r.boolean(key, false)
	return &value
}

// oneOf tells whether a text is one of those that a key takes, the empty one for none among them, and reports
// it if it is not.
func (r *reader) oneOf(key, text string, allowed ...string) bool {
	var p check.Problems
	if slices.Contains(allowed, text) {
		return true
	}
	p.OneOf(key, text, slices.DeleteFunc(allowed, func(value string) bool { return value == "" })...)
	r.problem(key, p[0].Value, p[0].Reason, p[0].Next)
	return false
}

// ingress reads whether there is to be an Ingress; nil for auto.
func (r *reader) ingress() *bool {
	text := strings.ToLower(r.text("ingress", ""))
	if !r.oneOf("ingress", text, "", "auto", "true", "false") || text == "" || text == "auto" {
		return nil
	}
	wanted := text == "true"
	return &wanted
}

// json reads an object as it is; nil if it is not set, or has nothing.
func (r *reader) json(key string) json.RawMessage {
	value, ok := r.get(key)
	if !ok || len(r.raw(key, value)) == 0 {
		return nil
	}
	return json.RawMessage(value)
}

// secrets are the properties of a component that are secret. Of an object Pulumi tells only that
// something in it is.
func (r *reader) secrets(component string) []string {
	var secrets []string
	for _, property := range []string{"image", "env", "podTemplate", "serviceAnnotations", "ingressAnnotations", "host"} {
		top, _, _ := strings.Cut(key(component, property), ".")
		if r.isSecret != nil && r.isSecret(top) {
			secrets = append(secrets, property)
		}
	}
	return secrets
}

// list reads a list of texts.
func (r *reader) list(key string) []string {
	value, ok := r.get(key)
	if !ok {
		return nil
	}
	var list []string
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		r.problem(key, value, "is no list of texts", fmt.Sprintf("write it as a list in Pulumi.STACK.yaml, or set one element: pulumi config set --path '%s%s[0]' VALUE", r.prefix, key))
	}
	return list
}

// texts reads an object whose values are all texts; nil if it is not set.
func (r *reader) texts(key string) map[string]string {
	value, ok := r.get(key)
	if !ok {
		return nil
	}
	texts := map[string]string{}
	for name, raw := range r.raw(key, value) {
		texts[name] = scalar(raw)
	}
	return texts
}

// some reads such an object; nil also if there is nothing in it.
func (r *reader) some(key string) map[string]string {
	if texts := r.texts(key); len(texts) > 0 {
		return texts
	}
	return nil
}

func (r *reader) raw(key, value string) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(value), &object); err != nil {
		r.problem(key, value, "is no object", fmt.Sprintf("write it as an object in Pulumi.STACK.yaml, or set one key: pulumi config set --path %s%s.KEY VALUE", r.prefix, key))
	}
	return object
}

// object returns a reader of the keys of an object, and reports keys that it
// does not have.
func (r *reader) object(key string, known ...string) *reader {
	fields := map[string]json.RawMessage{}
	if value, ok := r.get(key); ok {
		fields = r.raw(key, value)
	}
	sub := &reader{prefix: key + ".", parent: r, get: func(name string) (string, bool) {
		raw, ok := fields[name]
		return scalar(raw), ok && string(raw) != "null"
	}}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(known, name) {
			continue
		}
		next := "the keys are " + strings.Join(known, ", ")
		if near := check.Nearest(name, known); near != "" {
			next = fmt.Sprintf("did you mean %s.%s?", key, near)
		}
		sub.problem(name, scalar(fields[name]), "is no key of "+key, next)
	}
	return sub
}

// scalar is the text of a JSON value: a string without its quotes.
func scalar(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
