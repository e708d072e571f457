// Package env lets the components inspect their environment, a cluster and an NFS server. Apart from
// staging files on the NFS server it only reads. Tests put a fake into the context.
package env

import (
	"context"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/nfshost"
	"webapp-balanced/internal/probe"
)

// World is the environment of the program.
type World interface {
	// Cluster returns a client of the cluster. It sends nothing yet.
	Cluster(access cluster.Access) (Cluster, error)
	// NFSServer returns a client of the NFS server.
	NFSServer(login nfshost.Login) NFSServer
}

// Cluster is a Kubernetes cluster.
type Cluster interface {
	// Inspect reads the state of the cluster.
	Inspect(ctx context.Context, query cluster.Query) (*cluster.Snapshot, error)
	// Objects returns those of the objects that exist.
	Objects(ctx context.Context, s *cluster.Snapshot, objects []cluster.Object) ([]cluster.Object, error)
	// Released returns the UID of the claim that released a volume.
	Released(ctx context.Context, s *cluster.Snapshot, volume string) (string, error)
	// Contents lists what people have put into a namespace, and tells whether the list is complete.
	Contents(ctx context.Context, s *cluster.Snapshot, namespace string) (objects []cluster.Object, complete bool, err error)
	// Lasting returns, by field, what stays of an object whatever is applied to it.
	Lasting(ctx context.Context, s *cluster.Snapshot, object cluster.Object) (map[string]string, error)
	// Autoscaled tells whether a HorizontalPodAutoscaler sets the number of pods of a Deployment.
	Autoscaled(ctx context.Context, s *cluster.Snapshot, namespace, deployment string) (bool, error)
	// WaitForPods returns nil once the Service leads to all pods of the application and no earlier pod
	// is left, or, after patience, an error that says why the pods are not ready.
	WaitForPods(ctx context.Context, app cluster.Application, service string, patience time.Duration) error
	// WhatKeepsPods says why pods of an application are not ready; nil if all are.
	WhatKeepsPods(ctx context.Context, app cluster.Application) error
	// WaitForAddress waits up to patience for the Service's load balancer addresses; then it returns
	// [cluster.ErrNoAddress].
	WaitForAddress(ctx context.Context, namespace, service string, patience time.Duration) ([]string, error)
	// Answering returns the addresses at which an application answers, if any, and the others, with the
	// reasons. It waits, for a bounded time.
	Answering(ctx context.Context, target probe.Target) (answering []string, silent probe.Silences)
}

// NFSServer is the NFS server over SSH.
type NFSServer interface {
	// LogIn starts to log in, and does not wait. Run and Stage return its error.
	LogIn(ctx context.Context)
	// Run runs commands one after the other, and returns what each printed.
	Run(ctx context.Context, commands ...nfshost.Command) ([]string, error)
	// Stage copies files into a directory below the login user's home.
	Stage(ctx context.Context, directory string, files []nfshost.File, progress func(done, all int64)) error
}

type worldKey struct{}

// With returns a context with another world.
func With(ctx *pulumi.Context, world World) *pulumi.Context { return ctx.WithValue(worldKey{}, world) }

// Of returns the world of a context: the real one by default.
func Of(ctx *pulumi.Context) World {
	if world, ok := ctx.Value(worldKey{}).(World); ok {
		return world
	}
	return &theRealWorld
}

// Inspect reads the cluster of a kubeconfig, or else that of the plugin's settings in the stack's configuration
// (kubernetes:kubeconfig and others). The snapshot is nil if the cluster cannot be reached, which is an error.
func Inspect(ctx *pulumi.Context, kubeconfig string, query cluster.Query) (Cluster, *cluster.Snapshot, error) {
	access := cluster.Access{Kubeconfig: kubeconfig}
	if kubeconfig == "" {
		access = cluster.AccessFrom(func(key string) string { value, _ := ctx.GetConfig(key); return value })
	}
	there, err := Of(ctx).Cluster(access)
	if err != nil {
		return nil, nil, err
	}
	snapshot, err := there.Inspect(ctx.Context(), query)
	return there, snapshot, err
}

// realWorld keeps a client for each cluster and one connection to each NFS server for as long as the process runs.
type realWorld struct {
	mutex    sync.Mutex
	clusters map[cluster.Access]Cluster
	hosts    map[nfshost.Login]*nfshost.Host
}

var theRealWorld = realWorld{clusters: map[cluster.Access]Cluster{}, hosts: map[nfshost.Login]*nfshost.Host{}}

func (w *realWorld) Cluster(access cluster.Access) (Cluster, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if there, ok := w.clusters[access]; ok {
		return there, nil
	}
	client, err := cluster.Connect(access)
	if err != nil {
		return nil, err
	}
	w.clusters[access] = realCluster{client}
	return w.clusters[access], nil
}

func (w *realWorld) NFSServer(login nfshost.Login) NFSServer {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.hosts[login] == nil {
		w.hosts[login] = nfshost.NewHost(login)
	}
	return w.hosts[login]
}

type realCluster struct{ *cluster.Client }

// patience is how long something new may take to answer. An ingress controller reads its changes every
// 5 s; on slow or busy machines it has taken more than 30 s to use them.
const patience = time.Minute

func (realCluster) Answering(ctx context.Context, target probe.Target) ([]string, probe.Silences) {
	return target.Answering(ctx, patience)
}
