#!/bin/sh
# webapp-balanced-host VERB BLOCK [GENERATION]: what a login may run by sudo instead of any
# shell. Standard input is what `sh -s` would be given, data and a script. The script runs as root if
# /etc/webapp-balanced.conf has its hash, and the data are those of a share below a directory
# that is listed there:
#   script SHA256
#   below DIRECTORY
# Whoever logs in may have written the data, so everything that the scripts take on trust is
# looked at here.
set -eu
umask 077
unset CDPATH
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
settings=/etc/webapp-balanced.conf

fail() {
	printf 'webapp-balanced-host: %s\n' "$*" >&2
	exit 1
}

[ $# -ge 2 ] || fail "the arguments are VERB BLOCK [GENERATION]"
[ -r "$settings" ] || fail "there is no $settings: make it with \`make sudo-rule\`"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The parts as hostscripts.Share.Input puts them together; a login's shell may have read the
# first line already.
tr -d '\000' | awk -v data="$work/data" -v script="$work/script" '
	BEGIN { printf "" >data; printf "" >script }
	part == 2 { print >script; next }
	part == 1 && $0 == "END OF DATA" { part = 2; next }
	part == 1 { print >data; next }
	$0 == "exec 3<<'\''END OF DATA'\''" { part = 1; next }
	NR == 1 && /^:/ { next }
	{ exit }'
sum=$(sha256sum <"$work/script")
grep -qxF "script ${sum%% *}" "$settings" ||
	fail "this script is none of those in $settings: add those of this version with \`make sudo-rule\`"

directory=$(awk -v block="$2" '
	function bad(why) { print "it says " why ": " $0 | "cat >&2"; failed = 1; exit }
	# name is a name of one file.
	function name(s) { return s ~ /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/ }
	function check_file(path, part, i) {
		if (path !~ /^([^\\]|\\\\|\\0[0-7][0-7][0-7])+$/ || path ~ /\\0(056|057|000)/ || path ~ /^\//) bad("no path of a file")
		for (i = split(path, part, "/"); i > 0; i--) if (part[i] == "..") bad("no path of a file")
	}
	{ word = $1; text = substr($0, length(word) + 2) }
	index($0, word " ") != 1 { bad("what no script knows") }
	word !~ /^(block|owner|directory|state|was|staging|adopt|delete|deployed|look|patience|drift|line|file)$/ { bad("what no script knows") }
	word == "block" && text != block { bad("another block than the argument") }
	word ~ /^(owner|state|was)$/ && !name(text) { bad("no name") }
	word == "patience" && text !~ /^[0-9]+$/ { bad("no number") }
	word == "directory" {
		if (directory != "" || text !~ /^\/[A-Za-z0-9._\/+@:-]+$/ || (text "/") ~ /\/(\.\.?)?\//) bad("no directory")
		directory = text
	}
	word == "staging" && text !~ /^\.cache\/webapp-balanced\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/ { bad("no folder for what is staged") }
	word == "line" && (directory == "" || index(text, directory " ") != 1 || text ~ /\\$/) { bad("no line of the directory") }
	word == "file" {
		if (length($2) != 64 || $2 !~ /^[0-9a-f]+$/ || index(text, $2 " ") != 1) bad("no hash of a file")
		check_file(substr(text, 66))
	}
	END { if (failed || directory == "") exit 1; print directory }' "$work/data") || fail "the data are not those of a share"
case $2 in *:"$directory") ;; *) fail "the block $2 is not one of $directory" ;; esac

# below DIRECTORY: whether it is below one that is listed.
below() {
	while read -r word above; do
		[ "$word" = below ] || continue
		case $1 in "${above%/}"/*) return 0 ;; esac
	done <"$settings"
	return 1
}

# Both by its name and where that leads, which a client that writes to a share may have turned.
have=$directory
until [ -d "$have" ]; do have=${have%/*} have=${have:-/}; done
real=$(cd -P -- "$have" && pwd)${directory#"$have"}
{ below "$directory" && below "$real"; } || fail "$directory, really $real, is below no directory that $settings lists"
for folder in .cache .cache/webapp-balanced; do
	[ ! -L "$folder" ] || fail "$PWD/$folder is a symbolic link: staged files are not looked for behind one"
done

sh "$work/script" "$@" 3<"$work/data"
