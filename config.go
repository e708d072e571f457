package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"webapp-balanced/components/app"
	"webapp-balanced/components/check"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/share"
)

// project is the namespace of the config keys, the name in Pulumi.yaml.
const project = "webapp-balanced"

// Config is a stack's configuration: the arguments of the three components.
// Pulumi.yaml declares every key with its type, default and description.
type Config struct {
	NFS      share.NfsShareArgs
	App      app.BalancedAppArgs
	Exposure exposure.ExposureArgs
}

// LoadConfig reads the configuration by get, which returns a key's text and
// whether it is set. The text of objects and lists is JSON, as Pulumi has it.
// Every problem is reported at once, those of the values included; problems
// come before anything is reached or changed.
func LoadConfig(get func(key string) (string, bool)) (Config, error) {
	r := &reader{get: get}
	var c Config

	nfs := r.object("nfs", "host", "port", "user", "hostKey", "sudo", "server", "path", "options", "clients", "site",
		"allowInsecure", "adopt", "deleteOnDestroy", "detectDrift")
	c.NFS = share.NfsShareArgs{
		Host:       nfs.text("host", ""),
		Port:       nfs.integer("port", 22),
		User:       nfs.text("user", "root"),
		HostKey:    nfs.text("hostKey", ""),
		PrivateKey: r.text("nfsPrivateKey", ""), PrivateKeyPassword: r.text("nfsPrivateKeyPassword", ""),
		Sudo:    nfs.boolean("sudo", false),
		Path:    nfs.text("path", "/srv/nfs/weblb"),
		Options: nfs.list("options"),
		Clients: nfs.list("clients"),
		Site:    nfs.text("site", "./site"),

		AllowInsecure:   nfs.boolean("allowInsecure", false),
		Adopt:           nfs.boolean("adopt", false),
		DeleteOnDestroy: nfs.boolean("deleteOnDestroy", false),
		DetectDrift:     nfs.boolean("detectDrift", true),
	}
	c.App = app.BalancedAppArgs{
		Namespace:         r.text("namespace", ""),
		ExistingNamespace: !r.boolean("createNamespace", true),
		Image:             r.text("image", ""),
		Replicas:          r.integer("replicas", 1),
		RolloutTimeout:    r.text("rolloutTimeout", ""),
		AnswerPath:        r.text("answerPath", ""),
		AnswerStatus:      r.integer("answerStatus", 0),
		AntiAffinity:      r.text("antiAffinity", ""),
		Server:            nfs.text("server", c.NFS.Host),
		Path:              c.NFS.Path,
		StorageCapacity:   r.text("storageCapacity", ""),
		StorageRequest:    r.text("storageRequest", ""),
	}
	c.App.Adopt = r.boolean("adopt", false)
	c.Exposure = exposure.ExposureArgs{
		Type:                    r.text("exposure", ""),
		Ingress:                 r.text("ingress", ""),
		TLS:                     r.text("tls", ""),
		TLSSecretName:           r.text("tlsSecretName", ""),
		Host:                    r.text("host", ""),
		Path:                    r.text("path", ""),
		IngressClass:            r.text("ingressClass", ""),
		ControllerService:       r.text("ingressControllerService", ""),
		HAProxyConfigMap:        r.text("haproxyConfigMap", ""),
		HAProxy:                 r.texts("haproxy"),
		LoadBalancer:            r.text("loadBalancer", ""),
		Answers:                 r.text("answers", ""),
		NodePort:                r.integer("nodePort", 0),
		NoLoadBalancerNodePorts: !r.boolean("allocateLoadBalancerNodePorts", true),
	}
	c.Exposure.AnswerPath, c.Exposure.AnswerStatus = c.App.AnswerPath, c.App.AnswerStatus
	c.Exposure.RolloutTimeout, _ = time.ParseDuration(c.App.RolloutTimeout) // which is validated there
	return c, append(r.problems, c.Validate()...).OrNil()
}

// Validate returns every problem of the values.
func (c Config) Validate() check.Problems {
	nfs := c.NFS
	// Without clients the cluster's nodes are meant, which are asked later.
	nfs.ClientsUnknown = nfs.ClientsUnknown || len(nfs.Clients) == 0
	problems := nfs.Validate()
	for _, problem := range append(c.App.Validate(), c.Exposure.Validate()...) {
		if problem.Key == "nfs.server" && c.App.Server == c.NFS.Host {
			continue // it is nfs.host's default, and reported there
		}
		if !slices.Contains(problems, problem) { // two components have some keys
			problems = append(problems, problem)
		}
	}
	return problems
}

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
	top.problems = append(top.problems, check.Problem{Key: r.prefix + key, Value: value, Reason: reason, Next: next})
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
