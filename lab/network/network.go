// Package network creates the lab's network: its own network namespace with a bridge, joined to the host by
// one veth pair. The host's rules, routes and forwarding do not change, so the lab reaches no other network,
// and removing the namespace removes everything.
package network

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Network has the names and addresses of the lab's network.
type Network struct {
	Namespace string // of ip-netns(8)
	HostLink  string // the host's end of the veth pair
	Host      string // the host's address on the lab's network, with prefix length
	Gateway   string // the control plane's address, on the bridge, with prefix length
	// Routes are the machines' pod ranges: CIDR to the machine's address.
	Routes map[string]string
	Taps   []string // one for each machine
}

const bridge = "lab0"

// Up creates the network. There must be none of that name.
func (n Network) Up() error {
	steps := [][]string{
		{"ip", "netns", "add", n.Namespace},
		n.in("link", "set", "lo", "up"),
		n.in("link", "add", bridge, "type", "bridge"),
		n.in("address", "add", n.Gateway, "dev", bridge),
		n.in("link", "set", bridge, "up"),
		{"ip", "link", "add", n.HostLink, "type", "veth", "peer", "name", "host", "netns", n.Namespace},
		n.in("link", "set", "host", "master", bridge, "up"),
		{"ip", "address", "add", n.Host, "dev", n.HostLink},
		{"ip", "link", "set", n.HostLink, "up"},
	}
	for _, tap := range n.Taps {
		steps = append(steps,
			n.in("tuntap", "add", "dev", tap, "mode", "tap"),
			n.in("link", "set", tap, "master", bridge, "up"))
	}
	for pods, via := range n.Routes {
		steps = append(steps, n.in("route", "add", pods, "via", via))
	}
	for _, argv := range steps {
		if err := run(argv); err != nil {
			return err
		}
	}
	return nil
}

func (n Network) in(args ...string) []string {
	return append([]string{"ip", "-netns", n.Namespace}, args...)
}

// Exists reports whether there is a network namespace of that name.
func (n Network) Exists() bool {
	_, err := os.Stat("/run/netns/" + n.Namespace)
	return err == nil
}

// Down removes the namespace and with it every link. No program may still run in it. It is not an error if there
// is nothing to remove.
func (n Network) Down() error {
	if _, err := os.Stat("/sys/class/net/" + n.HostLink); err == nil {
		// The kernel removes it with the namespace, but only some time later.
		if err := run([]string{"ip", "link", "delete", n.HostLink}); err != nil {
			return err
		}
	}
	if !n.Exists() {
		return nil
	}
	return run([]string{"ip", "netns", "delete", n.Namespace})
}

func run(argv []string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
