// Command webapp-balanced is the Pulumi program: it takes an NFS server and a
// Kubernetes cluster on machines of one's own to a website that is served from
// the share by several pods and reachable in just the way that the stack's
// configuration says. config.go has the configuration, components/ the
// resources; here they are put together.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components"
)

// shareName is the NfsShare's, in the stack and in the marks on the host.
const shareName = "share"

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error { return deploy(ctx, real{}) })
}

// deploy declares the whole stack.
func deploy(ctx *pulumi.Context, outside outside) error {
	config, err := LoadConfig(func(key string) (string, bool) { return ctx.GetConfig(project + ":" + key) })
	if err != nil {
		return err
	}
	if config.NFS.Identity, err = components.NewIdentity(ctx, "identity"); err != nil {
		return err
	}
	config.App.Identity = config.NFS.Identity
	config.Exposure.Ownership = config.App.Ownership
	if err := survey(ctx, outside, &config); err != nil {
		return err
	}
	share, err := components.NewNfsShare(ctx, shareName, config.NFS)
	if err != nil {
		return err
	}
	// No pod may need the share before it is exported, and it stays exported
	// until the last pod is gone.
	app, err := components.NewBalancedApp(ctx, "app", config.App, pulumi.DependsOn([]pulumi.Resource{share}))
	if err != nil {
		return err
	}
	config.Exposure.Namespace, config.Exposure.Replicas = app.Namespace, app.Replicas
	exposure, err := components.NewExposure(ctx, "exposure", config.Exposure)
	if err != nil {
		return err
	}
	ctx.Export("url", exposure.URLs.First())
	ctx.Export("urls", exposure.URLs)
	ctx.Export("exports", share.Exports)
	ctx.Export("pods", app.Replicas)
	ctx.Export("serviceType", exposure.ServiceType)
	ctx.Export("nodePort", exposure.NodePort)
	return nil
}
