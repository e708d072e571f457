package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Inspect takes a snapshot. The facts are asked for at the same time, each by itself: of one that may not be
// read, Denied tells, and only what depends on it is not known.
func (c *Client) Inspect(ctx context.Context, query Query) (*Snapshot, error) {
	s := &Snapshot{Namespace: query.Namespace, NodePorts: map[int]string{}}
	var nodes *corev1.NodeList
	var services []*Service
	groups := &metav1.APIGroupList{}
	err := atOnce(
		func() (err error) {
			nodes, err = c.core.Nodes().List(ctx, metav1.ListOptions{})
			return c.known(s, Nodes, "list the nodes", err)
		},
		func() (err error) {
			if services, err = c.services(ctx, query, s); err != nil {
				return err
			}
			return c.hostPorts(ctx, query, s)
		},
		func() error { return c.ingressClasses(ctx, s) },
		func() error { return c.rules(ctx, s) },
		func() error { return c.secret(ctx, query, s) },
		func() error { return c.configMap(ctx, query, s) },
		func() error {
			all, err := c.discovery.ServerGroups()
			if err == nil {
				groups = c.withoutIdle(ctx, all)
				for _, group := range all.Groups {
					s.Groups = append(s.Groups, group.Name)
				}
			}
			return c.known(s, Groups, "list the API groups", err)
		},
		func() error { s.Major, s.Minor = c.version(); return nil },
	)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(s.Denied, func(a, b Denial) int { return strings.Compare(a.Doing, b.Doing) })
	s.Nodes = nodesOf(nodes)
	s.LoadBalancer = loadBalancer(groups, nodes, services)
	return s, nil
}

// atOnce runs steps at the same time. Of their errors it returns that of the first step that has one, so that it is
// the same each time.
func atOnce(steps ...func() error) error {
	errs := make([]error, len(steps))
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() { errs[i] = step() })
	}
	all.Wait()
	return cmp.Or(errs...)
}

func (c *Client) ingressClasses(ctx context.Context, s *Snapshot) error {
	classes, err := c.networking.IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return c.known(s, IngressClasses, "list the IngressClasses", err)
	}
	for _, class := range classes.Items {
		s.IngressClasses = append(s.IngressClasses, IngressClass{class.Name, class.Spec.Controller})
	}
	return nil
}

// rules reads those of the Ingresses.
func (c *Client) rules(ctx context.Context, s *Snapshot) error {
	ingresses, err := c.networking.Ingresses("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return c.known(s, Ingresses, "list the Ingresses of all namespaces", err)
	}
	for _, ingress := range ingresses.Items {
		s.Rules = append(s.Rules, rulesOf(ingress)...)
	}
	return nil
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

// version is Kubernetes' own. What some distributions write after the number is left out, and
// what cannot be read is 0: nothing but a choice between two ways depends on it.
func (c *Client) version() (major, minor int) {
	info, err := c.discovery.ServerVersion()
	if err != nil {
		return 0, 0
	}
	major, err1 := strconv.Atoi(info.Major)
	minor, err2 := strconv.Atoi(strings.TrimRight(info.Minor, "+"))
	if err1 != nil || err2 != nil {
		return 0, 0
	}
	return major, minor
}

// known notes that a fact may not be read, and returns any other error of asking for it.
func (c *Client) known(s *Snapshot, fact Fact, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err):
		s.deny(fact, doing)
		return nil
	}
	return c.explain(doing, err)
}

// managersOf returns who has set which key of the data, and who has said that it has none.
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

// services reads all Services, or else those that the query names.
func (c *Client) services(ctx context.Context, query Query, s *Snapshot) ([]*Service, error) {
	list, err := c.core.Services("").List(ctx, metav1.ListOptions{})
	if err := c.known(s, Services, "list the Services of all namespaces", err); err != nil {
		return nil, err
	}
	if !s.Knows(Services) {
		namespace, name, _ := strings.Cut(query.Controller, "/")
		if s.Controller, err = c.Service(ctx, namespace, name); err != nil {
			if err := c.known(s, Controller, "read the Service "+query.Controller, err); err != nil {
				return nil, err
			}
		}
		if query.Service == "" {
			return nil, nil
		}
		if s.Service, err = c.Service(ctx, query.Namespace, query.Service); err != nil {
			return nil, c.known(s, Services, "read the Service "+query.Namespace+"/"+query.Service, err)
		}
		return nil, nil
	}
	var all []*Service
	for i := range list.Items {
		service := serviceOf(&list.Items[i])
		all = append(all, service)
		switch service.ID() {
		case query.Controller:
			s.Controller = service
		case query.Namespace + "/" + query.Service:
			s.Service = service
		}
		for _, port := range service.Ports {
			if port.NodePort != 0 {
				s.NodePorts[port.NodePort] = service.ID()
			}
		}
	}
	return all, nil
}
