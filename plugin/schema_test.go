package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/blang/semver"
	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/version"
)

// packageSchema returns the schema that the package reports.
func packageSchema(t *testing.T) (text string, spec schema.PackageSpec) {
	t.Helper()
	provider, err := newProvider()
	if err != nil {
		t.Fatal(err)
	}
	server, err := integration.NewServer(t.Context(), packageName, semver.MustParse(version.Version), integration.WithProvider(provider))
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.GetSchema(p.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(response.Schema), &spec); err != nil {
		t.Fatal(err)
	}
	return response.Schema, spec
}

// The schema equals the committed one, every property has a description, and secret properties are marked as secret.
func TestSchema(t *testing.T) {
	text, spec := packageSchema(t)
	holds(t, "schema.json", text)
	if got := slices.Sorted(maps.Keys(spec.Resources)); !slices.Equal(got, []string{"webapp-balanced:index:BalancedApp", "webapp-balanced:index:Exposure", "webapp-balanced:index:NfsShare"}) {
		t.Errorf("the components are %q", got)
	}
	// told requires the words in each property's description, and the default in that of an optional input.
	told := func(of string, properties map[string]schema.PropertySpec, required []string, words ...string) {
		for name, property := range properties {
			wanted := words
			if len(words) > 0 && !slices.Contains(required, name) {
				wanted = append(slices.Clone(words), "Default ")
			}
			for _, word := range append(wanted, " ") {
				if !strings.Contains(property.Description, word) {
					t.Errorf("%s.%s is described as %q, without %q", of, name, property.Description, word)
				}
			}
		}
	}
	const onChange = " change " // what a change does to a live stack
	for token, resource := range spec.Resources {
		if resource.Description == "" || !resource.IsComponent {
			t.Errorf("%s is %+v", token, resource)
		}
		told(token, resource.Properties, nil)
		told(token, resource.InputProperties, resource.RequiredInputs, onChange)
	}
	for token, typ := range spec.Types {
		if token == packageName+":index:ConnectionArgs" {
			told(token, typ.Properties, typ.Required, onChange)
			continue
		}
		told(token, typ.Properties, nil)
	}
	for _, secret := range []struct {
		of   map[string]schema.PropertySpec
		name string
	}{
		{spec.Types["webapp-balanced:index:ConnectionArgs"].Properties, "privateKey"},
		{spec.Types["webapp-balanced:index:ConnectionArgs"].Properties, "privateKeyPassword"},
		{spec.Resources["webapp-balanced:index:BalancedApp"].InputProperties, "kubeconfig"},
		{spec.Resources["webapp-balanced:index:Exposure"].InputProperties, "kubeconfig"},
	} {
		if !secret.of[secret.name].Secret {
			t.Errorf("%s is not secret", secret.name)
		}
	}
}

// docs/components.md has the reference, after its marker.
func TestReference(t *testing.T) {
	const file, marker = "../docs/components.md", "<!-- The rest is generated from plugin/schema.json: make package -->\n"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(page), marker)
	if !ok {
		t.Fatalf("%s has no marker", file)
	}
	_, spec := packageSchema(t)
	holds(t, file, before+marker+reference(spec))
}

// reference returns the reference of the components and the types in Markdown.
func reference(spec schema.PackageSpec) string {
	var b strings.Builder
	for _, token := range []string{"NfsShare", "BalancedApp", "Exposure"} {
		resource := spec.Resources[packageName+":index:"+token]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n### Inputs\n\n%s\n### Outputs\n\n%s",
			token, resource.Description, table(resource.InputProperties, resource.RequiredInputs), table(resource.Properties, nil))
	}
	b.WriteString("\n## Types\n")
	for _, token := range slices.Sorted(maps.Keys(spec.Types)) {
		typ := spec.Types[token]
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s", tokens.Type(token).Name(), typ.Description, table(typ.Properties, typ.Required))
	}
	return b.String()
}

func table(properties map[string]schema.PropertySpec, required []string) string {
	var b strings.Builder
	b.WriteString("| property | type | meaning |\n| --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property := properties[name]
		kind := typeOf(property.TypeSpec)
		if slices.Contains(required, name) {
			kind += ", required"
		}
		if property.Secret {
			kind += ", secret"
		}
		if property.Plain {
			kind += ", plain"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, kind, strings.ReplaceAll(property.Description, "|", `\|`))
	}
	return b.String()
}

func typeOf(t schema.TypeSpec) string {
	switch {
	case t.Ref != "":
		name := t.Ref[strings.LastIndex(t.Ref, ":")+1:]
		if strings.HasPrefix(t.Ref, "/kubernetes/") {
			return "Kubernetes' " + name
		}
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	case t.Items != nil:
		return "list of " + typeOf(*t.Items)
	case t.AdditionalProperties != nil:
		return typeOf(*t.AdditionalProperties) + " by name"
	}
	return t.Type
}

// One error has all problems, each with its property. It has no details: the engine would print the values with them.
func TestProblemsOfProperties(t *testing.T) {
	err := ofProperties(check.Problems{
		{Property: "path", Value: "srv", Reason: "is not absolute", Hint: "use an absolute path"},
		{Property: "connection.hostKey", Reason: "is missing", Hint: "set {connection.hostKey}"},
	})
	want := "\n\t\t- property path has a problem: \"srv\" is not absolute: use an absolute path" +
		"\n\t\t- property connection.hostKey has a problem: is missing: set connection.hostKey"
	if err.Message != want || len(err.Errors) > 0 {
		t.Errorf("the error is %q with the details %v, want %q", err.Message, err.Errors, want)
	}
}

// All files name the same version of the Kubernetes SDK: another version would require another plugin.
func TestKubernetesVersion(t *testing.T) {
	for file, want := range map[string]string{
		"../go.mod":                           "github.com/pulumi/pulumi-kubernetes/sdk/v4 v" + kubernetesVersion,
		"go.mod":                              "github.com/pulumi/pulumi-kubernetes/sdk/v4 v" + kubernetesVersion,
		"../examples/go/go.mod":               "github.com/pulumi/pulumi-kubernetes/sdk/v4 v" + kubernetesVersion,
		"../components/app/args.go":           "type=kubernetes@" + kubernetesVersion + ":core/v1:ResourceRequirements",
		"../examples/typescript/package.json": `"@pulumi/kubernetes": "` + kubernetesVersion + `"`,
		"../lab/tools/tools.go":               `Version: "` + kubernetesVersion + `"`,
	} {
		content, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(content), want) {
			t.Errorf("%s has no %q: %v", file, want, err)
		}
	}
}
