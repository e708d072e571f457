package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/cluster"
	"webapp-balanced/components"
	"webapp-balanced/nfshost"
	"webapp-balanced/reach"
)

// outside is what the program looks at beyond its configuration. It only
// reads.
type outside interface {
	// Cluster says what the cluster is like, and gives the means to look at it
	// again later.
	Cluster(ctx *pulumi.Context, query cluster.Query) (*cluster.Snapshot, components.Reach, error)
	// NFSHost returns why the NFS server cannot be logged in to.
	NFSHost(ctx context.Context, login nfshost.Login) error
}

// survey looks at the cluster and the NFS host before anything is changed, and
// puts what it found into the configuration. What cannot work is an error; a
// cluster or host that cannot be reached is one at an update, and a warning in
// a preview.
func survey(ctx *pulumi.Context, outside outside, config *Config) error {
	var snapshot *cluster.Snapshot
	var wg sync.WaitGroup
	var clusterProblem, hostProblem error
	wg.Go(func() {
		snapshot, config.Exposure.Reach, clusterProblem = outside.Cluster(ctx, config.query())
	})
	wg.Go(func() {
		hostProblem = outside.NFSHost(ctx.Context(), nfshost.Login{
			Host: config.NFS.Host, Port: config.NFS.Port, User: config.NFS.User,
			HostKey: config.NFS.HostKey, PrivateKey: config.NFS.PrivateKey,
		})
	})
	wg.Wait()
	if err := errors.Join(clusterProblem, hostProblem); err != nil {
		if !ctx.DryRun() {
			return err
		}
		_ = ctx.Log.Warn(fmt.Sprintf("this preview cannot tell everything: %v", err), nil)
	}
	config.Exposure.Cluster = snapshot
	if snapshot == nil {
		config.NFS.ClientsUnknown = len(config.NFS.Clients) == 0
		return nil
	}
	if len(config.NFS.Clients) == 0 {
		config.NFS.Clients = snapshot.Addresses()
	}
	problems := append(config.App.CheckRoom(snapshot.Schedulable()), config.Exposure.Check(time.Now())...)
	if err := problems.OrNil(); err != nil {
		return err
	}
	var err error
	config.Exposure.Certificate, err = certificate(config.Exposure, snapshot)
	return err
}

// query is what the configuration wants to know of the cluster.
func (c *Config) query() cluster.Query {
	return cluster.Query{
		Controller: c.Exposure.ControllerService,
		Namespace:  c.App.Namespace,
		Service:    components.ServiceName,
		Secret:     components.SecretName(c.Exposure.TLS, c.Exposure.TLSSecretName),
	}
}

// certificate returns what the Ingress serves. The self-signed one is kept
// where it is used, in the cluster, so it stays the same from one update to the
// next until it is due.
func certificate(exposure components.ExposureArgs, snapshot *cluster.Snapshot) (components.Certificate, error) {
	existing := components.SecretCertificate(snapshot.Secret)
	if strings.EqualFold(exposure.TLS, "self-signed") {
		return components.SelfSigned(existing, exposure.Host, time.Now())
	}
	return existing, nil
}

// real is the world itself.
type real struct{}

func (real) Cluster(ctx *pulumi.Context, query cluster.Query) (*cluster.Snapshot, components.Reach, error) {
	kubeconfig, _ := ctx.GetConfig("kubernetes:kubeconfig")
	kubeContext, _ := ctx.GetConfig("kubernetes:context")
	client, err := cluster.Connect(kubeconfig, kubeContext)
	if err != nil {
		return nil, nil, err
	}
	snapshot, err := client.Inspect(ctx.Context(), query)
	return snapshot, reacher{client}, err
}

func (real) NFSHost(ctx context.Context, login nfshost.Login) error { return login.Try(ctx) }

// patience is how long what was just made may take to answer: an ingress
// controller reads its changes every 5 s.
const patience = 30 * time.Second

// reacher is the real [components.Reach].
type reacher struct{ cluster *cluster.Client }

// rollout is how long the last pod may take after the others.
const rollout = 2 * time.Minute

func (r reacher) Ready(ctx context.Context, namespace string, replicas int) error {
	return r.cluster.WaitForPods(ctx, namespace, components.AppName, replicas, rollout)
}

func (r reacher) ExternalAddresses(ctx context.Context, namespace, service string) ([]string, error) {
	return r.cluster.WaitForAddress(ctx, namespace, service, patience)
}

func (r reacher) Answers(ctx context.Context, url string, addresses []string, certificate string) error {
	return reach.Answers(ctx, url, reach.Client(addresses, certificate, 2*time.Second), patience)
}
