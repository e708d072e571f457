package exposure

import (
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/certificate"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/outside"
)

// Plan is an exposure of which nothing is made yet: its arguments, and what was found in the
// cluster.
type Plan struct {
	ExposureArgs
	name  string
	names check.Names // of the properties
	// there is the cluster, in which the result is looked at, and Cluster is what it was like
	// before; both are nil, in a preview only, when it could not be reached.
	there   outside.Cluster
	Cluster *cluster.Snapshot
	// certificate is what the Ingress serves: made by [certificate.SelfSigned] for TLS
	// self-signed, read from the Secret for TLS secret.
	certificate certificate.Pair
	// certificateUnknown says that it could not be read: a preview shows it as unknown, and
	// an update fails where it would have to be made.
	certificateUnknown bool
	notReady           *error // why the pods were not ready in time
}

// Query is what the exposure of an application in a namespace wants to know of the cluster.
func (a ExposureArgs) Query(namespace string) cluster.Query {
	return cluster.Query{
		Controller: a.ControllerService, Namespace: namespace, Service: ServiceName,
		Secret: secretName(a.TLS, a.TLSSecretName), ConfigMap: a.HAProxyConfigMap,
	}
}

// Prepare looks at what the cluster has: whose the objects are that are to be made, and what there
// cannot be reached, or has somebody else already. The snapshot is nil, in a preview only, where
// it could not be read.
func Prepare(ctx *pulumi.Context, name string, args ExposureArgs, there outside.Cluster, s *cluster.Snapshot) (*Plan, check.Problems, error) {
	p := &Plan{ExposureArgs: args, name: name, names: check.NamesOf(ctx, "Exposure"), notReady: new(error)}
	problems := args.Validate()
	p.certificateUnknown = s == nil || !s.Knows(cluster.Secrets)
	if len(problems) > 0 || s == nil {
		return p, problems, nil
	}
	p.there, p.Cluster = there, s
	found, err := there.Objects(ctx.Context(), s, p.objects(s.Namespace))
	if err != nil {
		return p, nil, err
	}
	if problems, err = p.Claim(ctx, there, s, s.Namespace, found, lasting); err != nil {
		return p, nil, err
	}
	now := time.Now()
	problems = append(problems, p.check(now)...)
	if len(problems) > 0 || p.certificateUnknown {
		return p, problems, nil
	}
	// The self-signed one is kept where it is used, in the cluster, so it stays the same from one
	// update to the next until it is due.
	p.certificate = certificate.Of(s.Secret)
	if p.TLS == "self-signed" {
		p.certificate, err = certificate.SelfSigned(p.certificate, p.Host, now)
	}
	return p, nil, err
}

// objects are those that the stack is to have in a namespace of the cluster.
func (a *Plan) objects(namespace string) []cluster.Object {
	objects := []cluster.Object{{Kind: "Service", Namespace: namespace, Name: ServiceName}}
	if a.hasIngress() {
		objects = append(objects, cluster.Object{Kind: "Ingress", Namespace: namespace, Name: ingressName})
		objects = append(objects, a.controller().objects(a, namespace)...)
	}
	if a.TLS == "self-signed" {
		objects = append(objects, cluster.Object{Kind: "Secret", Namespace: namespace, Name: SelfSignedSecret})
	}
	return objects
}

// lasting is what it has in those fields of an object that last, as [cluster.Client.Lasting].
func lasting(object cluster.Object) map[string]string {
	switch object.Kind {
	case "Service":
		return map[string]string{"spec.ports": "80/TCP"}
	case "Secret":
		return map[string]string{"type": cluster.TLSSecret}
	case "Middleware":
		return map[string]string{"spec": map[string]string{rewriteMiddleware: rewriteKind, redirectMiddleware: redirectKind}[object.Name]}
	}
	return nil
}
