#!/bin/sh
# share.sh make|remove does by ssh what a tutorial does by hand on the NFS server: directory, /etc/exports,
# exportfs -r, the site's files.
set -eu
on_host() { ssh -F "$LAB_SSH_CONFIG" kubemaster "$@"; }

case $1 in
make)
	on_host "mkdir -p $SHARE && grep -q '^$SHARE ' /etc/exports || for client in $CLIENTS; do
		echo \"$SHARE \$client(rw,sync,no_subtree_check)\" >>/etc/exports; done; exportfs -r"
	scp -q -F "$LAB_SSH_CONFIG" "$SITE"/* "kubemaster:$SHARE/"
	;;
remove)
	on_host "sed -i '\\|^$SHARE |d' /etc/exports && exportfs -r"
	;;
esac
