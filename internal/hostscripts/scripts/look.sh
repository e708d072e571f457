# look.sh probe BLOCK: says, and changes nothing: what an update would refuse, what it
# needs staged, what has been changed since the last one, and what that one repaired. It
# comes after common.sh and takes no lock. It prints "real PATH", where the directory is,
# without symbolic links, what is in the way of any update, as look.awk prints a conflict, and
# what that prints; with "look nothing" only where the directory is, and whether it can be.
program=look
exports=$(readlink -f /etc/exports) || exports=/etc/exports
find_share
say "real $real"
report() { [ -z "$problem" ] || say "conflict $1 ${problem%%: *}$tab${problem#*: }"; }
check_directory
report path
case $newline$all in *"${newline}look nothing$newline"*) exit ;; esac
check_file
report host
check_server
report host
site=yes
found=$(examine exports="$exports")
say "$found"
while read -r kind what count name; do
	[ "$kind $what" = "site replace" ] || continue
	! is_full "$count" "$name" || say "conflict site $name is a directory there, with files of others${tab}take it out"
done <<DATA
$found
DATA
