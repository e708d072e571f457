# publish.sh publish|forget: puts the site's files, staged by SFTP, into the
# shared directory. It runs under any POSIX sh and takes its data from the
# function data, a line each:
#   directory PATH      the shared directory
#   staging PATH        where the files were staged, from the home directory
#   file SHA256 PATH    a file of the site, its path below both
# A file appears in one step, whole, and readable by everybody. Files of others
# in the shared directory are not touched. The staged files are kept, so that a
# later run can publish them again; forget removes those, and not the data.
set -eu

fail() {
	echo "publish: $*" >&2
	exit 1
}

value() { data | sed -n "s/^$1 //p"; }
directory=$(value directory)
staging=$(value staging)

publish_file() { # publish_file SHA256 PATH
	staged=$staging/$2
	published=$directory/$2
	[ -f "$published" ] && matches "$1" "$published" && return
	[ -f "$staged" ] || fail "$2 is not staged in $staging"
	matches "$1" "$staged" || fail "$2 was changed in $staging on its way"
	mkdir -p -- "$(dirname -- "$published")"
	new=$(mktemp "$(dirname -- "$published")/.webapp-balanced.XXXXXX")
	trap 'rm -f "$new"' EXIT
	cat "$staged" >"$new"
	chmod 644 "$new"
	sync "$new"
	mv -f "$new" "$published"
}

matches() { # matches SHA256 FILE
	[ "$(sha256sum <"$2" | cut -d' ' -f1)" = "$1" ]
}

publish() {
	data | while read -r kind sum path; do
		[ "$kind" != file ] || publish_file "$sum" "$path"
	done
}

forget() {
	rm -rf -- "$staging"
	# The directories above it go with the last stack.
	rmdir -p -- "$(dirname -- "$staging")" 2>/dev/null || true
}

"$1"
