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
function parent(name) { return sub(/\/[^\/]*$/, "", name) ? name : "" }
