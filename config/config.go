// Package config reads a stack's configuration into the arguments of the three components. Only this package
// knows the config keys: it replaces the property names in the components' problems by keys.
package config

import (
	"slices"
	"strings"

	"webapp-balanced/components/app"
	"webapp-balanced/components/check"
	"webapp-balanced/components/exposure"
	"webapp-balanced/components/link"
	"webapp-balanced/components/share"
	"webapp-balanced/internal/input"
)

// Project is the namespace of the config keys, the name in Pulumi.yaml.
const Project = "webapp-balanced"

// Config is a stack's configuration: the settings of the three components.
// Pulumi.yaml declares every key with its type, default and description.
type Config struct {
	NFS      share.Settings
	App      app.Settings
	Exposure exposure.Settings
}

// The names of the objects and the label of the pods, as in the tutorial.
const (
	AppName      = "webapp-balanced"
	exposureName = "balanced"
)

// shareKeys are the keys of the object nfs, and appKeys the keys of the object app.
var (
	shareKeys = []string{"host", "port", "user", "hostKey", "sudo", "server", "path", "options", "clients", "site",
		"allowInsecure", "adopt", "deleteOnDestroy", "detectDrift"}
	appKeys = []string{"port", "mountPath", "readinessPath", "env", "resources", "podTemplate", "tolerationSeconds"}
)

// Source returns the values of the config keys.
type Source struct {
	// Get returns a key's text and whether it is set. The text of objects and lists is JSON, as in Pulumi.
	Get func(key string) (string, bool)
	// IsSecret reports whether a key, or a part of its value, is secret. If it is nil, no key is secret.
	IsSecret func(key string) bool
}

// Load reads the configuration. It reports every problem at once, including those of the values, before
// anything outside the program is read or changed.
func Load(source Source) (Config, error) {
	r := &reader{get: source.Get, isSecret: source.IsSecret}
	var c Config

	nfs := r.object("nfs", shareKeys...)
	c.NFS = share.Settings{
		Host:       nfs.text("host", ""),
		Port:       nfs.integer("port", 0),
		User:       nfs.text("user", ""),
		HostKey:    nfs.text("hostKey", ""),
		PrivateKey: r.text("nfsPrivateKey", ""), PrivateKeyPassword: r.text("nfsPrivateKeyPassword", ""),
		Sudo:    nfs.boolean("sudo", false),
		Server:  nfs.text("server", ""),
		Path:    nfs.text("path", "/srv/nfs/weblb"),
		Options: nfs.list("options"),
		Clients: nfs.list("clients"),
		Site:    nfs.text("site", "./site"),

		AllowInsecure:   nfs.boolean("allowInsecure", false),
		Adopt:           nfs.boolean("adopt", false),
		DeleteOnDestroy: nfs.boolean("deleteOnDestroy", false),
		DetectDrift:     nfs.maybe("detectDrift"),
	}.WithDefaults()
	image := r.object("app", appKeys...)
	c.App = app.Settings{
		Name:              AppName,
		Selector:          map[string]string{"app": AppName},
		Namespace:         r.text("namespace", ""),
		CreateNamespace:   r.maybe("createNamespace"),
		Image:             r.text("image", ""),
		Port:              image.integer("port", 0),
		MountPath:         image.text("mountPath", ""),
		Env:               image.some("env"),
		Resources:         image.json("resources"),
		PodTemplate:       image.json("podTemplate"),
		TolerationSeconds: image.maybeInteger("tolerationSeconds"),
		Replicas:          r.integer("replicas", app.DefaultReplicas),
		RolloutTimeout:    r.text("rolloutTimeout", ""),
		AntiAffinity:      app.AntiAffinity(r.text("antiAffinity", "")),
		Mount:             link.Mount{Server: c.NFS.Server, Path: c.NFS.Path},
		StorageClass:      r.text("storageClass", ""),
		StorageCapacity:   r.text("storageCapacity", ""),
		StorageRequest:    r.text("storageRequest", ""),
	}
	c.App.Adopt = r.boolean("adopt", false)
	c.Exposure = exposure.Settings{
		Name:                          exposureName,
		Type:                          serviceType(r),
		Ingress:                       r.ingress(),
		TLS:                           exposure.TLS(strings.ToLower(r.text("tls", ""))),
		TLSSecretName:                 r.text("tlsSecretName", ""),
		Host:                          r.text("host", ""),
		Path:                          r.text("path", ""),
		IngressClass:                  r.text("ingressClass", ""),
		IngressAnnotations:            r.some("ingressAnnotations"),
		ControllerService:             r.text("ingressControllerService", ""),
		HAProxyConfigMap:              r.text("haproxyConfigMap", ""),
		HAProxy:                       r.texts("haproxy"),
		LoadBalancer:                  exposure.LoadBalancer(r.text("loadBalancer", "")),
		LoadBalancerClass:             r.text("loadBalancerClass", ""),
		ServiceAnnotations:            r.some("serviceAnnotations"),
		Answers:                       exposure.Answers(r.text("answers", "")),
		AnswerPath:                    r.text("answerPath", ""),
		AnswerStatus:                  r.integer("answerStatus", 0),
		NodePort:                      r.integer("nodePort", 0),
		AllocateLoadBalancerNodePorts: r.maybe("allocateLoadBalancerNodePorts"),
		RolloutTimeout:                c.App.RolloutTimeout,
	}.WithDefaults()
	c.Exposure.Adopt = c.App.Adopt
	if path, ok := image.get("readinessPath"); ok {
		c.App.ReadinessPath = &path
	} else if c.App.ReadinessPath = &c.Exposure.AnswerPath; c.Exposure.AnswerStatus >= 400 {
		c.App.ReadinessPath = new("") // a kubelet counts such a status as a failure
	}
	c.App = c.App.WithDefaults()
	c.App.Origins, c.Exposure.Origins = input.Secret(r.secrets(App)...), input.Secret(r.secrets(Exposure)...)
	c.Exposure.App = link.Workload{Namespace: c.App.Namespace, Name: c.App.Name, Selector: c.App.Selector, Port: c.App.Port, Replicas: c.App.Replicas}
	return c, Err(append(r.problems, c.Validate()...))
}

// serviceTypes maps the key's values to Kubernetes' spellings.
var serviceTypes = map[string]exposure.ServiceType{
	"clusterip": exposure.ClusterIPService, "nodeport": exposure.NodePortService, "loadbalancer": exposure.LoadBalancerService,
}

func serviceType(r *reader) exposure.ServiceType {
	text := strings.ToLower(r.text("exposure", ""))
	if r.oneOf("exposure", text, "", "clusterip", "nodeport", "loadbalancer") {
		return serviceTypes[text]
	}
	return ""
}

// Validate returns every problem of the values.
func (c Config) Validate() check.Problems {
	nfs := c.NFS
	// Without clients, the cluster's nodes are the clients. They are read later.
	nfs.ClientsUnknown = nfs.ClientsUnknown || len(nfs.Clients) == 0
	problems := Problems(Share, nfs.Validate())
	for _, problem := range append(Problems(App, c.App.Validate()), Problems(Exposure, c.Exposure.Validate())...) {
		switch {
		case problem.Property == "nfs.server" && c.App.Mount.Server == c.NFS.Host:
			// nfs.server defaults to nfs.host, where the problem is reported.
		case problem.Property == "nfs.path", problem.Property == "app.readinessPath" && problem.Value == c.Exposure.AnswerPath:
			// The problem is reported with the share's path, or with answerPath, the default of app.readinessPath.
		case !slices.Contains(problems, problem): // some keys belong to two components
			problems = append(problems, problem)
		}
	}
	return problems
}
