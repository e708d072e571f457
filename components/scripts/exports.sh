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
new=$exports.webapp-balanced.tmp
etab=/var/lib/nfs/etab

##### What can be asked for

apply() {
	begin
	for check in check_file check_directory check_server; do
		$check
		[ -z "$problem" ] || fail "$problem; nothing was changed"
	done
	look
	[ -z "$conflicts" ] || fail "$conflicts
nothing was changed"
	[ -z "$warnings" ] || say "$warnings" >&2
	mkdir -p -- "$directory" || fail "the directory $directory cannot be made; nothing was changed"
	find_share
	table=$(cat "$etab" 2>/dev/null) || true
	# Noted before it is done: what a killed run has exported is known as ours.
	take_over_notes
	first=''
	if [ ! -e "$notes/exports" ]; then
		first=yes
		note exports note_text
	fi
	problem=$(export_ours 2>&1) || undo "$problem"
	look
	[ -z "$missing" ] || undo "the kernel does not export $directory to $missing, although exportfs accepted it${problem:+: $problem}"
	problem=$(replace_file "$all" 2>&1) || undo "$exports cannot be replaced: $problem"
	withdraw "$stale"
	note exports note_text
}

# remove takes our entries out of the table whatever the file is like.
remove() {
	begin
	if is_superseded exports; then
		say "$block was made again by a newer run, and stays" >&2
		return
	fi
	read_note exports real
	real=${noted:-$real}
	look
	[ -z "$warnings" ] || say "$warnings" >&2
	check_file
	problem=$problem${conflicts:+${problem:+$newline}$conflicts}
	[ -n "$problem" ] || problem=$(replace_file '' 2>&1) || problem="$exports cannot be replaced: $problem"
	withdraw "$stale" || fail "the kernel still exports $directory: withdraw it with exportfs -u, then destroy again"
	[ -z "$problem" ] || fail "$problem
the kernel does not export $directory for this stack any more, but the block is still in /etc/exports: destroy again then"
	forget_note exports
}

# begin: alone from here on.
begin() {
	lock "${exports%/*}"
	for part in tmp old new base; do # the last three are those of an earlier version
		[ ! -e "$exports.webapp-balanced.$part" ] || rm -f "$exports.webapp-balanced.$part"
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
$(ends_without_newline)
DATA
	if cmp -s "$exports" "$new"; then
		rm -f "$new"
	else
		sync "$new" && mv -f "$new" "$exports" || return
		sync "${exports%/*}" || true # it is there already
	fi
}

# ends_without_newline: a last line without an end gets none.
ends_without_newline() { [ ! -s "$exports" ] || [ -z "$(tail -c 1 "$exports")" ] || say open; }

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
	given=''
	while read -r word text; do
		[ "$word" = line ] || continue
		options=${text##*\(}
		client=${text#* }
		client=${client%%\(*}
		given=$given$client$newline
		specify "$client"
		set -- "$@" "$specification"
	done <<DATA
$all
DATA
	run_exportfs -i -o "${options%)}" "$@"
}

# withdraw ENTRIES: of the table, a line each: CLIENT OPTIONS. What exportfs cannot withdraw,
# since it finds no address of a name, is taken out of the table without it.
withdraw() {
	entries=$1 given=''
	set --
	while read -r client _; do
		[ -n "$client" ] || continue
		specify "$client"
		set -- "$@" "$specification"
	done <<DATA
$entries
DATA
	[ $# != 0 ] || return 0
	run_exportfs -u "$@" >/dev/null 2>&1 || true
	set_table without '' "$entries"
}

# run_exportfs ARGUMENT...: calls it, of the clients in given. exportfs asks for the address of every name in the table, and what
# has none at the moment it drops, also of others; two names of one address become one entry.
# The entries of others are put back as they were.
run_exportfs() {
	table_before=$(cat "$etab" 2>/dev/null) || true
	status=0
	exportfs "$@" || status=$?
	set_table others "$table_before" "$live$stale$given"
	return "$status"
}

# set_table WANTED TABLE ENTRIES: as table.awk says, where ENTRIES are ours.
set_table() {
	[ -e "$etab" ] || return 0
	ours=''
	while read -r client _; do
		ours=$ours${client:+"ours $client$newline"}
	done <<DATA
$3
DATA
	table_wanted=$(awk "$entries_awk$table_awk" wanted="$1" real="$real" kind=was /dev/fd/4 kind=now "$etab" 4<<DATA
$ours
$2
DATA
	) || return
	case $table_wanted in
	'') return 0 ;;
	=) : >"$etab.webapp-balanced" ;;
	*) say "${table_wanted#"=$newline"}" >"$etab.webapp-balanced" ;;
	esac || return
	# Another file, by which mountd sees that it has changed, as exportfs itself does it.
	mv -f "$etab.webapp-balanced" "$etab" || return
	exportfs -f
}

# undo WHY: the entries of the directory become again what they were.
undo() {
	if set_table before "$table" ''; then
		as_before="/etc/exports and the export table are as they were"
		[ -z "$first" ] || forget_note exports
	else
		as_before="/etc/exports is as it was, but the export table cannot be written: $directory may still be exported"
	fi
	rm -f "$new"
	fail "$1
$as_before"
}

##### Notes

# take_over_notes: those of an earlier version, or of another identity, are ours from now on.
take_over_notes() {
	{ [ "$folder" != "$state" ] && [ -d "$base/$folder" ]; } || return 0
	for part in exports site left; do
		{ [ -e "$base/$folder/$part" ] && [ ! -e "$notes/$part" ]; } || continue
		[ -d "$notes" ] || mkdir -p "$notes"
		mv "$base/$folder/$part" "$notes/$part"
	done
	rmdir "$base/$folder" 2>/dev/null || true
}

note_text() {
	say "$all"
	say "real $real"
	say "mount $mount"
	read_note exports generation
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
