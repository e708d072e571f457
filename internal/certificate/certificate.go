// Package certificate creates and checks the certificate that an Ingress serves.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/cluster"
)

// Pair is a certificate and its private key, both PEM: the data of a Secret of type kubernetes.io/tls.
type Pair struct{ Cert, Key string }

const (
	certificateLife = 365 * 24 * time.Hour
	// renewal is the remaining lifetime at which a certificate is renewed.
	renewal = 30 * 24 * time.Hour
)

// SelfSigned returns the certificate to use for host: the existing one if it is valid now, and for more than
// 30 days (one that was made while the clock was wrong may not be valid yet), or else a new one, ECDSA P-256,
// valid for a year, that is its own CA.
func SelfSigned(existing Pair, host string, now time.Time) (Pair, error) {
	if leaf, err := existing.leaf(); err == nil && leaf.VerifyHostname(OneHost(host)) == nil && !now.Before(leaf.NotBefore) && now.Add(renewal).Before(leaf.NotAfter) {
		return existing, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Pair{}, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: host, Organization: []string{"webapp-balanced self-signed"}},
		DNSNames:              []string{host},
		NotBefore:             now.Add(-time.Minute), // clocks differ
		NotAfter:              now.Add(certificateLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign the certificate of %s: %w", host, err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
	}, nil
}

// leaf parses the certificate, and checks that the key belongs to it.
func (c Pair) leaf() (*x509.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(pair.Certificate[0])
}

// Unfit says why the certificate cannot serve host, empty if it can.
func (c Pair) Unfit(host string, now time.Time) string {
	leaf, err := c.leaf()
	switch {
	case err != nil:
		return fmt.Sprintf("holds no certificate with its key (%v)", err)
	case now.After(leaf.NotAfter):
		return "holds a certificate that expired on " + leaf.NotAfter.Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		return "holds a certificate that is good only from " + leaf.NotBefore.Format(time.DateOnly)
	case leaf.VerifyHostname(OneHost(host)) != nil:
		return fmt.Sprintf("holds a certificate for %s, which does not cover the host %s", check.Enumerate(leaf.DNSNames, "and"), host)
	}
	return ""
}

// OneHost returns a name that the host of a rule covers: itself, or www for a * in it.
func OneHost(host string) string {
	if below, ok := strings.CutPrefix(host, "*."); ok {
		return "www." + below
	}
	return host
}

// Of returns the Pair of a Secret; empty for nil.
func Of(secret *cluster.Secret) Pair {
	if secret == nil {
		return Pair{}
	}
	return Pair{Cert: string(secret.Data["tls.crt"]), Key: string(secret.Data["tls.key"])}
}
