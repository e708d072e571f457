#!/bin/sh
# webapp-balanced-host VERB BLOCK [GENERATION]: what a login may run with sudo instead of a
# shell. Standard input is that of `sh -s`, data and a script. The script runs as root if the
# login's settings, /etc/webapp-balanced/LOGIN, list its hash, and the share is directly below
# a directory that they list:
#   script SHA256
#   below DIRECTORY
# Directly below, since only root can replace an entry of such a directory, also by a link.
# The login may have written the arguments and the data, and chosen limits, signals and the
# output, so everything that the scripts trust is checked here.
set -eu
umask 077
unset CDPATH TMPDIR
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
options='PLAIN_OPTIONS' longest_client=LONGEST_CLIENT longest_options=LONGEST_OPTIONS
gate_awk='
GATE_AWK'

fail() {
	printf 'webapp-balanced-host: %s\n' "$*" >&2
	exit 1
}

# The caller must not stop the lock's holder, or have exportfs write half of its table.
trap '' HUP INT QUIT TERM ALRM USR1 USR2 PIPE TSTP TTIN TTOU
for limit in f t v d; do
	# shellcheck disable=SC3045 # dash, bash and busybox have these
	ulimit -"$limit" unlimited || fail "ulimit -$limit unlimited is refused, and root must have no limits here"
done

{ [ $# -ge 2 ] && [ $# -le 3 ]; } || fail "the arguments are VERB BLOCK [GENERATION]"
case $1 in probe | apply | remove | publish | forget) ;; *) fail "unknown command $1" ;; esac
case ${3-0} in '' | *[!0-9a-f]*) fail "$3 is not a generation" ;; esac
[ $# -lt 3 ] || [ ${#3} -le 32 ] || fail "$3 is not a generation"
settings=/etc/webapp-balanced/${SUDO_USER-}
{ [ -n "${SUDO_USER-}" ] && [ -f "$settings" ]; } || fail "there are no settings $settings: make them with \`make sudo-rule\`"
work=$(mktemp -d /tmp/webapp-balanced.XXXXXX)
trap 'rm -rf "$work"' EXIT

# The format of hostscripts.Share.Input; a login's shell may have read the first line already.
most=33554432 # bytes
head -c $((most + 1)) >"$work/input"
[ "$(wc -c <"$work/input")" -le "$most" ] || fail "this is more than $most bytes"
tr -d '\000' <"$work/input" | awk -v data="$work/data" -v script="$work/script" '
	BEGIN { printf "" >data; printf "" >script }
	part == 2 { print >script; next }
	part == 1 && $0 == "END OF DATA" { part = 2; next }
	part == 1 { print >data; next }
	$0 == "exec 3<<'\''END OF DATA'\''" { part = 1; next }
	NR == 1 && /^:/ { next }
	{ exit }'
sum=$(sha256sum <"$work/script")
grep -qxF "script ${sum%% *}" "$settings" ||
	fail "this script is not one of those in $settings: add those of this version with \`make sudo-rule\`"
directory=$(BLOCK=$2 awk -v verb="$1" -v options="$options" -v longest_client="$longest_client" -v longest_options="$longest_options" "$gate_awk" "$work/data") ||
	fail "the data does not describe a share"
# Notes belong to a directory, too: with those of another one, that would be unexported.
sum=$(printf %s "$directory" | sha256sum | cut -c 1-8)
while read -r word text; do
	case $word in state | was) ;; *) continue ;; esac
	case $text in *".$sum") ;; *) fail "the notes $text are not those of $directory" ;; esac
done <"$work/data"

# The script itself resolves the directory: so it cannot change before the script uses it.
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
# In its own session the script finishes even if this process is killed. It releases the lock even if
# nothing reads its output.
command -v setsid >/dev/null || fail "there is no setsid on this host: install util-linux"
trap - EXIT
status=0
# shellcheck disable=SC2016 # the dollars are the inner shell's
setsid sh -c '
	work=$1
	shift
	status=0
	sh "$work/script" "$@" 3<"$work/data" </dev/null >"$work/output" 2>"$work/errors" || status=$?
	cat "$work/errors" >&2
	cat "$work/output"
	rm -rf "$work"
	exit "$status"' webapp-balanced "$work" "$@" || status=$?
exit "$status"
