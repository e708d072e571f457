# exports.sh apply|remove BLOCK [GENERATION]: keeps the share's block in /etc/exports,
# between two marking comments, and has the kernel export what it says. It comes after
# common.sh and table.sh. Everything outside the block stays as it is, to the byte, and so
# does what the kernel exports of others: our entries alone are exported and withdrawn, never
# by `exportfs -r`, which reads every line and drops what it cannot read or find in a file.
#
# A change: under one lock for the host, what is in the way is refused; the new lines are
# exported; the file is replaced in one step; what is no longer wanted is withdrawn. A
# line that exportfs refuses never gets into the file, and a run that is killed leaves
# nothing that the next one does not complete.
program=exports
none='' moved=''

# A symbolic link is followed: the file that it names is replaced, not the link.
exports=$(readlink -f /etc/exports) || fail "/etc/exports cannot be found"

# What was looked at, and the new file made of it, lie beside the file itself, so that the
# new one can take its place in one step.
seen=$exports.webapp-balanced.seen
new=$exports.webapp-balanced.tmp

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
	[ -e "$etab" ] || true >"$etab"
	table=$(cat "$etab") || fail "$etab cannot be read; nothing was changed"
	# Noted before it is done: what a killed run has exported is known as ours.
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
		look || undo "what is there cannot be looked at"
		[ -z "$conflicts" ] || undo "$conflicts"
		[ -z "$missing" ] || undo "the kernel does not export $directory to $missing, although exportfs accepted it${said:+: $said}"
		replace_file "$all"
	do
		[ "$status" = "$was_edited" ] || undo "$exports cannot be replaced: $problem"
	done
	withdraw "$stale" || fail "the kernel still exports $directory to clients that were taken out: update again${said:+$newline$said}"
	# Somebody else may have called exportfs meanwhile.
	look
	if [ -n "$missing" ]; then
		said=$(export_ours 2>&1) || fail "the kernel does not export $directory to $missing any more: $said"
		look
		[ -z "$missing" ] || fail "the kernel does not export $directory to $missing: somebody withdraws it"
	fi
	note exports note_text
	sync "$notes/exports" 2>/dev/null || true
	end
}

# remove takes our entries out of the table whatever the file is like.
remove() {
	begin
	if is_superseded exports; then
		say "$block was made again by a newer run, and stays" >&2
		return
	fi
	read_note exports real
	# What is done by the name of the directory is done elsewhere now.
	moved=''
	[ "${noted:-$real}" = "$real" ] || moved=yes
	real=${noted:-$real}
	check_allowed
	tries=0
	until
		! copy_file || problem=''
		why=$problem
		look || fail "what is there cannot be looked at; nothing was changed"
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
	withdraw "$stale" || fail "the kernel still exports $directory: withdraw it with exportfs -u, then destroy again${said:+$newline$said}"
	[ -z "$why" ] || fail "$why
the kernel does not export $directory for this stack any more, but the block is still in /etc/exports: destroy again then"
	forget_note exports
	end
}

# begin: alone from here on. What a killed run has left is completed or taken away.
begin() {
	lock "${exports%/*}"
	find_share
	recover || fail "the export table cannot be written: what exportfs has dropped of others is in $saved; nothing was changed"
	for file in "$exports.webapp-balanced".* "$saved".*; do
		[ ! -e "$file" ] || rm -f "$file"
	done
}

end() { rm -f "$saved" "$seen" "$new"; }

# look: at the file, or at the copy of it where there is one.
look() {
	copy=''
	[ ! -e "$seen" ] || copy=$seen
	gather exports="$exports" copy="$copy" removing="$removing" moved="$moved"
}

##### The file

# copy_file: what is looked at, so that the new file is made of just that.
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

# replace_file DATA: the block gets the data's lines, or goes where there is no data, and
# lines that are taken over go. Sets status, and problem to what is wrong; the status is
# was_edited where somebody has edited the file since it was looked at.
was_edited=75
replace_file() {
	status=0
	problem=$(make_and_replace "$1" 2>&1) || status=$?
	[ "$status" != 0 ] || rm -f "$seen" "$new"
	tries=$((tries + 1))
	if [ "$status" = "$was_edited" ] && [ "$tries" = 20 ]; then
		status=1
		problem="somebody edits it all the time"
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
	# Not every awk says that the disk is full.
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
	sync "${exports%/*}" || true # it is there already
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

# ends_without_newline: a last line without an end gets none.
ends_without_newline() { [ ! -s "$seen" ] || [ -z "$(tail -c 1 "$seen")" ] || say open; }

# undo WHY: the entries of the directory become again what they were.
undo() {
	as_before="/etc/exports and the export table are as they were"
	if ! put_back others; then
		as_before="/etc/exports is as it was, but the export table cannot be written: what exportfs has dropped of others is in $saved, and the next run puts it back"
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
case $1 in
apply | remove) "$1" ;;
*) fail "there is no $1" ;;
esac
