// Command webapp-balanced is the Pulumi program: it takes an NFS server and a
// Kubernetes cluster on machines of one's own to a website that is served from
// the share by several pods and reachable in just the way that the stack's
// configuration says. config/ reads the configuration, components/ has the
// resources; here they are put together.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/config"
)

const (
	// shareName is the NfsShare's, in the stack and in the marks on the host.
	shareName    = "share"
	appName      = "app"
	exposureName = "exposure"
)

func main() {
	pulumi.Run(deploy)
}

// deploy declares the whole stack.
func deploy(ctx *pulumi.Context) error {
	c, err := config.Load(config.Source{
		Get:      func(key string) (string, bool) { return ctx.GetConfig(config.Project + ":" + key) },
		IsSecret: func(key string) bool { return ctx.IsConfigSecret(config.Project + ":" + key) },
	})
	if err != nil {
		return err
	}
	ctx = check.WithNames(ctx, config.Names)
	if c.NFS.Identity, err = owner.NewIdentity(ctx, "identity"); err != nil {
		return err
	}
	c.App.Identity = c.NFS.Identity
	c.Exposure.Identity = c.NFS.Identity
	plan, err := survey(ctx, c)
	if err != nil {
		return err
	}
	nfs, err := plan.share.Make(ctx)
	if err != nil {
		return err
	}
	// No pod may need the share before it is exported, and it stays exported
	// until the last pod is gone.
	web, err := plan.app.Make(ctx, formerly(c, appName), pulumi.DependsOn([]pulumi.Resource{nfs}))
	if err != nil {
		return err
	}
	front, err := plan.exposure.Make(ctx, web.Namespace, web.Replicas, formerly(c, exposureName))
	if err != nil {
		return err
	}
	ctx.Export("url", front.URLs.First())
	ctx.Export("urls", front.URLs)
	ctx.Export("exports", nfs.Exports)
	ctx.Export("pods", web.Replicas)
	ctx.Export("serviceType", front.ServiceType)
	ctx.Export("nodePort", front.NodePort)
	return nil
}

// part names a component after the namespace, if that is not the usual one: all that is in
// another namespace is other resources. What is replaced in an update that then fails is deleted
// by the next one that succeeds, also if that has made it anew, when the move was taken back.
func part(c config.Config, component string) string {
	if c.App.Namespace == c.App.Name {
		return component
	}
	return component + "-" + c.App.Namespace
}

// formerly is the name that a component had in versions before, which had one name for all.
func formerly(c config.Config, component string) pulumi.ResourceOption {
	if part(c, component) == component || c.App.Identity.NamespaceOf(appName) != c.App.Namespace {
		return pulumi.Composite()
	}
	return pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(component)}})
}
