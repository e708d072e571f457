# How publish.sh goes through the share, where clients may turn every name meanwhile.

# enter NAME: goes into a directory that lies in this one; a symbolic link is none, also one
# that takes the place of a directory just then: only the kernel knows where this is.
enter() {
	step_into "$1" || return
	where=$(readlink /proc/self/cwd; say .)
	case $where in */"$1$newline.") ;; *) return 1 ;; esac
}

# step_into NAME: the same, as long as nobody replaces it just then.
step_into() {
	exec 7<.
	[ ! -L "./$1" ] && cd -P "./$1" 2>/dev/null && is_same .. /proc/self/fd/7
}

# go_to NAME [make]: goes into a directory of the share, which may be made. Where it is
# already, it stays.
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

# leave: goes into the share itself.
leave() {
	at=''
	cd -P /proc/self/fd/5
}

# remove_temporary: the directory for new files, also that of a run that was killed. There
# are only files in it.
remove_temporary() {
	[ -e "$notes/temporary" ] || return 0
	read -r temporary <"$notes/temporary" || true # empty, if its making was cut short
	# Somebody may have given its name to another directory: of that, nothing is ours.
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

