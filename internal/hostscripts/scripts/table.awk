# table.awk prints what /var/lib/nfs/etab should have, after a line "=", or nothing where it
# has that. It reads an earlier state of the table (kind=was), with "real PATH" before it, where
# the shared directory is, "ours CLIENT" for each of our entries and "given CLIENT" for each that
# is exported to now; then the table (kind=now).
# It comes after entries.awk. wanted is one of
#   others   what exportfs has dropped of others is back: it was called just now
#   left     the same, of a run that was killed: others may have changed the table since
#   before   all entries of the directory are what they were
#   without  there are none of ours
#   told     only what exportfs has dropped of others is printed
kind == "was" && $1 == "boot" { next }
kind == "was" && $1 == "real" { real = substr($0, 6); next }
kind == "was" && $1 == "ours" { ours[tolower($2)]; next }
kind == "was" && $1 == "given" { ours[tolower($2)]; given[tolower($2)]; next }
kind == "was" && NF { was[++nwas] = $0; was_there[$0]; if (!is_readable($0)) unreadable = 1; next }
# exportfs does not notice that the disk is full: the table ends in the middle then. Nor does it notice that
# it cannot read back what it writes, such as an entry of ours whose host has a long name in DNS.
kind == "now" && NF && !($0 in was_there) && (!is_entry($0) || path_of($0) == real && !is_readable($0)) { is_cut = has_broken = 1; next }
kind == "now" && NF { now[++nnow] = $0; is_there[$0]; has_entry[entry_of($0)]; if (is_name(client_of($0))) has_names[path_of($0)]; next }

END {
	for (client in given) if (!((real "\t" client) in has_entry)) some_are_missing = 1
	# Cut off between two lines: it is empty, or has not even what was just exported.
	if (wanted == "others" && nwas && (!nnow || some_are_missing)) is_cut = 1
	for (i = 1; i <= nwas; i++) {
		if (was[i] in is_there) continue
		if (wanted ~ /^(others|left|told)$/ ? is_ours(was[i]) || !is_dropped(was[i]) : wanted != "before" || path_of(was[i]) != real) continue
		back[++nback] = was[i]; lost[path_of(was[i])]; lost_options[options_of(was[i])]
	}
	for (i = 1; i <= nnow; i++) if (stays(now[i])) out[++nout] = now[i]
	if (wanted == "told") for (i = 1; i <= nback; i++) print back[i]
	if (wanted == "told" || nout == nnow && !nback && !has_broken) exit
	print "="
	for (i = 1; i <= nout; i++) print out[i]
	for (i = 1; i <= nback; i++) print back[i]
}

# is_dropped tells whether exportfs has dropped an entry that is gone. It drops names, and what
# is exported to an address that it takes for that of a name; all others somebody has withdrawn or
# changed, unless there is an entry that it cannot read, at which it drops them all, or the table ends in
# the middle.
function is_dropped(line) {
	if (entry_of(line) in has_entry) return 0
	return unreadable || is_cut || is_name(client_of(line)) || path_of(line) in has_names && client_of(line) ~ /^[0-9a-fA-F:.]+$/
}

# stays: an entry that came where another of the same options was lost is that one, by
# another name. One of ours may have another name than it was given, too.
function stays(line) {
	if (wanted == "without") return !is_ours(line)
	if (line in was_there || is_ours(line)) return 1
	if (wanted == "before" && path_of(line) == real) return 0
	if (some_are_missing && path_of(line) == real) return 1
	return !(path_of(line) in lost && options_of(line) in lost_options)
}

function is_ours(line) { return path_of(line) == real && tolower(client_of(line)) in ours }
function is_name(client) { return client ~ /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ && client ~ /[A-Za-z]/ }
function is_entry(line) { return line ~ /^[^ \t]+[ \t]+[^ \t(]*\([^ \t]*\)$/ }
# exportfs reads an entry into 512 bytes, after its path.
function is_readable(line) { return is_entry(line) && length(line) - length(path_of(line)) < 512 && wrong_option(inside(options_of(line))) == "" }
function inside(options) { return substr(options, 2, length(options) - 2) }
function entry_of(line) { return path_of(line) "\t" tolower(client_of(line)) }
function path_of(line) { rest = line; return next_word() }
function client_of(line) { sub(/^[^ \t]*[ \t]+/, "", line); sub(/\(.*/, "", line); return line }
function options_of(line) { sub(/^[^(]*/, "", line); return line }
function found_entry(file, first, last, marked, path, client, options) {}
function damaged(what, marked) {}
