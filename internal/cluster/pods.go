package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"webapp-balanced/internal/poll"
)

// Pod is a pod of the application.
type Pod struct {
	Name, Node, IP string
	Ready          bool
	// Waiting is why a pod is not ready, as far as the cluster says.
	Waiting string
}

// Application is a Deployment, and the labels that select its pods.
type Application struct {
	Namespace, Name string
	Selector        map[string]string
}

// Pods lists an application's pods, without those that are being deleted.
func (c *Client) Pods(ctx context.Context, app Application) ([]Pod, error) {
	list, err := c.core.Pods(app.Namespace).List(ctx, metav1.ListOptions{LabelSelector: FormatSelector(app.Selector)})
	if err != nil {
		return nil, c.explain("list the pods", err)
	}
	var pods []Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			pods = append(pods, podOf(p))
		}
	}
	return pods, nil
}

// FormatSelector formats a selector for kubectl.
func FormatSelector(selector map[string]string) string { return labels.FormatLabels(selector) }

func podOf(p corev1.Pod) Pod {
	pod := Pod{Name: p.Name, Node: p.Spec.NodeName, IP: p.Status.PodIP, Waiting: string(p.Status.Phase)}
	if p.Status.Phase == corev1.PodRunning {
		pod.Waiting += ", its readiness probe has not succeeded"
	}
	for _, condition := range p.Status.Conditions {
		switch {
		case condition.Type == corev1.PodReady:
			pod.Ready = condition.Status == corev1.ConditionTrue
		case condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse:
			pod.Waiting = condition.Message
		}
	}
	for _, container := range p.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil {
			pod.Waiting = strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": ")
		}
		if last := container.LastTerminationState.Terminated; last != nil {
			pod.Waiting += fmt.Sprintf("; it ended with the exit code %d: %s", last.ExitCode, cmp.Or(lastLines(last.Message, 3), last.Reason))
		}
	}
	if pod.Ready {
		pod.Waiting = ""
	}
	return pod
}

// lastLines joins the last lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " / ")
}

// WaitForPods waits up to patience until the Deployment of an application has rolled out with all pods ready, and
// a Service leads to them. It also waits for an API server that is temporarily down. The error says why each of
// the other pods is not ready, and is [ErrNoNewPod] if no new pod is.
func (c *Client) WaitForPods(ctx context.Context, app Application, service string, patience time.Duration) error {
	ctx, span := tracer.Start(ctx, "wait for the pods")
	defer span.End()
	var d *appsv1.Deployment
	var problem error
	err := poll.Until(ctx, patience, func() (isReady bool, err error) {
		d, isReady, problem = c.haveRolledOut(ctx, app, service)
		if problem != nil && isFinal(problem) {
			return false, problem
		}
		return isReady, nil
	})
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case problem != nil:
		return problem
	}
	return c.unready(ctx, app, d, wanted(d))
}

// isFinal tells whether it is useless to retry the request.
func isFinal(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
}

// haveRolledOut tells whether a Deployment's pods are ready, and a Service leads to all of them.
func (c *Client) haveRolledOut(ctx context.Context, app Application, service string) (*appsv1.Deployment, bool, error) {
	d, err := c.apps.Deployments(app.Namespace).Get(ctx, app.Name, metav1.GetOptions{})
	if err != nil {
		return nil, false, c.explain("read the Deployment "+app.Namespace+"/"+app.Name, err)
	}
	endpoints, err := c.endpoints.EndpointSlices(app.Namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service})
	if err != nil {
		return nil, false, c.explain("read the endpoints of the Service "+app.Namespace+"/"+service, err)
	}
	return d, rolledOut(d, wanted(d)) && ready(endpoints.Items) == wanted(d), nil
}

// wanted is the number of pods that the stack, or since then an autoscaler, has set.
func wanted(d *appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return int(*d.Spec.Replicas)
}

// rolledOut is the condition of kubectl rollout status.
func rolledOut(d *appsv1.Deployment, replicas int) bool {
	s, all := d.Status, int32(replicas)
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas == all && s.Replicas == all && s.AvailableReplicas == all
}

// ready counts the endpoints that are ready.
func ready(all []discoveryv1.EndpointSlice) int {
	addresses := map[string]bool{} // a pod may be in two slices for a moment
	for _, slice := range all {
		for _, endpoint := range slice.Endpoints {
			// The API defines nil as ready.
			if isReady := endpoint.Conditions.Ready; isReady == nil || *isReady {
				addresses[endpoint.Addresses[0]] = true
			}
		}
	}
	return len(addresses)
}

// unready says how many pods are ready and why the others are not.
func (c *Client) unready(ctx context.Context, app Application, d *appsv1.Deployment, replicas int) error {
	pods, err := c.Pods(ctx, app)
	if err != nil {
		return err
	}
	ready := 0
	var others strings.Builder
	for _, pod := range pods {
		if pod.Ready {
			ready++
			continue
		}
		fmt.Fprintf(&others, "\n  %s on %s: %s", pod.Name, cmp.Or(pod.Node, "no node"), pod.Waiting)
		for _, warning := range c.warnings(ctx, app.Namespace, pod.Name) {
			fmt.Fprintf(&others, "\n    %s", warning)
		}
	}
	// Why pods are not created, such as because of a quota or Pod Security.
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
			fmt.Fprintf(&others, "\n  %s", condition.Message)
		}
	}
	if noneIsNew(d.Status) {
		return fmt.Errorf("%w:%s", ErrNoNewPod, others.String())
	}
	return fmt.Errorf("%d of the %d pods are ready:%s", ready, replicas, others.String())
}

// WhatKeepsPods says how many of an application's pods are ready, and why the others are not; nil if the
// Deployment has rolled out.
func (c *Client) WhatKeepsPods(ctx context.Context, app Application) error {
	d, err := c.apps.Deployments(app.Namespace).Get(ctx, app.Name, metav1.GetOptions{})
	if err != nil {
		return c.explain("read the Deployment "+app.Namespace+"/"+app.Name, err)
	}
	if rolledOut(d, wanted(d)) {
		return nil
	}
	return c.unready(ctx, app, d, wanted(d))
}

// warnings returns the last warnings among a pod's events, for at most three reasons, such as a denied mount; none
// if events may not be read.
func (c *Client) warnings(ctx context.Context, namespace, pod string) []string {
	events, err := c.core.Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning,involvedObject.kind=Pod,involvedObject.name=" + pod})
	if err != nil {
		return nil
	}
	slices.SortStableFunc(events.Items, func(a, b corev1.Event) int { return b.LastTimestamp.Compare(a.LastTimestamp.Time) })
	told := map[string]bool{}
	var warnings []string
	for _, event := range events.Items {
		if !told[event.Reason] && len(warnings) < 3 {
			warnings = append(warnings, event.Reason+": "+lastLines(event.Message, 3))
		}
		told[event.Reason] = true
	}
	return warnings
}

// ErrNoNewPod says that no pod of a Deployment's last change is ready, such as if their image does not exist.
var ErrNoNewPod = errors.New("none of the pods that the update asks for is ready")

// noneIsNew tells whether all ready pods may be from before the last change.
func noneIsNew(s appsv1.DeploymentStatus) bool {
	before := s.Replicas - s.UpdatedReplicas
	return s.ReadyReplicas <= before
}
