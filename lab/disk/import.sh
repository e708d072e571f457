#!/bin/sh
# import.sh is the first process of the machine that fills a new base disk: it
# imports every image archive of the folder that the host shares (/lab) into
# containerd, says so with the file /lab/imported, and switches off.
set -u

off() {
	sync
	mount -o remount,ro /
	echo o >/proc/sysrq-trigger
	sleep 60
}
trap off EXIT
set -e

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
modprobe overlay

containerd --config /lab/containerd.toml >/lab/log/containerd.log 2>&1 &
containerd=$!
tries=0
until ctr version >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || { tail /lab/log/containerd.log; exit 1; }
	sleep 0.2
done
for archive in /lab/*.tar; do
	ctr --namespace k8s.io images import "$archive"
done
kill "$containerd"
wait "$containerd" || true
: >/lab/imported
