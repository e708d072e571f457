package main

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write descriptions.json, schema.json and docs/components.md anew")

// documented are the types that the schema has, and the folders whose comments describe them.
var documented = []string{"share", "app", "exposure", "link"}

// The descriptions are those of the comments in the components.
func TestDescriptions(t *testing.T) {
	descriptions := map[string]string{}
	for _, folder := range documented {
		files, err := filepath.Glob(filepath.Join("..", "components", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				describeFile(t, file, descriptions)
			}
		}
	}
	out, err := json.MarshalIndent(descriptions, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	holds(t, "descriptions.json", string(out)+"\n")
}

// describeFile adds the descriptions of a file's types and of their properties. MountArgs and
// WorkloadArgs are for Go alone, and outside it what they make, a Mount and a Workload.
func describeFile(t *testing.T, file string, into map[string]string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		declaration, ok := node.(*ast.GenDecl)
		if !ok || declaration.Tok != token.TYPE {
			return true
		}
		for _, spec := range declaration.Specs {
			spec := spec.(*ast.TypeSpec)
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			name := spec.Name.Name
			if parsed.Name.Name == "link" && strings.HasSuffix(name, "Args") {
				continue
			}
			described := false
			for _, field := range structure.Fields.List {
				property := propertyOf(field)
				if property == "" {
					continue
				}
				described = true
				if field.Doc == nil {
					t.Errorf("%s.%s has no comment of its own", name, property)
					continue
				}
				into[name+"."+property] = text(field.Doc, field.Names[0].Name, property)
			}
			if described {
				into[name] = text(declaration.Doc, "", "")
			}
		}
		return false
	})
}

// propertyOf is the name that a field has outside Go; empty for none.
func propertyOf(field *ast.Field) string {
	if field.Tag == nil || len(field.Names) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("pulumi"), ",")
	return name
}

// text is a comment on a line. Where it begins with a property's name in Go, it begins with the
// one outside. Other properties have that name in the comments themselves.
func text(comment *ast.CommentGroup, name, outside string) string {
	flat := strings.Join(strings.Fields(comment.Text()), " ")
	if rest, ok := strings.CutPrefix(flat, name+" "); ok && name != "" {
		return outside + " " + rest
	}
	return flat
}

// holds compares a committed file with what it should be.
func holds(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the components say: make package writes it anew", file)
	}
}
