// Command webapp-balanced is the Pulumi program: it deploys a website from an NFS share on a Kubernetes
// cluster, served by several pods and exposed as the stack's configuration says. config/ reads the
// configuration, components/ has the resources, and this package connects them.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/components/owner"
	"webapp-balanced/config"
)

const (
	// shareName is the name of the NfsShare, in the stack and in the marks on the host.
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
	c.NFS.ClientsUnknown = len(c.NFS.Clients) == 0 // until the cluster's nodes are known
	c.NFS.LogIn(ctx)
	if c.NFS.Identity, err = owner.NewIdentity(ctx, "identity"); err != nil {
		return err
	}
	c.App.Identity = c.NFS.Identity
	c.Exposure.Identity = c.NFS.Identity
	plan, err := gatherFacts(ctx, c)
	if err != nil {
		return err
	}
	nfs, err := plan.share.Make(ctx)
	if err != nil {
		return err
	}
	// The pods depend on the share: it is exported before the first pod starts, and until the last pod is gone.
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

// part returns a component's resource name, which contains the namespace if that is not the default: in another
// namespace, all resources are other resources. Otherwise, if an update that replaces a resource failed and the move
// was taken back, the next successful update would delete the resource that it has just recreated.
func part(c config.Config, component string) string {
	if c.App.Namespace == c.App.Name {
		return component
	}
	return component + "-" + c.App.Namespace
}

// formerly returns an alias for the name that earlier versions gave a component: the same in all namespaces.
func formerly(c config.Config, component string) pulumi.ResourceOption {
	if part(c, component) == component || c.App.Identity.NamespaceOf(appName) != c.App.Namespace {
		return pulumi.Composite()
	}
	return pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(component)}})
}
