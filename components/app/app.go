// Package app has the component BalancedApp: a web application in several pods that serve the
// same files from a share.
package app

import (
	"errors"
	"fmt"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// BalancedApp is a web application in several pods, on different nodes, that
// serve the same files from an NFS share: Namespace, PersistentVolume,
// PersistentVolumeClaim, Deployment, and with more than one pod a PodDisruptionBudget.
type BalancedApp struct {
	pulumi.ResourceState

	// Namespace is the namespace's name, known when the namespace is there.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Replicas is the number of pods that are wanted, known when they are ready.
	Replicas pulumi.IntOutput `pulumi:"replicas"`
	// Workload is what an Exposure exposes, known when the pods are ready.
	Workload link.WorkloadOutput `pulumi:"workload"`
	// NamespaceExisted is true where createNamespace is false: the component neither makes nor deletes
	// the namespace.
	NamespaceExisted pulumi.BoolOutput `pulumi:"namespaceExisted"`
}

const appType = "webapp-balanced:index:BalancedApp"

// NewBalancedApp looks at the cluster, and makes the application. Bad arguments, and what cannot
// work in the cluster, are an error with every problem ([check.Problems]), before anything is
// changed. Values that come from other resources are waited for. The application that comes with an
// error is registered, and has no outputs.
func NewBalancedApp(ctx *pulumi.Context, name string, args *BalancedAppArgs, opts ...pulumi.ResourceOption) (*BalancedApp, error) {
	if args == nil {
		args = &BalancedAppArgs{}
	}
	settings, err := args.settings(ctx, name)
	if err != nil {
		return nil, err
	}
	app := &BalancedApp{}
	if err := ctx.RegisterComponentResource(appType, name, app, append(opts, pulumi.DependsOn(settings.Origins.After))...); err != nil {
		return nil, err
	}
	if settings.Identity, err = owner.NewIdentity(ctx, name+"-identity", pulumi.Parent(app)); err != nil {
		return app, err
	}
	problems := outside.CheckProvider(app, args.Kubeconfig != nil)
	var there outside.Cluster
	var snapshot *cluster.Snapshot
	if !settings.Origins.Unknown(reached...) && len(problems) == 0 {
		there, snapshot, err = outside.Look(ctx, settings.Kubeconfig, cluster.Query{Namespace: settings.Namespace})
		if err := outside.Unreached(ctx, app, err); err != nil {
			return app, err
		}
	}
	settings.Origins.Warn(ctx, app, "the cluster is looked at", reached...)
	plan, more, err := Prepare(ctx, name, settings, there, snapshot)
	if err := errors.Join(append(problems, more...).OrNil(), err); err != nil {
		return app, err
	}
	if snapshot != nil {
		outside.WarnOfDenials(ctx, app, plan.Relevant(snapshot.Denied))
	}
	return app, plan.make(ctx, app)
}

// reached are the properties without which the cluster cannot be looked at.
var reached = []string{"kubeconfig", "namespace"}

// Make makes the application.
func (p *Plan) Make(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (*BalancedApp, error) {
	app := &BalancedApp{}
	if err := ctx.RegisterComponentResource(appType, p.name, app, opts...); err != nil {
		return nil, err
	}
	return app, p.make(ctx, app)
}

func (p *Plan) make(ctx *pulumi.Context, app *BalancedApp) error {
	made, err := p.Made(ctx, app, p.there)
	if err != nil {
		return err
	}
	if app.Namespace, err = p.namespace(ctx, app, made); err != nil {
		return err
	}
	claim, err := p.volume.Make(ctx, p.name, app.Namespace, made)
	if err != nil {
		return err
	}
	deployment, err := p.deployment.Make(ctx, p.name, app.Namespace, claim, made)
	if err != nil {
		return err
	}
	p.tellWhatKeepsPods(ctx, app, claim, deployment)
	if p.deployment.NeedsBudget() {
		if err := p.deployment.MakeBudget(ctx, p.name, app.Namespace, made); err != nil {
			return err
		}
	}
	// The SDK takes all of a specification with something secret for secret.
	app.Replicas = pulumi.Unsecret(deployment.Spec.Replicas().Elem()).(pulumi.IntOutput)
	app.Workload = p.workload(ctx, app, deployment)
	app.NamespaceExisted = pulumi.Bool(!*p.CreateNamespace).ToBoolOutput()
	return ctx.RegisterResourceOutputs(app, pulumi.Map{
		"namespace": app.Namespace, "replicas": app.Replicas, "workload": app.Workload, "namespaceExisted": app.NamespaceExisted,
	})
}

// tellWhatKeepsPods warns shortly before Pulumi gives up to wait for the pods, with what they and their events say:
// Pulumi's error has nothing of a mount that is denied.
func (p *Plan) tellWhatKeepsPods(ctx *pulumi.Context, app *BalancedApp, claim pulumi.StringOutput, deployment *appsv1.Deployment) {
	if ctx.DryRun() {
		return
	}
	patience := p.deployment.Patience()
	left := min(patience/4, 10*time.Second)
	rolledOut := make(chan struct{})
	deployment.ID().ApplyT(func(pulumi.ID) bool { close(rolledOut); return true })
	pulumi.All(app.Namespace, claim).ApplyT(func(values []any) bool {
		go func() {
			select {
			case <-rolledOut:
				return
			case <-time.After(patience - left):
			}
			if err := p.there.WhatKeepsPods(ctx.Context(), cluster.Application{Namespace: values[0].(string), Name: p.Name, Selector: p.Selector}); err != nil {
				_ = ctx.Log.Warn(fmt.Sprintf("the rollout is given up in %s (rolloutTimeout): %v", left, err), &pulumi.LogArgs{Resource: app})
			}
		}()
		return true
	})
}

// workload is known in a preview as far as it can be: what depends on it is shown.
func (p *Plan) workload(ctx *pulumi.Context, app *BalancedApp, deployment pulumi.Resource) link.WorkloadOutput {
	workload := link.WorkloadArgs{
		Namespace: app.Namespace, Name: pulumi.String(p.Name), Selector: pulumi.ToStringMap(p.Selector), Port: pulumi.Int(p.Port), Replicas: app.Replicas,
	}
	if ctx.DryRun() {
		workload.Namespace = p.Origins.Text("namespace", p.Namespace)
		if !p.Origins.Unknown("replicas") {
			workload.Replicas = pulumi.Int(p.Replicas)
		}
	}
	return pulumi.OutputWithDependencies(ctx.Context(), workload.ToWorkloadOutput(), deployment).(link.WorkloadOutput)
}

// namespace makes the namespace, or reads one that is there. Pulumi lets a resource that is
// read go when it is not read any more, and does not delete it; one that it has made before
// becomes such a resource without being deleted, since its ID is the same.
func (p *Plan) namespace(ctx *pulumi.Context, app pulumi.Resource, made owner.Options) (pulumi.StringOutput, error) {
	var namespace *corev1.Namespace
	var err error
	switch name := p.Origins.Text("namespace", p.Namespace); {
	case *p.CreateNamespace:
		namespace, err = corev1.NewNamespace(ctx, p.name+"-namespace", &corev1.NamespaceArgs{
			Metadata: &metav1.ObjectMetaArgs{
				Name: name.ToStringOutput().ToStringPtrOutput(), Annotations: p.Annotations(nil),
				Labels: pulumi.StringMap{"name": name},
			},
		}, made.And(pulumi.RetainOnDelete(p.keepNamespace))...)
	case p.Origins.Follows("namespace"):
		return name.ToStringOutput(), nil // it is another resource's of the stack
	default:
		namespace, err = corev1.GetNamespace(ctx, p.name+"-namespace", pulumi.ID(p.Namespace), nil, pulumi.Parent(app))
	}
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return namespace.Metadata.Name().Elem(), nil
}
