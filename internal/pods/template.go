// Package pods makes an application's Deployment: the template of its pods, into which it merges what
// a user adds, as kubectl patch does, and how they are replaced.
package pods

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"
)

// siteVolume is the volume with the share's files, in each pod.
const siteVolume = "site"

// Pod is what an application's pods are like.
type Pod struct {
	Name string // of the container
	// Labels are those of the pod; Selector are those of them that no other pod of the
	// namespace has.
	Labels, Selector map[string]string
	Image            string
	Port             int
	MountPath        string // of the share's files
	// ReadinessPath is asked for to see that a pod is ready; empty to see only whether its port
	// can be connected to.
	ReadinessPath string
	Env           map[string]string
	// SecretEnv are names that the environment has besides, with values of the Secret.
	SecretEnv []string
	Secret    string
	// Resources are ResourceRequirements, and Patch is a strategic merge patch of a
	// PodTemplateSpec, both of Kubernetes, in JSON; empty for none.
	Resources, Patch json.RawMessage
	AntiAffinity     string // required, preferred or off
	Claim            string // of the share's volume
	Remade           string // of the share, as [link.Mount] has it
	// TolerationSeconds is how long a pod stays on a node that is not ready or not reachable.
	TolerationSeconds int
	// SleepByProgram has a pod that ends wait by the image's own program sleep: clusters before
	// Kubernetes 1.30 have no handler for it.
	SleepByProgram bool
}

// usualResources are requested where nothing is said, so that the scheduler has something to
// count with. Limits are the user's to set.
var usualResources = corev1.ResourceRequirements{Requests: corev1.ResourceList{
	corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
}}

func (p Pod) resources() (corev1.ResourceRequirements, error) {
	if len(p.Resources) == 0 {
		return usualResources, nil
	}
	var requirements corev1.ResourceRequirements
	if err := strict[corev1.ResourceRequirements](p.Resources); err != nil {
		return requirements, err
	}
	return requirements, json.Unmarshal(p.Resources, &requirements)
}

// served is how long a pod that is to end serves on, in seconds: until nobody sends it requests any
// more. Services and ingress controllers hear of it some time later.
const served = 6

// template is the pods' template. It meets Kubernetes' baseline Pod Security Standard
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/), and more of the
// restricted one than most images can bear is up to the user.
func (p Pod) template() (corev1.PodTemplateSpec, error) {
	resources, err := p.resources()
	sleep := corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: served}}
	if p.SleepByProgram {
		sleep = corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sleep", fmt.Sprint(served)}}}
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: p.Labels, Annotations: p.annotations()},
		Spec: corev1.PodSpec{
			Affinity:                     p.affinity(),
			Tolerations:                  p.tolerations(),
			AutomountServiceAccountToken: new(false),
			SecurityContext:              &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name:            p.Name,
				Image:           p.Image,
				ImagePullPolicy: corev1.PullIfNotPresent,
				Ports:           []corev1.ContainerPort{{Name: "http", ContainerPort: int32(p.Port)}},
				Env:             p.env(),
				Resources:       resources,
				ReadinessProbe:  p.readinessProbe(),
				Lifecycle:       &corev1.Lifecycle{PreStop: &sleep},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false)},
				VolumeMounts:    []corev1.VolumeMount{{Name: siteVolume, MountPath: p.MountPath}},
				// What a container says at its end is in the error of an update that waits for it.
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
			Volumes: []corev1.Volume{{
				Name:         siteVolume,
				VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: p.Claim}},
			}},
		},
	}, err
}

// remadeAnnotation has another value when the share's directory was made anew: then the pods roll over, since
// theirs is the one before.
const remadeAnnotation = "webapp-balanced/share-remade"

func (p Pod) annotations() map[string]string {
	if p.Remade == "" {
		return nil
	}
	return map[string]string{remadeAnnotation: p.Remade}
}

func (p Pod) env() []corev1.EnvVar {
	var env []corev1.EnvVar
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		env = append(env, corev1.EnvVar{Name: name, Value: p.Env[name]})
	}
	for _, name := range slices.Sorted(slices.Values(p.SecretEnv)) {
		env = append(env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: p.Secret}, Key: name,
		}}})
	}
	return env
}

// readinessProbe has a pod get no requests after three wrong answers, 6 s. No answer at all is mostly an
// NFS server that is away: to that every pod waits (the mount is hard), so that it would help nobody to
// take the pods out. They stay for a minute, and requests wait with them.
func (p Pod) readinessProbe() *corev1.Probe {
	probe, port := corev1.Probe{PeriodSeconds: 2, TimeoutSeconds: 20}, intstr.FromInt(p.Port)
	if p.ReadinessPath != "" {
		probe.HTTPGet = &corev1.HTTPGetAction{Path: p.ReadinessPath, Port: port}
	} else {
		probe.TCPSocket = &corev1.TCPSocketAction{Port: port}
	}
	return &probe
}

// affinity keeps the pods on different nodes, so that the application outlives
// a node.
func (p Pod) affinity() *corev1.Affinity {
	term := corev1.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchLabels: p.Selector},
		TopologyKey:   "kubernetes.io/hostname",
	}
	antiAffinity := &corev1.PodAntiAffinity{}
	switch p.AntiAffinity {
	case "off":
		return nil
	case "preferred":
		antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.WeightedPodAffinityTerm{{Weight: 100, PodAffinityTerm: term}}
	default:
		antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = []corev1.PodAffinityTerm{term}
	}
	return &corev1.Affinity{PodAntiAffinity: antiAffinity}
}

// tolerations take the place of those that Kubernetes adds, of 300 s
// (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions).
func (p Pod) tolerations() []corev1.Toleration {
	var tolerations []corev1.Toleration
	for _, taint := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
		tolerations = append(tolerations, corev1.Toleration{
			Key: taint, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(p.TolerationSeconds)),
		})
	}
	return tolerations
}

// merged is the template with the patch, as a map of JSON. The error says what is wrong with the
// patch.
func (p Pod) merged() (map[string]any, error) {
	own, err := p.template()
	if err != nil {
		return nil, err
	}
	template, err := json.Marshal(own)
	if err != nil {
		return nil, err
	}
	if len(p.Patch) > 0 {
		if err := strict[corev1.PodTemplateSpec](p.Patch); err != nil {
			return nil, err
		}
		if template, err = strategicpatch.StrategicMergePatch(template, p.Patch, corev1.PodTemplateSpec{}); err != nil {
			return nil, fmt.Errorf("cannot be merged: %w", err)
		}
		if err := p.checkMerged(template); err != nil {
			return nil, err
		}
	}
	var merged map[string]any
	if err := json.Unmarshal(template, &merged); err != nil {
		return nil, err
	}
	return withoutEmpty(merged), nil
}

// own is the template without the patch.
func (p Pod) own() (map[string]any, error) {
	p.Patch = nil
	return p.merged()
}

// withoutEmpty leaves out what Kubernetes' types write although nothing is said there.
func withoutEmpty(object map[string]any) map[string]any {
	for key, value := range object {
		switch value := value.(type) {
		case nil:
			delete(object, key)
		case map[string]any:
			if key == "resources" && len(value) == 0 {
				delete(object, key)
				continue
			}
			withoutEmpty(value)
		case []any:
			for _, element := range value {
				if element, ok := element.(map[string]any); ok {
					withoutEmpty(element)
				}
			}
		}
	}
	return object
}

// checkMerged finds a patch after which the pods are not the application's any more.
func (p Pod) checkMerged(template []byte) error {
	var merged corev1.PodTemplateSpec
	if err := json.Unmarshal(template, &merged); err != nil {
		return err
	}
	for label, value := range p.Selector {
		if merged.Labels[label] != value {
			return fmt.Errorf("changes the label %s, by which the Service finds the pods", label)
		}
	}
	own := false
	for _, container := range merged.Spec.Containers {
		own = own || container.Name == p.Name
		if container.Image == "" {
			return fmt.Errorf("has a container %s without an image; the application's own container is called %s", container.Name, p.Name)
		}
	}
	if !own {
		return fmt.Errorf("takes the application's own container %s away", p.Name)
	}
	return nil
}

// strict says what of a JSON text is no T of Kubernetes. The directives of strategic merge patches
// are none of it.
func strict[T any](text []byte) error {
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		return errors.New("is no object")
	}
	plain, err := json.Marshal(withoutDirectives(object))
	if err != nil {
		return err
	}
	var typed T
	unknown, err := kjson.UnmarshalStrict(plain, &typed)
	if err != nil {
		return fmt.Errorf("does not fit: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(unknown) > 0 {
		var b bytes.Buffer
		for i, err := range unknown {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(err.Error())
		}
		return fmt.Errorf("has no such meaning for Kubernetes: %s", b.String())
	}
	return nil
}

func withoutDirectives(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, field := range value {
			if !strings.HasPrefix(key, "$") {
				kept[key] = withoutDirectives(field)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i, element := range value {
			kept[i] = withoutDirectives(element)
		}
		return kept
	}
	return value
}
