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
		case $written in
		'') continue ;;
		*\\*)
			path=$(printf '%b.' "$written")
			path=$directory/${path%.}
			;;
		*) path=$directory/$written ;;
		esac
		"$1" "$sum" "$written"
	done
}

# among FILES 1|0: of the files on standard input, prints those the paths of which are
# (1) or are not (0) among those of FILES.
among() {
	{ say "$1" && echo && cat; } | awk -v wanted="$2" '
	!NF { listed = 1; next }
	{ path = substr($0, 66) } # after the hash
	!listed { among[path]; next }
	(path in among) == wanted'
}

is_there() { [ -e "$path" ] || [ -L "$path" ]; }

has() { # has SHA256 FILE: whether it is a regular file with that content
	[ -f "$2" ] && [ ! -L "$2" ] && [ "$(sha256sum <"$2" | cut -d' ' -f1)" = "$1" ]
}

##### What is in the way

obstacles() {
	say "$files" | among "$(noted)" 1 | each obstacle
	say "$files" | among "$(noted)" 0 | each foreigner
}

obstacle() { in_the_way "$@" || true; }

in_the_way() { # says what is, and fails if there is nothing to say
	if on_the_way "$path" "$2"; then
		return
	fi
	[ -d "$path" ] && ! all_ours "$2" && say "$2 is a directory there, with files of others"
}

foreigner() {
	in_the_way "$@" || [ -d "$path" ] || ! is_there || [ "$adopt" = yes ] || has "$1" "$path" ||
		say "$2 is somebody else's there; nfs.adopt: true replaces it"
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

##### What is there

# now prints, for each file on standard input that is a regular one, the hash that it
# has now. One sha256sum reads all of them, but for those whose names are written with
# a backslash: it would print them in a way of its own.
now() {
	list=$(cat)
	say "$list" | each plain | xargs -0 sha256sum /dev/null 2>/dev/null | DIRECTORY=$directory/ awk '
	BEGIN { from = 67 + length(ENVIRON["DIRECTORY"]) }
	index($0, ENVIRON["DIRECTORY"]) == 67 { print $1, substr($0, from) }'
	say "$list" | each strange
}

plain() {
	case $2 in *\\*) return ;; esac
	! is_regular || printf '%s\0' "$path"
}

strange() {
	case $2 in *\\*) ! is_regular || say "$(sha256sum <"$path" | cut -d' ' -f1) $2" ;; esac
}

is_regular() { [ -f "$path" ] && [ ! -L "$path" ]; }

# changed prints those files on standard input that have another hash now.
changed() {
	{ say "$now" && echo && cat; } | awk '
	!NF { listed = 1; next }
	{ path = substr($0, 66) }
	!listed { now[path] = $1; next }
	now[path] != $1'
}

##### Publishing

unstaged() { has "$1" "$staging/$1" || say "$1"; }

place() {
	# What is not staged is there: publish has looked.
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

take_away() {
	on_the_way "$path" "$2" >/dev/null || rm -f -- "$path"
	gone=${path%/*}
	rm -f "$gone/.webapp-balanced.new"
	while [ "$gone" != "$directory" ] && rmdir -- "$gone" 2>/dev/null; do
		gone=${gone%/*}
	done
}

publish() {
	obstacles=$(obstacles)
	[ -z "$obstacles" ] || fail "$obstacles
nothing was published"
	now=$(say "$files" | now)
	lacking=$(say "$files" | changed | each unstaged)
	[ -z "$lacking" ] || fail "not staged in $staging, or changed on the way: $lacking; nothing was published"
	open_to_all "$directory" || fail "clients cannot read $directory: chmod o+rx it; nothing was published"
	# Noted before it is done: what a killed run leaves is still ours.
	before=$(noted)
	note site "$all$newline$(say "$before" | sed -n 's/^./file &/p')"
	# A name that was a file may be a directory now, or the other way round.
	say "$before" | among "$files" 0 | each take_away
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
	if is_there; then
		say "drift $2 was changed"
	else
		say "drift $2 is gone"
	fi
}

# probe: says, and changes nothing: what an update would refuse, which files it
# needs staged, what has been changed since the last one, what that one healed.
probe() {
	obstacles | sed 's/^/conflict /'
	now=$({ say "$files" && noted; } | awk 'NF && !seen[substr($0, 66)]++' | now)
	say "$files" | changed | each unstaged | sed 's/^/lacking /'
	[ -e "$notes/site" ] || return 0
	sed -n 's/^drift /healed /p' "$notes/site"
	noted | changed | each drifted
}

"$1"
