# exports.sh apply|remove BLOCK [GENERATION]: maintains the share's block in /etc/exports, between two marker
# comments, and makes the kernel export it. It comes after common.sh, found.sh and table.sh. Everything outside
# the block stays the same, byte for byte, and so do the exports of others: it exports and unexports only our
# entries, never with `exportfs -r`, which reads every line and drops what it cannot read or find in a file.
#
# A change takes one lock for the host, fails on conflicts, exports the new lines, replaces the
# file in one step, and unexports removed entries. A line that exportfs refuses never gets into
# the file, and the next run completes one that was killed.
program=exports
none='' moved=''

# Follow a symbolic link: its target is replaced, not the link.
exports=$(readlink -f /etc/exports) || fail "/etc/exports cannot be found"

# The inspected copy and the new file are next to the file itself, so that the new one can
# replace it in one step.
seen=$exports.webapp-balanced.seen
new=$exports.webapp-balanced.tmp

##### What can be asked for

apply() {
	begin
	for check in check_file check_directory check_server; do
		$check
		[ -z "$problem" ] || fail "$problem; nothing was changed"
	done
	inspect
	[ -z "$conflicts" ] || fail "$conflicts
nothing was changed"
	[ -z "$warnings" ] || say "$warnings" >&2
	mkdir -p -- "$directory" || fail "the directory $directory cannot be made; nothing was changed"
	find_share
	[ -e "$etab" ] || true >"$etab"
	table=$(cat "$etab") || fail "$etab cannot be read; nothing was changed"
	# Write the note first: exports of a killed run are then known as ours.
	take_over_notes
	first=''
	if [ ! -e "$notes/exports" ]; then
		first=yes
		note exports note_text
	fi
	said=$(export_ours 2>&1) || undo "$said"
	tries=0
	until
		copy_file || undo "$exports cannot be replaced: $problem"
		inspect || undo "the host cannot be inspected"
		[ -z "$conflicts" ] || undo "$conflicts"
		[ -z "$missing" ] || undo "the kernel does not export $directory to $missing, although exportfs accepted it${said:+: $said}"
		replace_file "$all"
	do
		[ "$status" = "$was_edited" ] || undo "$exports cannot be replaced: $problem"
	done
	unexport "$stale" || fail "the kernel still exports $directory to removed clients: update again${said:+$newline$said}"
	# Another process may have called exportfs.
	inspect
	if [ -n "$missing" ]; then
		said=$(export_ours 2>&1) || fail "the kernel does not export $directory to $missing any more: $said"
		inspect
		[ -z "$missing" ] || fail "the kernel does not export $directory to $missing: another process unexports it"
	fi
	note exports note_text
	sync "$notes/exports" 2>/dev/null || true
	end
}

# remove unexports our entries whatever the state of the file.
remove() {
	begin
	if is_superseded exports; then
		say "$block was recreated by a newer update, so it is kept" >&2
		return
	fi
	read_note exports real
	# The directory's name leads elsewhere now.
	moved=''
	[ "${noted:-$real}" = "$real" ] || moved=yes
	real=${noted:-$real}
	check_allowed
	tries=0
	until
		! copy_file || problem=''
		why=$problem
		inspect || fail "the host cannot be inspected; nothing was changed"
		check_file
		why=$why${problem:+${why:+$newline}$problem}${conflicts:+${why:+$newline}$conflicts}
		[ -n "$why" ] || replace_file ''
	do
		[ "$status" = "$was_edited" ] || {
			why="$exports cannot be replaced: $problem"
			break
		}
	done
	[ -z "$warnings" ] || say "$warnings" >&2
	unexport "$stale" || fail "the kernel still exports $directory: unexport it with exportfs -u, then destroy again${said:+$newline$said}"
	[ -z "$why" ] || fail "$why
the kernel does not export $directory for this stack any more, but the block is still in /etc/exports: destroy again then"
	forget_note exports
	end
}

# begin: takes the lock, and completes or removes what a killed run left.
begin() {
	lock "${exports%/*}"
	find_share
	recover || fail "the export table cannot be written: entries of others that exportfs dropped are saved in $saved; nothing was changed"
	for file in "$exports.webapp-balanced".* "$saved".*; do
		[ ! -e "$file" ] || rm -f "$file"
	done
}

end() { rm -f "$saved" "$seen" "$new"; }

# inspect: reads the file, or its copy if there is one.
inspect() {
	copy=''
	[ ! -e "$seen" ] || copy=$seen
	gather exports="$exports" copy="$copy" removing="$removing" moved="$moved"
}

##### The file

# copy_file: the new file is made of this copy, which was inspected.
copy_file() {
	if [ ! -e "$exports" ]; then
		rm -f "$seen"
		return
	fi
	problem=$(cp -a "$exports" "$seen" 2>&1) || {
		rm -f "$seen"
		return 1
	}
}

# replace_file DATA: replaces the block with the data's lines, or removes it if there are none,
# and removes adopted lines. Sets status, and problem to the error; status is was_edited if
# another process has edited the file since the copy.
was_edited=75
replace_file() {
	status=0
	problem=$(make_and_replace "$1" 2>&1) || status=$?
	[ "$status" != 0 ] || rm -f "$seen" "$new"
	tries=$((tries + 1))
	if [ "$status" = "$was_edited" ] && [ "$tries" = 20 ]; then
		status=1
		problem="another process keeps editing it"
	fi
	return "$status"
}

make_and_replace() {
	if [ -e "$seen" ]; then
		cp -a "$seen" "$new" || return
	else
		[ -n "$1" ] || return 0
		true >"$new" && chmod 644 "$new" && true >"$seen" || return
		none=yes
	fi
	compose "$1" >"$new" || return
	# Not every awk reports a full disk.
	compose "$1" | cmp -s - "$new" || {
		say "it cannot be written whole: is the disk full?"
		return 1
	}
	! cmp -s "$seen" "$new" || return 0
	sync "$new" || return
	if [ -n "$none" ]; then
		ln "$new" "$exports" 2>/dev/null || return "$was_edited"
	else
		cmp -s "$seen" "$exports" || return "$was_edited"
		mv -f "$new" "$exports" || return
	fi
	sync "${exports%/*}" || true # it is in place
}

# compose DATA: prints the new file.
compose() {
	awk "$compose_awk" /dev/fd/4 kind=file "$seen" 4<<DATA
$place
$adopted
${1:+mark # BEGIN $block $owner (managed by Pulumi, edits are lost)}
$1
${1:+mark # END $block $owner (managed by Pulumi)}
$(ends_without_newline)
DATA
}

# ends_without_newline: a missing last newline stays missing.
ends_without_newline() { [ ! -s "$seen" ] || [ -z "$(tail -c 1 "$seen")" ] || say open; }

# undo WHY: restores the table entries of the directory, and fails.
undo() {
	as_before="/etc/exports and the export table are as they were"
	if ! put_back others; then
		as_before="/etc/exports is unchanged, but the export table cannot be written: entries of others that exportfs dropped are saved in $saved, and the next run restores them"
	elif write_table before <<DATA
real $real
$table
DATA
	then
		[ -z "$first" ] || forget_note exports
		rm -f "$saved"
	else
		as_before="/etc/exports is as it was, but the export table cannot be written: $directory may still be exported"
	fi
	rm -f "$seen" "$new"
	fail "$1
$as_before"
}

##### Notes

# take_over_notes: makes notes of an earlier version, or another identity, ours.
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
case $1 in
apply | remove) "$1" ;;
*) fail "unknown command $1" ;;
esac
