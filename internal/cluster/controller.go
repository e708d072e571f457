package cluster

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// hostPorts finds the host ports (hostPort, hostNetwork) of an ingress controller that has no Service, or whose
// Service has neither an address nor node ports, as in RKE2 and MicroK8s.
func (c *Client) hostPorts(ctx context.Context, query Query, s *Snapshot) error {
	controller := s.Controller
	if !s.Knows(Controller) || query.Controller == "" {
		return nil
	}
	if controller == nil {
		var err error
		if controller, err = c.workload(ctx, query.Controller); controller == nil {
			return c.known(s, Controller, "read the DaemonSet or Deployment "+query.Controller, err)
		}
	}
	hasNodePort := slices.ContainsFunc(controller.Ports, func(p Port) bool { return p.NodePort != 0 })
	if len(controller.ExternalAddresses()) > 0 || hasNodePort || len(controller.selector) == 0 {
		return nil
	}
	pods, err := c.core.Pods(controller.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.FormatLabels(controller.selector)})
	if err != nil {
		return c.known(s, Controller, "list the pods in "+controller.Namespace, err)
	}
	for _, pod := range pods.Items {
		controller.addHostPorts(pod)
	}
	if len(controller.HostPorts) > 0 {
		s.Controller = controller
	}
	return nil
}

// workload returns a DaemonSet or a Deployment as a Service; nil if there is neither.
func (c *Client) workload(ctx context.Context, id string) (*Service, error) {
	namespace, name, _ := strings.Cut(id, "/")
	daemonSet, err := c.apps.DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return &Service{Namespace: namespace, Name: name, selector: labelsOf(daemonSet.Spec.Selector)}, nil
	}
	if err := ignoreNotFound(err); err != nil {
		return nil, err
	}
	deployment, err := c.apps.Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	return &Service{Namespace: namespace, Name: name, selector: labelsOf(deployment.Spec.Selector)}, nil
}

func labelsOf(selector *metav1.LabelSelector) map[string]string {
	if selector == nil {
		return nil
	}
	return selector.MatchLabels
}

// addHostPorts adds the host ports that lead to a pod. For a pod in the host network, Kubernetes sets the
// hostPort of every port to its number.
func (s *Service) addHostPorts(pod corev1.Pod) {
	found := false
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.HostPort == 0 {
				continue
			}
			found = true
			hostPort := Port{Name: port.Name, Port: int(port.ContainerPort), HostPort: int(port.HostPort)}
			if !slices.Contains(s.HostPorts, hostPort) {
				s.HostPorts = append(s.HostPorts, hostPort)
			}
		}
	}
	if !found || !podOf(pod).Ready {
		return
	}
	ips := pod.Status.HostIPs
	if len(ips) == 0 { // before Kubernetes 1.30
		ips = []corev1.HostIP{{IP: pod.Status.HostIP}}
	}
	for _, ip := range ips {
		if ip.IP != "" && !slices.Contains(s.Hosts, ip.IP) {
			s.Hosts = append(s.Hosts, ip.IP)
		}
	}
}
