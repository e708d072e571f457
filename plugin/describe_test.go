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

var update = flag.Bool("update", false, "rewrite descriptions.json, schema.json and docs/components.md")

// documented are the folders whose types are in the schema, with descriptions from their comments.
var documented = []string{"share", "app", "exposure", "link"}

// descriptions.json has the comments of the components.
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

// describeFile adds the descriptions of a file's types and of their properties. It skips MountArgs and
// WorkloadArgs, which only Go has: other languages use Mount and Workload.
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

// propertyOf returns a field's property name outside Go; empty if there is none.
func propertyOf(field *ast.Field) string {
	if field.Tag == nil || len(field.Names) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("pulumi"), ",")
	return name
}

// text returns a comment as one line. If the comment begins with its property's name in Go, text replaces it
// by the name outside Go. The comments themselves name other properties as outside Go.
func text(comment *ast.CommentGroup, name, outside string) string {
	flat := strings.Join(strings.Fields(comment.Text()), " ")
	if rest, ok := strings.CutPrefix(flat, name+" "); ok && name != "" {
		return outside + " " + rest
	}
	return flat
}

// holds fails the test if a committed file differs from what it should be. With -update it writes the file.
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
		t.Errorf("%s is not what the components say: make package rewrites it", file)
	}
}
