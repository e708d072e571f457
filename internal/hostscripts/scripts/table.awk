# table.awk prints the new content of /var/lib/nfs/etab after a line "=", or nothing if the
# table is right. It reads an earlier state of the table (kind=was), after "real PATH" for the
# shared directory, "ours CLIENT" for each of our entries and "given CLIENT" for each client that
# is being exported to; then the current table (kind=now).
# It comes after entries.awk. wanted is one of
#   others   restores what exportfs has just dropped of others
#   left     the same after a killed run: others may have changed the table since
#   before   restores all entries of the directory
#   without  removes our entries
#   told     prints only what exportfs has dropped of others
kind == "was" && $1 == "boot" { next }
kind == "was" && $1 == "real" { real = substr($0, 6); next }
kind == "was" && $1 == "ours" { ours[tolower($2)]; next }
kind == "was" && $1 == "given" { ours[tolower($2)]; given[tolower($2)]; next }
kind == "was" && NF { was[++nwas] = $0; was_there[$0]; if (!is_readable($0)) unreadable = 1; next }
# exportfs does not notice a full disk: the table is then cut off. Nor does it notice that it cannot read
# back what it writes, such as an entry of ours whose host has a long name in DNS.
kind == "now" && NF && !($0 in was_there) && (!is_entry($0) || path_of($0) == real && !is_readable($0)) { is_cut = has_broken = 1; next }
kind == "now" && NF { now[++nnow] = $0; is_there[$0]; has_entry[entry_of($0)]; if (is_name(client_of($0))) has_names[path_of($0)]; next }

END {
	for (client in given) if (!((real "\t" client) in has_entry)) some_are_missing = 1
	# Cut off between two lines: the table is empty, or lacks what was just exported.
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

# is_dropped tells whether exportfs has dropped a missing entry. It drops names, and addresses that
# it takes for the address of a name; all others were unexported or changed by another process, unless
# there is an entry that exportfs cannot read, at which it drops all, or the table is cut off.
function is_dropped(line) {
	if (entry_of(line) in has_entry) return 0
	return unreadable || is_cut || is_name(client_of(line)) || path_of(line) in has_names && client_of(line) ~ /^[0-9a-fA-F:.]+$/
}

# stays: an entry that appeared where another with the same options was lost is that one under
# another name. One of ours may also have another name than it was given.
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
# exportfs has 512 bytes for the part of an entry after its path.
function is_readable(line) { return is_entry(line) && length(line) - length(path_of(line)) < 512 && wrong_option(inside(options_of(line))) == "" }
function inside(options) { return substr(options, 2, length(options) - 2) }
function entry_of(line) { return path_of(line) "\t" tolower(client_of(line)) }
function path_of(line) { rest = line; return next_word() }
function client_of(line) { sub(/^[^ \t]*[ \t]+/, "", line); sub(/\(.*/, "", line); return line }
function options_of(line) { sub(/^[^(]*/, "", line); return line }
function found_entry(file, first, last, marked, path, client, options) {}
function damaged(what, marked) {}
