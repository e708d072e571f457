package cluster

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// A pod that is not ready says why.
func TestWhatKeepsAPod(t *testing.T) {
	ready := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}
	notReady := corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse}
	unscheduled := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
		Message: "0/3 nodes are available: 2 node(s) didn't match pod anti-affinity rules"}
	waiting := func(reason, message string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
	for _, c := range []struct {
		name   string
		status corev1.PodStatus
		ready  bool
		want   string
	}{
		{"ready", corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{ready}}, true, ""},
		{"no node for it", corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{unscheduled}}, false, unscheduled.Message},
		{"no image", corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{notReady},
			ContainerStatuses: waiting("ImagePullBackOff", "no such image")}, false, "ImagePullBackOff: no such image"},
		{"it crashes", corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{notReady},
			ContainerStatuses: []corev1.ContainerStatus{{
				State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 10s"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error", Message: "one\ntwo\nthree\nno such file\n"}},
			}}}, false, "CrashLoopBackOff: back-off 10s; it ended with the exit code 3: two / three / no such file"},
		{"being made", corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: waiting("ContainerCreating", "")}, false, "ContainerCreating"},
		{"running, but the probe fails", corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{notReady}}, false, "Running, its readiness probe has not succeeded"},
	} {
		pod := podOf(corev1.Pod{Status: c.status})
		if pod.Ready != c.ready || pod.Waiting != c.want {
			t.Errorf("%s: ready %v, waiting %q, want %v, %q", c.name, pod.Ready, pod.Waiting, c.ready, c.want)
		}
	}
}

// Only endpoints that are ready count, each pod once.
func TestReadyEndpoints(t *testing.T) {
	endpoint := func(address string, ready *bool) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: ready}}
	}
	yes, no := true, false
	slices := []discoveryv1.EndpointSlice{
		{Endpoints: []discoveryv1.Endpoint{endpoint("10.0.0.1", &yes), endpoint("10.0.0.2", &no), endpoint("10.0.0.3", nil)}},
		{Endpoints: []discoveryv1.Endpoint{endpoint("10.0.0.1", &yes)}},
	}
	if got := ready(slices); got != 2 {
		t.Errorf("%d are ready, want 10.0.0.1 and 10.0.0.3", got)
	}
}

// An update without any ready new pod is not like one that lacks a pod.
func TestNoNewPodIsReady(t *testing.T) {
	for name, c := range map[string]struct {
		status appsv1.DeploymentStatus
		want   bool
	}{
		"the old pod beside a new one that does not start": {appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 1, ReadyReplicas: 1}, true},
		"one of two pods on a node that is down":           {appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 1}, false},
		"one new pod, and an old one":                      {appsv1.DeploymentStatus{Replicas: 2, UpdatedReplicas: 1, ReadyReplicas: 2}, false},
		"a first pod that does not start":                  {appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1}, true},
	} {
		if got := noneIsNew(c.status); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The reasons include the warnings of the pods' events, and why there are no pods.
func TestWhatKeepsPods(t *testing.T) {
	const deployment = "/apis/apps/v1/namespaces/web/deployments/web"
	const pods, events = "/api/v1/namespaces/web/pods", "/api/v1/namespaces/web/events"
	for _, c := range []struct {
		name    string
		answers map[string]string
		want    string
	}{
		{"all is well", map[string]string{deployment: `{"spec":{"replicas":1},"status":{"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1}}`}, ""},
		{"a mount is denied", map[string]string{
			deployment: `{"spec":{"replicas":2},"status":{"replicas":2,"updatedReplicas":2,"readyReplicas":1}}`,
			pods: `{"items":[{"metadata":{"name":"a"},"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}},
				{"metadata":{"name":"b"},"spec":{"nodeName":"kubenode2"},"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ContainerCreating"}}}]}}]}`,
			events: `{"items":[{"reason":"FailedMount","message":"one\ntwo\nthree\naccess denied by server","lastTimestamp":"2030-01-01T00:00:02Z"},
				{"reason":"FailedMount","message":"an earlier one","lastTimestamp":"2030-01-01T00:00:01Z"}]}`,
		}, "1 of the 2 pods are ready:\n  b on kubenode2: ContainerCreating\n    FailedMount: two / three / access denied by server"},
		{"none can be made", map[string]string{
			deployment: `{"spec":{"replicas":1},"status":{"conditions":[{"type":"ReplicaFailure","status":"True","message":"pods \"web-1\" is forbidden: exceeded quota"}]}}`,
			pods:       `{"items":[]}`,
		}, ErrNoNewPod.Error() + ":\n  pods \"web-1\" is forbidden: exceeded quota"},
	} {
		err := serve(t, c.answers, nil, "").WhatKeepsPods(t.Context(), Application{Namespace: "web", Name: "web"})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q\nwant %q", c.name, got, c.want)
		}
	}
}
