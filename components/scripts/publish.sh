# publish.sh publish|forget|probe BLOCK: puts the site's files, staged by SFTP, into
# the shared directory. It comes after common.sh. A file appears in one step, whole,
# and readable by a root that the server squashes. What was published before and is
# no longer in the site is removed; files of others are never touched.
program=publish

# noted: what was published by the last run, and perhaps by one that was killed.
noted() {
	[ ! -e "$notes/site" ] || sed -n 's/^file //p' "$notes/site"
}

# each COMMAND: runs a command for each file on standard input, with its hash and
# its path as written.
each() {
	while read -r sum written; do
		[ -n "$written" ] || continue
		path=$(printf '%b.' "$written")
		path=$directory/${path%.}
		"$1" "$sum" "$written"
	done
}

is_there() { [ -e "$path" ] || [ -L "$path" ]; }

has() { # has SHA256 FILE: whether it is a regular file with that content
	[ -f "$2" ] && [ ! -L "$2" ] && [ "$(sha256sum <"$2" | cut -d' ' -f1)" = "$1" ]
}

##### What is in the way

obstacle() {
	if on_the_way "$path" "$2"; then
		return
	elif [ -d "$path" ]; then
		all_ours "$2" || say "$2 is a directory there, with files of others"
	elif is_there && [ "$adopt" != yes ] && ! is_noted "$2" && ! has "$1" "$path"; then
		say "$2 is somebody else's there; nfs.adopt: true replaces it"
	fi
}

is_noted() { noted | cut -d' ' -f2- | grep -qxF -e "$1"; }

# all_ours WRITTEN: whether a directory has as many files as were published in it;
# those go before anything takes its place.
all_ours() {
	here=$(find "$path" ! -type d -exec printf x \; | wc -c)
	ours=$(noted | cut -d' ' -f2- | BELOW=$1/ awk 'index($0, ENVIRON["BELOW"]) == 1 { n++ } END { print n + 0 }')
	[ "$here" -eq "$ours" ]
}

# on_the_way PATH WRITTEN: says which of the directories above, up to the share, is
# none, and fails if there is nothing to say.
on_the_way() {
	way=${1%/*} name=${2%/*}
	while [ "$way" != "$directory" ]; do
		if [ -L "$way" ]; then
			say "$way is a symbolic link, and what it names may not be the share's"
			return
		elif [ -e "$way" ] && [ ! -d "$way" ] && ! is_noted "$name"; then
			say "$name is somebody else's there, and no directory"
			return
		fi
		way=${way%/*} name=${name%/*}
	done
	return 1
}

# open_to_all DIRECTORY: whether a squashed root can list and enter it.
open_to_all() { [ -n "$(find "$1" -prune -perm -0005)" ]; }

##### Publishing

lacking() { # prints the hashes that have to be staged
	has "$1" "$path" || has "$1" "$staging/$1" || say "$1"
}

place() {
	# What is not staged is there: lacking has looked.
	if [ ! -e "$staging/$1" ]; then
		chmod 644 "$path"
		return
	fi
	parent=${path%/*}
	mkdir -p -- "$parent"
	open_to_all "$parent" || fail "clients cannot read $parent: chmod o+rx it"
	new=$parent/.webapp-balanced.new
	{ cat "$staging/$1" >"$new" && chmod 644 "$new" && sync "$new" && mv -f "$new" "$path"; } || {
		rm -f "$new"
		fail "$2 cannot be written to $directory"
	}
}

withdraw() { # removes a file that is not in the site any more
	say "$files" | cut -d' ' -f2- | grep -qxF -e "$2" || take_away "$@"
}

take_away() {
	on_the_way "$path" "$2" >/dev/null || rm -f -- "$path"
	gone=${path%/*}
	rm -f "$gone/.webapp-balanced.new"
	while [ "$gone" != "$directory" ] && rmdir -- "$gone" 2>/dev/null; do
		gone=${gone%/*}
	done
}

publish() {
	obstacles=$(say "$files" | each obstacle)
	[ -z "$obstacles" ] || fail "$obstacles
nothing was published"
	lacking=$(say "$files" | each lacking)
	[ -z "$lacking" ] || fail "not staged in $staging, or changed on the way: $lacking; nothing was published"
	open_to_all "$directory" || fail "clients cannot read $directory: chmod o+rx it; nothing was published"
	# Noted before it is done: what a killed run leaves is still ours.
	before=$(noted)
	note site "$all$newline$(say "$before" | sed -n 's/^./file &/p')"
	# A name that was a file may be a directory now, or the other way round.
	say "$before" | each withdraw
	say "$files" | each place
	note site "$all"
	unstage
}

unstage() {
	rm -rf -- "$staging"
	rmdir -p -- "$(dirname -- "$staging")" 2>/dev/null || true
}

forget() {
	[ "$delete" != yes ] || noted | each take_away
	unstage
	forget_note site
}

##### Looking

drifted() {
	if ! is_there; then
		say "drift $2 is gone"
	elif ! has "$1" "$path"; then
		say "drift $2 was changed"
	fi
}

# examine looks at a file of the site once, for what it lacks and how it drifted;
# drifted_too at what was published otherwise.
examine() {
	! has "$1" "$path" || return 0
	has "$1" "$staging/$1" || say "lacking $1"
	! noted | grep -qxF -e "$1 $2" || drifted "$@"
}

drifted_too() {
	say "$files" | grep -qxF -e "$1 $2" || drifted "$@"
}

# probe: says, and changes nothing: what an update would refuse, which files it
# needs staged, what has been changed since the last one, what that one healed.
probe() {
	say "$files" | each obstacle | sed 's/^/conflict /'
	say "$files" | each examine
	[ -e "$notes/site" ] || return 0
	sed -n 's/^drift /healed /p' "$notes/site"
	noted | each drifted_too
}

"$1"
