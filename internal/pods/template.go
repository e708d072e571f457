// Package pods creates an application's Deployment: the template of its pods, merged with the user's additions
// as kubectl patch does, and how they are replaced.
package pods

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// siteVolume is the volume with the share's files, in each pod.
const siteVolume = "site"

// Pod describes an application's pods.
type Pod struct {
	Name string // of the container
	// Labels are the pod's labels; Selector are those that no other pod of the namespace has.
	Labels, Selector map[string]string
	Image            string
	Port             int
	MountPath        string // of the share's files
	// ReadinessPath is requested to check that a pod is ready; empty to check only that its port accepts connections.
	ReadinessPath string
	Env           map[string]string
	// SecretEnv are the names of further variables, with values of the Secret.
	SecretEnv []string
	Secret    string
	// Resources is a ResourceRequirements, and Patch a strategic merge patch of a PodTemplateSpec, both of
	// Kubernetes, in JSON; empty for none.
	Resources, Patch json.RawMessage
	AntiAffinity     string // required, preferred or off
	Claim            string // of the share's volume
	Recreated        string // of the share, as [link.Mount] has it
	// TolerationSeconds is how long a pod stays on a node that is not ready or not reachable.
	TolerationSeconds int
	// SleepByProgram makes a terminating pod wait with the image's own program sleep: clusters before
	// Kubernetes 1.30 have no handler for it.
	SleepByProgram bool
}

// usualResources are the default requests, so that the scheduler can count with them. The user sets limits.
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

// served is how long a terminating pod serves on, in seconds, until it gets no more requests. Services and
// ingress controllers learn of its end some time later.
const served = 6

// template returns the pods' template. It meets Kubernetes' baseline Pod Security Standard
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/). Most images do not work with the
// further demands of restricted; the user adds these with podTemplate.
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
				// The error of an update that waits for a container has the container's last output.
				TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
			}},
			Volumes: []corev1.Volume{{
				Name:         siteVolume,
				VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: p.Claim}},
			}},
		},
	}, err
}

// recreatedAnnotation gets another value when the share's directory was recreated: then the pods roll over, since
// they have mounted the old one.
const recreatedAnnotation = "webapp-balanced/share-recreated"

func (p Pod) annotations() map[string]string {
	if p.Recreated == "" {
		return nil
	}
	return map[string]string{recreatedAnnotation: p.Recreated}
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

// readinessProbe stops the requests to a pod after three wrong answers, 6 s. No answer at all mostly means that
// the NFS server is down: every pod waits for it (the mount is hard), so it would not help to take pods out.
// They stay for a minute, and requests wait with them.
func (p Pod) readinessProbe() *corev1.Probe {
	probe, port := corev1.Probe{PeriodSeconds: 2, TimeoutSeconds: 20}, intstr.FromInt(p.Port)
	if p.ReadinessPath != "" {
		probe.HTTPGet = &corev1.HTTPGetAction{Path: p.ReadinessPath, Port: port}
	} else {
		probe.TCPSocket = &corev1.TCPSocketAction{Port: port}
	}
	return &probe
}

// affinity keeps the pods on different nodes, so that the application outlives a node.
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

// tolerations replace the ones of 300 s that Kubernetes adds
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
