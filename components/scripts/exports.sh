# exports.sh apply|remove BLOCK [GENERATION]: keeps the share's block in /etc/exports,
# between two marking comments, and has the kernel export what it says. It comes after
# common.sh. Everything outside the block stays as it is, to the byte, and so does what
# the kernel exports of others: our entries alone are exported and withdrawn, never by
# `exportfs -r`, which reads every line and drops what it cannot read or find in a file.
#
# A change: under one lock for the host, what is in the way is refused; the new lines are
# exported; the file is replaced in one step; what is no longer wanted is withdrawn. A
# line that exportfs refuses never gets into the file, and a run that is killed leaves
# nothing that the next one does not complete.
program=exports

# A symbolic link is followed: the file that it names is replaced, not the link.
exports=$(readlink -f /etc/exports) || fail "/etc/exports cannot be found"

# The new file lies beside the file itself, so that it can take its place in one step.
new=$exports.webapp-balanced.tmp cut=$exports.webapp-balanced.cut

##### What can be asked for

apply() {
	begin
	check_server
	[ -z "$problem" ] || fail "$problem; nothing was changed"
	[ -z "$in_the_way" ] || fail "a file is in the way at $in_the_way, where the shared directory is to be: take it away, or share another directory; nothing was changed"
	[ -z "$is_systems" ] || fail "$directory is really $real, which belongs to the system; nothing was changed"
	look
	[ -z "$conflicts" ] || fail "$conflicts
nothing was changed"
	[ -z "$warnings" ] || say "$warnings" >&2
	mkdir -p -- "$directory" || fail "the directory $directory cannot be made; nothing was changed"
	find_share
	before=$live
	# Noted before it is done: what a killed run has exported is known as ours.
	take_over_notes
	first=''
	if [ ! -e "$notes/exports" ]; then
		first=yes
		note exports note_text
	fi
	[ -e /var/lib/nfs/etab ] || : >/var/lib/nfs/etab
	problem=$(export_ours 2>&1) || undo "$problem"
	look
	[ -z "$missing" ] || undo "the kernel does not export $directory to $missing, although exportfs accepted it${problem:+: $problem}"
	problem=$(replace_file "$all" 2>&1) || undo "$exports cannot be replaced: $problem"
	withdraw "$stale"
	note exports note_text
}

remove() {
	begin
	if is_superseded exports; then
		say "$block was made again by a newer run, and stays" >&2
		return
	fi
	noted exports real
	real=${noted:-$real}
	look
	[ -z "$conflicts" ] || fail "$conflicts
nothing was changed"
	[ -z "$warnings" ] || say "$warnings" >&2
	problem=$(replace_file '' 2>&1) || fail "$exports cannot be replaced: $problem; nothing was changed"
	# What the kernel exports of ours is withdrawn, and no entry that a line of others makes.
	if [ -n "$live$stale" ] && command -v exportfs >/dev/null; then
		withdraw "$live$stale"
		look
		[ -z "$live$stale" ] || fail "the kernel still exports $directory, although the file does not: withdraw it with exportfs -u, then destroy again"
	fi
	forget_note exports
}

# begin: alone from here on.
begin() {
	lock "${exports%/*}"
	check_file
	[ -z "$problem" ] || fail "$problem; nothing was changed"
	for left in tmp cut old new base; do # the last three are those of an earlier version
		[ ! -e "$exports.webapp-balanced.$left" ] || rm -f "$exports.webapp-balanced.$left"
	done
	find_share
}

look() { gather exports="$exports" removing="$removing"; }

##### The file

# replace_file DATA: the block gets the data's lines, or goes where there is no data, and
# lines that are taken over go.
replace_file() {
	if [ ! -e "$exports" ]; then
		[ -n "$1" ] || return 0
		: >"$exports" && chmod 644 "$exports" || return
	fi
	cp -a "$exports" "$new" || return
	awk "$compose_awk" /dev/fd/4 kind=file "$exports" >"$new" 4<<DATA || return
$place
$adopted
${1:+mark # BEGIN $block $owner (managed by Pulumi, edits are lost)}
$1
${1:+mark # END $block $owner (managed by Pulumi)}
DATA
	# A last line without an end gets none.
	if [ -s "$new" ] && [ -n "$(tail -c 1 "$exports")" ]; then
		head -c "$(($(wc -c <"$new") - 1))" "$new" >"$cut" && cat "$cut" >"$new" && rm -f "$cut" || return
	fi
	if cmp -s "$exports" "$new"; then
		rm -f "$new"
	else
		sync "$new" && mv -f "$new" "$exports" && sync "${exports%/*}"
	fi
}

##### What the kernel exports

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
	while read -r word text; do
		[ "$word" = line ] || continue
		options=${text##*\(}
		client=${text#* }
		specify "${client%%\(*}"
		set -- "$@" "$specification"
	done <<DATA
$all
DATA
	exportfs -i -o "${options%)}" "$@"
}

# withdraw ENTRIES: of the table, a line each: CLIENT OPTIONS.
withdraw() {
	entries=$1
	set --
	while read -r client _; do
		[ -n "$client" ] || continue
		specify "$client"
		set -- "$@" "$specification"
	done <<DATA
$entries
DATA
	[ $# = 0 ] || exportfs -u "$@" >/dev/null 2>&1 || true
}

# undo WHY: our entries of the table become again what they were.
undo() {
	look
	added=''
	while read -r client options; do
		case $newline$before in
		*"$newline$client "*) ;;
		*) added=$added$client$newline ;;
		esac
	done <<DATA
$live
DATA
	withdraw "$added"
	while read -r client options; do
		[ -n "$client" ] || continue
		specify "$client"
		exportfs -i -o "$options" "$specification" >/dev/null 2>&1 || true
	done <<DATA
$before
DATA
	rm -f "$new" "$cut"
	[ -z "$first" ] || forget_note exports
	fail "$1
/etc/exports and the export table are as they were"
}

##### Notes

# take_over_notes: those of an earlier version, or of another identity, are ours from now on.
take_over_notes() {
	[ -e "$notes" ] || [ ! -d "$base/$folder" ] || mv "$base/$folder" "$notes"
}

note_text() {
	say "$all"
	say "real $real"
	say "mount $mount"
	noted exports generation
	say "generation ${generation:-$noted}"
	while read -r client options; do
		[ -z "$client" ] || say "table $client($options)"
	done <<DATA
$live
DATA
}

removing=''
[ "$1" != remove ] || removing=yes
"$1"
