# table.sh has the kernel export our clients and no more, for exports.sh, and keeps what it
# exports of others. It comes after common.sh. The share is real, and after a look live and
# stale are our entries of the table, a line each: CLIENT OPTIONS. Where it fails, said is why.
etab=/var/lib/nfs/etab
saved=$etab.webapp-balanced # what it was before exportfs was called

# specify CLIENT: sets specification to how exportfs(8) takes a client and the share as
# one argument.
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

# withdraw ENTRIES: of the table, a line each: CLIENT OPTIONS. What exportfs cannot withdraw,
# since it finds no address of a name, is taken out of the table without it.
withdraw() {
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

# named WORD ENTRIES: the clients, as table.awk takes them.
named() {
	while read -r client _; do
		[ -z "$client" ] || say "$1 $client"
	done <<DATA
$2
DATA
}

# run_exportfs ENTRIES ARGUMENT...: calls it. The entries are ours, and may go; the clients in
# given are exported to now. exportfs asks for the address of every name in the table, and what
# has none at the moment it drops, also of others; two names of one address become one entry;
# and at an entry that it does not know it drops them all. Those of others are put back, by the
# next run if this one dies.
run_exportfs() {
	table_before=$(cat "$etab") || return
	# It writes its table anew, and does not notice where there is no room for that.
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
	# It asks DNS for the name of each client, which may be the login's.
	within 60 exportfs "$@" || status=$?
	case $below$status in ?*124 | ?*143) say "exportfs has not ended after 60 s: does DNS answer?" ;; esac
	put_back others || {
		say "what exportfs has dropped of others cannot be put back, which the next run does: it is in $saved"
		return 1
	}
	return "$status"
}

# put_back WANTED: what exportfs has dropped of others, since the table was saved. One that was saved
# before the host was started is of no use: exportfs has read the files anew.
put_back() {
	[ -s "$saved" ] || return 0
	read -r _ saved_boot <"$saved"
	read -r boot </proc/sys/kernel/random/boot_id
	[ "$boot" != "$saved_boot" ] || write_table "$1" <"$saved" || return
	true >"$saved"
}

# recover: what a killed run has not put back. If somebody has changed the table since, it is
# only told, since they may have meant it.
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

# write_table WANTED: as table.awk says, of the table that it has on standard input.
write_table() {
	[ -e "$etab" ] || return 0
	table_wanted=$(awk "$entries_awk$table_awk" wanted="$1" kind=was - kind=now "$etab") || return
	case $table_wanted in
	'') return 0 ;;
	=) true >"$saved.new" ;;
	*) say "${table_wanted#"=$newline"}" >"$saved.new" ;;
	esac || return
	# Another file, by which mountd sees that it has changed, as exportfs itself does it.
	mv -f "$saved.new" "$etab" || return
	! command -v exportfs >/dev/null || exportfs -f
}
