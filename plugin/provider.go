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

// packageName is the package's, and begins the types of its components.
const packageName = "webapp-balanced"

// kubernetesVersion is that of the SDK whose types the arguments have. It is pinned: another SDK
// wants another plugin beside the one that the components use.
const kubernetesVersion = "4.25.0"

// newProvider is the package.
func newProvider() (p.Provider, error) {
	refusals := newRefusals()
	provider, err := infer.NewProviderBuilder().
		WithDisplayName("Balanced web application").
		WithDescription("An NFS share, balanced web applications that serve it, and how the world reaches them, on a Kubernetes cluster of one's own").
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

// component wraps a constructor: its check.Problems become errors of the properties, each on its own.
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

// ofProperties tells problems of arguments, each on its property, in the engine's words. It does not use
// the details that the errors of properties have: beside each of them the engine prints the
// property's value as it was sent, secrets in clear (pulumi/pkg 3.259, errorToMessage in
// resource/deploy/source_eval.go).
func ofProperties(problems check.Problems) *propertyerrors.InputPropertiesError {
	var text strings.Builder
	for _, problem := range (check.Names{}).Problems(problems) {
		fmt.Fprintf(&text, "\n\t\t- property %s has a problem: ", problem.Property)
		if problem.Value != "" {
			fmt.Fprintf(&text, "%q ", problem.Value)
		}
		text.WriteString(problem.Reason + ": " + problem.Next)
	}
	return propertyerrors.NewInputPropertiesError(text.String())
}

// descriptions are those of the components and types, and of their properties (TYPE.property), as
// their comments have them.
//
//go:embed descriptions.json
var descriptionsFile []byte

// described is a schema with the descriptions.
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
