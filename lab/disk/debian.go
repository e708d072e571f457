package disk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"webapp-balanced/lab/cache"
)

// system is a root file system of Debian packages.
type system struct {
	name     string // in the cache
	suite    string
	packages []string // beside Debian's essential ones
}

var (
	machineSystem = system{"machine", "bookworm", []string{
		"openssh-server", "sudo", // logins
		"nfs-kernel-server", "nfs-common", "rpcbind", // both ends of the share
		"containerd", "crun", "containernetworking-plugins", "iptables", "ipset", "conntrack", // a node
		"kmod", "iproute2", "iputils-ping", "procps", "netbase", "ethtool", "socat",
	}}
	webSystem = system{"web", "bookworm", []string{"apache2", "libapache2-mod-php"}}
	// Bookworm's HAProxy 2.6 does not know what the controller configures.
	haproxySystem = system{"haproxy", "trixie", []string{"haproxy", "s6", "socat"}}
)

// options leave out what a machine does not need.
var options = []string{
	"--variant=minbase",
	"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
}

var systems = []system{machineSystem, webSystem, haproxySystem}

// HasSystems reports whether the cache has the Debian systems of the disk and of its images.
func HasSystems(c *cache.Cache) bool {
	return !slices.ContainsFunc(systems, func(s system) bool { return !c.Has("debian-"+s.name, s.key()) })
}

// EnsureSystems makes those that the cache does not have. They need none of the tools, so they can be made while the
// tools are built.
func EnsureSystems(c *cache.Cache) error {
	for _, s := range systems {
		if _, err := s.ensure(c); err != nil {
			return err
		}
	}
	return nil
}

// key is the hash of what the system is made from, but for the packages' versions: those that Debian has at the time.
func (s system) key() cache.Key {
	return cache.KeyOf(s.suite, strings.Join(s.packages, " "), strings.Join(options, " "))
}

// ensure returns the system's tar archive, which it makes if the cache has none.
func (s system) ensure(c *cache.Cache) (archive string, err error) {
	dir, _, err := c.Ensure("debian-"+s.name, s.key(), func(dir string) error {
		// What is left of mmdebstrap's own folder when it is killed goes with the partial result, too.
		args := append([]string{"env", "TMPDIR=" + dir, "mmdebstrap", "--quiet"}, options...)
		return command(append(args, "--include="+strings.Join(s.packages, ","), s.suite, filepath.Join(dir, "root.tar"))...)
	})
	return filepath.Join(dir, "root.tar"), err
}

// extract puts the system into a new directory.
func (s system) extract(c *cache.Cache, root string) error {
	archive, err := s.ensure(c)
	if err != nil {
		return err
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	return command("tar", "--extract", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--directory="+root, "--file="+archive)
}
