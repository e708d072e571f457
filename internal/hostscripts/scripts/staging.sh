# Where publish.sh finds what was staged by SFTP: below the home directory of the login.

# go_to_staging: goes to where files are staged, if that is there.
go_to_staging() {
	cd "$home"
	[ -n "$staging" ] || return
	if [ -z "$below" ]; then
		cd -- "$staging" 2>/dev/null
		return
	fi
	way=$staging
	while [ -n "$way" ]; do
		step=${way%%/*}
		way=${way#"$step"}
		way=${way#/}
		step_into "$step" || return
	done
}

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
	cd "$home"
	rmdir -p -- "$staging" 2>/dev/null || true
}

