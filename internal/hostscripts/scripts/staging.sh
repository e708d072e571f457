# Where publish.sh finds what was staged by SFTP: below the home directory of the login.

# go_below_home WAY: goes there, if it is there. The login may turn every step of it meanwhile.
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

# go_to_staging: goes to where files are staged, if that is there.
go_to_staging() { [ -n "$staging" ] && go_below_home "$staging"; }

# is_staged NAME: whether a file of that name is there.
is_staged() { [ -f "./$1" ] && [ ! -L "./$1" ]; }

# remove_staged: what is staged, whatever run has staged it, and nothing of another name.
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

# remove_staging: where files were staged, and the folders above it as far as they are
# empty. The home directory stays.
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

