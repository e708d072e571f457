package cluster

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var autoscalers = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}

// Autoscaled tells whether a HorizontalPodAutoscaler sets the number of pods of a Deployment
// (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/), also one that
// another program has made, such as KEDA.
func (c *Client) Autoscaled(ctx context.Context, s *Snapshot, namespace, deployment string) (bool, error) {
	list, err := c.dynamic.Resource(autoscalers).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, c.known(s, Autoscalers, "list the HorizontalPodAutoscalers in "+namespace, ignoreNotFound(err))
	}
	for _, autoscaler := range list.Items {
		kind, _, _ := unstructured.NestedString(autoscaler.Object, "spec", "scaleTargetRef", "kind")
		name, _, _ := unstructured.NestedString(autoscaler.Object, "spec", "scaleTargetRef", "name")
		if kind == "Deployment" && name == deployment {
			return true, nil
		}
	}
	return false, nil
}
