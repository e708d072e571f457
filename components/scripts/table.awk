# table.awk prints what /var/lib/nfs/etab should have, after a line "=", or nothing where it
# has that. It reads an earlier state of the table (kind=was), with "ours CLIENT" before it for
# each of our entries, and the table (kind=now). It comes after entries.awk. Variables: real is
# where the shared directory is, and wanted is one of
#   others   the entries of others are what they were
#   before   all entries of the directory are what they were
#   without  there are none of ours
kind == "was" && $1 == "ours" { ours[$2]; next }
kind == "was" && NF { was[++nwas] = $0; was_there[$0]; next }
kind == "now" && NF { now[++nnow] = $0; is_there[$0] }

END {
	for (i = 1; i <= nwas; i++)
		if (was[i] in is_there) continue
		else if (wanted == "others" && !is_ours(was[i]) || wanted == "before" && path_of(was[i]) == real) { back[++nback] = was[i]; lost[path_of(was[i])]; lost_options[options_of(was[i])] }
	for (i = 1; i <= nnow; i++) if (stays(now[i])) out[++nout] = now[i]
	if (nout == nnow && !nback) exit
	print "="
	for (i = 1; i <= nout; i++) print out[i]
	for (i = 1; i <= nback; i++) print back[i]
}

# stays: an entry that came where another of the same options was lost is that one, by
# another name.
function stays(line) {
	if (wanted == "without") return !is_ours(line)
	if (line in was_there || is_ours(line)) return 1
	if (wanted == "before" && path_of(line) == real) return 0
	return !(path_of(line) in lost && options_of(line) in lost_options)
}

function is_ours(line) { return path_of(line) == real && client_of(line) in ours }
function path_of(line) { rest = line; return next_word() }
function client_of(line) { sub(/^[^\t]*\t/, "", line); sub(/\(.*/, "", line); return line }
function options_of(line) { sub(/^[^(]*/, "", line); return line }
function found_entry(file, first, last, marked, path, client, options) {}
function damaged(what, marked) {}
