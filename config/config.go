// Package config reads a stack's configuration into the arguments of the three components. It
// alone knows the keys: what the components say of their properties is said of the keys here.
package config

import (
	"slices"
	"strings"
	"time"

	"webapp-balanced/components/app"
	"webapp-balanced/components/check"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/share"
)

// Project is the namespace of the config keys, the name in Pulumi.yaml.
const Project = "webapp-balanced"

// Config is a stack's configuration: the arguments of the three components.
// Pulumi.yaml declares every key with its type, default and description.
type Config struct {
	NFS      share.NfsShareArgs
	App      app.BalancedAppArgs
	Exposure exposure.ExposureArgs
}

// shareKeys are those of the object nfs.
var shareKeys = []string{"host", "port", "user", "hostKey", "sudo", "server", "path", "options", "clients", "site",
	"allowInsecure", "adopt", "deleteOnDestroy", "detectDrift"}

// Load reads the configuration by get, which returns a key's text and
// whether it is set. The text of objects and lists is JSON, as Pulumi has it.
// Every problem is reported at once, those of the values included; problems
// come before anything is reached or changed.
func Load(get func(key string) (string, bool)) (Config, error) {
	r := &reader{get: get}
	var c Config

	nfs := r.object("nfs", shareKeys...)
	c.NFS = share.NfsShareArgs{
		Host:       nfs.text("host", ""),
		Port:       nfs.integer("port", 0),
		User:       nfs.text("user", ""),
		HostKey:    nfs.text("hostKey", ""),
		PrivateKey: r.text("nfsPrivateKey", ""), PrivateKeyPassword: r.text("nfsPrivateKeyPassword", ""),
		Sudo:    nfs.boolean("sudo", false),
		Path:    nfs.text("path", "/srv/nfs/weblb"),
		Options: nfs.list("options"),
		Clients: nfs.list("clients"),
		Site:    nfs.text("site", "./site"),

		AllowInsecure:   nfs.boolean("allowInsecure", false),
		Adopt:           nfs.boolean("adopt", false),
		DeleteOnDestroy: nfs.boolean("deleteOnDestroy", false),
		DetectDrift:     nfs.boolean("detectDrift", true),
	}
	c.App = app.BalancedAppArgs{
		Namespace:         r.text("namespace", ""),
		ExistingNamespace: !r.boolean("createNamespace", true),
		Image:             r.text("image", ""),
		Replicas:          r.integer("replicas", 1),
		RolloutTimeout:    r.text("rolloutTimeout", ""),
		AnswerPath:        r.text("answerPath", ""),
		AnswerStatus:      r.integer("answerStatus", 0),
		AntiAffinity:      r.text("antiAffinity", ""),
		Server:            nfs.text("server", c.NFS.Host),
		Path:              c.NFS.Path,
		StorageCapacity:   r.text("storageCapacity", ""),
		StorageRequest:    r.text("storageRequest", ""),
	}
	c.App.Adopt = r.boolean("adopt", false)
	c.Exposure = exposure.ExposureArgs{
		Type:                    strings.ToLower(r.text("exposure", "")),
		Ingress:                 strings.ToLower(r.text("ingress", "")),
		TLS:                     strings.ToLower(r.text("tls", "")),
		TLSSecretName:           r.text("tlsSecretName", ""),
		Host:                    r.text("host", ""),
		Path:                    r.text("path", ""),
		IngressClass:            r.text("ingressClass", ""),
		ControllerService:       r.text("ingressControllerService", ""),
		HAProxyConfigMap:        r.text("haproxyConfigMap", ""),
		HAProxy:                 r.texts("haproxy"),
		LoadBalancer:            r.text("loadBalancer", ""),
		Answers:                 r.text("answers", ""),
		NodePort:                r.integer("nodePort", 0),
		NoLoadBalancerNodePorts: !r.boolean("allocateLoadBalancerNodePorts", true),
	}
	c.Exposure.AnswerPath, c.Exposure.AnswerStatus = c.App.AnswerPath, c.App.AnswerStatus
	c.Exposure.RolloutTimeout, _ = time.ParseDuration(c.App.RolloutTimeout) // which is validated there
	c.NFS, c.App, c.Exposure = c.NFS.WithDefaults(), c.App.WithDefaults(), c.Exposure.WithDefaults()
	return c, OrNil(append(r.problems, c.Validate()...))
}

// Validate returns every problem of the values.
func (c Config) Validate() check.Problems {
	nfs := c.NFS
	// Without clients the cluster's nodes are meant, which are asked later.
	nfs.ClientsUnknown = nfs.ClientsUnknown || len(nfs.Clients) == 0
	problems := Problems(Share, nfs.Validate())
	for _, problem := range append(Problems(App, c.App.Validate()), Problems(Exposure, c.Exposure.Validate())...) {
		if problem.Property == "nfs.server" && c.App.Server == c.NFS.Host {
			continue // it is nfs.host's default, and reported there
		}
		if !slices.Contains(problems, problem) { // two components have some keys
			problems = append(problems, problem)
		}
	}
	return problems
}
