package app

import (
	"encoding/json"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/mapper"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/input"
)

// BalancedAppArgs says what runs and what it serves.
type BalancedAppArgs struct {
	// Name of the Deployment and of its container; the volume's begins with it. A part of a DNS
	// name of at most 50 characters. Default the component's name. A change makes the Deployment
	// anew under the other name, and removes the old one then; with the default namespace, everything.
	Name string `pulumi:"name,optional"`
	// Namespace to make and use. Default name. A change moves everything: made anew there, then
	// removed here. Give the component another name, too: where an update fails that replaces a
	// resource, and the change is taken back, Pulumi deletes what was to be replaced after it has
	// made it again.
	Namespace pulumi.StringPtrInput `pulumi:"namespace,optional"`
	// CreateNamespace makes the namespace and deletes it. False uses one that is there, and neither
	// changes nor deletes it. Default true. A change to false leaves one that this component has made
	// to the cluster.
	CreateNamespace *bool `pulumi:"createNamespace,optional"`
	// Image of the web server: repository[:tag][@digest]. Default quay.io/rhte_2019/webapp:v1. A
	// change rolls the pods over.
	Image pulumi.StringPtrInput `pulumi:"image,optional"`
	// Port at which it answers, 1 to 65535. Default 80. A change rolls the pods over.
	Port int `pulumi:"port,optional"`
	// MountPath is where it finds the share's files, absolute. Default /var/www/public. A change rolls
	// the pods over.
	MountPath string `pulumi:"mountPath,optional"`
	// ReadinessPath is asked for to see that a pod is ready, which a status of 200 to 399 says
	// (https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/).
	// Empty for a pod that is ready when its port can be connected to. Default /. A change rolls the
	// pods over.
	ReadinessPath pulumi.StringPtrInput `pulumi:"readinessPath,optional"`
	// Env is the container's environment, by name. Values that are secret are kept in a Secret. Default
	// none. A change rolls the pods over.
	Env map[string]pulumi.StringInput `pulumi:"env,optional"`
	// Resources of the container. Default requests of 50m CPU and 64Mi memory, no limits. A change
	// rolls the pods over.
	Resources corev1.ResourceRequirementsPtrInput `pulumi:"resources,optional" provider:"type=kubernetes@4.25.0:core/v1:ResourceRequirements"`
	// PodTemplate is merged into the pods' template, as kubectl patch does it (strategic merge
	// patch: containers by their name, which is that of the application for its own): probes, security
	// contexts, init containers, sidecars, tolerations, pull secrets. Default none. A change rolls the
	// pods over.
	PodTemplate corev1.PodTemplateSpecPatchPtrInput `pulumi:"podTemplate,optional" provider:"type=kubernetes@4.25.0:core/v1:PodTemplateSpecPatch"`
	// TolerationSeconds is how long a pod stays on a node that is not ready or not reachable, in seconds,
	// 0 to 86400, before it is made anew on another one. Kubernetes notices a dead node after some
	// 40 to 50 s, and waits for 300 s more by itself. Default 10. A change rolls the pods over.
	TolerationSeconds *int `pulumi:"tolerationSeconds,optional"`
	// Replicas is the number of pods. Default 1. A change scales in place; the number that kubectl
	// scale has set is overridden, and that of a HorizontalPodAutoscaler is not.
	Replicas pulumi.IntPtrInput `pulumi:"replicas,optional"`
	// AntiAffinity says whether two pods may share a node: required (never), preferred (only when there
	// is no other), or off. Default required. A change rolls the pods over.
	AntiAffinity AntiAffinity `pulumi:"antiAffinity,optional"`
	// RolloutTimeout is how long one pod may take to become ready, a Go duration such as 3m
	// or 90s (https://pkg.go.dev/time#ParseDuration), from 1s to 24h. Pods are replaced one after the
	// other, so that an update may take as many times that. Default 3m. A change touches no pod.
	RolloutTimeout string `pulumi:"rolloutTimeout,optional"`
	// Mount is the NFS share, such as an NfsShare's mount. Required. A change makes a new volume
	// and rolls the pods over.
	Mount link.MountInput `pulumi:"mount"`
	// StorageClass is the name by which volume and claim know each other; there need not be
	// such a StorageClass. Default nfs. A change makes a new volume and rolls the pods over.
	StorageClass string `pulumi:"storageClass,optional"`
	// StorageCapacity of the volume, a quantity of Kubernetes such as 10Gi, which NFS does not enforce.
	// Default 10Gi. A change makes a new volume and rolls the pods over.
	StorageCapacity string `pulumi:"storageCapacity,optional"`
	// StorageRequest of the claim, a quantity of at most storageCapacity. Default 2Gi. A change makes a
	// new volume and rolls the pods over.
	StorageRequest string `pulumi:"storageRequest,optional"`
	// Adopt takes over objects of the cluster that nobody's mark is on, such as those that were
	// made with kubectl. Those of another stack, and namespaces, are never taken over. Default false. A
	// change counts for what the next update finds.
	Adopt bool `pulumi:"adopt,optional"`
	// Kubeconfig is that of an explicit Kubernetes provider, as text or a path: the component looks at
	// the cluster itself. Required with one. Default the default provider's. A change by itself
	// changes nothing in the cluster.
	Kubeconfig pulumi.StringPtrInput `pulumi:"kubeconfig,optional" provider:"secret"`
}

// AntiAffinity says whether two pods of an application may share a node.
type AntiAffinity string

// Two pods share a node never, only when there is no other, or at the scheduler's will.
const (
	Required  AntiAffinity = "required"
	Preferred AntiAffinity = "preferred"
	Off       AntiAffinity = "off"
)

// settings waits for the values.
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

// object is a value of one of the SDK's types, as JSON; nil for none.
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
