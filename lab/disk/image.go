package disk

import (
	"archive/tar"
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"webapp-balanced/lab/cache"
)

// ContainerdConfig is the machines' containerd configuration: crun starts a
// container in half of runc's time here, and nothing is ever pulled.
const ContainerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + PauseImage + `"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      BinaryName = "/usr/bin/crun"
`

// The images' references in the machines' containerd.
const (
	WebImage     = "lab.local/webapp:v1"
	HAProxyImage = "lab.local/haproxy-ingress:v1.11.12"
	PauseImage   = "lab.local/pause:v1"
	StaticImage  = "lab.local/static:v1"
)

// imageFiles holds, a folder an image, the files that it has beside Debian's.
//
//go:embed images
var imageFiles embed.FS

// Image is the recipe of a container image.
type Image struct {
	Name      string // also of its folder below images/
	Reference string // as pods name it
	Debian    system // empty for an image without Debian
	// Files are further files: path in the image to file to copy.
	Files      map[string]string
	Entrypoint []string
	User       string // as whom it runs; empty for root
}

// Web is the tutorial's web image: PHP from /var/www/public on port 80.
func Web() Image {
	return Image{
		Name: "web", Reference: WebImage, Debian: webSystem,
		Entrypoint: []string{"/usr/local/bin/serve"},
	}
}

// HAProxy is the ingress controller with its HAProxy. controller and config
// are the files that the tool haproxy-ingress was built to.
func HAProxy(controller, config string) Image {
	return Image{
		Name: "haproxy", Reference: HAProxyImage, Debian: haproxySystem,
		Files: map[string]string{
			"haproxy-ingress-controller":        controller,
			"usr/local/etc/haproxy/haproxy.cfg": config,
		},
		Entrypoint: []string{"/usr/local/bin/start"},
	}
}

// Pause is the image of every pod's first container, which holds the pod's namespaces. program waits to be ended.
func Pause(program string) Image {
	return Image{
		Name: "pause", Reference: PauseImage,
		Files:      map[string]string{"pause": program},
		Entrypoint: []string{"/pause"},
	}
}

// Static is an image of another kind than the tutorial's: a program alone, which serves /site on
// port 8080 and is nobody.
func Static(program string) Image {
	return Image{
		Name: "static", Reference: StaticImage,
		Files:      map[string]string{"static": program},
		Entrypoint: []string{"/static"},
		User:       "65534:65534",
	}
}

func (i Image) key() cache.Key {
	parts := []string{i.Reference, strings.Join(i.Entrypoint, " ")}
	if i.Debian.suite != "" {
		parts = append(parts, string(i.Debian.key()))
	}
	if i.User != "" {
		parts = append(parts, i.User)
	}
	for _, path := range sortedKeys(i.Files) {
		parts = append(parts, path, i.Files[path])
	}
	own, _ := i.ownFiles()
	for _, path := range sortedKeys(own) {
		parts = append(parts, path, string(own[path]))
	}
	return cache.KeyOf(parts...)
}

// Ensure returns the image's archive, which it builds if the cache has none.
func (i Image) Ensure(c *cache.Cache) (archive string, err error) {
	dir, _, err := c.Ensure("image-"+i.Name, i.key(), func(dir string) error { return i.build(c, dir) })
	if err != nil {
		return "", fmt.Errorf("build the image %s: %w", i.Name, err)
	}
	return filepath.Join(dir, "image.tar"), nil
}

func (i Image) build(c *cache.Cache, dir string) error {
	image := empty.Image
	if i.Debian.suite != "" {
		root, err := i.Debian.ensure(c)
		if err != nil {
			return err
		}
		layer, err := tarball.LayerFromFile(root)
		if err != nil {
			return err
		}
		if image, err = mutate.AppendLayers(image, layer); err != nil {
			return err
		}
	}
	layer, err := i.filesLayer()
	if err != nil {
		return err
	}
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return err
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		Architecture: "amd64", OS: "linux",
		RootFS: must(image.ConfigFile()).RootFS,
		Config: v1.Config{
			Entrypoint: i.Entrypoint,
			User:       i.User,
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		},
	})
	if err != nil {
		return err
	}
	tag, err := name.NewTag(i.Reference)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(filepath.Join(dir, "image.tar"), tag, image)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err) // the image is in memory: reading it back cannot fail
	}
	return value
}

// ownFiles returns the files below images/NAME by their path in the image.
func (i Image) ownFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	top := "images/" + i.Name
	err := fs.WalkDir(imageFiles, top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[strings.TrimPrefix(path, top+"/")], err = imageFiles.ReadFile(path)
		return err
	})
	if os.IsNotExist(err) {
		return files, nil
	}
	return files, err
}

// filesLayer is the layer with the image's own files. They are executable when
// they lie in a bin directory or come from a tool.
func (i Image) filesLayer() (v1.Layer, error) {
	files, err := i.ownFiles()
	if err != nil {
		return nil, err
	}
	for path, file := range i.Files {
		if files[path], err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, path := range sortedKeys(files) {
		mode := int64(0o644)
		if strings.Contains(path, "bin/") || !strings.Contains(path, "/") {
			mode = 0o755
		}
		header := &tar.Header{Name: path, Mode: mode, Size: int64(len(files[path])), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(files[path]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil
	})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
