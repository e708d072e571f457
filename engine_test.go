package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/config"
	"webapp-balanced/internal/env"
)

// engine is a fake of Pulumi's engine: it records registered resources and returns their inputs, with the
// fields that a cluster would add.
type engine struct {
	mu        sync.Mutex
	resources map[string]resource.PropertyMap // inputs by TYPE NAME
	parents   map[string]bool
	retained  map[string]bool     // resources with retainOnDelete
	ignored   map[string][]string // properties whose changes are ignored
	replaced  map[string][]string // properties whose changes replace the resource
	deleted   map[string]bool     // resources with deleteBeforeReplace
	deletion  map[string]string   // how long a deletion may take
	hooked    map[string]bool     // resources with a hook before their creation
	aliases   map[string][]string // other names
	providers map[string]string
	state     resource.PropertyMap // what the stack's state has, by URN
	unread    int                  // how many times reading the state still fails
	read      int                  // how many times it was read
	started   int                  // how many times the Kubernetes plugin was started early
	warnings  []string
}

// ofAVolume matches the hash in the resource names of a volume and its claim.
var ofAVolume = regexp.MustCompile(`-[0-9a-f]{8}$`)

func newEngine() *engine {
	return &engine{resources: map[string]resource.PropertyMap{}, parents: map[string]bool{}, retained: map[string]bool{}, ignored: map[string][]string{}, replaced: map[string][]string{}, deleted: map[string]bool{}, deletion: map[string]string{}, hooked: map[string]bool{}, aliases: map[string][]string{}, providers: map[string]string{}, state: resource.PropertyMap{}}
}

func (e *engine) run(set map[string]string, world env.World, preview bool) error {
	return e.runProgram(deploy, set, world, preview)
}

func (e *engine) runProgram(program pulumi.RunFunc, set map[string]string, world env.World, preview bool) error {
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		ctx.Log = &warnings{ctx.Log, e}
		return program(env.With(ctx, world))
	}, pulumi.WithMocks(config.Project, "dev", e), func(info *pulumi.RunInfo) {
		info.Config = set
		info.DryRun = preview
	})
}

// warnings keeps the warnings of a log.
type warnings struct {
	pulumi.Log
	engine *engine
}

func (w *warnings) Warn(text string, args *pulumi.LogArgs) error {
	w.engine.mu.Lock()
	w.engine.warnings = append(w.engine.warnings, text)
	w.engine.mu.Unlock() // the log waits for the resource
	return w.Log.Warn(text, args)
}

func (e *engine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	args.Name = ofAVolume.ReplaceAllString(args.Name, "-HASH")
	e.resources[args.TypeToken+" "+args.Name] = args.Inputs
	if !strings.HasPrefix(args.TypeToken, config.Project+":") && args.RegisterRPC.GetParent() != "" {
		e.parents[args.Name] = true
	}
	e.retained[args.Name] = args.RegisterRPC.GetRetainOnDelete()
	e.deleted[args.Name] = args.RegisterRPC.GetDeleteBeforeReplace()
	e.replaced[args.Name] = args.RegisterRPC.GetReplaceOnChanges()
	e.deletion[args.Name] = args.RegisterRPC.GetCustomTimeouts().GetDelete()
	e.hooked[args.Name] = len(args.RegisterRPC.GetHooks().GetBeforeCreate()) > 0
	for _, alias := range args.RegisterRPC.GetAliases() {
		e.aliases[args.Name] = append(e.aliases[args.Name], alias.GetSpec().GetName())
	}
	e.providers[args.Name] = args.Provider
	e.ignored[args.Name] = args.RegisterRPC.GetIgnoreChanges()
	outputs := args.Inputs.Copy()
	if args.TypeToken == "pulumi:index:Stash" {
		// A Stash keeps the value that it was created with.
		outputs["output"] = resource.NewStringProperty(identity)
	}
	if args.TypeToken == "kubernetes:core/v1:Service" {
		spec := outputs["spec"].ObjectValue()
		spec["clusterIP"] = resource.NewStringProperty("198.19.0.7")
		if spec["type"].StringValue() != "ClusterIP" {
			spec["ports"].ArrayValue()[0].ObjectValue()["nodePort"] = resource.NewNumberProperty(31707)
		}
	}
	return args.Name + "-id", outputs, nil
}

// identity is the stack's identity. By default, the state has nothing else.
const identity = "6f1c0a2be4d75a13"

func (e *engine) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unread > 0 {
		e.unread--
		return nil, errors.New("failed to load checkpoint: EOF")
	}
	switch args.Token {
	case "pulumi:pulumi:readStackOutputs":
		return resource.PropertyMap{"outputs": resource.NewObjectProperty(resource.PropertyMap{})}, nil
	case "pulumi:pulumi:readStackResourceOutputs":
		e.read++
	case "kubernetes:yaml:decode":
		e.started++
		return resource.PropertyMap{}, nil
	default:
		return nil, fmt.Errorf("%s is called", args.Token)
	}
	return resource.PropertyMap{"outputs": resource.NewObjectProperty(e.state)}, nil
}

// outputs returns a resource of the state with outputs from JSON.
func outputs(text string) resource.PropertyValue {
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		panic(err)
	}
	return resource.NewObjectProperty(resource.PropertyMap{"outputs": resource.NewObjectProperty(resource.NewPropertyMapFromMap(values))})
}

// absent stands for a property that an object does not have.
const absent = "[absent]"

// input returns a property of a resource's inputs by its path, as text; absent if there is none. The object
// or list that contains it must exist.
func (e *engine) input(t *testing.T, resourceName, path string) string {
	t.Helper()
	inputs, ok := e.resources[resourceName]
	if !ok {
		t.Fatalf("there is no resource %s", resourceName)
	}
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		t.Fatal(err)
	}
	value, ok := parsed.Get(resource.NewObjectProperty(inputs))
	if !ok {
		if _, ok := parsed[:len(parsed)-1].Get(resource.NewObjectProperty(inputs)); !ok {
			t.Fatalf("%s has no %s, and nothing that could have it", resourceName, path)
		}
		return absent
	}
	if value.IsSecret() {
		return "[secret]"
	}
	return fmt.Sprint(value.Mappable())
}

// isUnknown reports whether a property of a resource's inputs is unknown. The fake engine does not receive
// unknown properties.
func (e *engine) isUnknown(t *testing.T, resourceName, path string) bool {
	t.Helper()
	parsed, err := resource.ParsePropertyPath(path)
	if err != nil {
		t.Fatal(err)
	}
	inputs, ok := e.resources[resourceName]
	_, known := parsed.Get(resource.NewObjectProperty(inputs))
	return ok && !known
}
