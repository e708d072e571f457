package pods

import (
	"maps"
	"strconv"
	"strings"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/utilities"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"webapp-balanced/components/owner"
	"webapp-balanced/internal/input"
)

// Deployment is an application's Deployment, with the name of its container.
type Deployment struct {
	// Ownership marks the resources.
	owner.Ownership
	// Origins says which values are unknown.
	Origins input.Origins
	Pod
	Replicas       int
	RolloutTimeout time.Duration // of one pod
	// Autoscaled leaves the number of pods to a HorizontalPodAutoscaler.
	Autoscaled bool
	// Nodes is the number of nodes that take pods; 0 if unknown. If one more pod can be placed, an update
	// starts the new pod before it stops the old one.
	Nodes int
}

// Patience is how long Pulumi waits for all pods.
func (d *Deployment) Patience() time.Duration {
	return d.RolloutTimeout * time.Duration(max(d.Replicas, 1))
}

// Make creates the Deployment. Its template is a Kubernetes type merged with the user's patch, so the arguments
// are not the SDK's.
func (d *Deployment) Make(ctx *pulumi.Context, resource string, namespace, claim pulumi.StringOutput, made owner.Options) (*appsv1.Deployment, error) {
	secret, err := d.secret(ctx, resource, namespace, made)
	if err != nil {
		return nil, err
	}
	template, err := d.templateInput(claim, secret)
	if err != nil {
		return nil, err
	}
	made = made.And(pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: deletionTimeout}))
	if d.Autoscaled {
		made = made.And(pulumi.IgnoreChanges([]string{"spec.replicas"}))
	}
	deployment := &appsv1.Deployment{}
	return deployment, ctx.RegisterResource("kubernetes:apps/v1:Deployment", resource+"-deployment", pulumi.Map{
		"apiVersion": pulumi.String("apps/v1"), "kind": pulumi.String("Deployment"),
		"metadata": pulumi.Map{
			"name": pulumi.String(d.Name), "namespace": namespace, "labels": pulumi.ToStringMap(d.Labels),
			"annotations": d.Annotations(pulumi.StringMap{
				// kubectl scale becomes the owner of spec.replicas; the configuration overrides it.
				"pulumi.com/patchForce":     pulumi.String("true"),
				"pulumi.com/timeoutSeconds": pulumi.String(strconv.Itoa(int(d.Patience().Seconds()))),
			}),
		},
		"spec": pulumi.Map{
			"replicas": d.Origins.Integer("replicas", d.Replicas),
			"selector": pulumi.Map{"matchLabels": pulumi.ToStringMap(d.Selector)},
			"strategy": d.strategy(ctx),
			"template": template,
		},
	}, deployment, utilities.PkgResourceDefaultOpts(made)...)
}

// RecreatedBefore returns [Pod.Recreated] of the pods of a Deployment in the stack's state. They keep it: another value
// would roll them over.
func RecreatedBefore(i owner.Identity, namespace, name string) string {
	for urn, outputs := range i.State {
		metadata := owner.Metadata(outputs)
		if strings.Contains(urn, ":Deployment::") && metadata["namespace"] == namespace && metadata["name"] == name {
			recreated, _, _ := unstructured.NestedString(outputs, "spec", "template", "metadata", "annotations", recreatedAnnotation)
			return recreated
		}
	}
	return ""
}

// secret returns the name of a Secret with the secret values of the environment: who may read a Deployment need
// not know them. It is never changed but recreated, under another name, so that the pods roll over to other
// values; nil if no value is secret.
func (d *Deployment) secret(ctx *pulumi.Context, resource string, namespace pulumi.StringOutput, made owner.Options) (pulumi.StringInput, error) {
	data := pulumi.StringMap{}
	for name, value := range d.Env {
		if property := "env." + name; d.Origins.Secret(property) {
			data[name] = d.Origins.Text(property, value)
		}
	}
	if len(data) == 0 {
		return nil, nil
	}
	secret, err := corev1.NewSecret(ctx, resource+"-env", &corev1.SecretArgs{
		Metadata:   &metav1.ObjectMetaArgs{Namespace: namespace, Labels: pulumi.ToStringMap(d.Labels), Annotations: d.Annotations(nil)},
		Immutable:  pulumi.Bool(true),
		StringData: data,
	}, made.And(pulumi.AdditionalSecretOutputs([]string{"data", "stringData"}))...)
	if err != nil {
		return nil, err
	}
	return secret.Metadata.Name().Elem(), nil
}

// deletionTimeout is for terminating pods, which take their time, however soon others are to be ready: they
// serve on for a while, and may be on a node that does not answer.
const deletionTimeout = "10m"

// templateInput returns the pods' template. A placeholder text in the merged template stands for each value that
// is secret or known later. If the patch has a secret, every text that it adds is hidden: Pulumi does not tell
// which one is secret.
func (d *Deployment) templateInput(claim, secret pulumi.StringInput) (pulumi.Input, error) {
	late := map[string]pulumi.Input{}
	standIn := func(property string, value pulumi.Input) string {
		text := "\x00" + property
		late[text] = value
		return text
	}
	pod := d.Pod
	pod.Claim = standIn("claim", claim)
	pod.Image = standIn("image", d.Origins.Text("image", d.Image))
	if d.Origins.Unknown("readinessPath") {
		pod.ReadinessPath = standIn("readinessPath", input.UnknownText())
	}
	pod.Env, pod.SecretEnv = map[string]string{}, nil
	for name, value := range d.Env {
		if d.Origins.Secret("env." + name) {
			pod.SecretEnv = append(pod.SecretEnv, name)
			continue
		}
		pod.Env[name] = standIn("env."+name, d.Origins.Text("env."+name, value))
	}
	if pod.SecretEnv != nil {
		pod.Secret = standIn("secret", secret)
	}
	merged, err := pod.merged()
	if err != nil {
		return nil, err
	}
	if d.Origins.Unknown("podTemplate", "resources") {
		return pulumi.UnsafeUnknownOutput(nil), nil
	}
	if d.Origins.Secret("podTemplate") {
		own, err := pod.own()
		if err != nil {
			return nil, err
		}
		for text := range textsIn(merged) {
			if _, isLate := late[text]; !isLate && !textsIn(own)[text] {
				late[text] = pulumi.ToSecret(pulumi.String(text))
			}
		}
	}
	return inputOf(merged, late), nil
}

// textsIn returns the texts in a JSON value.
func textsIn(value any) map[string]bool {
	texts := map[string]bool{}
	switch value := value.(type) {
	case map[string]any:
		for _, field := range value {
			maps.Copy(texts, textsIn(field))
		}
	case []any:
		for _, element := range value {
			maps.Copy(texts, textsIn(element))
		}
	case string:
		texts[value] = true
	}
	return texts
}

// inputOf converts a JSON value to an input, and replaces the placeholder texts.
func inputOf(value any, late map[string]pulumi.Input) pulumi.Input {
	switch value := value.(type) {
	case map[string]any:
		object := pulumi.Map{}
		for name, field := range value {
			object[name] = inputOf(field, late)
		}
		return object
	case []any:
		array := pulumi.Array{}
		for _, element := range value {
			array = append(array, inputOf(element, late))
		}
		return array
	case string:
		if in, ok := late[value]; ok {
			return in
		}
	}
	return pulumi.Any(value)
}

// strategy starts the new pod before it stops the old one, wherever one more pod can be placed, so that the old pods
// go on answering if an image does not start. With exactly one node per pod it would wait for ever for a free node.
func (d *Deployment) strategy(ctx *pulumi.Context) pulumi.Input {
	if d.Nodes == 0 && ctx.DryRun() {
		return pulumi.UnsafeUnknownOutput(nil)
	}
	surge := 0
	if d.AntiAffinity != "required" || d.Nodes > d.Replicas {
		surge = 1
	}
	return pulumi.Map{
		"type":          pulumi.String("RollingUpdate"),
		"rollingUpdate": pulumi.Map{"maxSurge": pulumi.Int(surge), "maxUnavailable": pulumi.Int(1 - surge)},
	}
}

// NeedsBudget tells whether pods must be kept while a node is drained.
func (d *Deployment) NeedsBudget() bool { return d.Replicas > 1 || d.Autoscaled }

// MakeBudget makes the drain of nodes evict one pod after the other
// (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). A pod that is not ready may always be
// evicted: it would block the drain for ever.
func (d *Deployment) MakeBudget(ctx *pulumi.Context, resource string, namespace pulumi.StringOutput, made owner.Options) error {
	_, err := policyv1.NewPodDisruptionBudget(ctx, resource+"-budget", &policyv1.PodDisruptionBudgetArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(d.Name), Namespace: namespace, Labels: pulumi.ToStringMap(d.Labels), Annotations: d.Annotations(nil),
		},
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable:             pulumi.Int(1),
			Selector:                   &metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(d.Selector)},
			UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
		},
	}, made...)
	return err
}
