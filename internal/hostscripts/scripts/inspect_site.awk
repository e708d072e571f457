# inspect_site.awk is the part of inspect.awk for the files in the share.

# kind_of is the file type of a name; it does not follow links. The first of a mode's four
# hexadecimal digits is the type (inode(7)), the last has the permissions of others.
function kind_of(name,   type) {
	type = substr(status[name], 1, 1)
	return type == "" ? "" : type == "8" ? "file" : type == "4" ? "directory" : type == "a" ? "link" : "other"
}

function others_may(name, bits,   digit) {
	digit = index("0123456789abcdef", substr(status[name], 4, 1)) - 1
	return bits == 4 ? int(digit / 4) % 2 == 1 : int(digit / 4) % 2 == 1 && digit % 2 == 1
}

function inspect_site(   i, name, key) {
	for (i = 1; i <= note_drifts[mine, "site"]; i++) say("site repaired " note_drift[mine, "site", i])
	for (name in noted) { split(name, key, SUBSEP); if (key[2] == "left" && is_left(key[1])) say("site left " key[1]) }
	for (i = 1; i <= nputs; i++)
		if (put_part[i] == "site" && put_id[i] == mine || put_part[i] == "left" && is_left(put_id[i]) && is_as_put(i)) know(i)
	for (i = 1; i <= nmades; i++)
		if ((made_part[i] == "site" && made_id[i] == mine || made_part[i] == "left" && is_left(made_id[i])) && kind_of("./" plain(mades[i])) == "directory" && !is_made[mades[i]]++) say("site made " mades[i])
	if (!forgetting && status["."] != "" && !others_may(".", 5)) conflict("path", "clients cannot read " directory, "chmod o+rx it")
	if (forgetting) nfiles = 0
	for (i = 1; i <= nfiles; i++) { inspect_file(files[i]); is_wanted[files[i]] = 1 }
	for (name in known) {
		if (is_drift[name]) say("site drift " name " " is_drift[name])
		if (name in is_wanted) continue
		if (kind_of("./" plain(name)) == "" || is_gone_on_the_way(name)) say("site gone " name)
		else say("site " (is_drift[name] ? "kept " : "remove ") name)
	}
}

# know reads a note: the file is ours, but may have changed since. Notes of a killed run or of
# an earlier version are incomplete.
function know(i,   name) {
	name = puts[i]
	known[name] = 1
	if (publishing) say("site known put " put_sha[i] " " put_status[i] " " name)
	if (is_as_put(i)) { as_put[name] = put_status[i] ~ /[0-9]$/ ? put_sha[i] : "unknown"; as_noted[name] = put_status[i]; delete is_drift[name] }
	else if (!(name in as_put)) is_drift[name] = drift_of(name)
}

function is_as_put(i,   p) {
	p = "./" plain(puts[i])
	if (is_gone_on_the_way(puts[i])) return 0
	if (put_status[i] == "-") return kind_of(p) == "file"
	if (put_status[i] ~ /\?$/) return index(status[p], substr(put_status[i], 1, length(put_status[i]) - 1)) == 1
	return status[p] == put_status[i]
}

function drift_of(name,   p) {
	p = "./" plain(name)
	if (link_above(name) != "") return "lies behind a symbolic link"
	if (kind_of(p) == "") return "is gone"
	if (is_gone_on_the_way(name)) return "was changed"
	if (kind_of(p) == "file" && !others_may(p, 4)) return "cannot be read by clients"
	return "was changed"
}

# is_left tells whether notes of files that a stack has left are this stack's: by its identity
# or, after a destroy, by its name.
function is_left(id) { return note_directory[id] == directory && (note_owner[id] == owner && share_of(note_block[id]) == share_of(block) || same_name(note_block[id])) }

function inspect_file(name,   p, above, way) {
	p = "./" plain(name)
	if (way = link_above(name)) { conflict("site", way " is a symbolic link in " directory ", and it may lead out of it", "remove it"); return }
	for (way = parent(name); way != ""; way = parent(way)) {
		above = "./" plain(way)
		if ((real "/" plain(way)) in mounted) { conflict("site", way " in " directory " is the mount point of another file system, into which a file cannot be renamed", "remove it from the site, or unmount it"); return }
		if (kind_of(above) == "directory") { if (!others_may(above, 5)) unreadable(way) }
		else if (kind_of(above) != "" && !(way in known)) { conflict("site", way " is already in the share, is not a directory, and was not published by this stack", "remove it"); return }
		else if (kind_of(above) != "" && is_drift[way]) { conflict("site", way " was changed by hand, and is not a directory", "remove it"); return }
		else if (publishing && !to_make[way]++) say("site make " way)
	}
	if (kind_of(p) == "directory" && !(has_below(name) && is_made[name])) conflict("site", name " is a directory there", "remove it")
	else if (kind_of(p) == "directory") say("site replace " below(name) " " name)
	else if (kind_of(p) != "" && kind_of(p) != "directory" && !(name in known) && adopt != "yes")
		conflict("site", name " is already in the share, and this stack did not publish it", "remove it, or set {adopt} to true, which replaces it")
	if (as_put[name] "" == sha[name] "") { if (publishing) say("site stays put " sha[name] " " as_noted[name] " " name); return }
	say("site place " sha[name] (lacking[sha[name]] ? "." lacking[sha[name]] : "") " " name)
	if (!lacking[sha[name]]++) say("site lacking " sha[name])
}

function unreadable(way) { if (!told[way]++) conflict("site", "clients cannot read " way " in " directory, "chmod o+rx it") }

# below counts the lines that find(1) prints for a directory and our files in it: names may have line breaks.
function below(name,   other, lines) {
	for (other in known) if (index(other, name "/") == 1 && !is_drift[other]) lines += lines_of(plain(other))
	for (other in is_made) if (other == name || index(other, name "/") == 1) lines += lines_of(plain(other))
	return lines
}

function lines_of(text) { return gsub(/\n/, "", text) + 1 }

# has_below tells whether files of ours are, or were, below a name.
function has_below(name,   other) {
	for (other in known) if (index(other, name "/") == 1) return 1
	return 0
}

# link_above is the topmost link among the parent directories of a name. What is behind it is outside the
# share and is not reported.
function link_above(name,   way, link) {
	for (way = parent(name); way != ""; way = parent(way)) if (kind_of("./" plain(way)) == "link") link = way
	return link
}

# is_gone_on_the_way tells whether a parent directory is not a directory any more.
function is_gone_on_the_way(name,   way) {
	for (way = parent(name); way != ""; way = parent(way)) if (kind_of("./" plain(way)) != "directory") return 1
	return 0
}
