# look.sh probe BLOCK: says, and changes nothing: what an update would refuse, what it
# needs staged, what has been changed since the last one, and what that one repaired. It
# comes after common.sh, takes no lock, and prints what look.awk does, and before that
# "real PATH": where the directory is, without symbolic links.
program=look
exports=$(readlink -f /etc/exports) || exports=/etc/exports
find_share
say "real $real"
case $newline$all in *"${newline}look nothing$newline"*) exit ;; esac
[ -z "$in_the_way" ] || say "conflict path a file is in the way at $in_the_way, where the shared directory is to be${tab}take it away, or share another directory"
for check in check_file check_server; do
	$check
	[ -z "$problem" ] || say "conflict host ${problem%%: *}$tab${problem#*: }"
done
site=yes
examine exports="$exports"
