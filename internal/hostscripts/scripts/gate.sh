#!/bin/sh
# webapp-balanced-host VERB BLOCK [GENERATION]: what a login may run by sudo instead of any
# shell. Standard input is what `sh -s` would be given, data and a script. The script runs as root if
# the login's settings, /etc/webapp-balanced/LOGIN, have its hash, and the share is directly
# below a directory that they list:
#   script SHA256
#   below DIRECTORY
# Directly below: in that directory only root can put another one, or a link, in its place.
# Whoever logs in may have written the arguments and the data, so everything that the scripts
# take on trust is looked at here.
set -eu
umask 077
unset CDPATH
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

fail() {
	printf 'webapp-balanced-host: %s\n' "$*" >&2
	exit 1
}

{ [ $# -ge 2 ] && [ $# -le 3 ]; } || fail "the arguments are VERB BLOCK [GENERATION]"
case $1 in probe | apply | remove | publish | forget) ;; *) fail "there is no $1" ;; esac
case ${3-0} in '' | *[!0-9a-f]*) fail "$3 is no generation" ;; esac
settings=/etc/webapp-balanced/${SUDO_USER-}
{ [ -n "${SUDO_USER-}" ] && [ -f "$settings" ]; } || fail "there are no settings $settings: make them with \`make sudo-rule\`"
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

directory=$(BLOCK=$2 awk '
	function bad(what) { print "webapp-balanced-host: " what ": " $0 | "cat >&2"; failed = 1; exit }
	function is_name(s) { return s ~ /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/ }
	# is_file tells whether a path, as printf(1) takes it for %b, is one below the directory.
	function is_file(path, part, i) {
		gsub(/\\\\/, "_", path)
		if (path !~ /^([^\\]|\\0[0-3][0-7][0-7])+$/ || path ~ /\\0(056|057|000)/ || path ~ /^\//) return 0
		for (i = split(path, part, "/"); i > 0; i--) if (part[i] == "..") return 0
		return 1
	}
	# is_line tells whether a line is one that exports the directory, with options that neither hand
	# over more than that (exports(5)) nor differ from those of the line before.
	function is_line(line, given) {
		if (directory == "" || index(line, directory " ") != 1) return 0
		line = substr(line, length(directory) + 2)
		if (line !~ /^[A-Za-z0-9@*?:][A-Za-z0-9@*?.:\/_-]*\([A-Za-z0-9_=,:-]+\)$/) return 0
		given = line; sub(/^[^(]*/, "", given)
		if (options != "" && given != options) return 0
		options = given
		gsub(/anon[ug]id=[1-9][0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[,)]/, "", given)
		return given !~ /no_root_squash|anon[ug]id|mountpoint|[(,]mp|fsid=(0+|root)[,)]/
	}
	{ word = $1; text = substr($0, length(word) + 2); seen[word]++ }
	index($0, word " ") != 1 || word !~ /^(block|owner|directory|state|was|staging|adopt|delete|deployed|look|patience|drift|line|file)$/ { bad("no script knows this line") }
	word ~ /^(line|file)$/ { body = 1 }
	body && word !~ /^(line|file)$/ { bad("this line comes too late") }
	word ~ /^(block|owner|directory|state|was|staging)$/ && seen[word] > 1 { bad("this line may be there once") }
	word == "block" && (text != ENVIRON["BLOCK"] || text !~ /^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+:\/[^ \t]*$/) { bad("the block is not that of the argument") }
	word ~ /^(owner|state|was)$/ && !is_name(text) { bad("this is not a name") }
	word == "patience" && text !~ /^[0-9]+$/ { bad("this is not a number") }
	word == "directory" {
		if (text !~ /^\/[A-Za-z0-9._\/+@:-]+$/ || (text "/") ~ /\/(\.\.?)?\//) bad("this is not the path of a directory")
		directory = text
	}
	word == "staging" && text !~ /^\.cache\/webapp-balanced\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/ { bad("files are not staged there") }
	word == "line" && !is_line(text) { bad("this line may not be in /etc/exports") }
	word == "file" && (length($2) != 64 || $2 !~ /^[0-9a-f]+$/ || index(text, $2 " ") != 1) { bad("this is not the hash of a file") }
	word == "file" && !is_file(substr(text, 66)) { bad("this is not the path of a file below the directory") }
	END {
		if (failed) exit 1
		if (seen["block"] seen["owner"] seen["directory"] seen["state"] != "1111") { print "webapp-balanced-host: block, owner, directory or state is missing" | "cat >&2"; exit 1 }
		print directory
	}' "$work/data") || fail "these are not the data of a share"
case $2 in *:"$directory") ;; *) fail "the block $2 is not one of $directory" ;; esac
# Notes are known by the directory, too: with those of another one it would be withdrawn.
sum=$(printf %s "$directory" | sha256sum | cut -c 1-8)
while read -r word text; do
	case $word in state | was) ;; *) continue ;; esac
	case $text in *".$sum") ;; *) fail "the notes $text are not those of $directory" ;; esac
done <"$work/data"

# Where the directory really is is for the script to find out: then it cannot be another one
# when the script uses it.
WEBAPP_BALANCED_BELOW=$(while read -r word text; do [ "$word" != below ] || printf '%s ' "$text"; done <"$settings")
[ -n "$WEBAPP_BALANCED_BELOW" ] || fail "$settings lists no directory"
for above in $WEBAPP_BALANCED_BELOW; do
	while [ -n "$above" ]; do
		{ [ ! -L "$above" ] && [ -d "$above" ]; } || fail "$above of $settings is not a directory"
		case $(stat -c '%u %a' "$above") in
		"0 "*[2367] | "0 "*[2367]?) fail "others than root may write to $above of $settings: chmod go-w $above" ;;
		"0 "*) ;;
		*) fail "$above of $settings is not root's: chown root $above" ;;
		esac
		above=${above%/*}
	done
done
home=$(getent passwd "$SUDO_USER" | cut -d : -f 6)
cd "${home:-/nonexistent}"
export WEBAPP_BALANCED_BELOW
sh "$work/script" "$@" 3<"$work/data"
