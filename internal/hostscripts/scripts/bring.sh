# How publish.sh brings staged files into the share.

# bring_in: copies staged files into a directory of the share that only root can enter, and
# verifies the copies there.
bring_in() {
	read -r random </proc/sys/kernel/random/uuid
	temporary=.webapp-balanced.$random
	[ -d "$notes" ] || mkdir -p "$notes"
	say "$temporary" >"$notes/temporary"
	# Not with -m: busybox changes the mode by name, which may be a link by then.
	(umask 077 && mkdir "./$temporary") || fail "the files cannot be written to $directory; nothing was published"
	# Also empty: a name in it might be a link to elsewhere.
	{ step_into "$temporary" && is_private && set -- * && [ "$1" = '*' ]; } || fail "another process replaced $temporary in $directory; nothing was published"
	exec 6<.
	[ -z "$lacking" ] || go_to_staging || fail "not staged in $home/$staging: ${lacking%%"$newline"*}; nothing was published"
	set --
	while read -r sum; do
		[ -n "$sum" ] || continue
		is_staged "$sum" || fail "not staged in $home/$staging: $sum; nothing was published"
		set -- "$@" "./$sum"
		[ $# -ge 500 ] || continue # limits the arguments of a command
		copy "$@"
		set --
	done <<DATA
$lacking
DATA
	[ $# = 0 ] || copy "$@"
	cd -P /proc/self/fd/6
	for file in *; do
		[ ! -L "$file" ] || fail "$file was replaced by a link in $home/$staging; nothing was published"
	done
	# A file with several names: sum.1, sum.2
	sums=''
	while read -r sum _; do
		case $sum in *.*) cp "./${sum%.*}" "./$sum" ;; esac
		sums=$sums${sum:+"${sum%.*}  $sum$newline"}
	done <<DATA
$placed
DATA
	wrong=$(within 600 sha256sum -c 2>/dev/null <<DATA
${sums%"$newline"}
DATA
	) || fail "changed on the way to $home/$staging:$(failed_sums "$wrong"); nothing was published"
	stat_new
	if has_other_modes; then
		if is_many; then printf '%s\n' * | xargs chmod 644 --; else chmod 644 -- *; fi
		stat_new
	fi
	leave
}

# stat_new: sets new_files to the new files' stat data. Their names have no blanks.
stat_new() {
	if is_many; then
		new_files=$(printf '%s\n' * | xargs stat -c 'new %n %f:%i:%s:' --)
	else
		new_files=$(stat -c 'new %n %f:%i:%s:' -- *)
	fi
}

# is_many: whether the files may be too many for one command.
is_many() { [ ${#placed} -gt 65536 ]; }

# copy: copies a link as a link, which is never published. A staged file may have been replaced by a FIFO
# or an endless file.
copy() { within 600 cp -P -- "$@" /proc/self/fd/6/ || fail "the files cannot be written to $directory; nothing was published"; }

# has_other_modes: whether a new file is not rw-r--r--, as most are staged.
has_other_modes() {
	while read -r _ _ of_file; do
		case $of_file in 81a4:*) ;; *) return 0 ;; esac
	done <<DATA
$new_files
DATA
	return 1
}

# failed_sums TEXT: those that sha256sum does not confirm.
failed_sums() {
	while read -r sum is; do
		[ "$is" = OK ] || printf ' %s' "${sum%:}"
	done <<DATA
$1
DATA
}
