# table.sh, for exports.sh, makes the kernel export the share to exactly our clients, and keeps
# the exports of others. It comes after common.sh. real is the share; the inspection sets live and stale
# to our table entries, one a line: CLIENT OPTIONS. On failure, said is the reason.
etab=/var/lib/nfs/etab
saved=$etab.webapp-balanced # the table before exportfs was called

# specify CLIENT: sets specification to the exportfs(8) argument for a client and the share.
specify() {
	case $1 in
	*:*/*) specification="[${1%%/*}]/${1#*/}:$real" ;;
	*:*) specification="[$1]:$real" ;;
	*) specification="$1:$real" ;;
	esac
}

# export_ours: all our lines have the same options.
export_ours() {
	set --
	given=''
	while read -r word text; do
		[ "$word" = line ] || continue
		options=${text##*\(}
		client=${text#* }
		client=${client%%\(*}
		given=$given$client$newline
		specify "$client"
		set -- "$@" "$specification"
	done <<DATA
$all
DATA
	run_exportfs "$live$stale" -i -o "${options%)}" "$@"
}

# unexport ENTRIES: unexports table entries, one a line: CLIENT OPTIONS. If exportfs fails,
# since a name has no address, it takes them out of the table itself.
unexport() {
	entries=$1 given=''
	set --
	while read -r client _; do
		[ -n "$client" ] || continue
		specify "$client"
		set -- "$@" "$specification"
	done <<DATA
$entries
DATA
	[ $# != 0 ] || return 0
	said=$(run_exportfs "$entries" -u "$@" 2>&1) || [ ! -s "$saved" ] || return
	write_table without <<DATA || return
real $real
$(named ours "$entries")
DATA
	said=''
}

# named WORD ENTRIES: prints the clients for table.awk.
named() {
	while read -r client _; do
		[ -z "$client" ] || say "$1 $client"
	done <<DATA
$2
DATA
}

# run_exportfs ENTRIES ARGUMENT...: runs it. ENTRIES are ours, and may go; given has the
# clients to export to. exportfs resolves every name in the table and drops entries without an
# address, also of others; it merges names with the same address; and at an unknown entry it
# drops all. This restores entries of others; if this run dies, the next one does.
run_exportfs() {
	table_before=$(cat "$etab") || return
	# exportfs rewrites its table, and does not notice a full disk.
	head -c $((${#table_before} + 65536)) /dev/zero >"$saved.room" || {
		rm -f "$saved.room"
		say "there is no room for the export table in ${etab%/*}"
		return 1
	}
	rm -f "$saved.room"
	mine=$1
	shift
	read -r boot </proc/sys/kernel/random/boot_id
	{
		say "boot $boot"
		say "real $real"
		named ours "$mine"
		named given "$given"
		say "$table_before"
	} >"$saved.part" || return
	mv -f "$saved.part" "$saved" || return
	status=0
	# It asks DNS for the clients' names, which may be the login's.
	within 60 exportfs "$@" || status=$?
	case $below$status in ?*124 | ?*143) say "exportfs has not ended after 60 s: does DNS answer?" ;; esac
	put_back others || {
		say "exportfs dropped entries of others, and this run cannot restore them: they are saved in $saved, and the next run restores them"
		return 1
	}
	return "$status"
}

# put_back WANTED: restores what exportfs dropped of others since the table was saved. A table saved
# before the last boot is ignored: exportfs has read the files again.
put_back() {
	[ -s "$saved" ] || return 0
	read -r _ saved_boot <"$saved"
	read -r boot </proc/sys/kernel/random/boot_id
	[ "$boot" != "$saved_boot" ] || write_table "$1" <"$saved" || return
	true >"$saved"
}

# recover: restores what a killed run did not. If the table was changed since, it only warns:
# the change may be intended.
recover() {
	[ -s "$saved" ] || return 0
	minutes=$((($(stat -c %Y "$etab") - $(stat -c %Y "$saved")) / 60))
	if [ "$minutes" -lt 5 ]; then
		put_back left
		return
	fi
	read -r _ saved_boot <"$saved"
	read -r boot </proc/sys/kernel/random/boot_id
	dropped=$(awk "$entries_awk$table_awk" wanted=told kind=was "$saved" kind=now "$etab") || return
	[ "$boot" != "$saved_boot" ] || [ -z "$dropped" ] || say "warning: a run was killed while exportfs dropped entries of others, and the table was changed since; they are not put back:
$dropped" >&2
	true >"$saved"
}

# write_table WANTED: writes what table.awk says; standard input has the old table.
write_table() {
	[ -e "$etab" ] || return 0
	table_wanted=$(awk "$entries_awk$table_awk" wanted="$1" kind=was - kind=now "$etab") || return
	case $table_wanted in
	'') return 0 ;;
	=) true >"$saved.new" ;;
	*) say "${table_wanted#"=$newline"}" >"$saved.new" ;;
	esac || return
	# A new file, as exportfs does it, so that mountd notices the change.
	mv -f "$saved.new" "$etab" || return
	! command -v exportfs >/dev/null || exportfs -f
}
