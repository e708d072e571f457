# names.awk knows how the data and the notes write names, and what stat(1) says of files.

# plain is a name as it is, out of the form that the data and the notes have it in:
# \\ for a backslash, \0ooo for a byte.
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

# parent is the directory that a name lies in, empty for the share itself.
function parent(name) { return sub("/[^/]*$", "", name) ? name : "" }

# read_stat takes a line of what stat prints, MARK MODE INODE SIZE DATE TIME ZONE ./NAME, and
# sets status[NAME] to MODE:INODE:SIZE:CHANGED, where record is the mark. A name may have
# line breaks, so that it is whole only when the next record begins; after the last one,
# call end_stat().
function read_stat() {
	if ($1 != record) { stat_name = stat_name "\n" $0; return }
	end_stat()
	stat_name = $0
	sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", stat_name)
	stat_of = $2 ":" $3 ":" $4 ":" $5 "T" $6
}

function end_stat() { if (stat_of != "") status[stat_name] = stat_of }
