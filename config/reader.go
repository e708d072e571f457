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
	prefix   string // of the keys in problems: "nfs."
	problems check.Problems
	parent   *reader
}

func (r *reader) problem(key, value, reason, next string) {
	top := r
	for top.parent != nil {
		top = top.parent
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
