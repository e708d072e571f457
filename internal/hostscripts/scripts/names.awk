# names.awk decodes the names in the data and the notes, and the output of stat(1).

# plain decodes a name of the data or the notes: \\ is a backslash, \0ooo is a byte.
function plain(name,   at, out) {
	while (at = index(name, "\\")) {
		out = out substr(name, 1, at - 1)
		if (substr(name, at + 1, 1) == "0") {
			out = out sprintf("%c", substr(name, at + 2, 1) * 64 + substr(name, at + 3, 1) * 8 + substr(name, at + 4, 1))
			name = substr(name, at + 5)
		} else { out = out "\\"; name = substr(name, at + 2) }
	}
	return out name
}

# parent is the directory of a name, empty for the share itself.
function parent(name) { return sub("/[^/]*$", "", name) ? name : "" }

# read_stat reads a line of stat output, MARK MODE INODE SIZE DATE TIME ZONE ./NAME, and sets
# status[NAME] to MODE:INODE:SIZE:CHANGED; record is the mark. A name may have line breaks, so it
# is complete only when the next record begins; after the last one, call end_stat().
function read_stat() {
	if ($1 != record) { stat_name = stat_name "\n" $0; return }
	end_stat()
	stat_name = $0
	sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", stat_name)
	stat_of = $2 ":" $3 ":" $4 ":" $5 "T" $6
}

function end_stat() { if (stat_of != "") status[stat_name] = stat_of }
