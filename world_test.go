package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/nfshost"
	"webapp-balanced/internal/probe"
)

// world is a fake of the cluster and the NFS server.
type world struct {
	mu           sync.Mutex
	snapshot     *cluster.Snapshot
	clusterError error
	hostError    error
	silent       []string // URLs that do not answer
	logins       []nfshost.Login
	events       []string // the first ones, in order
	accesses     []cluster.Access
	found        string // what the inspection of the host prints
	commands     []nfshost.Command
	staged       []nfshost.File
	autoscaled   bool
	onInspect    func()     // called while the cluster is inspected
	onRun        func()     // called when a command runs on the host
	onReady      func()     // called while the program waits for the pods
	notReady     error      // why the pods are not ready
	released     string     // UID of the claim that released the volume
	asked        int        // number of requested URLs
	page         probe.Page // the page requested there
	objects      []cluster.Object
	partly       bool                         // the login cannot list all objects
	lasting      map[string]map[string]string // values that an apply does not change, by object and field
}

func tutorial() *world {
	return &world{snapshot: &cluster.Snapshot{
		Nodes: []cluster.Node{
			{Name: "kubemaster", Addresses: []string{"192.168.1.160"}},
			{Name: "kubenode1", Addresses: []string{"192.168.1.161"}, TakesPods: true},
			{Name: "kubenode2", Addresses: []string{"192.168.1.162"}, TakesPods: true},
		},
		Controller: &cluster.Service{Type: "NodePort", Ports: []cluster.Port{
			{Name: "http", Port: 80, NodePort: 31716}, {Name: "https", Port: 443, NodePort: 32613},
		}},
		IngressClasses: []cluster.IngressClass{{Name: "haproxy", Controller: "haproxy.org/ingress-controller/haproxy"}},
		ConfigMap:      &cluster.ConfigMap{},
		NodePorts:      map[int]string{31716: "haproxy-controller/haproxy-ingress"},
		Namespace:      "webapp-balanced",
	}}
}

func (w *world) Cluster(access cluster.Access) (env.Cluster, error) {
	w.accesses = append(w.accesses, access)
	return w, nil
}

func (w *world) Inspect(context.Context, cluster.Query) (*cluster.Snapshot, error) {
	w.events = append(w.events, "inspect the cluster")
	if w.onInspect != nil {
		w.onInspect()
	}
	return w.snapshot, w.clusterError
}

func (w *world) Objects(_ context.Context, _ *cluster.Snapshot, objects []cluster.Object) ([]cluster.Object, error) {
	var found []cluster.Object
	for _, o := range objects {
		for _, there := range w.objects {
			if there.String() == o.String() {
				found = append(found, there)
			}
		}
	}
	// Those that are being deleted are gone at the next read.
	w.objects = slices.DeleteFunc(slices.Clone(w.objects), func(o cluster.Object) bool {
		return o.Deleting && slices.ContainsFunc(found, func(f cluster.Object) bool { return f.String() == o.String() })
	})
	return found, nil
}

func (w *world) Released(context.Context, *cluster.Snapshot, string) (string, error) {
	return w.released, nil
}

func (w *world) Contents(_ context.Context, _ *cluster.Snapshot, namespace string) ([]cluster.Object, bool, error) {
	var found []cluster.Object
	for _, there := range w.objects {
		if there.Namespace == namespace {
			found = append(found, there)
		}
	}
	return found, !w.partly, nil
}

func (w *world) Lasting(_ context.Context, _ *cluster.Snapshot, object cluster.Object) (map[string]string, error) {
	return w.lasting[object.String()], nil
}

func (w *world) NFSServer(login nfshost.Login) env.NFSServer {
	w.logins = append(w.logins, login)
	return w
}

func (w *world) LogIn(context.Context) { w.events = append(w.events, "log in") }

func (w *world) Run(_ context.Context, commands ...nfshost.Command) ([]string, error) {
	if w.onRun != nil {
		w.onRun()
	}
	w.commands = append(w.commands, commands...)
	outputs := make([]string, len(commands))
	for i := range outputs {
		outputs[i] = w.found
	}
	return outputs, w.hostError
}

func (w *world) Stage(_ context.Context, directory string, files []nfshost.File, progress func(done, all int64)) error {
	w.staged = append(w.staged, files...)
	return nil
}

func (w *world) Autoscaled(context.Context, *cluster.Snapshot, string, string) (bool, error) {
	return w.autoscaled, nil
}

func (w *world) WhatKeepsPods(context.Context, cluster.Application) error { return nil }

func (w *world) WaitForPods(context.Context, cluster.Application, string, time.Duration) error {
	if w.onReady != nil {
		w.onReady()
	}
	return w.notReady
}

func (w *world) WaitForAddress(context.Context, string, string, time.Duration) ([]string, error) {
	return []string{"192.168.1.200"}, nil
}

func (w *world) Answering(_ context.Context, target probe.Target) ([]string, probe.Silences) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	w.page = target.Page
	if slices.Contains(w.silent, target.URL) {
		return nil, probe.Silences{{Reason: errors.New("connection refused")}}
	}
	return []string{""}, nil
}
