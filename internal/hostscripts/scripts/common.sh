# The start of every script. The data comes on file descriptor 3, one record a line:
#   block NAME         the share's block: PROJECT/STACK/SHARE:DIRECTORY; it is an
#                      argument too, so that a process list shows it
#   owner ID           the unique identity of the stack
#   directory PATH     the shared directory
#   state NAME         the folder of the share's notes, below /var/lib/webapp-balanced
#   was NAME           that folder's name in an earlier version
#   staging PATH       where files are staged, relative to the home directory; their
#                      names are their hashes
#   adopt yes          take over matching lines and files of others
#   delete yes         delete the published files with the share
#   deployed yes       the stack's state has the share (inspect only)
#   inspect nothing    only find the real directory (inspect only)
#   patience SECONDS   timeout for the lock; 60 by default
#   drift TIME TEXT    what this run repairs, shown in the preview
#   line TEXT          a line of the block, in exports(5) format
#   file SHA256 PATH   a file of the site, its path below the directory, escaped for
#                      printf(1) %b
# The arguments are the verb, the block, and on create and delete the generation of the resource. The scripts
# run under any POSIX sh. Before this come the awk programs as variables, such as inspect_awk, and the system's
# systems_directories and systems_trees; after it, a script sets program, its name in errors, and exports, the
# real path of /etc/exports, or site=yes to inspect the site.
set -eu
umask 022
unset CDPATH
export LC_ALL=C TZ=UTC0
# exportfs is in /usr/sbin, which an ordinary user's PATH may lack.
PATH=$PATH:/usr/sbin:/sbin

# Under some shells, echo interprets backslashes.
say() { printf '%s\n' "$*"; }

fail() {
	say "$program: $*" >&2
	exit 1
}

# within SECONDS COMMAND...: runs it; for a restricted login (gate.sh), with that timeout.
within() {
	[ -n "$below" ] || shift
	${below:+timeout} "$@"
}

tab='	'
newline='
'
site='' exports=''
generation=${3-}
# Set by gate.sh for a restricted login: the directories directly below which its shares
# must be, separated by blanks. Only root can replace entries of these directories.
below=${WEBAPP_BALANCED_BELOW-}
base=/var/lib/webapp-balanced
block='' owner='' directory='' state='' was='' staging='' adopt='' delete='' patience=60
all=$(cat <&3)
while read -r word text; do
	case $word in
	block) block=$text ;;
	owner) owner=$text ;;
	directory) directory=$text ;;
	state) state=$text ;;
	was) was=$text ;;
	staging) staging=$text ;;
	adopt) adopt=$text ;;
	delete) delete=$text ;;
	patience) patience=$text ;;
	line | file) break ;;
	esac
done <<DATA
$all
DATA
notes=$base/$state

##### One at a time

# lock DIRECTORY [NAME]: waits for the lock: up to $patience seconds for one holder, and ten times as long for
# several in turn, such as the other shares of an update. The lock is on the directory, so it leaves no file.
lock() {
	command -v flock >/dev/null || fail "there is no flock on this host: install util-linux"
	exec 9<"$1"
	waited=0 since=0 has_it='' turn='' inode=''
	until flock -n 9; do # busybox has no -w
		last=$turn
		[ $((waited % (patience / 10 + 1))) != 0 ] || find_turn "$1"
		[ "$turn" = "$last" ] || since=$waited has_it=''
		case $((waited - since)) in
		$((patience / 2))) has_it=$(holder "$1") ;;
		"$patience")
			had_it=$has_it has_it=$(holder "$1") since=$waited
			[ "$has_it" != "$had_it" ] ||
				fail "the lock on ${2-$1} was not free for $waited s: $has_it has it; nothing was changed"
			;;
		esac
		[ "$waited" -lt $((patience * 10)) ] ||
			fail "the lock on ${2-$1} was not free for $waited s: others take it in turns, now $(holder "$1"); nothing was changed"
		waited=$((waited + 1))
		sleep 1
	done
}

# find_turn DIRECTORY: sets turn to the line of the lock in /proc/locks (proc(5)), another one each time that it is
# taken. Without a line, turn stays as it is: the lock is free at the moment, or this is a container, where the kernel
# does not list a lock if the process that took it has ended, as flock has. A directory of another file system with the
# same inode number can make the wait longer, up to its limit. Not with read: among thousands of locks, bash needs a
# minute for it.
find_turn() {
	[ -n "$inode" ] || inode=$(stat -Lc %i -- "$1")
	lines=$(grep ": FLOCK .*:$inode " /proc/locks 2>/dev/null) || return 0
	turn=${lines##*: } # without the line's number, which changes
}

# is_same FILE FILE: -ef is POSIX since 2024; the supported shells had it before.
# shellcheck disable=SC3013
is_same() { [ "$1" -ef "$2" ]; }

# holder DIRECTORY: names the process that has the lock (proc(5), fdinfo).
holder() {
	for info in /proc/[0-9]*/fdinfo/[0-9]*; do
		process=${info%/fdinfo/*} parent=''
		{ is_same "$process/fd/${info##*/}" "$1" && grep -q '^lock:.*FLOCK' "$info" 2>/dev/null; } || continue
		{ while read -r key value; do
			[ "$key" != PPid: ] || parent=$value
		done <"$process/status"; } 2>/dev/null || continue # it has ended
		[ -n "$parent" ] || continue
		# Children of the holder have the lock too; the holder's own parent does not.
		if ! is_same "/proc/$parent/fd/${info##*/}" "$1"; then
			say "process ${process#/proc/} ($(tr '\0' ' ' <"$process/cmdline"))"
			return
		fi
	done
	say "a process that cannot be found"
}

##### Where the share is

# find_share: sets real to the directory's path without symbolic links, even if its last parts
# do not exist yet; there to yes if they do; is_systems to yes for a system directory; in_the_way
# to a path in its place that is not a directory. It changes into the directory, or into its
# lowest existing parent: relative names then stay in there, wherever the path leads meanwhile.
find_share() {
	have=$directory tail='' in_the_way=''
	until [ -d "$have" ]; do
		{ [ ! -e "$have" ] && [ ! -L "$have" ]; } || in_the_way=$have
		tail=/${have##*/}$tail
		have=${have%/*}
		have=${have:-/}
	done
	cd -P -- "$have" || fail "$have cannot be entered"
	real=${PWD%/}$tail
	check_allowed
	there=''
	is_systems=''
	for path in $systems_directories; do
		[ "$real" != "$path" ] || is_systems=yes
	done
	for path in $systems_trees; do
		case $real/ in "$path"/*) is_systems=yes ;; esac
	done
	[ -n "$tail" ] || there=yes
}

# check_allowed: fails if the login may not share the directory.
check_allowed() {
	[ -n "$below" ] || return 0
	for above in $below; do
		[ "$real" != "$directory" ] || [ "${real%/*}" != "$above" ] || return 0
	done
	fail "$directory, really $real, is not directly below a directory where this login may share: $below"
}

##### Whether the host can do it

# check_directory: sets problem to why the directory cannot be shared, and what to do.
check_directory() {
	problem=''
	case $real in
	*\\* | *"$newline"*) problem="$directory is really $real, a name with a backslash or a line break: share another directory" ;;
	esac
	[ -z "$is_systems" ] || problem="$directory is really $real, which belongs to the system: share a directory of its own, such as /srv/nfs/weblb"
	[ -z "$in_the_way" ] || problem="a file is in the way at $in_the_way, where the shared directory should be: remove it, or share another directory"
}

# check_file: sets problem to why /etc/exports cannot have a block, and what to do.
check_file() {
	problem=''
	case $exports in
	*/nix/store/*)
		problem="NixOS generates /etc/exports ($exports), so a block cannot be kept in it: export the share with services.nfs.server.exports, or use another NFS host"
		return
		;;
	esac
	{ [ -f "$exports" ] && [ -r "$exports" ]; } || return 0
	# Some awks cannot handle NUL bytes. Open the file once: another process may edit it.
	tr -dc '\0' <"$exports" | cmp -s - /dev/null || problem="/etc/exports has NUL bytes, so it is not a text file: remove them by hand"
}

# check_server: sets problem if the NFS server is not installed, does not run, or keeps its
# table elsewhere (nfs.conf(5)). It reads the thread count if it may, and looks for the process
# that answers the kernel's questions.
check_server() {
	for file in /etc/nfs.conf /etc/nfs.conf.d/*.conf; do
		[ -r "$file" ] || continue
		section=''
		while read -r word value; do
			case $word in
			"["*) section=$word ;;
			state-directory-path*)
				value=${word#state-directory-path}${value}
				value=${value#=}
				case $section${value# } in
				"[statd]"* | "[sm-notify]"* | *]/var/lib/nfs) continue ;;
				esac
				problem="$file has state-directory-path, so that the export table is not in /var/lib/nfs: remove it, or use another NFS host"
				return
				;;
			esac
		done <"$file"
	done
	problem="there is no exportfs on this host: install the NFS server (nfs-kernel-server)"
	command -v exportfs >/dev/null || return 0
	problem="the NFS server does not run (nfsd): start it with systemctl start nfs-server, or rpc.nfsd 8"
	[ -e /proc/fs/nfsd/threads ] || return 0
	threads=1
	[ ! -r /proc/fs/nfsd/threads ] || read -r threads </proc/fs/nfsd/threads
	[ "$threads" -gt 0 ] || return 0
	problem=''
	for comm in /proc/[0-9]*/comm; do
		{ read -r name <"$comm"; } 2>/dev/null || continue
		case $name in rpc.mountd | nfsv4.exportd) return ;; esac
	done
	problem="rpc.mountd does not run, so no client can mount: start it with systemctl restart nfs-mountd, or rpc.mountd"
}

##### Names

# split WRITTEN: sets name to the path without escapes, folder and leaf to its parts.
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

# is_full LINES WRITTEN: whether find lists more than LINES lines for a directory of the share.
is_full() {
	split "$2"
	[ "$(find "./$name" 2>/dev/null | wc -l)" -gt "$1" ]
}

##### Notes

# note PART COMMAND ARGUMENT...: writes the command's output to a note, in one step. Some
# awks ignore a full disk; the shell reports it.
note() {
	# Another share's forget may remove the empty parent folder meanwhile.
	[ -d "$notes" ] || mkdir -p "$notes" 2>/dev/null || mkdir -p "$notes"
	part=$1
	shift
	"$@" >"$notes/$part.new"
	say >>"$notes/$part.new"
	mv -f "$notes/$part.new" "$notes/$part"
}

# read_note PART WORD: sets noted to the value of WORD in the note, or empty.
read_note() {
	noted=''
	[ -e "$notes/$1" ] || return 0
	while read -r noted_word text; do
		[ "$noted_word" != "$2" ] || noted=$text
	done <"$notes/$1"
}

# is_superseded PART: whether a newer create has made the share again since the one that this
# run undoes: Pulumi creates a replacement before it deletes the resource.
is_superseded() {
	read_note "$1" generation
	[ -n "$noted" ] && [ "$noted" != "$generation" ]
}

# forget_note PART: removes it and its empty folders.
forget_note() {
	rm -f "$notes/$1" "$notes/$1.new"
	rmdir -p "$notes" 2>/dev/null || true
}
