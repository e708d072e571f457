package cluster

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// overview has the facts about the whole cluster, which do not depend on a query.
type overview struct {
	nodes        *corev1.NodeList
	services     []Service // none if they may not be read
	classes      []IngressClass
	rules        []Rule
	groups       []string
	loadBalancer string
	major, minor int

	denied []Denial
	mutex  sync.Mutex // of denied, while facts are asked for
}

// sharedFor is how long one overview is used after it was read. A program with many components inspects the cluster
// for each of them at about the same time, and a large cluster has megabytes of nodes and Services. The API server
// still checks what changes meanwhile.
const sharedFor = 2 * time.Second

// sharedOverview is an overview that is being read, or was read.
type sharedOverview struct {
	done chan struct{} // closed when the other fields are set
	*overview
	err  error
	read time.Time
}

// serves tells whether a new call may use it.
func (s *sharedOverview) serves() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.done:
		return s.err == nil && time.Since(s.read) <= sharedFor
	default:
		return true
	}
}

// overview returns the cluster's overview, which calls at about the same time share.
func (c *Client) overview(ctx context.Context) (*overview, error) {
	c.mutex.Lock()
	shared := c.shared
	if !shared.serves() {
		shared = &sharedOverview{done: make(chan struct{})}
		c.shared = shared
		go func() {
			defer close(shared.done)
			// The first caller may be cancelled; each request has its own timeout.
			shared.overview, shared.err = c.lookAround(context.WithoutCancel(ctx))
			shared.read = time.Now()
		}()
	}
	c.mutex.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-shared.done:
		return shared.overview, shared.err
	}
}

// lookAround reads all facts concurrently.
func (c *Client) lookAround(ctx context.Context) (*overview, error) {
	o := &overview{}
	groups := &metav1.APIGroupList{}
	err := atOnce(
		func() (err error) {
			o.nodes, err = c.core.Nodes().List(ctx, metav1.ListOptions{})
			return c.known(o, Nodes, "list the nodes", err)
		},
		func() error {
			list, err := c.core.Services("").List(ctx, metav1.ListOptions{})
			if err != nil {
				return c.known(o, Services, "list the Services of all namespaces", err)
			}
			for i := range list.Items {
				o.services = append(o.services, *serviceOf(&list.Items[i]))
			}
			return nil
		},
		func() error { return c.ingressClasses(ctx, o) },
		func() error { return c.rules(ctx, o) },
		func() error {
			all, err := c.discovery.ServerGroups()
			if err == nil {
				groups = c.withoutIdle(ctx, all)
				for _, group := range all.Groups {
					o.groups = append(o.groups, group.Name)
				}
			}
			return c.known(o, Groups, "list the API groups", err)
		},
		func() error { o.major, o.minor = c.version(); return nil },
	)
	if err != nil {
		return nil, err
	}
	o.loadBalancer = loadBalancer(groups, o.nodes, o.services)
	return o, nil
}

// add copies the overview to the snapshot.
func (s *Snapshot) add(o *overview) {
	s.Nodes, s.IngressClasses, s.Rules, s.Groups = nodesOf(o.nodes), o.classes, o.rules, o.groups
	s.LoadBalancer, s.Major, s.Minor = o.loadBalancer, o.major, o.minor
	s.NodePorts = map[int]string{}
	for _, service := range o.services {
		for _, port := range service.Ports {
			if port.NodePort != 0 {
				s.NodePorts[port.NodePort] = service.ID()
			}
		}
	}
	for _, d := range o.denied {
		s.deny(d.Fact, d.Doing)
	}
}

func (c *Client) ingressClasses(ctx context.Context, o *overview) error {
	classes, err := c.networking.IngressClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return c.known(o, IngressClasses, "list the IngressClasses", err)
	}
	for _, class := range classes.Items {
		o.classes = append(o.classes, IngressClass{class.Name, class.Spec.Controller})
	}
	return nil
}

// rules reads the rules of the Ingresses.
func (c *Client) rules(ctx context.Context, o *overview) error {
	ingresses, err := c.networking.Ingresses("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return c.known(o, Ingresses, "list the Ingresses of all namespaces", err)
	}
	for _, ingress := range ingresses.Items {
		o.rules = append(o.rules, rulesOf(ingress)...)
	}
	return nil
}

// version returns that of Kubernetes, without what some distributions append, or 0 if it cannot be read: only a
// choice between two ways depends on it.
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
