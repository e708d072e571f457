# What a script finds before it changes anything. It comes after common.sh.

# examine ARGUMENT...: prints what inspect.awk finds: in the exports if exports is among the
# arguments, in the site if site is yes.
examine() {
	set -- record="@$$" site="$site" base="$base" directory_is_there="$there" "$@"
	! command -v getent >/dev/null || set -- has_getent=yes "$@"
	# awk opens these files itself: as an argument, one that disappears meanwhile, such as the
	# notes of another share, would make it fail.
	read_too=''
	for file in "$base"/*/exports "$base"/*/site "$base"/*/left; do
		[ ! -f "$file" ] || read_too=$read_too"notes $file$newline"
	done
	for file in "$exports" /etc/exports.d/*.exports; do
		[ ! -f "$file" ] || read_too=$read_too"exports $file$newline"
	done
	read_too=${read_too}"table /var/lib/nfs/etab${newline}fstab /etc/fstab${newline}mounts /proc/self/mounts"
	stat_files | real_directory=$real awk "$entries_awk$names_awk$inspect_awk$inspect_exports_awk$inspect_site_awk" "$@" kind=data /dev/fd/4 kind=stat - 4<<DATA
$all
$read_too
DATA
}

# stat_files: prints the lstat(2) data of the share, the directories that others export, the site's files,
# previously published files, and their parent directories. It opens and follows nothing in the share. A name
# may have line breaks, so a record begins with a mark that no name can predict.
stat_files() {
	[ -n "$there" ] || return 0
	awk "$entries_awk$names_awk$list_awk" site="$site" mine="$base/$state/ $base/$was/" adopt="$adopt" kind=data /dev/fd/4 4<<DATA | xargs stat -c "@$$ %f %i %s %z %n" 2>/dev/null
$all
$read_too
DATA
}

# gather ARGUMENT...: runs examine and sorts its output: conflicts and warnings as people
# read them, other lines without their first two words.
gather() {
	found=$(examine "$@") || return
	conflicts='' warnings='' live='' missing='' stale='' folder='' mount='' place='' adopted=''
	placed='' lacking='' removed='' absent='' known='' kept='' left_by='' stays='' made='' to_make='' replaced=''
	while IFS= read -r found_line; do
		text=${found_line#* * }
		case $found_line in
		"conflict "*)
			# Previews insert the user's name of the property.
			case $text in *'{adopt}'*) text="${text%%'{adopt}'*}the share's adopt${text#*'{adopt}'}" ;; esac
			conflicts=$conflicts${conflicts:+$newline}${text%%"$tab"*}": "${text#*"$tab"}
			;;
		"warning "*) warnings=$warnings${warnings:+$newline}${found_line#warning } ;;
		"exports live "*) live=$live$text$newline ;;
		"exports missing "*) missing=$missing${missing:+, }$text ;;
		"exports stale "*) stale=$stale$text$newline ;;
		"exports folder "*) folder=$text ;;
		"exports mount "*) mount=$text ;;
		"exports block "*) place="${place}place $text$newline" ;;
		"exports adopt "*) adopted="${adopted}leave $text$newline" ;;
		"site place "*) placed=$placed$text$newline ;;
		"site lacking "*) lacking=$lacking$text$newline ;;
		"site remove "*) removed=$removed$text$newline ;;
		"site gone "*) absent=$absent$text$newline ;;
		"site known "*) known=$known$text$newline ;;
		"site stays "*) stays=$stays$text$newline ;;
		"site made "*) made=$made$text$newline ;;
		"site replace "*) replaced=$replaced$text$newline ;;
		"site make "*) to_make=$to_make$text$newline ;;
		"site kept "*) kept=$kept$text$newline ;;
		"site left "*) left_by=$left_by$text$newline ;;
		esac
	done <<DATA
$found
DATA
}
