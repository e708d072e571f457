# What exports.sh and publish.sh begin with: how they speak, and their data, which
# the function data prints, a line each:
#   block NAME         what the share is called: PROJECT/STACK/SHARE:DIRECTORY; it
#                      is an argument too, so that a list of processes tells it
#   directory PATH     the shared directory
#   state NAME         the directory of the share's notes, below /var/lib/webapp-balanced
#   adopt yes          what others have made just so is taken over
#   drift TIME TEXT    what this run is to heal, for whoever reads the preview
#   line TEXT          a line of the block, of exports(5)
#   staging PATH       where files are staged, from the home directory, each by the
#                      name of its hash
#   delete yes         what was published goes with the share
#   file SHA256 PATH   a file of the site, its path below the directory, written as
#                      printf(1) takes it for %b
# They run under any POSIX sh.
set -eu
umask 022
LC_ALL=C
export LC_ALL

# echo would take backslashes for more than they are under some shells.
say() { printf '%s\n' "$*"; }

fail() {
	say "$program: $*" >&2
	exit 1
}

# Each of the two uses its own part of what follows.
# shellcheck disable=SC2034
tab=$(printf '\t')
newline='
'

# shellcheck disable=SC2034
block='' directory='' notes='' adopt='' lines='' staging='' delete='' files=''
all=$(data)
# shellcheck disable=SC2034
while read -r word text; do
	case $word in
	block) block=$text ;;
	directory) directory=$text ;;
	state) notes=/var/lib/webapp-balanced/$text ;;
	adopt) adopt=$text ;;
	line) lines=$lines${lines:+$newline}$text ;;
	staging) staging=$text ;;
	delete) delete=$text ;;
	file) files=$files${files:+$newline}$text ;;
	esac
done <<DATA
$all
DATA

# note NAME TEXT: notes what was done, in one step.
note() {
	mkdir -p "$notes"
	say "$2" >"$notes/$1.new"
	mv -f "$notes/$1.new" "$notes/$1"
}

forget_note() {
	rm -f "$notes/$1"
	# The directories go with the last note.
	rmdir -p "$notes" 2>/dev/null || true
}
