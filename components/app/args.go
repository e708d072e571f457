package app

import (
	"encoding/json"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/mapper"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/input"
)

// BalancedAppArgs describes the application and the share that it serves.
type BalancedAppArgs struct {
	// Name of the Deployment and its container, and beginning of the volume's name: a DNS label of at most 50
	// characters. Default the component's name. A change creates the Deployment under the new name, then
	// deletes the old one; with the default namespace, it does so with all objects.
	Name string `pulumi:"name,optional"`
	// Namespace to create and use. Default name. A change creates all objects in the new namespace, then
	// deletes the old ones. Also give the component another name: if an update that replaces a resource fails
	// and the change is taken back, Pulumi deletes the resource after it has recreated it.
	Namespace pulumi.StringPtrInput `pulumi:"namespace,optional"`
	// CreateNamespace creates the namespace, and deletes it with the component. False uses an existing
	// namespace, and neither changes nor deletes it. Default true. A change to false keeps a namespace that
	// this component has created.
	CreateNamespace *bool `pulumi:"createNamespace,optional"`
	// Image of the web server: repository[:tag][@digest]. Default quay.io/rhte_2019/webapp:v1. A change rolls
	// out new pods.
	Image pulumi.StringPtrInput `pulumi:"image,optional"`
	// Port at which the image answers, 1 to 65535. Default 80. A change rolls out new pods.
	Port int `pulumi:"port,optional"`
	// MountPath is the absolute path of the share's files in the container. Default /var/www/public. A change
	// rolls out new pods.
	MountPath string `pulumi:"mountPath,optional"`
	// ReadinessPath is the path that the readiness probe requests. A status of 200 to 399 means that the pod
	// is ready (https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/). If it
	// is empty, the probe only connects to the port. Default /. A change rolls out new pods.
	ReadinessPath pulumi.StringPtrInput `pulumi:"readinessPath,optional"`
	// Env has the container's environment variables, by name. Secret values are kept in a Kubernetes Secret.
	// Default none. A change rolls out new pods.
	Env map[string]pulumi.StringInput `pulumi:"env,optional"`
	// Resources of the container. Default requests of 50m CPU and 64Mi memory, no limits. A change rolls out
	// new pods.
	Resources corev1.ResourceRequirementsPtrInput `pulumi:"resources,optional" provider:"type=kubernetes@4.25.0:core/v1:ResourceRequirements"`
	// PodTemplate is a strategic merge patch of the pod template, as in kubectl patch: probes, security
	// contexts, init containers, sidecars, tolerations, pull secrets. Containers are merged by name; the
	// application's container has the name of the application. Default none. A change rolls out new pods.
	PodTemplate corev1.PodTemplateSpecPatchPtrInput `pulumi:"podTemplate,optional" provider:"type=kubernetes@4.25.0:core/v1:PodTemplateSpecPatch"`
	// TolerationSeconds is how long a pod stays on a node that is not ready or not reachable, before it is
	// recreated on another one: 0 to 86400 seconds. Kubernetes notices a dead node after some 40 to 50 s, and
	// by itself waits for another 300 s. Default 10. A change rolls out new pods.
	TolerationSeconds *int `pulumi:"tolerationSeconds,optional"`
	// Replicas is the number of pods. Default 1. A change scales in place. An update overrides kubectl scale,
	// but not a HorizontalPodAutoscaler.
	Replicas pulumi.IntPtrInput `pulumi:"replicas,optional"`
	// AntiAffinity says whether two pods may share a node: required (never), preferred (only if there is no
	// other node), or off. Default required. A change rolls out new pods.
	AntiAffinity AntiAffinity `pulumi:"antiAffinity,optional"`
	// RolloutTimeout is how long one pod may take to become ready, a Go duration such as 3m or 90s
	// (https://pkg.go.dev/time#ParseDuration), from 1s to 24h. Pods are replaced one after the other, so an
	// update may take this time for each pod. Default 3m. A change touches no pod.
	RolloutTimeout string `pulumi:"rolloutTimeout,optional"`
	// Mount is the NFS share, such as an NfsShare's mount. Required. A change creates a new volume and rolls
	// out new pods.
	Mount link.MountInput `pulumi:"mount"`
	// StorageClass is the class name that the volume and its claim share; no such StorageClass has to exist.
	// Default nfs. A change creates a new volume and rolls out new pods.
	StorageClass string `pulumi:"storageClass,optional"`
	// StorageCapacity of the volume, a Kubernetes quantity such as 10Gi. NFS does not enforce it. Default
	// 10Gi. A change creates a new volume and rolls out new pods.
	StorageCapacity string `pulumi:"storageCapacity,optional"`
	// StorageRequest of the claim, a quantity of at most storageCapacity. Default 2Gi. A change creates a new
	// volume and rolls out new pods.
	StorageRequest string `pulumi:"storageRequest,optional"`
	// Adopt takes over objects of the cluster without the annotation webapp-balanced/owner, such as those that were made with
	// kubectl. It never takes over namespaces or objects of another stack. Default false. A change applies to
	// what the next update finds.
	Adopt bool `pulumi:"adopt,optional"`
	// Kubeconfig is the kubeconfig of an explicit Kubernetes provider, as text or a path: the component
	// itself reads the cluster. Required with an explicit provider. Default the default provider's. A change
	// by itself changes nothing in the cluster.
	Kubeconfig pulumi.StringPtrInput `pulumi:"kubeconfig,optional" provider:"secret"`
}

// AntiAffinity says whether two pods of an application may share a node.
type AntiAffinity string

// Two pods share a node never, only if there is no other node, or as the scheduler decides.
const (
	Required  AntiAffinity = "required"
	Preferred AntiAffinity = "preferred"
	Off       AntiAffinity = "off"
)

// settings waits for the values and returns them with the defaults.
func (a *BalancedAppArgs) settings(ctx *pulumi.Context, name string) (Settings, error) {
	r := input.NewReader(ctx)
	s := Settings{
		Name: a.Name, CreateNamespace: a.CreateNamespace, Port: a.Port, MountPath: a.MountPath, AntiAffinity: a.AntiAffinity,
		RolloutTimeout: a.RolloutTimeout, TolerationSeconds: a.TolerationSeconds, StorageClass: a.StorageClass, StorageCapacity: a.StorageCapacity, StorageRequest: a.StorageRequest,
		Namespace:     input.Of[string](r, "namespace", a.Namespace),
		Image:         input.Of[string](r, "image", a.Image),
		ReadinessPath: input.Maybe[string](r, "readinessPath", a.ReadinessPath),
		Env:           input.Texts(r, "env", a.Env),
		Replicas:      DefaultReplicas,
		Mount:         input.Of[link.Mount](r, "mount", a.Mount),
		Kubeconfig:    input.Of[string](r, "kubeconfig", a.Kubeconfig),
	}
	if s.Name == "" {
		s.Name = name
	}
	if replicas := input.Maybe[int](r, "replicas", a.Replicas); replicas != nil {
		s.Replicas = *replicas
	}
	var err1, err2, err3 error
	s.Resources, err1 = object(input.Maybe[corev1.ResourceRequirements](r, "resources", a.Resources))
	s.PodTemplate, err2 = object(input.Maybe[corev1.PodTemplateSpecPatch](r, "podTemplate", a.PodTemplate))
	s.Origins, err3 = r.Done()
	s.Adopt = a.Adopt
	for _, err := range []error{err3, err1, err2} {
		if err != nil {
			return s, err
		}
	}
	return s.WithDefaults(), nil
}

// object returns a value of one of the SDK's types as JSON; nil for none.
func object[T any](value *T) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	fields, err := mapper.New(&mapper.Opts{IgnoreMissing: true}).Encode(*value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}
