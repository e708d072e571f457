package ingress

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/cluster"
)

// CertificateName is the name of our own Secret with the certificate, in a namespace of the exposure's own.
func (i *Ingress) CertificateName() string { return i.Name + "-tls" }

// secret returns the name of the Secret with the certificate: the named one, which stays its owner's, or one of ours.
func (m maker) secret() (pulumi.StringPtrInput, error) {
	if m.SecretName != "" {
		return pulumi.String(m.SecretName), nil
	}
	made := m.Made.And(pulumi.AdditionalSecretOutputs([]string{"data", "stringData"}))
	if m.CertificateUnknown {
		if !m.Ctx.DryRun() {
			return nil, fmt.Errorf("make the certificate of tls self-signed: the Secret %s cannot be read, so that each update would make a new one: permit this login to read it", m.CertificateName())
		}
		// As far as a preview knows, it does not change.
		made = made.And(pulumi.IgnoreChanges([]string{"stringData"}))
	}
	secret, err := corev1.NewSecret(m.Ctx, m.Resource+"-certificate", &corev1.SecretArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name: pulumi.String(m.CertificateName()), Namespace: m.Namespace, Annotations: m.Ownership.Annotations(nil), Labels: pulumi.ToStringMap(m.Labels),
		},
		Type: pulumi.String(cluster.TLSSecret),
		StringData: pulumi.StringMap{
			"tls.crt": pulumi.String(m.Certificate.Cert),
			"tls.key": pulumi.ToSecret(pulumi.String(m.Certificate.Key)).(pulumi.StringOutput),
		},
	}, made...)
	if err != nil {
		return nil, err
	}
	return secret.Metadata.Name(), nil
}
