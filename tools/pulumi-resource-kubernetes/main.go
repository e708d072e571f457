// Command pulumi-resource-kubernetes is Pulumi's Kubernetes plugin. The
// provider's own main package embeds files that its published module does not
// have under the names it wants; this one reads the same two files, which the
// module does have, from beside the program.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	schema, err := beside("schema.json")
	if err == nil {
		var mapping []byte
		if mapping, err = beside("terraform-mapping.json"); err == nil {
			// The module's schema lacks it, and SDKs of packages that refer to this one are
			// generated from it.
			schema = bytes.Replace(schema, []byte("{"), []byte(`{"version": "`+version.Version+`",`), 1)
			provider.Serve("kubernetes", version.Version, schema, mapping)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "pulumi-resource-kubernetes:", err)
	os.Exit(1)
}

// beside reads a file that lies in the program's directory.
func beside(name string) ([]byte, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(filepath.Dir(program), name))
}
