package lab

import (
	"path/filepath"

	"webapp-balanced/lab/network"
)

// The lab's addresses come from 198.18.0.0/15, which RFC 2544 sets aside for
// tests and no home network uses. The last numbers are the tutorial's.
const (
	gateway    = "198.18.0.1" // the control plane
	host       = "198.18.0.254"
	prefix     = "24"
	pods       = "198.18.128.0/17"
	services   = "198.19.0.0/16"
	apiService = "198.19.0.1"

	namespace  = "webapp-lab"
	hostLink   = "webapp-lab"
	stackName  = "lab"
	runtimeDir = "/run/webapp-balanced-lab" // the one lab that this computer can run
	baseDisk   = runtimeDir + "/disk"

	controlPlaneRole = "node-role.kubernetes.io/control-plane"
)

// node is one of the lab's machines.
type node struct {
	Name    string
	Address string
	Pods    string // the addresses of its pods
	Tap     string
	MAC     string
	NFS     bool // it is the NFS server and the control plane's node
}

// nodes are the tutorial's three machines; the first is the NFS server.
var nodes = []node{
	{Name: "kubemaster", Address: "198.18.0.160", Pods: "198.18.160.0/24", Tap: "tap160", MAC: "02:00:c6:12:00:a0", NFS: true},
	{Name: "kubenode1", Address: "198.18.0.161", Pods: "198.18.161.0/24", Tap: "tap161", MAC: "02:00:c6:12:00:a1"},
	{Name: "kubenode2", Address: "198.18.0.162", Pods: "198.18.162.0/24", Tap: "tap162", MAC: "02:00:c6:12:00:a2"},
}

// Addresses returns the addresses of the machines. The first one has the NFS server.
func Addresses() []string {
	var addresses []string
	for _, n := range nodes {
		addresses = append(addresses, n.Address)
	}
	return addresses
}

func nodeNames() []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

func labNetwork() network.Network {
	n := network.Network{
		Namespace: namespace, HostLink: hostLink,
		Host: host + "/" + prefix, Gateway: gateway + "/" + prefix,
		Routes: map[string]string{},
	}
	for _, node := range nodes {
		n.Taps = append(n.Taps, node.Tap)
		n.Routes[node.Pods] = node.Address
	}
	return n
}

// Layout says where the lab of one clone keeps its files. Everything is in the clone's folder .lab, in three
// parts with different lifetimes:
//
//	.lab/run   one run of the lab, and the Pulumi state of what was deployed to it
//	.lab/keys  SSH keys and the stack's passphrase: as long as Pulumi.lab.yaml
//	.lab/bin, .lab/pulumi   links to the cached tools
type Layout struct{ Root string }

func (l Layout) dir(parts ...string) string {
	return filepath.Join(append([]string{l.Root, ".lab"}, parts...)...)
}

func (l Layout) run(parts ...string) string  { return l.dir(append([]string{"run"}, parts...)...) }
func (l Layout) keys(parts ...string) string { return l.dir(append([]string{"keys"}, parts...)...) }
func (l Layout) bin(name string) string      { return l.dir("bin", name) }
func (l Layout) kubeconfig() string          { return l.run("kubeconfig") }
func (l Layout) sshConfig() string           { return l.keys("ssh_config") }
func (l Layout) stackConfig() string {
	return filepath.Join(l.Root, "Pulumi."+stackName+".yaml")
}
