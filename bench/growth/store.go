package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"

	"webapp-balanced/lab/controlplane"
	"webapp-balanced/lab/pki"
	"webapp-balanced/lab/proc"
	"webapp-balanced/lab/tools"
)

// store is an API server on this computer's loopback. Nothing acts on its objects.
type store struct {
	dir             string
	programs        tools.Set
	plane           controlplane.ControlPlane
	nodes, services int // that it has
}

func (s *store) table() *proc.Table { return proc.NewTable(filepath.Join(s.dir, "processes"), "") }

func (s *store) kubeconfig() string { return filepath.Join(s.plane.Dir, "admin.kubeconfig") }

func (s *store) start(ctx context.Context) error {
	authority, err := pki.NewAuthority("webapp-balanced-growth")
	if err != nil {
		return err
	}
	s.plane = controlplane.ControlPlane{
		Dir: s.dir, Address: "127.0.0.1", Services: "10.96.0.0/12", Service: "10.96.0.1", Program: s.programs.Program, CA: authority,
	}
	return s.plane.StartStore(ctx, s.table())
}

func (s *store) stop() error { return s.table().StopAll() }

// grow creates the missing nodes and Services. Every tenth Service has a node port.
func (s *store) grow(ctx context.Context, nodes, services int) error {
	client, err := s.plane.Client()
	if err != nil {
		return err
	}
	type object struct{ path, text string }
	objects := make(chan object)
	var all sync.WaitGroup
	var once sync.Once
	var failed error
	for range 16 {
		all.Go(func() {
			for o := range objects {
				if err := s.create(ctx, client, o.path, o.text); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for ; s.nodes < nodes; s.nodes++ {
		objects <- object{"/api/v1/nodes", fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node",
			"metadata": {"name": "node-%d", "labels": {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}},
			"status": {"addresses": [{"type": "InternalIP", "address": "198.19.%d.%d"}], "conditions": [{"type": "Ready", "status": "True"}]}}`,
			s.nodes, s.nodes/250, s.nodes%250+1)}
	}
	for ; s.services < services; s.services++ {
		kind := "ClusterIP"
		if s.services%10 == 0 {
			kind = "NodePort"
		}
		objects <- object{"/api/v1/namespaces/default/services", fmt.Sprintf(`{"apiVersion": "v1", "kind": "Service",
			"metadata": {"name": "service-%d"}, "spec": {"type": %q, "selector": {"app": "app-%d"}, "ports": [{"name": "http", "port": 80}]}}`,
			s.services, kind, s.services)}
	}
	close(objects)
	all.Wait()
	return failed
}

func (s *store) create(ctx context.Context, client *http.Client, path, text string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.plane.URL()+path, bytes.NewBufferString(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("POST %s: %s: %s", path, response.Status, body)
	}
	return err
}
