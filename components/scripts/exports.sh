# exports.sh apply|remove: keeps the share's block in /etc/exports, between two
# marking comments, and has the kernel export what the file then says. It runs
# under any POSIX sh and takes its data from the function data, a line each:
#   block NAME       what the block is called
#   directory PATH   the shared directory
#   line TEXT        a line of the block, of exports(5)
# Everything outside the block stays as it is. The file is replaced in one
# step, so whoever reads it finds the old one or the new one.
set -eu

fail() {
	echo "exports: $*" >&2
	exit 1
}

# A symbolic link is followed: the file that it names is replaced, not the link.
exports=$(readlink -f /etc/exports) || fail "/etc/exports cannot be found"

value() { data | sed -n "s/^$1 //p"; }
block=$(value block)
directory=$(value directory)
begin="# BEGIN $block (managed by Pulumi, edits are lost)"
end="# END $block"

# others prints the file without the block.
others() {
	[ -e "$exports" ] || return 0
	BEGIN=$begin END=$end awk '
		$0 == ENVIRON["BEGIN"] { inside = 1 }
		!inside { print }
		$0 == ENVIRON["END"] { inside = 0 }
	' "$exports"
}

with_block() {
	others
	echo "$begin"
	value line
	echo "$end"
}

# replace FILE: makes FILE, which lies beside it, the exports file.
replace() {
	if [ -e "$exports" ]; then
		chown --reference="$exports" "$1"
		chmod --reference="$exports" "$1"
	else
		chmod 644 "$1"
	fi
	sync "$1"
	mv -f "$1" "$exports"
}

# install_new COMMAND: the command's output becomes the exports file and is
# exported; when exportfs refuses it, all is put back.
install_new() {
	new=$(mktemp "$exports.webapp-balanced.XXXXXX")
	old=$(mktemp "$exports.webapp-balanced.XXXXXX")
	trap 'rm -f "$new" "$old"' EXIT
	"$1" >"$new"
	if [ -e "$exports" ] && cmp -s "$exports" "$new"; then
		exportfs -r || fail "exportfs -r failed, see above; /etc/exports was not changed"
		return
	fi
	[ ! -e "$exports" ] || cat "$exports" >"$old"
	replace "$new"
	exportfs -r && return
	replace "$old"
	exportfs -r || true
	fail "exportfs -r refused the new lines, see above; /etc/exports is as it was"
}

# One change at a time: the lock is on the directory, so no file is left.
lock() {
	exec 9<"$(dirname "$exports")"
	flock -w 20 9 || fail "another program has been changing the exports for 20 s"
}

apply() {
	command -v exportfs >/dev/null || fail "there is no exportfs on this host: install the NFS server (nfs-kernel-server)"
	mkdir -p -- "$directory"
	lock
	install_new with_block
}

remove() {
	lock
	install_new others
}

"$1"
