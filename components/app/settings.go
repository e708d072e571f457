package app

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/components/link"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/input"
	"webapp-balanced/internal/pods"
	"webapp-balanced/internal/volume"
)

// DefaultReplicas is the number of pods if none is set.
const DefaultReplicas = 1

// Settings are the values of [BalancedAppArgs], which explains them.
type Settings struct {
	// Ownership marks the created objects.
	owner.Ownership
	// Origins says which values are not known yet.
	Origins input.Origins

	Name string
	// Selector has labels that only the application's pods have in the namespace. Default the labels that
	// Kubernetes recommends, with Name as their values.
	Selector                                      map[string]string
	Namespace                                     string
	CreateNamespace                               *bool
	Image                                         string
	Port                                          int
	MountPath                                     string
	ReadinessPath                                 *string
	Env                                           map[string]string
	Resources, PodTemplate                        json.RawMessage
	TolerationSeconds                             *int
	Replicas                                      int
	AntiAffinity                                  AntiAffinity
	RolloutTimeout                                string
	Mount                                         link.Mount
	StorageClass, StorageCapacity, StorageRequest string
	Kubeconfig                                    string
}

// The labels that Kubernetes recommends
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
const (
	nameLabel     = "app.kubernetes.io/name"
	instanceLabel = "app.kubernetes.io/instance"
)

// WithDefaults returns the settings with the defaults in place.
func (s Settings) WithDefaults() Settings {
	if s.Selector == nil {
		s.Selector = map[string]string{nameLabel: s.Name, instanceLabel: s.Name}
	}
	s.Namespace = cmp.Or(s.Namespace, s.Name)
	s.CreateNamespace = cmp.Or(s.CreateNamespace, new(true))
	s.Image = cmp.Or(s.Image, "quay.io/rhte_2019/webapp:v1")
	s.Port = cmp.Or(s.Port, 80)
	s.MountPath = cmp.Or(s.MountPath, "/var/www/public")
	s.ReadinessPath = cmp.Or(s.ReadinessPath, new("/"))
	s.TolerationSeconds = cmp.Or(s.TolerationSeconds, new(10))
	s.AntiAffinity = cmp.Or(s.AntiAffinity, Required)
	s.RolloutTimeout = cmp.Or(s.RolloutTimeout, "3m")
	s.StorageClass = cmp.Or(s.StorageClass, volume.DefaultStorageClass)
	s.StorageCapacity = cmp.Or(s.StorageCapacity, "10Gi")
	s.StorageRequest = cmp.Or(s.StorageRequest, "2Gi")
	return s
}

// longestName leaves room for suffixes.
const longestName = 50

// Validate returns every problem of the settings, under their properties.
func (s Settings) Validate() check.Problems {
	var p check.Problems
	if !check.IsLabel(s.Name) || len(s.Name) > longestName {
		p.Add("name", s.Name, "is not a valid application name", "use up to 50 lower-case letters, digits and - (RFC 1123)")
	}
	if !check.IsLabel(s.Namespace) {
		p.Add("namespace", s.Namespace, "is not a valid namespace name", "use up to 63 lower-case letters, digits and - (RFC 1123)")
	}
	s.pod().Check(&p)
	if s.Replicas < 0 {
		p.Add("replicas", s.Replicas, "is below 0", "use the number of pods that you want; 0 stops the application")
	}
	check.Duration(&p, "rolloutTimeout", s.RolloutTimeout)
	if !s.Origins.Unknown("mount") {
		check.Host(&p, "mount.server", s.Mount.Server, "set it to the NFS server's address as the nodes reach it")
		if !strings.HasPrefix(s.Mount.Path, "/") {
			p.Add("mount.path", s.Mount.Path, "is not absolute", "set it to the directory that the NFS server exports")
		}
	}
	if !check.IsSubdomain(s.StorageClass) {
		p.Add("storageClass", s.StorageClass, "is not a valid StorageClass name", "use lower-case letters, digits, - and dots (RFC 1123); nfs is the default")
	}
	capacity := p.Quantity("storageCapacity", s.StorageCapacity)
	request := p.Quantity("storageRequest", s.StorageRequest)
	if !capacity.IsZero() && request.Cmp(capacity) > 0 {
		p.Add("storageRequest", s.StorageRequest, "is more than storageCapacity ("+s.StorageCapacity+"): the claim would get no volume", "use at most "+s.StorageCapacity)
	}
	return s.Origins.Checked(p)
}

// rolloutTimeout parses RolloutTimeout; 0 if it is not a duration.
func (s Settings) rolloutTimeout() time.Duration {
	duration, _ := time.ParseDuration(s.RolloutTimeout)
	return duration
}

// labels returns the labels of all objects of the application.
func (s Settings) labels() map[string]string {
	labels := map[string]string{nameLabel: s.Name, instanceLabel: s.Name}
	for name, value := range s.Selector {
		labels[name] = value
	}
	return labels
}

// pod describes the pods.
func (s Settings) pod() pods.Pod {
	return pods.Pod{
		Name: s.Name, Labels: s.labels(), Selector: s.Selector, Image: s.Image, Port: s.Port, MountPath: s.MountPath,
		ReadinessPath: *s.ReadinessPath, Env: s.Env, Resources: s.Resources, Patch: s.PodTemplate, AntiAffinity: string(s.AntiAffinity),
		TolerationSeconds: *s.TolerationSeconds,
		Recreated:         cmp.Or(s.Mount.Recreated, pods.RecreatedBefore(s.Identity, s.Namespace, s.Name)),
	}
}
