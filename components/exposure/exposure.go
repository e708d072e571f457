// Package exposure has the component Exposure: how users reach an application.
package exposure

import (
	"errors"
	"fmt"
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/link"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/ingress"
	"webapp-balanced/internal/probe"
	"webapp-balanced/internal/ways"
)

// Exposure is how users reach the application: a Service, an Ingress if one is wanted, and the URLs that answer.
type Exposure struct {
	pulumi.ResourceState

	// URLs are the URLs that answered. The first one is for users.
	URLs link.URLArrayOutput `pulumi:"urls"`
	// ServiceType is the Service's type as Kubernetes spells it.
	ServiceType pulumi.StringOutput `pulumi:"serviceType"`
	// NodePort is the Service's node port, 0 for none.
	NodePort pulumi.IntOutput `pulumi:"nodePort"`
}

const exposureType = "webapp-balanced:index:Exposure"

// NewExposure reads the cluster, creates the Service and the Ingress, and finds the URLs. It waits for values
// that come from other resources: for the workload of a BalancedApp until its pods are ready. In a program with
// several applications, create all of them before the first exposure, so that they start together. If arguments are
// bad, or cannot work in the cluster, it returns every problem ([check.Problems]) before anything is changed. An
// exposure that is returned with an error is registered, and has no outputs.
func NewExposure(ctx *pulumi.Context, name string, args *ExposureArgs, opts ...pulumi.ResourceOption) (*Exposure, error) {
	if args == nil {
		args = &ExposureArgs{}
	}
	settings, err := args.settings(ctx, name)
	if err != nil {
		return nil, err
	}
	exposure := &Exposure{}
	if err := ctx.RegisterComponentResource(exposureType, name, exposure, append(opts, pulumi.DependsOn(settings.Origins.After))...); err != nil {
		return nil, err
	}
	if settings.Identity, err = owner.NewIdentity(ctx, name+"-identity", pulumi.Parent(exposure)); err != nil {
		return exposure, err
	}
	problems := env.CheckProvider(exposure, args.Kubeconfig != nil)
	if args.App == nil {
		problems.Add("app", "", "is missing", "set it to the workload of a BalancedApp")
	} else if !settings.Origins.Unknown("app") {
		problems = append(problems, settings.Origins.Checked(settings.App.Validate("app"))...)
	}
	var there env.Cluster
	var snapshot *cluster.Snapshot
	if !settings.Origins.Unknown(accessProperties...) && len(problems) == 0 {
		there, snapshot, err = env.Inspect(ctx, settings.Kubeconfig, settings.Query())
		if err := env.WarnInPreview(ctx, exposure, err); err != nil {
			return exposure, err
		}
	}
	settings.Origins.Warn(ctx, exposure, "the cluster is inspected", accessProperties...)
	plan, more, err := Prepare(ctx, name, settings, there, snapshot)
	if err := errors.Join(append(problems, more...).Err(), err); err != nil {
		return exposure, err
	}
	if snapshot != nil {
		env.WarnOfDenials(ctx, exposure, plan.Relevant(snapshot.Denied))
	}
	return exposure, plan.make(ctx, exposure, settings.Origins.Text("app", settings.App.Namespace), settings.Origins.Integer("app", settings.App.Replicas))
}

// accessProperties are the properties that are needed to read the cluster.
var accessProperties = []string{"kubeconfig", "app"}

// Make creates the exposure of an application. namespace and replicas are the application's, known once its
// pods have started.
func (p *Plan) Make(ctx *pulumi.Context, namespace pulumi.StringInput, replicas pulumi.IntInput, opts ...pulumi.ResourceOption) (*Exposure, error) {
	exposure := &Exposure{}
	if err := ctx.RegisterComponentResource(exposureType, p.name, exposure, opts...); err != nil {
		return nil, err
	}
	return exposure, p.make(ctx, exposure, namespace, replicas)
}

func (p *Plan) make(ctx *pulumi.Context, exposure *Exposure, namespace pulumi.StringInput, replicas pulumi.IntInput) error {
	made, err := p.Made(ctx, exposure, p.there)
	if err != nil {
		return err
	}
	service, err := p.service.Make(ctx, p.name, namespace, made)
	if err != nil {
		return err
	}
	ready := p.waitReady(ctx, exposure, namespace, replicas, service)
	var objects pulumi.Array
	if p.ingress != nil {
		all, err := p.ingress.Make(ingress.Maker{
			Ctx: ctx, Resource: p.name, Exposure: exposure, Made: made, Namespace: ready, Service: service.Metadata.Name().Elem(),
			ClusterIP: service.Spec.ClusterIP().Elem(), Certificate: p.certificate, CertificateUnknown: p.certificateUnknown,
		})
		if err != nil {
			return err
		}
		for _, resource := range all {
			objects = append(objects, resource.(pulumi.CustomResource).ID())
		}
	}
	exposure.ServiceType = service.Spec.Type().Elem()
	exposure.NodePort = p.service.NodePortOf(ctx, service)
	if p.service.HasNodePort() {
		if err := p.service.OwnNodePort(ctx, p.name, service, exposure.NodePort, exposure); err != nil {
			return err
		}
	}
	exposure.URLs = p.urls(ctx, exposure, ready, replicas, service, exposure.NodePort, objects)
	return ctx.RegisterResourceOutputs(exposure, pulumi.Map{
		"urls": exposure.URLs, "serviceType": exposure.ServiceType, "nodePort": exposure.NodePort,
	})
}

// waitReady returns the namespace; in an update, not before the Service leads to every pod. The Ingress waits
// for that: the HAProxy controller adds new pods to the running HAProxy. If a change of the configuration is
// just replacing that HAProxy, a new pod is lost until the next change. Pulumi's own wait ends when all pods
// but one are ready. Sometimes it ends at once, when Pulumi reads the Deployment before its controller has.
// So an update of which no pod starts fails here.
func (p *Plan) waitReady(ctx *pulumi.Context, exposure pulumi.Resource, namespace pulumi.StringInput, replicas pulumi.IntInput, service *corev1.Service) pulumi.StringOutput {
	if ctx.DryRun() {
		return namespace.ToStringOutput()
	}
	return pulumi.All(namespace, replicas, service.Metadata.Name().Elem()).ApplyT(func(values []any) (string, error) {
		app := cluster.Application{Namespace: values[0].(string), Name: p.App.Name, Selector: p.App.Selector}
		p.notReady = p.there.WaitForPods(ctx.Context(), app, values[2].(string), p.rolloutTimeout())
		switch {
		case errors.Is(p.notReady, cluster.ErrNoNewPod):
			return "", p.notReady
		case p.notReady != nil:
			_ = ctx.Log.Warn(p.notReady.Error(), &pulumi.LogArgs{Resource: exposure})
		}
		return app.Namespace, nil
	}).(pulumi.StringOutput)
}

// ways returns the ways to reach the application.
func (p *Plan) ways(warn func(text string)) *ways.Exposure {
	nodePort, knows := p.service.KnownNodePort()
	return &ways.Exposure{
		There: p.there, Cluster: p.snapshot, Service: p.service.Name, Type: string(p.Type), LoadBalancer: string(p.LoadBalancer),
		HasNodePort: p.service.HasNodePort(), NodePort: nodePort, KnowsNodePort: knows,
		HasIngress: p.ingress != nil, TLS: p.TLS != NoTLS, Host: p.Host, Path: p.Path, ControllerService: p.ControllerService,
		Answers: string(p.Answers), Page: probe.Page{Path: p.AnswerPath, Status: p.AnswerStatus}, Certificate: p.certificate.Cert,
		Warn: warn, Names: p.names,
	}
}

// urls returns the URLs that answer. In a preview it requests nothing, and returns the URLs that will have to answer.
func (p *Plan) urls(ctx *pulumi.Context, exposure pulumi.Resource, ready pulumi.StringOutput, replicas pulumi.IntInput, service *corev1.Service, nodePort pulumi.IntOutput, objects pulumi.Array) link.URLArrayOutput {
	e := p.ways(func(text string) { _ = ctx.Log.Warn(text, &pulumi.LogArgs{Resource: exposure}) })
	if ctx.DryRun() {
		if p.snapshot == nil || p.Origins.Unknown("host") {
			return pulumi.UnsafeUnknownOutput([]pulumi.Resource{service}).ApplyT(func(any) []link.URL { return nil }).(link.URLArrayOutput)
		}
		return pulumi.ToOutput(e.Foreseen()).(link.URLArrayOutput)
	}
	if rest := e.MoreNodes(); rest > 0 {
		_ = ctx.Log.Info(fmt.Sprintf("the node port is that of %d more nodes, which have no URL of their own here", rest), &pulumi.LogArgs{Resource: exposure})
	}
	return pulumi.All(ready, replicas, service.Spec.ClusterIP(), nodePort, objects).ApplyT(func(values []any) ([]link.URL, error) {
		if values[1].(int) == 0 {
			e.Warn("replicas is 0: no URL answers")
			return []link.URL{}, nil
		}
		var r ways.Endpoints
		if clusterIP, ok := values[2].(*string); ok && clusterIP != nil {
			r.ClusterIP = *clusterIP
		}
		if port := values[3].(int); port != 0 {
			r.NodePort = strconv.Itoa(port)
		}
		return e.Answering(ctx.Context(), values[0].(string), r, p.notReady)
	}).(link.URLArrayOutput)
}
