package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Inspect takes a snapshot. It reads the facts concurrently and independently: Denied has those that may not be
// read, and only what depends on them is unknown.
func (c *Client) Inspect(ctx context.Context, query Query) (*Snapshot, error) {
	s := &Snapshot{Namespace: query.Namespace}
	err := atOnce(
		func() error {
			o, err := c.overview(ctx)
			if err != nil {
				return err
			}
			s.add(o)
			if err := c.services(ctx, query, s, o.services); err != nil {
				return err
			}
			return c.hostPorts(ctx, query, s)
		},
		func() error { return c.secret(ctx, query, s) },
		func() error { return c.configMap(ctx, query, s) },
	)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s.Denied, func(a, b Denial) int { return strings.Compare(a.Doing, b.Doing) })
	return s, nil
}

// atOnce runs steps concurrently. It returns the error of the first step in the list that has one, so that the
// result is always the same.
func atOnce(steps ...func() error) error {
	errs := make([]error, len(steps))
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() { errs[i] = step() })
	}
	all.Wait()
	return cmp.Or(errs...)
}

func (c *Client) secret(ctx context.Context, query Query, s *Snapshot) error {
	if query.Secret == "" {
		return nil
	}
	secret, err := c.core.Secrets(query.Namespace).Get(ctx, query.Secret, metav1.GetOptions{})
	if err != nil {
		return c.known(s, Secrets, "read the Secret "+query.Namespace+"/"+query.Secret, ignoreNotFound(err))
	}
	s.Secret = &Secret{
		Object: Object{Kind: "Secret", Namespace: secret.Namespace, Name: secret.Name, UID: string(secret.UID), Owner: ownerOf(secret.ObjectMeta)},
		Type:   string(secret.Type), Data: secret.Data,
	}
	return nil
}

func (c *Client) configMap(ctx context.Context, query Query, s *Snapshot) error {
	namespace, name, ok := strings.Cut(query.ConfigMap, "/")
	if !ok {
		return nil
	}
	configMap, err := c.core.ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return c.known(s, ConfigMaps, "read the ConfigMap "+query.ConfigMap, ignoreNotFound(err))
	}
	s.ConfigMap = &ConfigMap{Data: configMap.Data}
	s.ConfigMap.Managers, s.ConfigMap.Emptied = managersOf(configMap.ManagedFields)
	return nil
}

// known notes a fact that may not be read, and returns any other error.
func (c *Client) known(s denier, fact Fact, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		s.deny(fact, doing)
		return nil
	}
	return c.explain(doing, err)
}

// managersOf returns the field managers of each key of the data, and those that have set it to no keys.
func managersOf(entries []metav1.ManagedFieldsEntry) (managers map[string][]string, emptied []string) {
	managers = map[string][]string{}
	for _, entry := range entries {
		var fields struct {
			Data map[string]json.RawMessage `json:"f:data"`
		}
		if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.Raw, &fields) != nil {
			continue
		}
		if fields.Data != nil && len(fields.Data) == 0 {
			emptied = append(emptied, entry.Manager)
		}
		for field := range fields.Data {
			if key, ok := strings.CutPrefix(field, "f:"); ok {
				managers[key] = append(managers[key], entry.Manager)
			}
		}
	}
	return managers, emptied
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// services finds the Services of the query among all. If it may not list all, it reads those two.
func (c *Client) services(ctx context.Context, query Query, s *Snapshot, all []Service) (err error) {
	if !s.Knows(Services) {
		namespace, name, _ := strings.Cut(query.Controller, "/")
		if s.Controller, err = c.Service(ctx, namespace, name); err != nil {
			if err := c.known(s, Controller, "read the Service "+query.Controller, err); err != nil {
				return err
			}
		}
		if query.Service == "" {
			return nil
		}
		if s.Service, err = c.Service(ctx, query.Namespace, query.Service); err != nil {
			return c.known(s, Services, "read the Service "+query.Namespace+"/"+query.Service, err)
		}
		return nil
	}
	for _, service := range all {
		switch service.ID() {
		case query.Controller:
			s.Controller = &service
		case query.Namespace + "/" + query.Service:
			s.Service = &service
		}
	}
	return nil
}
