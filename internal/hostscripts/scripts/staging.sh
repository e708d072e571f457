# How publish.sh finds what was staged by SFTP below the login's home directory.

# go_below_home WAY: changes there, if it exists. The login may replace any part of it.
go_below_home() {
	cd "$home" || return
	if [ -z "$below" ]; then
		cd -- "./$1" 2>/dev/null
		return
	fi
	steps=$1
	while [ -n "$steps" ]; do
		step=${steps%%/*}
		steps=${steps#"$step"}
		steps=${steps#/}
		step_into "$step" || return
	done
}

# go_to_staging: changes to the staging directory, if it exists.
go_to_staging() { [ -n "$staging" ] && go_below_home "$staging"; }

# is_staged NAME: whether NAME is a regular file here.
is_staged() { [ -f "./$1" ] && [ ! -L "./$1" ]; }

# remove_staged: removes files that any run has staged, and no other names.
remove_staged() {
	go_to_staging || return 0
	set --
	for file in *; do
		case $file in *[!0-9a-f]*) continue ;; esac
		[ ${#file} = 64 ] || continue
		set -- "$@" "./$file"
		[ $# -ge 500 ] || continue
		rm -f -- "$@"
		set --
	done
	[ $# = 0 ] || rm -f -- "$@"
	remove_staging
}

# remove_staging: removes the staging directory and its parents if they are empty, but not the home directory.
remove_staging() {
	cd "$home" || return 0
	if [ -z "$below" ]; then
		rmdir -p -- "$staging" 2>/dev/null || true
		return
	fi
	rest=$staging
	while [ -n "$rest" ]; do
		last=${rest##*/}
		rest=${rest%"$last"}
		rest=${rest%/}
		{ go_below_home "$rest" && rmdir "./$last" 2>/dev/null; } || break
	done
	cd "$home" || return 0
}

