package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/app"
	"webapp-balanced/components/check"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/owner"
	"webapp-balanced/components/share"
	"webapp-balanced/config"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// survey looks at the cluster and the NFS host before anything is changed, and
// puts what it found into the configuration. What cannot work is an error; a
// cluster or host that cannot be reached is one at an update, and a warning in
// a preview.
func survey(ctx *pulumi.Context, c *config.Config) (*share.Plan, error) {
	snapshot, there, clusterProblem := inspect(ctx, c)
	c.Exposure.Cluster, c.Exposure.Outside = snapshot, there
	noClients := len(c.NFS.Clients) == 0
	if noClients && snapshot != nil {
		c.NFS.Clients = snapshot.Addresses()
	}
	c.NFS.ClientsUnknown = noClients && (snapshot == nil || !snapshot.Knows(cluster.Nodes))
	nfs, conflicts, hostProblem := share.Prepare(ctx, shareName, c.NFS)
	problems := config.Problems(config.Share, conflicts)
	if err := errors.Join(clusterProblem, hostProblem); err != nil {
		if !ctx.DryRun() {
			return nil, err
		}
		_ = ctx.Log.Warn(fmt.Sprintf("%s: %v", check.Incomplete, err), nil)
	}
	c.App.Path = nfs.Path()
	c.Exposure.CertificateUnknown = snapshot == nil || !snapshot.Knows(cluster.Secrets)
	if snapshot != nil {
		look := func(ctx context.Context, objects ...cluster.Object) ([]cluster.Object, error) {
			// What may not be read was told by the first look.
			return there.Objects(ctx, &cluster.Snapshot{}, objects)
		}
		c.App.Look, c.Exposure.Look = look, look
		others, err := checkObjects(ctx, c, there)
		if err != nil {
			return nil, err
		}
		problems = append(problems, config.Problems(config.App, others)...)
		if snapshot.Knows(cluster.Nodes) {
			c.App.Nodes = len(snapshot.Schedulable())
			problems = append(problems, config.Problems(config.App, c.App.CheckRoom(snapshot.Schedulable()))...)
		} else if noClients {
			problems = append(problems, check.Problem{Property: "nfs.clients", Reason: "are the cluster's nodes where none are named, and this login may not list them",
				Next: "name the nodes' addresses, or permit it to list nodes"})
		}
		problems = append(problems, config.Problems(config.Exposure, c.Exposure.Check(time.Now()))...)
		warnOfDenials(ctx, slices.DeleteFunc(slices.Clone(snapshot.Denied), func(d cluster.Denial) bool {
			return d.Fact == cluster.ConfigMaps && !c.Exposure.SetsKeys()
		}))
	}
	if err := config.OrNil(problems); err != nil || snapshot == nil {
		return nfs, err
	}
	var err error
	c.Exposure.Certificate, err = served(c.Exposure, snapshot)
	return nfs, err
}

// inspect says what the cluster is like, and returns it for later looks.
func inspect(ctx *pulumi.Context, c *config.Config) (*cluster.Snapshot, outside.Cluster, error) {
	there, err := outside.Of(ctx).Cluster(cluster.AccessFrom(func(key string) string { value, _ := ctx.GetConfig(key); return value }))
	if err != nil {
		return nil, nil, err
	}
	snapshot, err := there.Inspect(ctx.Context(), query(c))
	return snapshot, there, err
}

// warnOfDenials says what could not be looked at, and which right is missing.
func warnOfDenials(ctx *pulumi.Context, denied []cluster.Denial) {
	if len(denied) == 0 {
		return
	}
	doing := map[cluster.Fact][]string{}
	for _, d := range denied {
		doing[d.Fact] = append(doing[d.Fact], d.Doing)
	}
	lines := []string{"this login may not read everything in the cluster, so that some things are not checked:"}
	for _, fact := range slices.Sorted(maps.Keys(doing)) {
		lines = append(lines, fmt.Sprintf("  %s (it may not %s)", fact, strings.Join(doing[fact], ", ")))
	}
	_ = ctx.Log.Warn(strings.Join(lines, "\n"), nil)
}

// query is what the configuration wants to know of the cluster.
func query(c *config.Config) cluster.Query {
	return cluster.Query{
		Controller: c.Exposure.ControllerService,
		Namespace:  c.App.Namespace,
		Service:    exposure.ServiceName,
		Secret:     exposure.SecretName(c.Exposure.TLS, c.Exposure.TLSSecretName),
		ConfigMap:  c.Exposure.HAProxyConfigMap,
	}
}

// checkObjects looks at whose the objects are that the stack is to have, and at what others
// have in a namespace that it has made.
func checkObjects(ctx *pulumi.Context, c *config.Config, there outside.Cluster) (check.Problems, error) {
	found, err := there.Objects(ctx.Context(), c.Exposure.Cluster, append(c.App.Objects(ctx.Stack()), c.Exposure.Objects(c.App.Namespace)...))
	if err != nil {
		return nil, err
	}
	problems, adopted := c.App.CheckObjects(found)
	c.App.Released = app.ReleasedBefore(c.App.Identity, c.App.VolumeName(ctx.Stack()))
	if released, err := there.Released(ctx.Context(), c.Exposure.Cluster, c.App.VolumeName(ctx.Stack())); err != nil {
		return nil, err
	} else if released != "" && len(problems) == 0 {
		c.App.Released, c.App.ReleasedNow = released, true
		_ = ctx.Log.Warn("the claim of the volume is gone from the cluster, and Kubernetes gives a volume that was released to nobody: it is made anew, over the same data. "+
			"If the namespace is gone, too, run pulumi up --refresh.", nil)
	}
	var names []string
	for _, object := range adopted {
		wanted := app.Lasting(object)
		if wanted == nil {
			wanted = exposure.Lasting(object)
		}
		lasting, err := there.Lasting(ctx.Context(), c.Exposure.Cluster, object)
		if err != nil {
			return nil, err
		}
		problems = append(problems, owner.CheckAdopted(object, lasting, wanted)...)
		names = append(names, object.String())
	}
	if len(names) > 0 {
		_ = ctx.Log.Warn("adopt is true: what this stack did not make becomes its own, and goes with it: "+strings.Join(names, ", "), nil)
	}
	for _, object := range found {
		if object.Deleting {
			_ = ctx.Log.Warn(fmt.Sprintf("the deletion of the %s was asked for, and is carried out as soon as nothing uses it: it cannot be taken back. "+
				"At a time that suits you, set replicas to 0 and run pulumi up, then set it back and run pulumi up --refresh, which makes it anew, over the same data", object), nil)
		}
	}
	if len(problems) > 0 {
		return problems, nil
	}
	return checkNamespaces(ctx, c, there, found)
}

// checkNamespaces looks at what others have in the namespaces that the stack has made, which
// would go with it, or now, if it has moved.
func checkNamespaces(ctx *pulumi.Context, c *config.Config, there outside.Cluster, found []cluster.Object) (check.Problems, error) {
	made := app.OwnNamespaces(c.App.Identity)
	if !c.App.ExistingNamespace && !slices.Contains(made, c.App.Namespace) && ownsNamespace(c, found) {
		made = append(made, c.App.Namespace) // it was left to the cluster, and is made the stack's again
	}
	var problems check.Problems
	for _, namespace := range made {
		isLeft := namespace != c.App.Namespace
		if !isLeft && (c.App.ExistingNamespace || ctx.DryRun()) {
			continue // it stays, or it matters to the update only, which has more rights
		}
		contents, complete, err := there.Contents(ctx.Context(), c.Exposure.Cluster, namespace)
		if err != nil {
			return nil, err
		}
		others := c.App.Others(contents)
		switch {
		case isLeft:
			// A preview has less rights; the update looks again.
			problems = append(problems, c.App.CheckMove(namespace, others, complete || ctx.DryRun())...)
		case len(others) > 0:
			c.App.KeepNamespace = true
			_ = ctx.Log.Warn(fmt.Sprintf("others have put something into the namespace %s, which therefore stays when this stack goes: %s", namespace, strings.Join(others, ", ")), nil)
		case !complete:
			c.App.KeepNamespace = true
			_ = ctx.Log.Warn(fmt.Sprintf("whether others have something in the namespace %s cannot be told by this login, and so it stays when this stack goes", namespace), nil)
		}
	}
	return problems, nil
}

// ownsNamespace tells whether the namespace is among the objects that were found, and is this stack's.
func ownsNamespace(c *config.Config, found []cluster.Object) bool {
	return slices.ContainsFunc(found, func(o cluster.Object) bool {
		return owner.IsNamespace(o) && o.Name == c.App.Namespace && c.App.Identity.Owns(o)
	})
}

// served is what the Ingress serves. The self-signed one is kept
// where it is used, in the cluster, so it stays the same from one update to the
// next until it is due.
func served(args exposure.ExposureArgs, snapshot *cluster.Snapshot) (certificate.Pair, error) {
	existing := certificate.Of(snapshot.Secret)
	if args.CertificateUnknown {
		return certificate.Pair{}, nil
	}
	if args.TLS == "self-signed" {
		return certificate.SelfSigned(existing, args.Host, time.Now())
	}
	return existing, nil
}
