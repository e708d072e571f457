# publish.sh publish|forget BLOCK [GENERATION]: puts the site's files, staged by SFTP, into
# the shared directory. It comes after common.sh, found.sh, walk.sh, staging.sh and bring.sh. A
# file appears in one step, complete, and readable for a squashed root. Published files that are
# no longer in the site are removed; files of others are never touched.
#
# Clients may write to the share, so the script trusts nothing in it and opens no file in it.
# It enters directories one by one and holds them by a file descriptor, so that a name that is
# replaced meanwhile does not matter. It writes new files into a new directory that only root
# can enter, and renames them from there.
#   5  the share
#   6  the directory for new files
#   7  the directory from which another is entered
# A restricted login may also replace names in its home directory: its staged files are found in the same way.
program=publish
site=yes
home=$PWD

publish() {
	begin
	check_directory
	[ -z "$problem" ] || fail "$problem; nothing was published"
	[ -n "$there" ] || fail "the directory $directory does not exist; nothing was published"
	! has_moved || fail "$directory was $noted and is $real now; nothing was published"
	gather publishing=yes
	[ -z "$conflicts" ] || fail "$conflicts
nothing was published"
	while read -r count name; do
		{ [ -n "$count" ] && is_full "$count" "$name"; } || continue
		fail "$name is a directory there, with files of others: remove it; nothing was published"
	done <<DATA
$replaced
DATA
	made=$made$to_make
	new_files='' syncs_all=''
	[ -z "$placed" ] || bring_in
	# Write the note first: what a killed run leaves is still ours.
	note site notes_before
	[ -z "$placed$removed" ] || sync_changes
	remove_files
	put_in_place
	leave
	note site notes_after
	[ -z "$placed$removed" ] || sync_changes
	clean_up
}

forget() {
	begin
	if is_superseded site; then
		say "the files of $block were published again by a newer update, so they are kept" >&2
		return
	fi
	conflicts='' removed='' absent='' kept='' left_by=''
	if has_moved; then
		conflicts="$directory was $noted and is $real now"
	elif [ "$delete" = yes ]; then
		gather forgetting=yes
	fi
	[ -z "$conflicts" ] || say "the files are kept, and remain this stack's: $conflicts" >&2
	if [ "$delete" = yes ] && [ ! -e "$notes/site" ] && [ -z "$removed$absent$kept$left_by" ]; then
		say "there are no notes of what was published to $directory, so it stays" >&2
		forget_note site
	elif [ "$delete" = yes ] && [ -z "$conflicts" ]; then
		[ -z "$there" ] || remove_files
		while read -r id; do
			[ -z "$id" ] || rm -f "$base/$id/left"
		done <<DATA
$left_by
DATA
		remove_folders_of_left
		forget_note site
	elif [ -e "$notes/site" ]; then
		# They remain this stack's.
		mv -f "$notes/site" "$notes/left"
	fi
	remove_staged
}

# has_moved: whether a symbolic link has changed so that the directory is elsewhere. Sets noted
# to the earlier place.
has_moved() {
	for part in site exports; do
		read_note "$part" real
		[ "${noted:-$real}" = "$real" ] || return 0
	done
	return 1
}

# begin: enters the share and takes its lock.
begin() {
	find_share
	[ -n "$there" ] || return 0
	exec 5<.
	at=''
	lock . "$directory"
	remove_temporary
}

##### Files

put_in_place() {
	while read -r sum escaped; do
		[ -n "$sum" ] || continue
		split "$escaped"
		go_to "$folder" make || fail "$folder is not a directory of $directory"
		[ -L "./$leaf" ] || [ ! -d "./$leaf" ] || fail "$name is a directory there, with files of others"
		mv -fT "/proc/self/fd/6/$sum" "./$leaf" || fail "$name cannot be put into $directory"
	done <<DATA
$placed
DATA
}

remove_files() {
	while IFS= read -r escaped; do
		[ -n "$escaped" ] || continue
		split "$escaped"
		! go_to "$folder" || rm -f "./$leaf" 2>/dev/null || say "$name was changed by hand, so it is kept" >&2
		remove_empty "$escaped"
	done <<DATA
$removed
DATA
	while IFS= read -r escaped; do
		remove_empty "$escaped"
	done <<DATA
$absent
DATA
	while IFS= read -r escaped; do
		[ -z "$escaped" ] || say "$escaped was changed by hand, so it is kept" >&2
	done <<DATA
$kept
DATA
}

# remove_empty WRITTEN: removes the parent directories of a file that are empty and were made for such files.
remove_empty() {
	above=$1
	while :; do
		case $above in */*) above=${above%/*} ;; *) return 0 ;; esac
		split "$above"
		{ go_to "$folder" && [ -d "./$leaf" ]; } || continue # it is gone already
		case $newline$made in *"$newline$above$newline"*) ;; *) return 0 ;; esac
		rmdir "./$leaf" 2>/dev/null || return 0
	done
}

# sync_changes: makes sure that changes survive a power cut.
sync_changes() {
	[ -n "$syncs_all" ] || sync -f . "$notes/site" 2>/dev/null || syncs_all=yes # some lack -f
	[ -z "$syncs_all" ] || sync
}

# clean_up: removes temporary files of this run, and files staged for this site, also by a
# killed run. Staged files of another site stay: its run may be about to publish them.
clean_up() {
	set --
	if [ -n "$placed" ]; then
		# A client may have put another directory there.
		! is_same "./$temporary" /proc/self/fd/6 || rmdir "./$temporary" 2>/dev/null || true
		set -- "$notes/temporary"
	fi
	while read -r id; do
		# The notes now have what was left here before.
		[ -z "$id" ] || set -- "$@" "$base/$id/left"
	done <<DATA
$left_by
DATA
	[ $# = 0 ] || rm -f -- "$@"
	if go_to_staging; then
		set --
		while read -r word sum _; do
			{ [ "$word" = file ] && is_staged "$sum"; } || continue
			set -- "$@" "./$sum"
			[ $# -ge 500 ] || continue
			rm -f -- "$@"
			set --
		done <<DATA
$all
DATA
		[ $# = 0 ] || rm -f -- "$@"
		remove_staging
	fi
	remove_folders_of_left
}

##### Notes

notes_head() {
	while IFS= read -r line; do
		case $line in "file "*) break ;; esac
		say "$line"
	done <<DATA
$all
DATA
	say "real $real"
	read_note site generation
	say "generation ${generation:-$noted}"
}

notes_before() {
	notes_head
	[ -z "$made" ] || print_names made "$made"
	[ -z "$known" ] || say "${known%"$newline"}"
	[ -z "$placed" ] || awk "$names_awk$placed_awk" /dev/fd/4 4<<DATA
$new_files
$placed
DATA
}

notes_after() {
	notes_head
	print_names made "$made" still
	[ -z "$stays" ] || say "${stays%"$newline"}"
	[ -z "$placed" ] || stat_placed | awk "$names_awk$placed_awk" record="@$$" /dev/fd/4 kind=stat - 4<<DATA
$new_files
$placed
DATA
}

# print_names WORD NAMES [still]: prints a line a name; with still, only for directories.
print_names() {
	while IFS= read -r escaped; do
		[ -n "$escaped" ] || continue
		if [ -n "${3-}" ]; then
			split "$escaped"
			{ [ -d "./$name" ] && [ ! -L "./$name" ]; } || continue
		fi
		say "$1 $escaped"
	done <<DATA
$2
DATA
}

# stat_placed: prints the lstat(2) data of the published files.
stat_placed() {
	set --
	while read -r sum escaped; do
		[ -n "$sum" ] || continue
		split "$escaped"
		set -- "$@" "./$name"
		[ $# -ge 500 ] || continue
		stat -c "@$$ %f %i %s %z %n" -- "$@" 2>/dev/null || true
		set --
	done <<DATA
$placed
DATA
	[ $# = 0 ] || stat -c "@$$ %f %i %s %z %n" -- "$@" 2>/dev/null || true
}

# remove_folders_of_left: removes the empty folders of left notes.
remove_folders_of_left() {
	while read -r id; do
		[ -z "$id" ] || rmdir -p "$base/$id" 2>/dev/null || true
	done <<DATA
$left_by
DATA
}

case $1 in
publish | forget) "$1" ;;
*) fail "unknown command $1" ;;
esac
