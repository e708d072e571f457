// Command plugin is the component package: it serves the share, the application and the exposure to
// Pulumi programs in every language. docs/components.md is its reference.
package main

import (
	"context"
	"fmt"
	"os"

	"webapp-balanced/internal/version"
)

func main() {
	provider, err := newProvider()
	if err == nil {
		err = provider.Run(context.Background(), packageName, version.Version)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, packageName+":", err)
		os.Exit(1)
	}
}
