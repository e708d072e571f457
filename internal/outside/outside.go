// Package outside is the world beyond the program: what the components look at, and how they
// reach it. It only reads. Tests put another one into the context.
package outside

import (
	"context"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/nfshost"
	"webapp-balanced/internal/reach"
)

// World is the world beyond the program.
type World interface {
	// Cluster reaches the cluster. Nothing is sent yet.
	Cluster(access cluster.Access) (Cluster, error)
	// NFSServer reaches the NFS server.
	NFSServer(login nfshost.Login) NFSServer
}

// Cluster is a Kubernetes cluster.
type Cluster interface {
	// Inspect says what the cluster is like.
	Inspect(ctx context.Context, query cluster.Query) (*cluster.Snapshot, error)
	// Objects returns those of the objects that are there.
	Objects(ctx context.Context, s *cluster.Snapshot, objects []cluster.Object) ([]cluster.Object, error)
	// Released returns the UID of the claim that has given a volume back.
	Released(ctx context.Context, s *cluster.Snapshot, volume string) (string, error)
	// Contents lists what people have put into a namespace, and tells whether that is all.
	Contents(ctx context.Context, s *cluster.Snapshot, namespace string) (objects []cluster.Object, complete bool, err error)
	// Lasting returns what of an object lasts, whatever is applied to it, by field.
	Lasting(ctx context.Context, s *cluster.Snapshot, object cluster.Object) (map[string]string, error)
	// Autoscaled tells whether a HorizontalPodAutoscaler sets the number of pods of a Deployment.
	Autoscaled(ctx context.Context, s *cluster.Snapshot, namespace, deployment string) (bool, error)
	// WaitForPods returns nil once the Service leads to all pods of the application and none
	// is left of those before them, or else, after patience, what keeps them.
	WaitForPods(ctx context.Context, app cluster.Application, service string, patience time.Duration) error
	// WhatKeepsPods says what keeps those pods of an application that are not ready; nil if all are.
	WhatKeepsPods(ctx context.Context, app cluster.Application) error
	// WaitForAddress returns what a load balancer gave the Service, and waits for it so long; then
	// it returns [cluster.ErrNoAddress].
	WaitForAddress(ctx context.Context, namespace, service string, patience time.Duration) ([]string, error)
	// Answering returns the addresses at which an application answers, none where it does not
	// answer at all, and those at which it does not, with why. It waits, for a bounded time.
	Answering(ctx context.Context, target reach.Target) (answering []string, silent reach.Silences)
}

// NFSServer is the NFS server over SSH.
type NFSServer interface {
	// Run runs commands one after the other, and returns what each printed.
	Run(ctx context.Context, commands ...nfshost.Command) ([]string, error)
	// Stage copies files into a directory below the login user's home.
	Stage(ctx context.Context, directory string, files []nfshost.File, progress func(done, all int64)) error
}

type worldKey struct{}

// With is a context in which the world is another one.
func With(ctx *pulumi.Context, world World) *pulumi.Context { return ctx.WithValue(worldKey{}, world) }

// Of is the world of a context: the real one, if nothing else was put into it.
func Of(ctx *pulumi.Context) World {
	if world, ok := ctx.Value(worldKey{}).(World); ok {
		return world
	}
	return &theRealWorld
}

// Look reaches the cluster that a kubeconfig names, or else the one that the stack's configuration
// names for the plugin (kubernetes:kubeconfig and others), and says what it is like. The snapshot
// is nil if the cluster cannot be reached, which is an error.
func Look(ctx *pulumi.Context, kubeconfig string, query cluster.Query) (Cluster, *cluster.Snapshot, error) {
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

// realWorld keeps one connection to each NFS server for as long as the process runs.
type realWorld struct {
	mutex sync.Mutex
	hosts map[nfshost.Login]*nfshost.Host
}

var theRealWorld realWorld

func (*realWorld) Cluster(access cluster.Access) (Cluster, error) {
	client, err := cluster.Connect(access)
	return realCluster{client}, err
}

func (w *realWorld) NFSServer(login nfshost.Login) NFSServer {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.hosts[login] == nil {
		if w.hosts == nil {
			w.hosts = map[nfshost.Login]*nfshost.Host{}
		}
		w.hosts[login] = nfshost.Reach(login)
	}
	return w.hosts[login]
}

type realCluster struct{ *cluster.Client }

// patience is how long what was just made may take to answer. An ingress controller reads its changes
// every 5 s; on slow or busy machines it has been seen to take more than 30 s until it uses them.
const patience = time.Minute

func (realCluster) Answering(ctx context.Context, target reach.Target) ([]string, reach.Silences) {
	return target.Answering(ctx, patience)
}
