# inspect.sh probe BLOCK: prints what an update would refuse, what has to be staged, what has
# changed since the last update, and what that one repaired. It changes nothing, takes no lock,
# and comes after common.sh and found.sh. The output is "real PATH", the directory without symbolic links,
# what blocks any update, in inspect.awk's conflict format, and the output of inspect.awk; with
# "inspect nothing" only the real directory, and whether it can be shared.
program=inspect
exports=$(readlink -f /etc/exports) || exports=/etc/exports
find_share
say "real $real"
report() { [ -z "$problem" ] || say "conflict $1 ${problem%%: *}$tab${problem#*: }"; }
check_directory
report path
case $newline$all in *"${newline}inspect nothing$newline"*) exit ;; esac
check_file
report host
check_server
report host
site=yes
found=$(examine exports="$exports")
say "$found"
while read -r kind what count name; do
	[ "$kind $what" = "site replace" ] || continue
	! is_full "$count" "$name" || say "conflict site $name is a directory there, with files of others${tab}remove it"
done <<DATA
$found
DATA
