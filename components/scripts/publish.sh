# publish.sh publish|forget BLOCK [GENERATION]: puts the site's files, staged by SFTP, into
# the shared directory. It comes after common.sh. A file appears in one step, whole, and
# readable by a root that the server squashes. What was published before and is no longer
# in the site is removed; files of others are never touched.
#
# Clients may write to the share, so nothing in it is trusted, and no file in it is opened.
# Directories are entered step by step and held by a file descriptor, so that it does not
# matter what their names lead to meanwhile. New files are written into a directory that
# is made for it and that only root can enter, and renamed from there.
#   5  the share
#   6  the directory for new files
#   7  the directory from which another is entered
program=publish
site=yes
home=$PWD
folder_of_staging=$staging
staging=$home/$staging

publish() {
	begin
	[ -n "$there" ] || fail "there is no directory $directory; nothing was published"
	[ -z "$is_systems" ] || fail "$directory is really $real, which belongs to the system; nothing was published"
	noted exports real
	[ "${noted:-$real}" = "$real" ] || fail "$directory was $noted and is $real now; nothing was published"
	gather publishing=yes
	[ -z "$conflicts" ] || fail "$conflicts
nothing was published"
	new_files=''
	[ -z "$placed" ] || bring_in
	# Noted before it is done: what a killed run leaves is still ours.
	note site notes_before
	take_away
	put_in_place
	cd -P /proc/self/fd/5
	note site notes_after
	forget_left
	remove_temporary
	unstage
}

forget() {
	begin
	if is_superseded site; then
		say "the files of $block were published again by a newer run, and stay" >&2
		return
	fi
	conflicts=''
	[ "$delete" != yes ] || gather forgetting=yes
	[ -z "$conflicts" ] || say "the files stay: $conflicts" >&2
	if [ "$delete" = yes ] && [ -z "$conflicts" ]; then
		[ -z "$there" ] || take_away
		forget_left
		forget_note site
	elif [ -e "$notes/site" ]; then
		# They stay known as this stack's.
		mv -f "$notes/site" "$notes/left"
	fi
	rm -rf -- "$staging"
	remove_staging "${folder_of_staging%/*}"
}

# begin: alone in the share from here on, and in it.
begin() {
	find_share
	[ -n "$there" ] || return 0
	exec 5<.
	lock . "$directory"
	remove_temporary
}

##### Directories

# enter NAME: goes into a directory that lies in this one; a symbolic link is none.
enter() {
	exec 7<.
	[ ! -L "./$1" ] && cd -P "./$1" 2>/dev/null && is_same .. /proc/self/fd/7
}

# go_to NAME [make]: goes into a directory of the share, which may be made.
go_to() {
	cd -P /proc/self/fd/5 || return
	way=$1
	while [ -n "$way" ]; do
		step=${way%%/*}
		way=${way#"$step"}
		way=${way#/}
		[ -z "${2-}" ] || [ -d "./$step" ] || mkdir -m 755 "./$step" 2>/dev/null || true
		enter "$step" || {
			cd -P /proc/self/fd/5
			return 1
		}
	done
}

# split WRITTEN: sets name to what it is without escapes, folder and leaf to its parts.
split() {
	case $1 in
	*\\*)
		name=$(printf '%b.' "$1")
		name=${name%.}
		;;
	*) name=$1 ;;
	esac
	leaf=${name##*/}
	folder=${name%"$leaf"}
	folder=${folder%/}
}

# remove_temporary: the directory for new files, also that of a run that was killed. There
# are only files in it.
remove_temporary() {
	[ -e "$notes/temporary" ] || return 0
	read -r temporary <"$notes/temporary"
	# Somebody may have given its name to another directory: of that, nothing is ours.
	if enter "$temporary" && is_private; then
		set --
		for file in *; do
			case $file in *[!0-9a-f.]*) continue ;; esac
			[ ${#file} -lt 64 ] || set -- "$@" "$file"
		done
		[ $# = 0 ] || rm -f "$@"
		cd -P /proc/self/fd/5
		rmdir "./$temporary" 2>/dev/null || true
	fi
	cd -P /proc/self/fd/5
	rm -f "$notes/temporary"
}

##### Files

# bring_in: copies what is staged into a directory of the share that only root can enter,
# and looks there whether it is what it should be.
bring_in() {
	temporary=$(mktemp -u .webapp-balanced.XXXXXXXXXX)
	note temporary say "$temporary"
	mkdir -m 700 "./$temporary" || fail "the files cannot be written to $directory; nothing was published"
	# Empty, too: a name in it might be a link to elsewhere.
	{ enter "$temporary" && is_private && set -- * && [ "$1" = '*' ]; } || fail "somebody replaced $temporary in $directory; nothing was published"
	exec 6<.
	set --
	while read -r sum; do
		[ -n "$sum" ] || continue
		[ -f "$staging/$sum" ] || fail "not staged in $staging: $sum; nothing was published"
		set -- "$@" "$staging/$sum"
		[ $# = 1000 ] || continue # a command takes only so many arguments
		cp -- "$@" . || fail "the files cannot be written to $directory; nothing was published"
		set --
	done <<DATA
$lacking
DATA
	[ $# = 0 ] || cp -- "$@" . || fail "the files cannot be written to $directory; nothing was published"
	# A file that is there under several names: sum.1, sum.2
	while read -r sum _; do
		case $sum in *.*) cp "./${sum%.*}" "./$sum" ;; esac
	done <<DATA
$placed
DATA
	chmod 644 -- *
	sync -- *
	wrong=$(sha256sum -- * | awk '{ sub(/\..*/, "", $2) } $1 != $2 { print $2 }')
	[ -z "$wrong" ] || fail "changed on the way to $staging: $wrong; nothing was published"
	new_files=$(stat -c 'new %n %f:%i:%s:' -- *)
	cd -P /proc/self/fd/5
}

# is_owned FILE: whether it is this user's. POSIX lacks it, each of these shells has it.
# shellcheck disable=SC3067
is_owned() { [ -O "$1" ]; }

# is_private: whether nobody but root can have put anything into this directory.
is_private() {
	is_owned . || return
	case $(stat -c %f .) in 4?c0) ;; *) return 1 ;; esac
}

put_in_place() {
	while read -r sum written; do
		[ -n "$sum" ] || continue
		split "$written"
		go_to "$folder" make || fail "$folder is no directory of $directory"
		[ -L "./$leaf" ] || [ ! -d "./$leaf" ] || fail "$name is a directory there, with files of others"
		mv -fT "/proc/self/fd/6/$sum" "./$leaf" || fail "$name cannot be put into $directory"
	done <<DATA
$placed
DATA
}

take_away() {
	while IFS= read -r written; do
		[ -n "$written" ] || continue
		split "$written"
		! go_to "$folder" || rm -f "./$leaf"
		remove_empty "$folder"
	done <<DATA
$removed
DATA
	while IFS= read -r written; do
		split "$written"
		remove_empty "$folder"
	done <<DATA
$absent
DATA
	while IFS= read -r written; do
		[ -z "$written" ] || say "$written was changed by somebody, and stays" >&2
	done <<DATA
$kept
DATA
}

# remove_empty FOLDER: it and those above it, as far as they are empty.
remove_empty() {
	gone=$1
	while [ -n "$gone" ]; do
		last=${gone##*/}
		gone=${gone%"$last"}
		gone=${gone%/}
		{ go_to "$gone" && [ -d "./$last" ]; } || continue # it is gone already
		rmdir "./$last" 2>/dev/null || return 0
	done
}

# unstage: the files of this site, also what a run that was killed has left of them. Those
# of another site stay: its run may be about to publish them.
unstage() {
	[ -d "$staging" ] || return 0
	set --
	while read -r word sum _; do
		[ "$word" != file ] || set -- "$@" "$staging/$sum"
	done <<DATA
$all
DATA
	[ $# = 0 ] || rm -f -- "$@"
	remove_staging "$folder_of_staging"
}

# remove_staging FOLDER: below the home directory, which stays, empty or not.
remove_staging() {
	cd "$home"
	rmdir -p -- "$1" 2>/dev/null || true
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
	noted site generation
	say "generation ${generation:-$noted}"
}

notes_before() {
	notes_head
	[ -z "$known" ] || say "${known%"$newline"}"
	placed_notes before
}

notes_after() {
	notes_head
	placed_notes after
}

# placed_notes before|after: the notes of the files, with what they are to be, or are now.
placed_notes() {
	[ "$1" = before ] || set -- after kind=notes "$notes/site"
	when=$1
	shift
	{ [ "$when" = before ] || statistics; } | awk "$plain_awk$placed_awk" record="@$$" when="$when" kind=data /dev/fd/4 "$@" kind=stat - 4<<DATA
$all
$new_files
$placed
DATA
}

# forget_left: what was left here before is among the notes now, or gone.
forget_left() {
	while read -r id; do
		[ -n "$id" ] || continue
		rm -f "$base/$id/left"
		rmdir -p "$base/$id" 2>/dev/null || true
	done <<DATA
$left_by
DATA
}

"$1"
