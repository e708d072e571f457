package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"webapp-balanced/internal/devconfig"
)

// Pulumi.yaml, the README's table and the code have the same keys and the same defaults, and Pulumi.dev.yaml has
// no other keys.
func TestKeysAndDefaults(t *testing.T) {
	read := readKeys(t)
	secrets := []string{"nfsPrivateKey", "nfsPrivateKeyPassword"}

	var declared struct {
		Config map[string]struct {
			Default     any
			Description string
		}
	}
	devconfig.ReadYAML(t, "Pulumi.yaml", &declared)
	var keys []string
	for key := range declared.Config {
		if !strings.Contains(key, ":") { // others are for the plugins
			keys = append(keys, key)
		}
	}
	sameKeys(t, "Pulumi.yaml", append(keys, secrets...), slices.DeleteFunc(slices.Clone(read), func(key string) bool { return strings.Contains(key, ".") }))
	for object, names := range objects {
		for _, name := range names {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(declared.Config[object].Description) {
				t.Errorf("Pulumi.yaml's description of %s lacks %s", object, name)
			}
		}
	}

	var dev struct{ Config map[string]any }
	devconfig.ReadYAML(t, "Pulumi.dev.yaml", &dev)
	if len(dev.Config) == 0 {
		t.Error("Pulumi.dev.yaml has no keys")
	}
	for key, value := range dev.Config {
		key = strings.TrimPrefix(key, Project+":")
		names := []string{key}
		if _, ok := objects[key]; ok {
			for name := range value.(map[string]any) {
				names = append(names, key+"."+name)
			}
		}
		for _, name := range names {
			if !slices.Contains(read, name) {
				t.Errorf("Pulumi.dev.yaml has %s, which is not read", name)
			}
		}
	}

	table := readmeTable(t)
	sameKeys(t, "README.md", append(slices.Collect(maps.Keys(table)), slices.Collect(maps.Keys(objects))...), read)

	// Setting a key to its default changes nothing.
	minimal := map[string]string{"nfs.host": "192.0.2.1", "nfs.hostKey": hostKey}
	nothing := parsed(t, minimal)
	for key, text := range table {
		if text == "" {
			continue
		}
		said := maps.Clone(minimal)
		said[key] = text
		if got := parsed(t, said); !reflect.DeepEqual(got, nothing) {
			t.Errorf("the README says that the default of %s is %s, and then the configuration is\n%+v\nand not\n%+v", key, text, got, nothing)
		}
		if declaration, ok := declared.Config[key]; ok {
			said[key] = devconfig.Text(t, declaration.Default)
			if got := parsed(t, said); !reflect.DeepEqual(got, nothing) {
				t.Errorf("Pulumi.yaml says that the default of %s is %v, and then the configuration is\n%+v\nand not\n%+v", key, declaration.Default, got, nothing)
			}
		}
	}
	for object := range objects {
		for name, value := range described(declared.Config[object].Description) {
			said := maps.Clone(minimal)
			said[object+"."+name] = value
			if got := parsed(t, said); !reflect.DeepEqual(got, nothing) {
				t.Errorf("Pulumi.yaml says that the default of %s.%s is %s, and then the configuration is\n%+v\nand not\n%+v", object, name, value, got, nothing)
			}
		}
	}
}

// objects has the keys whose values are objects, with the keys of those objects.
var objects = map[string][]string{"nfs": shareKeys, "app": appKeys}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPPu256k8DGoZos+llW0QbJGCIcciR8dBMfCWOFNUak9 kubemaster.jadbp.lab"

// readKeys returns the keys that the code reads.
func readKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	_, _ = Load(Source{Get: func(key string) (string, bool) {
		keys = append(keys, key)
		return "", false
	}})
	for object, names := range objects {
		for _, name := range names {
			keys = append(keys, object+"."+name)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func sameKeys(t *testing.T, file string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s has the keys\n%q\nand read are\n%q", file, got, want)
	}
}

// readmeTable returns the defaults in the README's table; empty for a default that is described in words.
func readmeTable(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Configuration\n")
	section, _, _ = strings.Cut(section, "\n## ")
	table := map[string]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if len(cells) < 3 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		keys, defaults := quoted(cells[0]), strings.Split(cells[1], ", ")
		values := quoted(cells[1])
		for i, key := range keys {
			table[key] = ""
			switch {
			case len(keys) == len(values):
				table[key] = values[i]
			case len(keys) == len(defaults) && strings.HasPrefix(defaults[i], "`"):
				table[key] = strings.Trim(defaults[i], "`")
			}
		}
	}
	if len(table) < 30 {
		t.Fatalf("the README's table has only %q", table)
	}
	for key, value := range table {
		if _, isKey := table[value]; isKey {
			table[key] = "" // the value of another key
		}
	}
	return table
}

// quoted returns the texts between backquotes.
func quoted(cell string) []string {
	var all []string
	for _, match := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cell, -1) {
		all = append(all, match[1])
	}
	return all
}

// described returns the defaults in the description of an object: "port (22), path (/srv)".
func described(description string) map[string]string {
	defaults := map[string]string{}
	for _, match := range regexp.MustCompile(`([a-zA-Z]+)\s+\(([^)]*)\)`).FindAllStringSubmatch(description, -1) {
		if match[2] != "host" && !strings.HasPrefix(match[2], "the ") {
			defaults[match[1]] = match[2]
		}
	}
	return defaults
}

// parsed returns the configuration with some keys set and every default in place. "nfs.KEY" is a key of an object.
func parsed(t *testing.T, set map[string]string) Config {
	t.Helper()
	values := map[string]map[string]any{"nfs": {}, "app": {}}
	texts := map[string]string{}
	for key, text := range set {
		if object, name, ok := strings.Cut(key, "."); ok {
			var value any = text
			if strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{") {
				if err := yaml.Unmarshal([]byte(text), &value); err != nil {
					t.Fatal(err)
				}
			}
			values[object][name] = value
			continue
		}
		if strings.HasPrefix(text, "{") { // of YAML
			var value any
			if err := yaml.Unmarshal([]byte(text), &value); err != nil {
				t.Fatal(err)
			}
			text = devconfig.Text(t, value)
		}
		texts[key] = text
	}
	for object, fields := range values {
		texts[object] = devconfig.Text(t, fields)
	}
	c, err := Load(Source{Get: func(key string) (string, bool) {
		text, ok := texts[key]
		return text, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
