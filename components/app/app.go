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
	"webapp-balanced/internal/env"
)

// BalancedApp is a web application in several pods, on different nodes, that serve the same files from an NFS share:
// Namespace, PersistentVolume, PersistentVolumeClaim, Deployment, and with more than one pod a PodDisruptionBudget.
type BalancedApp struct {
	pulumi.ResourceState

	// Namespace is the name of the namespace, known once the namespace exists.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Replicas is the desired number of pods, known once they are ready.
	Replicas pulumi.IntOutput `pulumi:"replicas"`
	// Workload is what an Exposure takes as its app, known once the pods are ready.
	Workload link.WorkloadOutput `pulumi:"workload"`
	// NamespaceExisted is true if createNamespace is false: the component neither creates nor deletes the namespace.
	NamespaceExisted pulumi.BoolOutput `pulumi:"namespaceExisted"`
}

const appType = "webapp-balanced:index:BalancedApp"

// NewBalancedApp reads the cluster and creates the application. It waits for values that come from other resources.
// If arguments are bad, or cannot work in the cluster, it returns every problem ([check.Problems]) before anything is
// changed. An application that is returned with an error is registered, and has no outputs.
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
	problems := env.CheckProvider(app, args.Kubeconfig != nil)
	var there env.Cluster
	var snapshot *cluster.Snapshot
	if !settings.Origins.Unknown(accessProperties...) && len(problems) == 0 {
		there, snapshot, err = env.Inspect(ctx, settings.Kubeconfig, cluster.Query{Namespace: settings.Namespace})
		if err := env.WarnInPreview(ctx, app, err); err != nil {
			return app, err
		}
	}
	settings.Origins.Warn(ctx, app, "the cluster is inspected", accessProperties...)
	plan, more, err := Prepare(ctx, name, settings, there, snapshot)
	if err := errors.Join(append(problems, more...).Err(), err); err != nil {
		return app, err
	}
	if snapshot != nil {
		env.WarnOfDenials(ctx, app, plan.Relevant(snapshot.Denied))
	}
	return app, plan.make(ctx, app)
}

// accessProperties are the properties that are needed to read the cluster.
var accessProperties = []string{"kubeconfig", "namespace"}

// Make creates the application.
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
	// The SDK treats a whole specification as secret if any part of it is secret.
	app.Replicas = pulumi.Unsecret(deployment.Spec.Replicas().Elem()).(pulumi.IntOutput)
	app.Workload = p.workload(ctx, app, deployment)
	app.NamespaceExisted = pulumi.Bool(!*p.CreateNamespace).ToBoolOutput()
	return ctx.RegisterResourceOutputs(app, pulumi.Map{
		"namespace": app.Namespace, "replicas": app.Replicas, "workload": app.Workload, "namespaceExisted": app.NamespaceExisted,
	})
}

// tellWhatKeepsPods warns shortly before Pulumi stops waiting for the pods, with the messages of the pods and
// of their events: Pulumi's own error does not mention a denied mount.
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
				_ = ctx.Log.Warn(fmt.Sprintf("the update stops waiting for the pods in %s (rolloutTimeout): %v", left, err), &pulumi.LogArgs{Resource: app})
			}
		}()
		return true
	})
}

// workload returns the workload. A preview knows as much of it as possible, so that it shows what depends on
// the workload.
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

// namespace creates the namespace, or reads an existing one. When a program no longer reads a resource,
// Pulumi forgets it and does not delete it. A namespace that Pulumi has created becomes such a resource
// without being deleted, since its ID is the same.
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
		return name.ToStringOutput(), nil // it comes from another resource of the stack
	default:
		namespace, err = corev1.GetNamespace(ctx, p.name+"-namespace", pulumi.ID(p.Namespace), nil, pulumi.Parent(app))
	}
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return namespace.Metadata.Name().Elem(), nil
}
