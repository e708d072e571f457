package exposure

import (
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/env"
	"webapp-balanced/internal/ingress"
	"webapp-balanced/internal/service"
)

// Plan is an exposure before its creation: its settings, and what was found in the cluster.
type Plan struct {
	Settings
	name  string
	names check.Names // of the properties
	// there is the cluster, for requests during the update, and snapshot its state before. In a preview, both
	// are nil if the cluster could not be reached.
	there    env.Cluster
	snapshot *cluster.Snapshot
	service  *service.Service
	ingress  *ingress.Ingress // nil for none
	// certificate is what the Ingress serves: made by [certificate.SelfSigned] for TLS self-signed, read
	// from the Secret for TLS secret. certificateUnknown says that it could not be read.
	certificate        certificate.Pair
	certificateUnknown bool
	notReady           error // why the pods were not ready in time
}

// Query returns what the exposure needs to know about the cluster.
func (s Settings) Query() cluster.Query {
	query := cluster.Query{
		Controller: s.ControllerService, Namespace: s.App.Namespace, Service: s.service(nil).Name, ConfigMap: s.HAProxyConfigMap,
	}
	switch s.TLS {
	case SelfSigned:
		query.Secret = s.ingress(nil).CertificateName()
	case FromSecret:
		query.Secret = s.TLSSecretName
	}
	return query
}

// Prepare checks the cluster: the owners of objects with the exposure's names, and settings that cannot work
// there or conflict with others. In a preview, the snapshot is nil if the cluster could not be read.
func Prepare(ctx *pulumi.Context, name string, s Settings, there env.Cluster, snapshot *cluster.Snapshot) (*Plan, check.Problems, error) {
	p := newPlan(s, snapshot)
	p.name, p.names = name, check.NamesOf(ctx, "Exposure")
	problems := s.Validate()
	p.certificateUnknown = snapshot == nil || !snapshot.Knows(cluster.Secrets) || s.Origins.Unknown("host")
	if len(problems) > 0 || snapshot == nil {
		return p, problems, nil
	}
	p.there = there
	found, err := there.Objects(ctx.Context(), snapshot, p.objects())
	if err != nil {
		return p, nil, err
	}
	if problems, err = p.Claim(ctx, there, snapshot, s.App.Namespace, p.objects(), found, p.lasting); err != nil {
		return p, nil, err
	}
	now := time.Now()
	problems = append(problems, p.check(now)...)
	if len(problems) > 0 || p.certificateUnknown {
		return p, problems, nil
	}
	// The self-signed certificate is kept in the cluster, so it stays the same until its renewal is due.
	p.certificate = certificate.Of(snapshot.Secret)
	if p.TLS == SelfSigned {
		p.certificate, err = certificate.SelfSigned(p.certificate, p.Host, now)
	}
	return p, nil, err
}

func newPlan(s Settings, snapshot *cluster.Snapshot) *Plan {
	p := &Plan{Settings: s, snapshot: snapshot, service: s.service(snapshot)}
	if *s.Ingress {
		p.ingress = s.ingress(snapshot)
		p.service.Controller = p.ingress.ServiceAnnotations
	}
	return p
}

// objects returns the objects that the stack needs in the namespace.
func (p *Plan) objects() []cluster.Object {
	objects := []cluster.Object{{Kind: "Service", Namespace: p.App.Namespace, Name: p.service.Name}}
	if p.ingress != nil {
		objects = append(objects, p.ingress.Objects(p.App.Namespace)...)
	}
	return objects
}

// lasting returns the stack's values of fields that an apply does not change, see [cluster.Client.Lasting].
func (p *Plan) lasting(object cluster.Object) map[string]string {
	if object.Kind == "Service" {
		return map[string]string{"spec.ports": fmt.Sprintf("%d/TCP", p.Port)}
	}
	return p.ingress.Lasting(object)
}

// Relevant returns the denials that concern the exposure's objects.
func (p *Plan) Relevant(denied []cluster.Denial) []cluster.Denial {
	return slices.DeleteFunc(slices.Clone(denied), func(d cluster.Denial) bool {
		return d.Fact == cluster.ConfigMaps && (p.ingress == nil || !p.ingress.SetsKeys())
	})
}

// check returns the problems of the settings in this cluster: what cannot be reached there, or what others
// already use.
func (p *Plan) check(now time.Time) check.Problems {
	var problems check.Problems
	if p.Type == LoadBalancerService && !*p.AllocateLoadBalancerNodePorts && p.ingress == nil && p.LoadBalancer == Absent {
		problems.Add("allocateLoadBalancerNodePorts", false,
			"leaves the application unreachable: {loadBalancer} is absent, so nothing gives addresses to Services of type LoadBalancer, and there is no Ingress",
			"set it to true, set {ingress} to true, or install an implementation such as MetalLB and set {loadBalancer} to auto")
	}
	p.service.Check(&problems)
	if p.ingress != nil {
		p.ingress.Check(&problems, now)
	}
	return p.Origins.Checked(problems)
}
