package app

import (
	"strconv"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/owner"
)

func (a *Plan) newDeployment(ctx *pulumi.Context, namespace, claim pulumi.StringOutput, made owner.Options) (*appsv1.Deployment, error) {
	labels := pulumi.StringMap{"app": pulumi.String(AppName)}
	return appsv1.NewDeployment(ctx, a.name+"-deployment", &appsv1.DeploymentArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(AppName), Namespace: namespace, Labels: labels,
			Annotations: a.Annotations(pulumi.StringMap{
				// kubectl scale makes itself the owner of spec.replicas; the
				// configuration is what counts.
				"pulumi.com/patchForce":     pulumi.String("true"),
				"pulumi.com/timeoutSeconds": pulumi.String(strconv.Itoa(int(a.rolloutTimeout().Seconds()) * max(a.Replicas, 1))),
			}),
		},
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(a.Replicas),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: labels},
			Strategy: a.strategy(ctx),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: labels},
				Spec: &corev1.PodSpecArgs{
					Affinity:                     a.affinity(labels),
					AutomountServiceAccountToken: pulumi.Bool(false),
					Containers:                   corev1.ContainerArray{a.container()},
					Volumes: corev1.VolumeArray{corev1.VolumeArgs{
						Name: pulumi.String("site"),
						PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{
							ClaimName: claim,
						},
					}},
				},
			},
		},
	}, made.And(pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: deletionTimeout}))...)
}

// deletionTimeout is for pods that end, which take their time, however soon others are to be
// ready: they serve on for a while, and may be on a node that does not answer.
const deletionTimeout = "10m"

// rolloutTimeout is what RolloutTimeout says; 0 for no duration.
func (a BalancedAppArgs) rolloutTimeout() time.Duration {
	duration, _ := time.ParseDuration(a.RolloutTimeout)
	return duration
}

// strategy has the new pod come before the old one goes, so that an image that does not start
// leaves the old pods to answer, wherever one more pod can be placed. With a node for every pod
// and no more it would wait for ever for a free node.
func (a *Plan) strategy(ctx *pulumi.Context) appsv1.DeploymentStrategyPtrInput {
	if a.nodes == 0 && ctx.DryRun() {
		return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) *appsv1.DeploymentStrategy { return nil }).(appsv1.DeploymentStrategyPtrOutput)
	}
	surge := 0
	if a.AntiAffinity != "required" || a.nodes > a.Replicas {
		surge = 1
	}
	return &appsv1.DeploymentStrategyArgs{
		Type:          pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{MaxSurge: pulumi.Int(surge), MaxUnavailable: pulumi.Int(1 - surge)},
	}
}

// affinity keeps the pods on different nodes, so that the application outlives
// a node.
func (a BalancedAppArgs) affinity(labels pulumi.StringMap) corev1.AffinityPtrInput {
	term := corev1.PodAffinityTermArgs{
		LabelSelector: &metav1.LabelSelectorArgs{MatchLabels: labels},
		TopologyKey:   pulumi.String("kubernetes.io/hostname"),
	}
	antiAffinity := &corev1.PodAntiAffinityArgs{}
	switch a.AntiAffinity {
	case "off":
		return nil
	case "preferred":
		antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution = corev1.WeightedPodAffinityTermArray{
			corev1.WeightedPodAffinityTermArgs{Weight: pulumi.Int(100), PodAffinityTerm: term},
		}
	default:
		antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution = corev1.PodAffinityTermArray{term}
	}
	return &corev1.AffinityArgs{PodAntiAffinity: antiAffinity}
}

func (a BalancedAppArgs) container() corev1.ContainerArgs {
	return corev1.ContainerArgs{
		Name:            pulumi.String(AppName),
		Image:           pulumi.String(a.Image),
		ImagePullPolicy: pulumi.String("IfNotPresent"),
		Ports:           corev1.ContainerPortArray{corev1.ContainerPortArgs{Name: pulumi.String("http"), ContainerPort: pulumi.Int(80)}},
		ReadinessProbe:  a.readinessProbe(),
		// A pod that is to end serves on until nobody sends it requests any
		// more; Services and ingress controllers hear of it some time later.
		Lifecycle: &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
			Exec: &corev1.ExecActionArgs{Command: pulumi.ToStringArray([]string{"sleep", "6"})},
		}},
		VolumeMounts: corev1.VolumeMountArray{corev1.VolumeMountArgs{
			Name: pulumi.String("site"), MountPath: pulumi.String("/var/www/public"),
		}},
	}
}

func (a BalancedAppArgs) readinessProbe() *corev1.ProbeArgs {
	probe := &corev1.ProbeArgs{PeriodSeconds: pulumi.Int(2)}
	if a.AnswerStatus < 400 {
		probe.HttpGet = &corev1.HTTPGetActionArgs{Path: pulumi.String(a.AnswerPath), Port: pulumi.Int(80)}
	} else {
		probe.TcpSocket = &corev1.TCPSocketActionArgs{Port: pulumi.Int(80)}
	}
	return probe
}
