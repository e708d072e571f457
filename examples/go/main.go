// Command go is an example of a program that composes the components: one share, and two
// applications beside each other in one namespace, each exposed in its own way.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"webapp-balanced/components/app"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/share"
)

func main() {
	pulumi.Run(deploy)
}

func deploy(ctx *pulumi.Context) error {
	c := config.New(ctx, "")
	var clients []string
	c.RequireObject("nfsClients", &clients)
	var mayMount []pulumi.StringInput
	for _, client := range clients {
		mayMount = append(mayMount, pulumi.String(client))
	}
	files, err := share.NewNfsShare(ctx, "files", &share.NfsShareArgs{
		Connection: share.ConnectionArgs{
			Host:       pulumi.String(c.Require("nfsHost")),
			HostKey:    pulumi.String(c.Require("nfsHostKey")),
			PrivateKey: c.RequireSecret("nfsPrivateKey"),
		},
		Path:    pulumi.String("/srv/nfs/example-go"),
		Clients: mayMount,
		Site:    "../../site",
	})
	if err != nil {
		return err
	}

	blog, err := app.NewBalancedApp(ctx, "blog", &app.BalancedAppArgs{
		Namespace: pulumi.String("example-go"),
		Image:     pulumi.String(c.Require("blogImage")),
		Replicas:  pulumi.Int(2),
		Mount:     files.Mount,
	})
	if err != nil {
		return err
	}
	shop, err := app.NewBalancedApp(ctx, "shop", &app.BalancedAppArgs{
		Namespace:       blog.Namespace, // which blog has made
		CreateNamespace: new(false),
		Image:           pulumi.String(c.Require("shopImage")),
		Port:            8080,
		MountPath:       "/site",
		Env:             map[string]pulumi.StringInput{"GREETING": c.RequireSecret("greeting")},
		Replicas:        pulumi.Int(2),
		Mount:           files.Mount,
	})
	if err != nil {
		return err
	}

	// The blog by the ingress controller, the shop by a port of every node.
	blogs, err := exposure.NewExposure(ctx, "blog", &exposure.ExposureArgs{
		App:  blog.Workload,
		Host: pulumi.String("blog.example"),
		Path: "/",
	})
	if err != nil {
		return err
	}
	shops, err := exposure.NewExposure(ctx, "shop", &exposure.ExposureArgs{
		App:  shop.Workload,
		Type: exposure.NodePortService,
	})
	if err != nil {
		return err
	}
	ctx.Export("blog", blogs.URLs.First())
	ctx.Export("shop", shops.URLs.First())
	return nil
}
