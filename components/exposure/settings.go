package exposure

import (
	"cmp"
	"maps"
	"time"

	"webapp-balanced/components/check"
	"webapp-balanced/components/link"
	"webapp-balanced/components/owner"
	"webapp-balanced/internal/cluster"
	"webapp-balanced/internal/ingress"
	"webapp-balanced/internal/input"
	"webapp-balanced/internal/service"
)

// Settings are the values of [ExposureArgs], which explains them.
type Settings struct {
	// Ownership marks the created objects.
	owner.Ownership
	// Origins says which values are not known yet.
	Origins input.Origins

	App                                    link.Workload
	Name                                   string
	Type                                   ServiceType
	Port, NodePort                         int
	AllocateLoadBalancerNodePorts          *bool
	LoadBalancerClass                      string
	LoadBalancer                           LoadBalancer
	ServiceAnnotations, IngressAnnotations map[string]string
	Ingress                                *bool
	IngressClass, Host, Path               string
	TLS                                    TLS
	TLSSecretName                          string
	ControllerService, HAProxyConfigMap    string
	HAProxy                                map[string]string
	Answers                                Answers
	AnswerPath                             string
	AnswerStatus                           int
	RolloutTimeout                         string
	Kubeconfig                             string
}

var defaultHAProxy = map[string]string{"servers-increment": "42", "ssl-redirect": "OFF"}

// WithDefaults returns the settings with the defaults in place.
func (s Settings) WithDefaults() Settings {
	s.Type = cmp.Or(s.Type, ClusterIPService)
	s.Port = cmp.Or(s.Port, 80)
	s.AllocateLoadBalancerNodePorts = cmp.Or(s.AllocateLoadBalancerNodePorts, new(true))
	s.LoadBalancer = cmp.Or(s.LoadBalancer, LookFor)
	s.Ingress = cmp.Or(s.Ingress, new(s.Type == ClusterIPService))
	s.IngressClass = cmp.Or(s.IngressClass, "haproxy")
	s.Host = cmp.Or(s.Host, "foo-balanced.bar")
	s.Path = cmp.Or(s.Path, "/balanced")
	s.TLS = cmp.Or(s.TLS, NoTLS)
	s.ControllerService = cmp.Or(s.ControllerService, "haproxy-controller/haproxy-ingress")
	s.HAProxyConfigMap = cmp.Or(s.HAProxyConfigMap, "haproxy-controller/haproxy-configmap")
	if s.HAProxy == nil {
		s.HAProxy = defaultHAProxy
	}
	s.Answers = cmp.Or(s.Answers, AnswersRequired)
	s.AnswerPath = cmp.Or(s.AnswerPath, "/")
	s.RolloutTimeout = cmp.Or(s.RolloutTimeout, "3m")
	return s
}

// Validate returns every problem of the settings, under their properties.
func (s Settings) Validate() check.Problems {
	var p check.Problems
	if !check.IsLabel(s.Name) || len(s.Name) > 50 {
		p.Add("name", s.Name, "is not a valid exposure name", "use up to 50 lower-case letters, digits and - (RFC 1123)")
	}
	p.OneOf("type", string(s.Type), string(ClusterIPService), string(NodePortService), string(LoadBalancerService))
	p.OneOf("answers", string(s.Answers), string(AnswersRequired), string(AnswersReported), string(AnswersOff))
	p.OneOf("loadBalancer", string(s.LoadBalancer), string(LookFor), string(Present), string(Absent))
	p.OneOf("tls", string(s.TLS), string(NoTLS), string(SelfSigned), string(FromSecret))
	s.validateCombination(&p)
	s.service(nil).Validate(&p)
	s.ingress(nil).Validate(&p)
	check.Answer(&p, s.AnswerPath, s.AnswerStatus)
	check.Duration(&p, "rolloutTimeout", s.RolloutTimeout)
	if !check.IsObject(s.ControllerService) {
		p.Add("controllerService", s.ControllerService, "is not NAMESPACE/NAME", "name the namespace and the object, such as haproxy-controller/haproxy-ingress")
	}
	return s.Origins.Checked(p)
}

// validateCombination refuses settings that leave the application unreachable, and settings without effect.
func (s Settings) validateCombination(p *check.Problems) {
	if s.Type == ClusterIPService && !*s.Ingress {
		p.Add("ingress", false, "leaves the application unreachable from outside: a ClusterIP Service has no port there",
			"set {ingress} to {value ingress true}, or {type} to {value type NodePort} or {value type LoadBalancer}")
	}
	if s.TLS != NoTLS && !*s.Ingress {
		p.Add("tls", s.TLS, "needs an Ingress, which is what serves TLS", "set {ingress} to true, or {tls} to off")
	}
	if s.TLS == FromSecret && !check.IsSubdomain(s.TLSSecretName) {
		p.Add("tlsSecretName", s.TLSSecretName, "is not the name of a Secret", "name a Secret of type kubernetes.io/tls in the namespace")
	}
}

// rolloutTimeout parses RolloutTimeout; 0 if it is not a duration.
func (s Settings) rolloutTimeout() time.Duration {
	duration, _ := time.ParseDuration(s.RolloutTimeout)
	return duration
}

// service returns the Service that the settings describe, and ingress the Ingress. snapshot is what was found
// in the cluster, nil if it could not be read.
func (s Settings) service(snapshot *cluster.Snapshot) *service.Service {
	return &service.Service{
		Ownership: s.Ownership, Origins: s.Origins, Name: s.Name + "-service", Labels: s.App.Selector, Selector: s.App.Selector,
		TargetPort: s.App.Port, Type: string(s.Type), Port: s.Port, NodePort: s.NodePort, AllocatesNodePorts: *s.AllocateLoadBalancerNodePorts,
		Class: s.LoadBalancerClass, Annotations: s.ServiceAnnotations, Cluster: snapshot,
	}
}

func (s Settings) ingress(snapshot *cluster.Snapshot) *ingress.Ingress {
	i := &ingress.Ingress{
		Ownership: s.Ownership, Origins: s.Origins, Name: s.Name, Labels: s.App.Selector, Class: s.IngressClass, Host: s.Host, Path: s.Path,
		TLS: s.TLS != NoTLS, Port: s.Port, Annotations: s.IngressAnnotations, Cluster: snapshot,
		HAProxyConfigMap: s.HAProxyConfigMap, HAProxy: s.HAProxy, IsUsual: maps.Equal(s.HAProxy, defaultHAProxy),
	}
	if s.TLS == FromSecret {
		i.SecretName = s.TLSSecretName
	}
	return i
}
