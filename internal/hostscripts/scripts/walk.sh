# How publish.sh walks the share, where clients may replace any name meanwhile.

# enter NAME: changes into a subdirectory, but not through a symbolic link, even if that
# replaces the directory just then: only the kernel knows the real place.
enter() {
	step_into "$1" || return
	where=$(readlink /proc/self/cwd; say .)
	case $where in */"$1$newline.") ;; *) return 1 ;; esac
}

# step_into NAME: the same, unless NAME is replaced just then.
step_into() {
	exec 7<.
	[ ! -L "./$1" ] && cd -P "./$1" 2>/dev/null && is_same .. /proc/self/fd/7
}

# go_to NAME [make]: changes into a directory of the share, and can create it. It stays if already there.
go_to() {
	[ "$1" != "$at" ] || return 0
	at=''
	cd -P /proc/self/fd/5 || return
	way=$1
	while [ -n "$way" ]; do
		step=${way%%/*}
		way=${way#"$step"}
		way=${way#/}
		[ -z "${2-}" ] || [ -d "./$step" ] || mkdir "./$step" 2>/dev/null || true
		enter "$step" || {
			cd -P /proc/self/fd/5
			return 1
		}
	done
	at=$1
}

# leave: goes to the share itself.
leave() {
	at=''
	cd -P /proc/self/fd/5
}

# remove_temporary: removes the directory for new files, also that of a killed run. It has only files.
remove_temporary() {
	[ -e "$notes/temporary" ] || return 0
	read -r temporary <"$notes/temporary" || true # empty if its write was cut short
	# A client may have put another directory in its place: in that, nothing is ours.
	if [ -n "$temporary" ] && enter "$temporary" && is_private; then
		set --
		for file in *; do
			case $file in *[!0-9a-f.]*) continue ;; esac
			[ ${#file} -lt 64 ] || set -- "$@" "$file"
		done
		[ $# = 0 ] || printf '%s\n' "$@" | xargs rm -f
		leave
		rmdir "./$temporary" 2>/dev/null || true
	fi
	leave
	rm -f "$notes/temporary"
}

# is_owned FILE: whether this user owns it. -O is not POSIX, but these shells have it.
# shellcheck disable=SC3067
is_owned() { [ -O "$1" ]; }

# is_private: whether only root can have put anything into this directory.
is_private() {
	is_owned . || return
	case $(stat -c %f .) in 4?c0) ;; *) return 1 ;; esac
}
