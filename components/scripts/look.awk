# look.awk compares what is wanted with what is on the host, and prints what it found,
# a line each; it changes nothing. It comes after entries.awk and plain.awk. Its input files have
# their kind before them: kind=data and so on.
#   data     the lines of a script's data, and "host NAME ADDRESS CANONICAL" for each
#            client that is a host's name (no more than NAME: it cannot be resolved)
#   notes    those below /var/lib/webapp-balanced
#   exports  /etc/exports and the files of /etc/exports.d
#   table    /var/lib/nfs/etab
#   fstab, mounts
#   stat     the files of the share: RECORD MODE INODE SIZE DATE TIME ZONE ./PATH
# Variables: exports and real are where /etc/exports and the directory really are, record
# is what a record of stat begins with.
#
# It prints, with a tab before a HINT:
#   conflict PROPERTY TEXT HINT   what an update refuses
#   warning TEXT                  what is wrong with lines of others
#   exports drift TEXT            what was changed since the last update
#   exports healed TIME TEXT      what that one repaired
#   exports folder NAME           our notes
#   exports mount PATH            where the disk of the share is mounted
#   exports block FIRST LAST      our block
#   exports adopt FIRST LAST      lines of others that are taken over
#   exports live CLIENT OPTIONS   what the kernel exports, of ours
#   exports missing CLIENT        what it does not export
#   exports stale CLIENT OPTIONS  what it should not export any more
#   site drift, site healed       as above
#   site lacking SHA256           what has to be staged
#   site place SHA256 PATH        what has to be put in its place
#   site remove PATH              what is no longer in the site, and as it was put there
#   site kept PATH                the same, but somebody has changed it
#   site gone PATH                the same, and not there
#   site known put SHA256 META PATH   a note of a file that is ours (for publish.sh only)
#   site left FOLDER              notes of what this stack has left here before

function say(what) { print what }
function conflict(property, text, hint) { say("conflict " property " " text "\t" hint) }

kind == "data" {
	text = substr($0, length($1) + 2)
	if ($1 == "block") block = text
	else if ($1 == "owner") owner = text
	else if ($1 == "directory") directory = text
	else if ($1 == "state") state = text
	else if ($1 == "was") was = text
	else if ($1 == "adopt") adopt = text
	else if ($1 == "deployed") deployed = text
	else if ($1 == "line") {
		wanted[++wants] = text
		client = text; sub(/^[^ ]+ /, "", client); options = client
		sub(/\(.*/, "", client); sub(/^[^(]*\(/, "", options); sub(/\)$/, "", options)
		wanted_client[wants] = client; ours[one_form(client)] = sorted(options)
	}
	else if ($1 == "host") { resolved[$2] = $3; canonical[tolower($2)] = tolower($4) }
	else if ($1 == "file") { sum = $2; name = substr($0, 7 + length(sum)); files[++nfiles] = name; sha[name] = sum }
	next
}

# Notes: what a share's last update has left on the host, by the name of their folder.
kind == "notes" {
	if (FNR == 1) {
		part = FILENAME; sub(/.*\//, "", part)
		id = FILENAME; sub(/\/[^\/]*$/, "", id); sub(/.*\//, "", id)
		noted[id, part] = 1
		if (part != "left") { if (!(id in active)) ids[++nids] = id; active[id] = 1 }
	}
	text = substr($0, length($1) + 2)
	if ($1 == "block") note_block[id] = text
	else if ($1 == "owner") note_owner[id] = text
	else if ($1 == "directory") note_directory[id] = text
	else if ($1 == "real") note_real[id] = text
	else if ($1 == "mount") note_mount[id] = text
	else if ($1 == "line") note_line[id, ++note_lines[id]] = text
	else if ($1 == "table") note_table[id, ++note_tables[id]] = text
	else if ($1 == "drift") note_drift[id, part, ++note_drifts[id, part]] = text
	else if ($1 == "put") {
		name = substr($0, 7 + length($2) + length($3))
		puts[++nputs] = name; put_id[nputs] = id; put_part[nputs] = part; put_sha[nputs] = $2; put_meta[nputs] = $3
	} else if ($1 == "file" && part == "site") {
		# Of an earlier version, which noted no more than the content.
		name = substr($0, 7 + length($2))
		puts[++nputs] = name; put_id[nputs] = id; put_part[nputs] = part; put_sha[nputs] = $2; put_meta[nputs] = "-"
	}
	next
}

kind == "exports" {
	if (FILENAME != exports_file) { end_line(); exports_file = FILENAME; open_block = "" }
	if (FILENAME == exports) { last_exports_line = FNR; text_of[FNR] = $0; read_mark($0, FNR) }
	read_line($0, FNR, FILENAME)
	next
}

kind == "table" {
	if (!in_table) { end_line(); end_marks(); in_table = 1 }
	read_line($0, FNR, "table")
	next
}

kind == "fstab" && $0 !~ /^[ \t]*#/ && $2 ~ /^\// && $4 !~ /(^|,)noauto(,|$)/ && $3 != "swap" { fstab[++nfstab] = unescaped($2) }
kind == "mounts" { mounted[unescaped($2)] = 1 }

kind == "stat" {
	if ($1 == record) {
		name = $0; sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", name)
		mode[name] = $2; meta[name] = $2 ":" $3 ":" $4 ":" $5 "T" $6
		stat_name = name
	} else {
		# The name goes on: it has a line break.
		name = stat_name "\n" $0
		mode[name] = mode[stat_name]; meta[name] = meta[stat_name]
		delete mode[stat_name]; delete meta[stat_name]
		stat_name = name
	}
	next
}

END {
	end_line(); end_marks()
	mine = my_notes()
	for (i = 1; i <= note_tables[mine]; i++) noted_entry[note_table[mine, i]] = 1
	if (exports != "") {
		say("exports folder " mine)
		if (!removing) { look_at_claims(); look_at_clients() }
		look_at_lines(); look_at_table()
		if (!removing) look_at_exports_drift()
	}
	if (!removing) look_at_disk()
	if (site != "") look_at_site()
}

##### Whose

# my_notes is the folder of our notes. Another identity's of the same name is ours when
# it is to be taken over: the state that knew it may be lost.
function my_notes(   i, id) {
	if (state in active) return state
	if (was in active && note_owner[was] == "") return was
	for (i = 1; i <= nids; i++) {
		id = ids[i]
		if (adopt == "yes" && note_directory[id] == directory && same_name(note_block[id])) return id
	}
	return state
}

function same_name(name) { return name == block }
function share_of(name) { sub(/^[^\/]*\/[^\/]*\//, "", name); sub(/:\/.*/, "", name); return name }
function directory_of(name) { sub(/^[^\/]*\/[^\/]*\/[^:]*:/, "", name); return name }

# is_ours tells whether a marked block is this share's, whatever its stack was called.
function is_ours(marked,   name, by) {
	name = block_name(marked); by = block_owner(marked)
	if (by == "") return same_name(name)
	if (by == owner) return share_of(name) == share_of(block) && directory_of(name) == directory
	return adopt == "yes" && same_name(name)
}

function look_at_claims(   i, id, name) {
	for (i = 1; i <= nids; i++) {
		id = ids[i]
		if (id == mine || id == state || note_directory[id] != directory && (note_real[id] == "" || note_real[id] != real)) continue
		name = note_block[id]
		if (same_name(name)) conflict("path", "another stack of the same name, from another backend, shares " directory, "rename one of the two (pulumi stack rename), or share another directory; if the state of this one was lost, nfs.adopt: true takes its share over")
		else conflict("path", directory " belongs to the stack of " (name == "" ? id : name), "share another directory; if that stack is gone, remove " base "/" id)
	}
}

##### The disk

function look_at_disk(   i, at) {
	at = mount_of(real)
	say("exports mount " at)
	for (i = 1; i <= nfstab; i++)
		if (is_below(real, fstab[i]) && length(fstab[i]) > length(at)) { unmounted(fstab[i], "which /etc/fstab names"); return }
	if (note_mount[mine] != "" && !(note_mount[mine] in mounted) && is_below(real, note_mount[mine])) unmounted(note_mount[mine], "where the disk of the share was")
}

function unmounted(at, why) { conflict("path", "nothing is mounted at " at ", " why ", and its files would go below it", "mount it: mount " at) }

function mount_of(path) {
	while (path != "" && !(path in mounted)) sub(/\/[^\/]*$/, "", path)
	return path == "" ? "/" : path
}

function is_below(path, above) { return above == "/" || index(path "/", above "/") == 1 }

# unescaped is a field of fstab(5), in which blanks are written in octal.
function unescaped(field) { gsub(/\\040/, " ", field); gsub(/\\011/, "\t", field); gsub(/\\134/, "\\", field); return field }

##### Clients that are names

function look_at_clients(   i, j, c, o) {
	for (i = 1; i <= wants; i++) {
		c = wanted_client[i]
		if (!(c in resolved)) continue
		if (resolved[c] == "") { conflict("clients", "the NFS host finds no address of " c, "correct the name, make it known to the DNS or /etc/hosts, or use the address"); continue }
		for (j = 1; j <= wants; j++) {
			o = wanted_client[j]
			if (j != i && (one_form(o) == one_form(resolved[c]) || j < i && resolved[o] == resolved[c]))
				conflict("clients", c " and " o " are one host, " resolved[c], "leave one out")
		}
	}
}

##### Lines

function damaged(what, marked) {
	if (is_ours(marked)) damage = damage "\n" what
	else foreign_damage = foreign_damage "\n" what
}

function found_entry(file, first, last, marked, path, client, options,   n) {
	if (file == "table") {
		if (path != real) { if (fsid_of(options) != "") fsid_of_others[fsid_of(options)] = path; return }
		live[++nlive] = client; live_options[nlive] = options
		return
	}
	if (marked != "" && is_ours(marked)) return
	if (fsid_of(options) != "" && path != directory && path != real) fsid_of_others[fsid_of(options)] = path
	n = unknown_option(options)
	if (n != "") say("warning line " first " of " file " has the option " n ", which exportfs may not know: it reads nothing after that, also when the host starts")
	if (path != directory && path != real) return
	line = first SUBSEP file
	if (!(line in seen_line)) { seen_line[line] = ++nothers; other_line[nothers] = line; other_last[nothers] = last }
	n = seen_line[line]
	by_others[one_form(client)] = 1
	if (marked != "") other_why[n] = "it belongs to " block_name(marked)
	else if (!(one_form(client) in ours)) other_more[n] = 1
	else if (sorted(options) != ours[one_form(client)]) other_why[n] = "its options for " client " differ"
	else if (file != exports) other_why[n] = "only lines of /etc/exports itself can be taken over"
	else other_same[n] = 1
}

function look_at_lines(   i, n, what, part, first, file, text, l, ending) {
	n = split(substr(damage, 2), what, "\n")
	for (i = 1; i <= n; i++) conflict("path", "/etc/exports: " what[i], "correct the marks by hand")
	n = split(substr(foreign_damage, 2), what, "\n")
	for (i = 1; i <= n; i++)
		if (removing) say("warning /etc/exports: " what[i])
		else conflict("path", "/etc/exports: " what[i], "correct the marks by hand")
	l = wants ? wanted[1] : ""
	sub(/^[^(]*\(/, "", l); sub(/\)$/, "", l)
	if (!removing && fsid_of(l) != "" && fsid_of(l) in fsid_of_others) conflict("options", "fsid=" fsid_of(l) " is that of " fsid_of_others[fsid_of(l)] " already", "use another number")
	if (closed && logical_file == exports) say("warning " exports " has a line that exportfs takes for its end: it reads nothing after that, also when the host starts")
	for (l in begun) if (is_ours(l) && l in ended) { first_of_block = begun[l]; last_of_block = ended[l]; say("exports block " begun[l] " " ended[l]) }
	for (i = 1; i <= nothers; i++) {
		split(other_line[i], part, SUBSEP); first = part[1]; file = part[2]
		if (other_same[i] && other_more[i] && other_why[i] == "") other_why[i] = "it exports to others too"
		if (removing || other_why[i] == "" && !other_same[i]) continue
		if (other_why[i] == "" && adopt == "yes") { say("exports adopt " first " " other_last[i]); continue }
		text = file == exports ? text_of[first] : ""
		for (l = first + 1; file == exports && l <= other_last[i]; l++) text = text " " text_of[l]
		conflict("path", "line " first " of " file " exports the same" (text == "" ? "" : ": " text) " (" (other_why[i] == "" ? "nfs.adopt: true takes it over" : other_why[i]) ")", "take that line out, or share another directory")
	}
}

# fsid_of is the number by which a file handle names an export; root is 0.
function fsid_of(options) {
	if (!match("," options, /,fsid=[^,]*/)) return ""
	options = substr("," options, RSTART + 6, RLENGTH - 6)
	return options == "root" ? "0" : options
}

# unknown_option is the first option of a line that no version of exports(5) has.
function unknown_option(options,   n, part, i, o) {
	n = split(options, part, ",")
	for (i = 1; i <= n; i++) {
		o = part[i]
		if (o == "" || o ~ /^(ro|rw|a?sync|(in)?secure|(no_)?wdelay|(no)?hide|(no)?crossmnt|(no_)?subtree_check|(no_)?auth_nlm|(in)?secure_locks|(no_)?acl|(no_)?pnfs|(no_)?security_label|nordirplus|(no_)?(root|all)_squash|mp|mountpoint|replicas|refer|nopnfs)$/) continue
		if (o ~ /^(anonuid|anongid|fsid|sec|mp|mountpoint|refer|replicas|xprtsec|reexport|squash_uids|squash_gids)=/) continue
		return o
	}
	return ""
}

function sorted(options,   n, part, i, j, swap, out) {
	n = split(options, part, ",")
	for (i = 2; i <= n; i++) for (j = i; j > 1 && part[j] < part[j - 1]; j--) { swap = part[j]; part[j] = part[j - 1]; part[j - 1] = swap }
	for (i = 1; i <= n; i++) out = out part[i] ","
	return out
}

##### The live table

# is_client tells whether an entry of the table is a client's, which the table names by
# its full name.
function is_client(entry, client) { return one_form(entry) == one_form(client) || canonical[tolower(client)] != "" && tolower(entry) == canonical[tolower(client)] }

# What the kernel exports of the directory, and no line of others explains, is ours where
# there are notes or a block of ours. Elsewhere somebody has exported it by hand.
function look_at_table(   i, j, is_wanted, name) {
	for (i in by_others) if (i ~ /[a-z]/ && i !~ /[:*?@[]/) names_of_others = 1
	for (i = 1; i <= nlive; i++) {
		is_wanted = 0
		for (j = 1; j <= wants; j++) if (is_client(live[i], wanted_client[j])) { is_wanted = 1; is_live[j] = 1 }
		name = one_form(live[i])
		# The table has the full name of a host that a line of others may name otherwise.
		if (name in by_others && !is_wanted || names_of_others && name ~ /[a-z]/ && name !~ /[:*?@[]/ && !is_wanted) continue
		if (removing && name in by_others && !((live[i] "(" live_options[i] ")") in noted_entry)) continue
		if (!first_of_block && !((mine, "exports") in noted)) {
			if (removing) continue
			if (adopt != "yes" && !(name in by_others)) {
				conflict("path", "the kernel exports " directory " to " live[i] ", and no file says so", "withdraw it (exportfs -u " live[i] ":" real "), share another directory, or take it over with nfs.adopt: true")
				continue
			}
		}
		say("exports " (is_wanted ? "live " : "stale ") live[i] " " live_options[i])
	}
	for (j = 1; j <= wants; j++) if (!is_live[j]) say("exports missing " wanted_client[j])
}

function look_at_exports_drift(   i, l, n, count, list, key, entry) {
	for (i = 1; i <= note_drifts[mine, "exports"]; i++) say("exports healed " note_drift[mine, "exports", i])
	if (!((mine, "exports") in noted)) {
		if (first_of_block || deployed == "yes") say("exports drift " base " lacks the notes of the share")
		if (deployed != "yes") return
		for (i = 1; i <= wants; i++) note_line[mine, i] = wanted[i]
		note_lines[mine] = wants
	}
	if (!directory_is_there) say("exports drift the directory " directory " is gone")
	for (l = first_of_block + 1; l < last_of_block; l++) { count[text_of[l]]++; list[++n] = text_of[l] }
	for (i = 1; i <= note_lines[mine]; i++) {
		l = note_line[mine, i]
		if (count[l]-- < 1) say("exports drift /etc/exports lacks: " l)
	}
	for (i = 1; i <= n; i++) if (count[list[i]]-- > 0) say("exports drift /etc/exports has: " list[i])
	# The table, to the letter: exportfs writes options in its own way, but always in the same.
	for (i = 1; i <= nlive; i++) entry[live[i] "(" live_options[i] ")"] = 1
	for (i = 1; i <= note_tables[mine]; i++) {
		key[note_table[mine, i]] = 1
		if (!(note_table[mine, i] in entry)) say("exports drift the export table lacks: " directory " " note_table[mine, i])
	}
	if (!note_tables[mine]) return
	for (i = 1; i <= nlive; i++) {
		l = live[i] "(" live_options[i] ")"
		if (!(l in key) && !(one_form(live[i]) in by_others)) say("exports drift the export table has: " directory " " l)
	}
}

##### The site

# kind_of is what a name stands for; a link is not followed. The first of a mode's four
# hexadecimal digits is the type (inode(7)), the last has the bits for others.
function kind_of(name,   type) {
	type = substr(mode[name], 1, 1)
	return type == "" ? "" : type == "8" ? "file" : type == "4" ? "directory" : type == "a" ? "link" : "other"
}

function others_may(name, bits,   digit) {
	digit = index("0123456789abcdef", substr(mode[name], 4, 1)) - 1
	return bits == 4 ? int(digit / 4) % 2 == 1 : int(digit / 4) % 2 == 1 && digit % 2 == 1
}

function look_at_site(   i, name) {
	for (i = 1; i <= note_drifts[mine, "site"]; i++) say("site healed " note_drift[mine, "site", i])
	for (i = 1; i <= nputs; i++)
		if (put_part[i] == "site" && put_id[i] == mine) know(i)
		else if (put_part[i] == "left" && is_left(put_id[i])) {
			if (!said_left[put_id[i]]++) say("site left " put_id[i])
			if (is_as_put(i)) know(i)
		}
	if (mode["."] != "" && !others_may(".", 5)) conflict("path", "clients cannot read " directory, "chmod o+rx it")
	if (forgetting) nfiles = 0
	for (i = 1; i <= nfiles; i++) { look_at_file(files[i]); is_wanted[files[i]] = 1 }
	for (name in known) {
		if (is_drift[name]) say("site drift " name " " is_drift[name])
		if (name in is_wanted) continue
		if (kind_of("./" plain(name)) == "" || is_gone_on_the_way(name)) say("site gone " name)
		else say("site " (is_drift[name] ? "kept " : "remove ") name)
	}
}

# know takes a note: the file is ours, and perhaps not as it was put there. What a run
# that was killed has noted, and an earlier version, is not all that there is to know.
function know(i,   name) {
	name = puts[i]
	known[name] = 1
	if (publishing) say("site known put " put_sha[i] " " put_meta[i] " " name)
	if (is_as_put(i)) { as_put[name] = put_meta[i] ~ /[0-9]$/ ? put_sha[i] : "unknown"; delete is_drift[name] }
	else if (!(name in as_put)) is_drift[name] = drift_of(name)
}

function is_as_put(i,   p) {
	p = "./" plain(puts[i])
	if (is_gone_on_the_way(puts[i])) return 0
	if (put_meta[i] == "-") return kind_of(p) == "file"
	if (put_meta[i] ~ /\?$/) return index(meta[p], substr(put_meta[i], 1, length(put_meta[i]) - 1)) == 1
	return meta[p] == put_meta[i]
}

function drift_of(name,   p) {
	p = "./" plain(name)
	if (kind_of(p) == "") return "is gone"
	if (is_gone_on_the_way(name)) return "lies behind a symbolic link"
	if (kind_of(p) == "file" && !others_may(p, 4)) return "cannot be read by clients"
	return "was changed"
}

# is_left tells whether notes of files that a stack has left are this stack's: it is
# known by its identity, or, once destroyed, by its name.
function is_left(id) { return note_directory[id] == directory && (note_owner[id] == owner && share_of(note_block[id]) == share_of(block) || same_name(note_block[id])) }

function look_at_file(name,   p, above, way) {
	p = "./" plain(name)
	for (way = parent(name); way != ""; way = parent(way)) {
		above = "./" plain(way)
		if ((real "/" plain(way)) in mounted) { conflict("site", way " in " directory " is the mount point of another file system, into which a file cannot be renamed", "take it out of the site, or unmount it"); return }
		if (kind_of(above) == "link") { conflict("site", way " is a symbolic link in " directory ", and it may lead out of it", "take it out"); return }
		if (kind_of(above) == "directory") { if (!others_may(above, 5)) unreadable(way) }
		else if (kind_of(above) != "" && !(way in known)) { conflict("site", way " belongs to somebody else, and no directory", "take it out"); return }
		else if (kind_of(above) != "" && is_drift[way]) { conflict("site", way " was changed by somebody, and is no directory", "take it out"); return }
	}
	if (kind_of(p) == "directory" && !has_below(name)) conflict("site", name " is a directory there", "take it out")
	else if (kind_of(p) != "" && kind_of(p) != "directory" && !(name in known) && adopt != "yes")
		conflict("site", name " belongs to somebody else", "nfs.adopt: true replaces it")
	if (as_put[name] == sha[name]) return
	say("site place " sha[name] (lacking[sha[name]] ? "." lacking[sha[name]] : "") " " name)
	if (!lacking[sha[name]]++) say("site lacking " sha[name])
}

function unreadable(way) { if (!told[way]++) conflict("site", "clients cannot read " way " in " directory, "chmod o+rx it") }

# has_below tells whether files of ours are, or were, below a name.
function has_below(name,   other) {
	for (other in known) if (index(other, name "/") == 1) return 1
	return 0
}

# is_gone_on_the_way tells whether a directory above has become something else.
function is_gone_on_the_way(name,   way) {
	for (way = parent(name); way != ""; way = parent(way)) if (kind_of("./" plain(way)) != "directory") return 1
	return 0
}
