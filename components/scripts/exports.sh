# exports.sh apply|remove|probe BLOCK: keeps the share's block in /etc/exports,
# between two marking comments, and has the kernel export what the file then says.
# It comes after common.sh and entries.sh. Everything outside the block stays as it
# is, to the byte. A change is a transaction: under one lock for the host, the file
# is replaced in one step and exported, and the live table is looked at; if anything
# is wrong, the file and the table are put back as they were.
program=exports

# A symbolic link is followed: the file that it names is replaced, not the link.
exports=$(readlink -f /etc/exports) || fail "/etc/exports cannot be found"

# A transaction's files lie beside the file itself, so that each can take its
# place in one step.
work=$exports.webapp-balanced

begin="# BEGIN $block (managed by Pulumi, edits are lost)"
end="# END $block (managed by Pulumi)"

##### The block in the file

# bounds FILE: prints the numbers of the first and the last line of the block,
# nothing where there is none. Damaged marks are an error, anybody's: where one
# block ends is a guess then.
bounds() {
	BLOCK=$block awk '
	/^# BEGIN [^ ]+ \(managed by Pulumi/ {
		if (open != "") wrong("line " NR " begins the block " $3 " inside the block " open ", which line " from " begins")
		else if ($3 in begun) wrong("lines " begun[$3] " and " NR " both begin the block " $3)
		if ($3 == ENVIRON["BLOCK"] && previous ~ /\\$/) wrong("line " NR - 1 " ends with a backslash, which draws in the line after it")
		open = $3; from = NR; begun[$3] = NR
	}
	/^# END [^ ]+ \(managed by Pulumi\)/ {
		if (open != $3) wrong("line " NR " ends the block " $3 ", which is not begun")
		else if ($3 == ENVIRON["BLOCK"]) print from, NR
		open = ""
	}
	{ previous = $0 }
	END {
		if (open != "") wrong("line " from " begins the block " open ", which has no end")
		if (!(ENVIRON["BLOCK"] in begun) && previous ~ /\\$/) wrong("line " NR " ends with a backslash, which would draw in the line after it")
		exit bad
	}
	function wrong(what) { print "exports: /etc/exports: " what "; mend it by hand" | "cat >&2"; bad = 1 }
	' "$1"
}

# in_block FILE: prints the lines of the block, the marks left out.
in_block() {
	at=$(bounds "$1") || return
	[ -z "$at" ] || sed -n "${at% *},${at#* }p" "$1" | sed '1d;$d'
}

# with_block, without_block FILE: print the file with the block as it is wanted,
# or without it. The block stays where it is; a new one goes to the end.
with_block() {
	around "$1" before && say "$begin$newline$lines$newline$end" && around "$1" after
}

without_block() {
	around "$1" before && around "$1" after
}

around() {
	at=$(bounds "$1") || return
	case $2$at in
	before) cat "$1" ;;
	after) ;;
	before*) head -n "$((${at% *} - 1))" "$1" ;;
	after*) tail -n "+$((${at#* } + 1))" "$1" ;;
	esac
}

unterminated() { # whether a file's last line has no end
	[ -s "$1" ] && [ "$(tail -c 1 "$1" | od -An -tx1 | tr -d ' ')" != 0a ]
}

##### Lines of others

# rivals: lists the lines of others that export our directory to our clients,
# fields separated by tabs: WHAT FILE FIRST LAST WHY. WHAT is equal for a line
# that exports nothing else, and with just our options.
rivals() {
	{
		say "$lines" | entries - | sed "s/^/ours$tab/"
		for file in "$exports" /etc/exports.d/*.exports; do
			[ ! -e "$file" ] || entries "$file"
		done | sed "s/^/theirs$tab/"
	} | EXPORTS=$exports BLOCK=$block awk -F '\t' '
	$1 == "ours" { ours[$6, $7] = sorted($8); next }
	$5 == ENVIRON["BLOCK"] { next }
	{
		line = $4 "\t" $2 "\t" $3
		if (!(line in why)) { lines[++n] = line; why[line] = "" }
		if (!(($6, $7) in ours)) more[line] = 1
		else if ($5 != "-") why[line] = "it belongs to " $5
		else if (sorted($8) != ours[$6, $7]) why[line] = "its options for " $7 " differ"
		else if ($4 != ENVIRON["EXPORTS"]) why[line] = "only lines of /etc/exports itself can be taken over"
		else same[line] = 1
	}
	END {
		for (i = 1; i <= n; i++) {
			line = lines[i]
			if (same[line] && more[line] && why[line] == "") why[line] = "it exports to others too"
			if (why[line] != "") print "rival\t" line "\t" why[line]
			else if (same[line]) print "equal\t" line "\tnfs.adopt: true takes it over"
		}
	}
	function sorted(options,   n, part, i, j, swap, out) {
		n = split(options, part, ",")
		for (i = 2; i <= n; i++) for (j = i; j > 1 && part[j] < part[j - 1]; j--) { swap = part[j]; part[j] = part[j - 1]; part[j - 1] = swap }
		for (i = 1; i <= n; i++) out = out part[i] ","
		return out
	}'
}

# conflicts: says which lines of others are in the way.
conflicts() {
	rivals | while IFS=$tab read -r what file first last why; do
		[ "$what$adopt" = equalyes ] ||
			say "line $first of $file exports the same to the same client: $(sed -n "$first,${last}p" "$file") ($why)"
	done
}

# to_adopt: prints the sed script that takes out the lines to be taken over.
to_adopt() {
	[ "$adopt" != yes ] || rivals | sed -n "s/^equal$tab.*$tab\([0-9]*\)$tab\([0-9]*\)$tab.*/\1,\2d/p"
}

##### The live table

# unexported LINES: prints those that the kernel does not export as they are. The
# table names a host by its full name, and some options by another; some it does
# not name.
unexported() {
	[ -n "$1" ] || return 0
	table=$(live_table) || return
	{
		say "$1" | sed "s/^/line$tab/"
		full_names "$1"
		say "$1" | entries - | sed "s/^/ours$tab/"
		say "$table" | entries - | sed "s/^/table$tab/"
	} | awk -F '\t' '
	$1 == "line" { line[++lines] = $2 }
	$1 == "name" { full[$2] = $3 }
	$1 == "ours" { path[$2] = $6; client[$2] = $7; wanted[$2] = $8 }
	$1 == "table" { exported[$6, $7] = "," $8 "," }
	END {
		for (i = 1; i <= lines; i++) if (!is_exported(i)) print line[i]
	}
	function is_exported(i,   options, n, option, j, o) {
		options = exported[path[i], client[i]]
		if (options == "") options = exported[path[i], full[client[i]]]
		if (options == "") return 0
		n = split(wanted[i], option, ",")
		for (j = 1; j <= n; j++) {
			o = option[j]
			if (o == "auth_nlm") o = "secure_locks"
			if (o == "no_auth_nlm") o = "insecure_locks"
			if (o == "fsid=root") o = "fsid=0"
			if (o ~ /^anon.id=-/ || o ~ /^(no_)?(pnfs|acl)$/ || o == "security_label" || o == "nordirplus") continue
			if (!index(options, "," o ",")) return 0
		}
		return 1
	}'
}

# live_table: exportfs locks the table to print it, which only root may. Whoever may
# only look reads the file that it keeps the table in, and replaces in one step.
live_table() {
	etab=/var/lib/nfs/etab
	if [ -r "$etab" ] && [ ! -w "$etab" ]; then
		cat "$etab"
	else
		exportfs -s
	fi
}

# full_names LINES: prints the full name of every client that is a host's name.
full_names() {
	say "$1" | while read -r _ client; do
		client=${client%%(*}
		case $client in
		*[:/*?@]*) ;;
		*[A-Za-z]*) getent hosts "$client" | awk -v name="$client" '{ print "name\t" tolower(name) "\t" tolower($2); exit }' ;;
		esac
	done
}

# export_all: has the kernel export what the file says. If it does not do that,
# says why, and which lines are at fault and whose they are.
export_all() {
	if said=$(exportfs -r 2>&1); then
		missing=$(unexported "$(in_block "$exports")") || { say "the export table cannot be read: exportfs -s fails"; return 1; }
		[ -n "$missing" ] || return 0
		say "the kernel does not export, although exportfs -r accepted it: $missing"
		return 1
	fi
	say "exportfs -r fails: $said"
	at_fault "$said" | sort -u | while read -r line file; do
		say "at fault is line $line of $file, $(whose "$file" "$line"): $(sed -n "${line}p" "$file")"
	done
	return 1
}

# at_fault OUTPUT: prints the lines that exportfs complains of, by their numbers
# or by the directories that they name.
at_fault() {
	say "$1" | sed -n 's/^exportfs: \(\/[^:]*\):\([0-9]*\): .*/\2 \1/p'
	{
		say "$1" | sed -n "s/^exportfs: Failed to stat \(.*\): .*/missing$tab\1/p"
		entries "$exports" | sed "s/^/entry$tab/"
	} | awk -F '\t' '$1 == "missing" { missing[$2] = 1 } $1 == "entry" && $6 in missing { print $2, $4 }'
}

whose() { # whose FILE LINE
	at=$(bounds "$exports" 2>/dev/null) || at=
	if [ "$(readlink -f "$1")" = "$exports" ] && [ -n "$at" ] && [ "$2" -ge "${at% *}" ] && [ "$2" -le "${at#* }" ]; then
		say "which is ours"
	else
		say "which is not ours"
	fi
}

##### The transaction

# lock: one change at a time on this host. The lock is on the directory, so no
# file is left of it.
lock() {
	exec 9<"$(dirname "$exports")"
	patience=60 # seconds
	flock -w "$patience" 9 || fail "the lock on $(dirname "$exports") was not free for $patience s: $(holder) has it; nothing was changed"
	recover
}

# holder: names the process that has the lock (proc(5), fdinfo).
holder() {
	for info in /proc/[0-9]*/fdinfo/9; do
		process=${info%/fdinfo/9}
		# What the holder has started has the lock too; the shell is the one meant.
		if grep -q '^lock:.*FLOCK' "$info" 2>/dev/null && [ "$(readlink "$process/fd/9")" = "$(dirname "$exports")" ] &&
			grep -q 'sh' "$process/cmdline"; then
			say "process ${process#/proc/} ($(tr '\0' ' ' <"$process/cmdline"))"
			return
		fi
	done
	say "a process that cannot be found"
}

# recover: undoes what a killed run has left half done. It had put its file in
# place exactly if that is the one there; whether the kernel took it is unknown.
recover() {
	if [ -e "$work.old" ] && [ -e "$work.new" ] && cmp -s "$exports" "$work.new"; then
		restore
	fi
	clean
}

clean() { rm -f "$work.new" "$work.old" "$work.tmp" "$work.base"; }

# restore takes no space, so a full disk does not keep it.
restore() { mv -f "$work.old" "$exports" && sync "$(dirname "$exports")"; }

# put FILE: the file's content becomes that of the exports file, in one step,
# with the same owner and mode as before.
put() {
	if [ -e "$exports" ]; then
		cp -a "$exports" "$work.tmp" || return
	else
		: >"$work.tmp" || return
		chmod 644 "$work.tmp"
	fi
	cat "$1" >"$work.tmp" && sync "$work.tmp" && mv -f "$work.tmp" "$exports" && sync "$(dirname "$exports")"
}

# compose HOW: writes the new file.
compose() {
	if [ -e "$exports" ]; then
		sed "$(to_adopt)" "$exports" >"$work.base" || return
	else
		: >"$work.base" || return
	fi
	if unterminated "$work.base"; then
		echo >>"$work.base" && "$1" "$work.base" >"$work.tmp" &&
			head -c "$(($(wc -c <"$work.tmp") - 1))" "$work.tmp" >"$work.new"
	else
		"$1" "$work.base" >"$work.new"
	fi
}

# change HOW: the whole transaction.
change() {
	compose "$1" || fail "the new file cannot be written beside $exports; nothing was changed"
	if [ -e "$exports" ] && cmp -s "$exports" "$work.new"; then
		problem=$(export_all) || fail "$problem
/etc/exports was not changed"
		return
	fi
	if [ -e "$exports" ]; then
		cp -a "$exports" "$work.old" || fail "$exports cannot be saved; nothing was changed"
	fi
	put "$work.new" || fail "$exports cannot be replaced; nothing was changed"
	problem=$(export_all) && return
	if [ -e "$work.old" ]; then restore; else rm -f "$exports"; fi
	exportfs -r >/dev/null 2>&1 || problem="$problem
with the lines as they were before it fails as well, so the fault is not this change's"
	fail "$problem
/etc/exports is as it was"
}

##### What can be asked for

# begin_change: alone from here on, and with a file that can be read.
begin_change() {
	command -v exportfs >/dev/null || fail "there is no exportfs on this host: install the NFS server (nfs-kernel-server)"
	command -v flock >/dev/null || fail "there is no flock on this host: install util-linux"
	lock
	trap clean EXIT
	[ ! -e "$exports" ] && return
	# Not every awk and sed gets a NUL byte through whole.
	[ "$(tr -d '\0' <"$exports" | wc -c)" -eq "$(wc -c <"$exports")" ] || fail "/etc/exports has NUL bytes, so it is no text; nothing was changed"
	bounds "$exports" >/dev/null || fail "nothing was changed"
}

apply() {
	begin_change
	in_the_way=$(conflicts)
	[ -z "$in_the_way" ] || fail "$in_the_way
nothing was changed; take those lines out, or share another directory"
	mkdir -p -- "$directory" || fail "the directory $directory cannot be made; nothing was changed"
	change with_block
	note exports "$all"
}

remove() {
	begin_change
	change without_block
	forget_note exports
}

# probe: says, and changes nothing: what an update would refuse, what has been
# changed since the last one, and what that one has healed.
probe() {
	conflicts | sed 's/^/conflict /'
	found=
	if [ -e "$exports" ]; then
		found=$(in_block "$exports" 2>&1) || { say "$found" | sed 's/^exports: /conflict /'; return; }
	fi
	[ -e "$notes/exports" ] || return 0
	noted=$(sed -n 's/^line //p' "$notes/exports")
	sed -n 's/^drift /healed /p' "$notes/exports"
	if [ "$noted" != "$found" ]; then
		lacks "$noted" "$found" | sed 's/^/drift \/etc\/exports lacks: /'
		lacks "$found" "$noted" | sed 's/^/drift \/etc\/exports has: /'
	fi
	unexported "$noted" | sed 's/^/drift the export table lacks: /'
}

# lacks WANTED FOUND: prints the wanted lines that were not found.
lacks() {
	say "$1" | while IFS= read -r line; do
		[ -z "$line" ] || printf '%s\n' "$2" | grep -qxF -e "$line" || say "$line"
	done
}

"$1"
