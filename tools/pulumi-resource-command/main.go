// Command pulumi-resource-command is a Pulumi plugin for commands over SSH: the
// resource command:remote:Command, as documented for Pulumi's own plugin of the
// same name, version 1.2.1, which is published as a binary only. The lab uses
// this one; with a cluster of your own, the program uses the official one.
// contract_test.go tests what both must do.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-go-provider/infer"

	"webapp-balanced/tools/pulumi-resource-command/remote"
)

// version is the version of the plugin whose contract this one keeps.
const version = "1.2.1"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-command:", err)
		os.Exit(1)
	}
}

func run() error {
	provider, err := infer.NewProviderBuilder().
		WithResources(infer.Resource(remote.Command{})).
		Build()
	if err != nil {
		return err
	}
	return provider.Run(context.Background(), "command", version)
}
