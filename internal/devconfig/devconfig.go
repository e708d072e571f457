// Package devconfig reads the tutorial's configuration for tests.
package devconfig

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Read returns Pulumi.dev.yaml over the defaults of Pulumi.yaml, as Pulumi hands it to the program.
func Read(t testing.TB, root string) map[string]string {
	t.Helper()
	config := map[string]string{}
	var declared struct {
		Config map[string]struct{ Default any }
	}
	ReadYAML(t, root+"/Pulumi.yaml", &declared)
	for key, declaration := range declared.Config {
		if !strings.Contains(key, ":") { // others are for the plugins
			config["webapp-balanced:"+key] = Text(t, declaration.Default)
		}
	}
	var dev struct{ Config map[string]any }
	ReadYAML(t, root+"/Pulumi.dev.yaml", &dev)
	for key, value := range dev.Config {
		config[key] = Text(t, value)
	}
	return config
}

// ReadYAML reads a YAML file into a value.
func ReadYAML(t testing.TB, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Text is a value as Pulumi hands it to the program.
func Text(t testing.TB, value any) string {
	t.Helper()
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
