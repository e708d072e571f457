package lab

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"webapp-balanced/lab/disk"
)

// The lab's configuration equals Pulumi.dev.yaml except for addresses, keys and image.
func TestDeriveConfig(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	l, err := New(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	k, err := l.ensureKeys()
	if err != nil {
		t.Fatal(err)
	}
	// A user's own may have more that the lab replaces or removes.
	content, err := os.ReadFile("../Pulumi.dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "Pulumi.source.yaml")
	more := strings.Replace(string(content), "  webapp-balanced:nfs:\n", "  webapp-balanced:image: another:v1\n  webapp-balanced:nfsPrivateKey: {secure: v1:abc}\n  webapp-balanced:nfs:\n    server: 192.168.1.160\n", 1)
	if err := os.WriteFile(source, []byte("encryptionsalt: v1:abc\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.deriveConfig(source, k); err != nil {
		t.Fatal(err)
	}
	read := func(file string) map[string]any {
		var document struct{ Config map[string]any }
		content, err := os.ReadFile(file)
		if err == nil {
			err = yaml.Unmarshal(content, &document)
		}
		if err != nil {
			t.Fatal(err)
		}
		return document.Config
	}
	dev, derived := read(source), read(l.stackConfig())
	for key, value := range dev {
		switch key {
		case "webapp-balanced:nfs", "webapp-balanced:image", "webapp-balanced:nfsPrivateKey":
			continue
		}
		if a, b := yamlText(t, value), yamlText(t, derived[key]); a != b {
			t.Errorf("%s is %s, want %s", key, b, a)
		}
	}
	nfs := derived["webapp-balanced:nfs"].(map[string]any)
	wantKey := strings.TrimSpace(string(k.host["kubemaster"].public))
	for key, want := range map[string]any{"host": "198.18.0.160", "hostKey": wantKey, "clients": nil, "server": nil, "path": "/srv/nfs/weblb"} {
		if nfs[key] != want {
			t.Errorf("nfs.%s is %v, want %v", key, nfs[key], want)
		}
	}
	if image := derived["webapp-balanced:image"]; image != disk.WebImage {
		t.Errorf("the image is %v, want %s", image, disk.WebImage)
	}
	content, _ = os.ReadFile(l.stackConfig())
	for _, secret := range []string{"PRIVATE KEY", "webapp-balanced:nfsPrivateKey", "encryptionsalt"} {
		if strings.Contains(string(content), secret) {
			t.Errorf("the file has %s", secret)
		}
	}
}

func yamlText(t *testing.T, value any) string {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Keys stay the same until they are removed, so that the configuration with the keys stays valid.
func TestKeysStay(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	l, err := New(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	first, err := l.ensureKeys()
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.ensureKeys()
	if err != nil {
		t.Fatal(err)
	}
	if !first.fresh || second.fresh || first.passphrase != second.passphrase ||
		string(first.host["kubenode1"].public) != string(second.host["kubenode1"].public) {
		t.Error("the keys were recreated")
	}
	files, _ := filepath.Glob(l.keys("*"))
	for _, file := range files {
		if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", file, info.Mode())
		}
	}
}
