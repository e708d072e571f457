// Package exposure has the component Exposure: how the world reaches an application.
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
	"webapp-balanced/internal/ingress"
	"webapp-balanced/internal/outside"
	"webapp-balanced/internal/reach"
	"webapp-balanced/internal/ways"
)

// Exposure is how the world reaches the application: a Service, an Ingress if
// one is wanted, and the URLs that answer.
type Exposure struct {
	pulumi.ResourceState

	// URLs are those that answered, the first the one to give to people.
	URLs link.URLArrayOutput `pulumi:"urls"`
	// ServiceType is the Service's type as Kubernetes spells it.
	ServiceType pulumi.StringOutput `pulumi:"serviceType"`
	// NodePort is the Service's node port, 0 for none.
	NodePort pulumi.IntOutput `pulumi:"nodePort"`
}

const exposureType = "webapp-balanced:index:Exposure"

// NewExposure looks at the cluster, makes the Service and the Ingress, and finds the URLs. Bad arguments, and
// what cannot work in the cluster, are an error with every problem ([check.Problems]), before anything is changed.
// Values that come from other resources are waited for: the workload of a BalancedApp until its pods are ready.
// The exposure that comes with an error is registered, and has no outputs.
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
	problems := outside.CheckProvider(exposure, args.Kubeconfig != nil)
	if args.App == nil {
		problems.Add("app", "", "is missing", "set it to the workload of a BalancedApp")
	} else if !settings.Origins.Unknown("app") {
		problems = append(problems, settings.Origins.Checked(settings.App.Validate("app"))...)
	}
	var there outside.Cluster
	var snapshot *cluster.Snapshot
	if !settings.Origins.Unknown(reached...) && len(problems) == 0 {
		there, snapshot, err = outside.Look(ctx, settings.Kubeconfig, settings.Query())
		if err := outside.Unreached(ctx, exposure, err); err != nil {
			return exposure, err
		}
	}
	settings.Origins.Warn(ctx, exposure, "the cluster is looked at", reached...)
	plan, more, err := Prepare(ctx, name, settings, there, snapshot)
	if err := errors.Join(append(problems, more...).OrNil(), err); err != nil {
		return exposure, err
	}
	if snapshot != nil {
		outside.WarnOfDenials(ctx, exposure, plan.Relevant(snapshot.Denied))
	}
	return exposure, plan.make(ctx, exposure, settings.Origins.Text("app", settings.App.Namespace), settings.Origins.Integer("app", settings.App.Replicas))
}

// reached are the properties without which the cluster cannot be looked at.
var reached = []string{"kubeconfig", "app"}

// Make makes the exposure of an application: its namespace, and its pods, known when they have
// been started.
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
	settled := p.settled(ctx, exposure, namespace, replicas, service)
	var objects pulumi.Array
	if p.ingress != nil {
		all, err := p.ingress.Make(ingress.Maker{
			Ctx: ctx, Resource: p.name, Exposure: exposure, Made: made, Namespace: settled, Service: service.Metadata.Name().Elem(),
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
	exposure.URLs = p.urls(ctx, exposure, settled, replicas, service, exposure.NodePort, objects)
	return ctx.RegisterResourceOutputs(exposure, pulumi.Map{
		"urls": exposure.URLs, "serviceType": exposure.ServiceType, "nodePort": exposure.NodePort,
	})
}

// settled is the namespace, in an update not before the Service leads to every
// pod. The Ingress waits for that: the HAProxy controller tells the HAProxy that
// is running of a new pod, and a pod that comes while another HAProxy is taking
// over after a change of the configuration is lost until the next change.
// Pulumi's own wait is over when one pod less than all is ready, and now and then, when it reads
// the Deployment before its controller has, at once: an update of which no pod starts fails here.
func (p *Plan) settled(ctx *pulumi.Context, exposure pulumi.Resource, namespace pulumi.StringInput, replicas pulumi.IntInput, service *corev1.Service) pulumi.StringOutput {
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

// ways are those by which the application is reached.
func (p *Plan) ways(warn func(text string)) *ways.Exposure {
	nodePort, knows := p.service.KnownNodePort()
	return &ways.Exposure{
		There: p.there, Cluster: p.snapshot, Service: p.service.Name, Type: string(p.Type), LoadBalancer: string(p.LoadBalancer),
		HasNodePort: p.service.HasNodePort(), NodePort: nodePort, KnowsNodePort: knows,
		HasIngress: p.ingress != nil, TLS: p.TLS != NoTLS, Host: p.Host, Path: p.Path, ControllerService: p.ControllerService,
		Answers: string(p.Answers), Page: reach.Page{Path: p.AnswerPath, Status: p.AnswerStatus}, Certificate: p.certificate.Cert,
		Warn: warn, Names: p.names,
	}
}

// urls returns the URLs that answer. In a preview nothing is requested: those
// are returned that will have to answer.
func (p *Plan) urls(ctx *pulumi.Context, exposure pulumi.Resource, settled pulumi.StringOutput, replicas pulumi.IntInput, service *corev1.Service, nodePort pulumi.IntOutput, objects pulumi.Array) link.URLArrayOutput {
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
	return pulumi.All(settled, replicas, service.Spec.ClusterIP(), nodePort, objects).ApplyT(func(values []any) ([]link.URL, error) {
		if values[1].(int) == 0 {
			e.Warn("replicas is 0: no URL answers")
			return []link.URL{}, nil
		}
		var r ways.Reached
		if clusterIP, ok := values[2].(*string); ok && clusterIP != nil {
			r.ClusterIP = *clusterIP
		}
		if port := values[3].(int); port != 0 {
			r.NodePort = strconv.Itoa(port)
		}
		return e.Answering(ctx.Context(), values[0].(string), r, p.notReady)
	}).(link.URLArrayOutput)
}
