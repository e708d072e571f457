package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	propertyerrors "github.com/pulumi/pulumi/sdk/v3/go/pulumi/errors"

	"webapp-balanced/components/app"
	"webapp-balanced/components/check"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/share"
)

// packageName is the name of the package. The types of its components begin with it.
const packageName = "webapp-balanced"

// kubernetesVersion is the version of the Kubernetes SDK whose types the arguments use. It is pinned: another
// SDK requires another plugin in addition to the one that the components use.
const kubernetesVersion = "4.25.0"

// newProvider returns the provider of the package.
func newProvider() (p.Provider, error) {
	refusals := newRefusals()
	provider, err := infer.NewProviderBuilder().
		WithDisplayName("Balanced web application").
		WithDescription("An NFS share, balanced web applications that serve it, and how the world reaches them, on your own Kubernetes cluster").
		WithKeywords("pulumi", "kubernetes", "nfs", "category/infrastructure", "kind/component").
		WithLicense("Apache-2.0").
		WithNamespace("webapp-balanced").
		WithModuleMap(map[tokens.ModuleName]tokens.ModuleName{"share": "index", "app": "index", "exposure": "index", "link": "index"}).
		WithLanguageMap(map[string]any{
			"nodejs": map[string]any{"respectSchemaVersion": true, "dependencies": map[string]string{"@pulumi/kubernetes": kubernetesVersion}},
			"python": map[string]any{"respectSchemaVersion": true, "pyproject": map[string]bool{"enabled": true}, "requires": map[string]string{"pulumi-kubernetes": "==" + kubernetesVersion}},
			"go":     map[string]any{"respectSchemaVersion": true, "generateResourceContainerTypes": true, "importBasePath": "webapp-balanced/sdk/go/webappbalanced"},
			"csharp": map[string]any{"respectSchemaVersion": true, "packageReferences": map[string]string{"Pulumi.Kubernetes": kubernetesVersion}},
		}).
		WithComponents(
			component(refusals, share.NewNfsShare), component(refusals, app.NewBalancedApp), component(refusals, exposure.NewExposure),
		).Build()
	if err != nil {
		return provider, err
	}
	provider.Construct = refusals.counting(provider.Construct)
	inferred := provider.GetSchema
	provider.GetSchema = func(ctx context.Context, request p.GetSchemaRequest) (p.GetSchemaResponse, error) {
		response, err := inferred(ctx, request)
		if err == nil {
			response.Schema, err = described(response.Schema)
		}
		return response, err
	}
	return provider, nil
}

// component wraps a constructor and turns its check.Problems into an error that names each property.
func component[A any, C pulumi.ComponentResource](r *refusals, construct func(*pulumi.Context, string, *A, ...pulumi.ResourceOption) (C, error)) infer.InferredComponent {
	return infer.ComponentF(func(ctx *pulumi.Context, name string, args *A, opts ...pulumi.ResourceOption) (C, error) {
		made, err := construct(ctx, name, args, opts...)
		var problems check.Problems
		if errors.As(err, &problems) {
			return postpone(r, ctx, name, made, ofProperties(problems))
		}
		return made, err
	})
}

// ofProperties returns an error with all problems of the arguments, each with its property, in the engine's words. It
// does not use the details of InputPropertiesError: with each of them the engine prints the property's value as it
// was sent, secrets in clear text (pulumi/pkg 3.259, errorToMessage in resource/deploy/source_eval.go).
func ofProperties(problems check.Problems) *propertyerrors.InputPropertiesError {
	var text strings.Builder
	for _, problem := range (check.Names{}).Problems(problems) {
		fmt.Fprintf(&text, "\n\t\t- property %s has a problem: ", problem.Property)
		if problem.Value != "" {
			fmt.Fprintf(&text, "%q ", problem.Value)
		}
		text.WriteString(problem.Reason + ": " + problem.Hint)
	}
	return propertyerrors.NewInputPropertiesError(text.String())
}

// descriptionsFile has the descriptions of the components, the types and their properties (TYPE.property),
// from the comments in the code.
//
//go:embed descriptions.json
var descriptionsFile []byte

// described adds the descriptions to a schema.
func described(text string) (string, error) {
	var descriptions map[string]string
	if err := json.Unmarshal(descriptionsFile, &descriptions); err != nil {
		return "", err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return "", err
	}
	describe := func(of string, properties map[string]schema.PropertySpec) {
		for name, property := range properties {
			property.Description = descriptions[of+"."+name]
			properties[name] = property
		}
	}
	for token, resource := range spec.Resources {
		name := string(tokens.Type(token).Name())
		resource.Description = descriptions[name]
		describe(name, resource.Properties)
		describe(name+"Args", resource.InputProperties)
		spec.Resources[token] = resource
	}
	for token, typ := range spec.Types {
		name := string(tokens.Type(token).Name())
		typ.Description = descriptions[name]
		describe(name, typ.Properties)
		spec.Types[token] = typ
	}
	out, err := json.MarshalIndent(spec, "", "  ")
	return string(out) + "\n", err
}
