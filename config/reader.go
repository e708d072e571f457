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

// reader reads typed values and collects their problems.
type reader struct {
	get      func(key string) (string, bool)
	isSecret func(key string) bool
	prefix   string // of keys in problems, such as "nfs."
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
		value = "" // Pulumi does not say which part of an object is secret
	}
	top.problems = append(top.problems, check.Problem{Property: r.prefix + key, Value: value, Reason: reason, Hint: next})
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
		r.problem(key, value, "is not an integer", "use digits only")
		return otherwise
	}
	return n
}

// maybeInteger returns an integer, or nil if the key is not set.
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

// maybe returns a boolean, or nil if the key is not set.
func (r *reader) maybe(key string) *bool {
	if _, ok := r.get(key); !ok {
		return nil
	}
	value := r.boolean(key, false)
	return &value
}

// oneOf reports whether a text is one of the allowed values, and adds a problem if not. The problem does not
// list the empty text.
func (r *reader) oneOf(key, text string, allowed ...string) bool {
	var p check.Problems
	if slices.Contains(allowed, text) {
		return true
	}
	p.OneOf(key, text, slices.DeleteFunc(allowed, func(value string) bool { return value == "" })...)
	r.problem(key, p[0].Value, p[0].Reason, p[0].Hint)
	return false
}

// ingress returns whether the stack has an Ingress; nil for auto.
func (r *reader) ingress() *bool {
	text := strings.ToLower(r.text("ingress", ""))
	if !r.oneOf("ingress", text, "", "auto", "true", "false") || text == "" || text == "auto" {
		return nil
	}
	wanted := text == "true"
	return &wanted
}

// json returns an object as raw JSON, or nil if it is not set or empty.
func (r *reader) json(key string) json.RawMessage {
	value, ok := r.get(key)
	if !ok || len(r.raw(key, value)) == 0 {
		return nil
	}
	return json.RawMessage(value)
}

// secrets returns the secret properties of a component. Of an object, Pulumi only says that some part of it
// is secret.
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

// list reads a list of strings.
func (r *reader) list(key string) []string {
	value, ok := r.get(key)
	if !ok {
		return nil
	}
	var list []string
	if err := json.Unmarshal([]byte(value), &list); err != nil {
		r.problem(key, value, "is not a list of strings", fmt.Sprintf("write it as a list in Pulumi.STACK.yaml, or set one element: pulumi config set --path '%s%s[0]' VALUE", r.prefix, key))
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

// some is like texts, but also returns nil for an empty object.
func (r *reader) some(key string) map[string]string {
	if texts := r.texts(key); len(texts) > 0 {
		return texts
	}
	return nil
}

func (r *reader) raw(key, value string) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(value), &object); err != nil {
		r.problem(key, value, "is not an object", fmt.Sprintf("write it as an object in Pulumi.STACK.yaml, or set one key: pulumi config set --path %s%s.KEY VALUE", r.prefix, key))
	}
	return object
}

// object returns a reader of the keys of an object, and adds a problem for each unknown key.
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
		if near := check.Suggest(name, known); near != "" {
			next = fmt.Sprintf("did you mean %s.%s?", key, near)
		}
		sub.problem(name, scalar(fields[name]), "is not a key of "+key, next)
	}
	return sub
}

// scalar returns a JSON value as text: a string without its quotes.
func scalar(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
