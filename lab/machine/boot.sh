#!/bin/sh
# boot.sh is the first process of a lab machine: it makes the machine out of
# its disk and the folder that the host shares with it (/lab), starts the
# machine's services, and then only waits. Everything it says is on the
# machine's console; each service has a log of its own in /lab/log.
#
# /lab/machine.env, written by the host, sets:
#   NAME ADDRESS PREFIX   the machine's host name, address and prefix length
#   PODS                  the addresses of this machine's pods (CIDR)
#   ROUTES                "CIDR=GATEWAY …": how to reach other machines' pods and Services
#   HOSTS                 "ADDRESS=NAME …": the lines of /etc/hosts
#   SERVICES              which of nfs, ssh, node this machine runs
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
# shellcheck source=/dev/null
. /lab/machine.env

say() { echo "boot: $*"; }
start() { # start NAME COMMAND...: a service, with its log, in the background
	service=$1
	shift
	say "starting $service"
	"$@" >"/lab/log/$service.log" 2>&1 </dev/null &
}

mount_kernel_file_systems() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
	mkdir -p /dev/pts /dev/shm /dev/mqueue
	mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t mqueue mqueue /dev/mqueue
	mount -t tmpfs -o mode=755 tmpfs /run
	mount -t tmpfs -o mode=1777 tmpfs /tmp
	ln -sf /proc/self/fd /dev/fd
	mkdir -p /run/lock
}

configure_network() {
	hostname "$NAME"
	echo "$NAME" >/etc/hostname
	{
		echo "127.0.0.1 localhost"
		for entry in $HOSTS; do echo "${entry%%=*} ${entry#*=}"; done
	} >/etc/hosts
	: >/etc/resolv.conf
	ip link set lo up
	ip address add "$ADDRESS/$PREFIX" dev vec0
	ip link set vec0 up
	for route in $ROUTES; do
		ip route add "${route%%=*}" via "${route#*=}"
	done
}

start_ssh() {
	install -m 600 /lab/ssh_host_ed25519_key /etc/ssh/ssh_host_ed25519_key
	install -d -m 700 /root/.ssh
	install -m 600 /lab/authorized_keys /root/.ssh/authorized_keys
	mkdir -p /run/sshd
	start sshd /usr/sbin/sshd -D -e \
		-o HostKey=/etc/ssh/ssh_host_ed25519_key \
		-o PasswordAuthentication=no \
		-o KbdInteractiveAuthentication=no \
		-o PermitRootLogin=prohibit-password \
		-o UsePAM=no -o UseDNS=no -o MaxStartups=100
}

start_nfs() {
	modprobe nfsd
	mount -t nfsd nfsd /proc/fs/nfsd
	mkdir -p /var/lib/nfs/v4recovery /run/rpcbind
	rpcbind -w
	exportfs -ra
	rpc.mountd
	# -G and -L: a machine that has only just started makes nobody wait for
	# the 90 s in which clients of the time before may reclaim their locks.
	rpc.nfsd -G 10 -L 10 4
}

prepare_node() {
	# A controller can be enabled for children only while no process is in the
	# root group's way; this script is the only one so far.
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	read -r controllers </sys/fs/cgroup/cgroup.controllers
	for controller in $controllers; do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || say "no $controller controller"
	done
	# kubelet reads the clock rate, which this kernel does not tell.
	sed 's/^bogomips.*/&\ncpu MHz\t\t: 2000.000/' /proc/cpuinfo >/run/cpuinfo
	mount --bind /run/cpuinfo /proc/cpuinfo
	for module in overlay veth br_netfilter ip_tables iptable_nat iptable_filter iptable_mangle \
		ip6_tables ip6table_nat ip6table_filter ip6table_mangle xt_comment xt_conntrack xt_mark \
		xt_MASQUERADE xt_addrtype xt_statistic xt_nat xt_REDIRECT xt_multiport xt_recent \
		xt_set ip_set nf_conntrack nfsv4; do
		modprobe "$module" || say "no module $module"
	done
	for table in iptables ip6tables; do
		update-alternatives --quiet --set "$table" "/usr/sbin/$table-legacy"
	done
	mount --make-rshared /
	sysctl -q -w net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 \
		fs.inotify.max_user_instances=1024
	# A power cut leaves empty files in the cache of what each pod's network is, and no pod of the time before
	# could be removed with them. None of those networks is there any more.
	rm -rf /var/lib/cni
	mkdir -p /etc/cni/net.d /var/lib/kubelet
	cat >/etc/cni/net.d/10-lab.conflist <<-CNI
		{"cniVersion": "1.0.0", "name": "lab", "plugins": [
		  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
		   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$PODS"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
		  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	CNI
	# rpc.statd is for NFS 3 locks only; 4.1 mounts need none of it.
}

start_node() {
	prepare_node
	start containerd containerd --config /lab/containerd.toml
	# kubelet ends at once where containerd does not answer yet.
	for _ in $(seq 120); do
		! ctr version >/dev/null 2>&1 || break
		sleep 0.5
	done
	start kubelet kubelet --config=/lab/kubelet.yaml --kubeconfig=/lab/kubelet.kubeconfig \
		--node-ip="$ADDRESS" --hostname-override="$NAME" --v=1
	start kube-proxy kube-proxy --config=/lab/kube-proxy.yaml --hostname-override="$NAME" --v=1
}

mount_kernel_file_systems
configure_network
for service in $SERVICES; do "start_$service"; done
say "up"
# The shell reaps what its children leave behind; the sleep is the child that
# it always has left to wait for.
while :; do
	sleep 86400 &
	wait $!
done
