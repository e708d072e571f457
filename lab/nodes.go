package lab

import (
	"fmt"
	"strings"

	"webapp-balanced/lab/disk"
	"webapp-balanced/lab/kernel"
	"webapp-balanced/lab/machine"
	"webapp-balanced/lab/pki"
)

// machine returns the machine of a node.
func (n node) machine(k kernel.Kernel, ca *pki.Authority, api string, keys *keys) (machine.Machine, error) {
	kubelet, err := ca.Client("system:node:"+n.Name, "system:nodes")
	if err != nil {
		return machine.Machine{}, err
	}
	serving, err := ca.Server(n.Name, n.Name, n.Address)
	if err != nil {
		return machine.Machine{}, err
	}
	proxy, err := ca.Client("system:kube-proxy")
	if err != nil {
		return machine.Machine{}, err
	}
	services := []string{"ssh", "node"}
	if n.NFS {
		services = []string{"ssh", "nfs", "node"}
	}
	return machine.Machine{
		Name: n.Name, Kernel: k, Memory: "2G", Tap: n.Tap, MAC: n.MAC, Disk: baseDisk,
		Services: services,
		Env: map[string]string{
			"ADDRESS": n.Address, "PREFIX": prefix, "PODS": n.Pods,
			"ROUTES": n.routes(), "HOSTS": hosts(),
		},
		Files: map[string][]byte{
			"ssh_host_ed25519_key":  keys.host[n.Name].private,
			"authorized_keys":       keys.client.public,
			"ca.crt":                ca.Cert,
			"kubelet.crt":           serving.Cert,
			"kubelet.key":           serving.Key,
			"kubelet.kubeconfig":    ca.Kubeconfig(api, "system:node:"+n.Name, kubelet),
			"kube-proxy.kubeconfig": ca.Kubeconfig(api, "system:kube-proxy", proxy),
			"kubelet.yaml":          []byte(n.kubeletConfig()),
			"kube-proxy.yaml":       []byte(proxyConfig),
			"containerd.toml":       []byte(disk.ContainerdConfig),
		},
	}, nil
}

// routes returns the routes to the other machines' pods, see boot.sh. The Services also have a route: kube-proxy
// redirects a machine's own connection to a Service only after the kernel has found a route to the address.
func (n node) routes() string {
	routes := []string{services + "=" + gateway}
	for _, other := range nodes {
		if other.Name != n.Name {
			routes = append(routes, other.Pods+"="+other.Address)
		}
	}
	return strings.Join(routes, " ")
}

func hosts() string {
	var hosts []string
	for _, n := range nodes {
		hosts = append(hosts, n.Address+"="+n.Name)
	}
	return strings.Join(hosts, " ")
}

func (n node) kubeletConfig() string {
	config := `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: /lab/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: /lab/kubelet.crt
tlsPrivateKeyFile: /lab/kubelet.key
# This kernel has cgroup 2 without the cpuset controller and counts no disk
# space per pod.
cgroupDriver: cgroupfs
failCgroupV1: false
localStorageCapacityIsolation: false
enforceNodeAllocatable: []
# Nothing can be pulled again, and nobody resolves names here.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: "50Mi"}
resolvConf: ""
# A machine that was switched off is noticed in seconds.
nodeStatusUpdateFrequency: 4s
nodeLeaseDurationSeconds: 20
# A Secret reaches the pods that have it for a volume when the kubelet syncs them next:
# MetalLB's webhook waits for the one with its certificate, by default a minute or more.
syncFrequency: 5s
`
	if n.NFS {
		config += fmt.Sprintf("registerWithTaints: [{key: %s, effect: NoSchedule}]\n", controlPlaneRole)
	}
	return config
}

const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: /lab/kube-proxy.kubeconfig}
clusterCIDR: ` + pods + `
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`
