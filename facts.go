package main

import (
	"errors"
	"sync"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/app"
	"webapp-balanced/components/check"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/share"
	"webapp-balanced/config"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
)

// plans has the plan of each component.
type plans struct {
	share    *share.Plan
	app      *app.Plan
	exposure *exposure.Plan
}

// gatherFacts reads the cluster and the NFS host, at the same time, before anything is changed. If the configuration
// names no clients of the share, its inspection waits for the cluster's nodes. The error has every problem of
// all three components. If the cluster or the host cannot be reached, an update fails and a preview warns.
func gatherFacts(ctx *pulumi.Context, c config.Config) (p plans, err error) {
	var host sync.WaitGroup
	var shareProblems, found check.Problems
	var hostProblem error
	inspectHost := func() { p.share, shareProblems, hostProblem = share.Prepare(ctx, shareName, c.NFS) }
	noClients := len(c.NFS.Clients) == 0
	if !noClients {
		host.Go(inspectHost)
	}
	there, snapshot, clusterProblem := env.Inspect(ctx, "", c.Exposure.Query())
	if clusterProblem == nil {
		go startPlugin(ctx)
	}
	if noClients {
		if snapshot != nil {
			c.NFS.Clients = snapshot.Addresses()
		}
		c.NFS.ClientsUnknown = snapshot == nil || !snapshot.Knows(cluster.Nodes)
		host.Go(inspectHost)
	}
	host.Wait()
	if err := env.WarnInPreview(ctx, nil, errors.Join(clusterProblem, hostProblem)); err != nil {
		return p, err
	}
	problems := config.Problems(config.Share, shareProblems)
	if snapshot != nil && noClients && !snapshot.Knows(cluster.Nodes) {
		problems = append(problems, check.Problem{Property: "nfs.clients", Reason: "is empty, so it means the cluster's nodes, and this login may not list them",
			Hint: "name the nodes' addresses, or permit it to list nodes"})
	}
	// The volume has the directory's real path, which only the host knows.
	c.App.Mount.Path, c.App.Mount.Recreated = p.share.Path(), p.share.Recreated()
	if p.app, found, err = app.Prepare(ctx, part(c, appName), c.App, there, snapshot); err != nil {
		return p, err
	}
	problems = append(problems, config.Problems(config.App, found)...)
	if p.exposure, found, err = exposure.Prepare(ctx, part(c, exposureName), c.Exposure, there, snapshot); err != nil {
		return p, err
	}
	problems = append(problems, config.Problems(config.Exposure, found)...)
	if snapshot != nil {
		env.WarnOfDenials(ctx, nil, p.exposure.Relevant(snapshot.Denied))
	}
	return p, config.Err(problems)
}

type manifest struct {
	Text string `pulumi:"text"`
}

// startPlugin has Pulumi start and configure the Kubernetes plugin while the program inspects the NFS host, instead
// of after that, for the first resource. Any invoke does so; this one decodes an empty manifest, for which the plugin
// sends no request. The cluster must have answered: the program's end waits for the invoke, and the plugin waits
// longer for a cluster than the program does. An error does not fail the program, and is not lost: the first resource
// has it as well.
func startPlugin(ctx *pulumi.Context) {
	var nothing struct{}
	_ = ctx.Invoke("kubernetes:yaml:decode", &manifest{}, &nothing, utilities.PkgInvokeDefaultOpts(nil)...)
}
