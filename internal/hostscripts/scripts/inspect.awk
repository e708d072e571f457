# inspect.awk compares the desired state with the host and prints what it finds, one finding per
# line; it changes nothing. inspect_exports.awk handles the exports, inspect_site.awk the site. They
# come after entries.awk and names.awk.
#
# Each input file has its kind before it:
#   kind=data   the lines of a script's data, followed by "KIND FILE" for each file of the
#               host to read, whether it exists or not:
#     notes     a note below /var/lib/webapp-balanced
#     exports   /etc/exports, or a file of /etc/exports.d
#     table     /var/lib/nfs/etab
#     fstab, mounts
#   kind=stat   the files of the share, in the format of read_stat
# Variables:
#   exports     the real path of /etc/exports; empty to skip the exports
#   copy        the file to read in its place; empty for itself
#   site        yes to inspect the site
#   directory_is_there
#   base        /var/lib/webapp-balanced
#   record      the mark that begins a record of stat
#   has_getent  yes if the host has getent
#   removing    the exports are being unexported
#   moved       the directory's name leads elsewhere than to real
#   publishing, forgetting   the site is being published, or forgotten
# The environment has real_directory, the directory's real path, which may have backslashes.
#
# It prints, with a tab before HINT:
#   conflict PROPERTY TEXT HINT   what an update refuses
#   warning TEXT                  a problem in lines of others
#   exports drift TEXT            what was changed since the last update
#   exports repaired TIME TEXT    what the last update repaired
#   exports folder NAME           the folder of our notes
#   exports mount PATH            the mount point of the share's disk
#   exports block FIRST LAST      our block
#   exports adopt FIRST LAST      lines of others to take over
#   exports live CLIENT OPTIONS   an entry of ours that the kernel exports
#   exports missing CLIENT        a client that it does not export to
#   exports stale CLIENT OPTIONS  an entry that it should not export any more
#   site drift, site repaired     as above
#   site lacking SHA256           a file to stage
#   site place SHA256 PATH        a file to put in its place
#   site replace LINES PATH       a directory that a file of the site replaces, and the number of
#                                 lines that find prints for it and our files in it
#   site make PATH                a directory to create for the site
#   site remove PATH              an unchanged file that is no longer in the site
#   site kept PATH                the same, but changed by hand
#   site gone PATH                the same, but missing
#   site made PATH                a directory that an update has created
#   site known put SHA256 STATUS PATH   a note of a file that is ours, for publish.sh
#   site stays put SHA256 STATUS PATH   the same for an unchanged file of the site
#   site left FOLDER              notes of files that this stack left here earlier

BEGIN { real = ENVIRON["real_directory"] }

function say(what) { print what }
function conflict(property, text, hint) { gsub(/\t/, " ", text); say("conflict " property " " text "\t" hint) }

kind == "stat" { read_stat(); next }

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
		wanted_client[wants] = client; wanted_options = options # the same for all lines
	}
	else if ($1 == "file") { sum = $2; name = substr($0, 7 + length(sum)); files[++nfiles] = name; sha[name] = sum }
	else if ($1 == "notes") read_notes(text)
	else if ($1 == "exports") read_exports(text)
	else if ($1 == "table") read_table(text)
	else if ($1 == "fstab") read_fstab(text)
	else if ($1 == "mounts") { while ((getline < text) > 0) mounted[unescaped($2)] = 1; close(text) }
}

END {
	end_stat()
	mine = my_notes()
	if (exports != "") {
		for (i = 1; i <= note_tables[mine]; i++) noted_entry[note_table[mine, i]] = 1
		find_theirs(); find_hosts()
		say("exports folder " mine)
		if (!removing) { inspect_claims(); inspect_clients() }
		inspect_lines(); inspect_table()
		if (!removing) inspect_exports_drift()
	}
	if (!removing) inspect_disk()
	if (site != "") inspect_site()
}

##### Notes

# read_notes reads the notes of a share's last update. The name of their folder identifies them.
function read_notes(file,   part, id, name, text) {
	part = file; sub(/.*\//, "", part)
	id = file; sub("/[^/]*$", "", id); sub(/.*\//, "", id)
	while ((getline < file) > 0) {
		if (!((id, part) in noted)) {
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
		else if ($1 == "put") note_put(id, part, $2, $3, substr($0, 7 + length($2) + length($3)))
		else if ($1 == "made") note_made(id, part, text)
		else if ($1 == "file" && part == "site") {
			# An earlier version noted only the content.
			name = substr($0, 7 + length($2))
			note_put(id, part, $2, "-", name)
			while ((name = parent(name)) != "") note_made(id, part, name)
		}
	}
	close(file)
}

function note_put(id, part, sum, as, name) { puts[++nputs] = name; put_id[nputs] = id; put_part[nputs] = part; put_sha[nputs] = sum; put_status[nputs] = as }
function note_made(id, part, name) { mades[++nmades] = name; made_id[nmades] = id; made_part[nmades] = part }

##### Whose

# my_notes is the folder of our notes. With adopt, notes of the same name under another
# identity are ours: the state that had it may be lost.
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

# is_ours tells whether a marked block is this share's, also under an earlier stack name.
function is_ours(marked,   name, by) {
	name = block_name(marked); by = block_owner(marked)
	if (by == "") return same_name(name)
	if (by == owner) return share_of(name) == share_of(block) && directory_of(name) == directory
	return adopt == "yes" && same_name(name)
}

function inspect_claims(   i, id, name) {
	if (note_real[mine] != "" && note_real[mine] != real)
		conflict("path", directory " was " note_real[mine] " and is " real " now: what is exported there would be left behind", "point it to " note_real[mine] " again, or destroy the share first (pulumi destroy)")
	for (i = 1; i <= nids; i++) {
		id = ids[i]
		if (id == mine || id == state || note_directory[id] != directory && (note_real[id] == "" || note_real[id] != real)) continue
		name = note_block[id]
		if (same_name(name)) conflict("path", "another stack of the same name, from another backend, shares " directory, "rename one of the two (pulumi stack rename), or share another directory; if the state of this one was lost, {adopt}: true takes its share over")
		else conflict("path", directory " belongs to the stack of " (name == "" ? id : name), "share another directory; if that stack is gone, remove " base "/" id)
	}
}

##### The disk

function read_fstab(file) {
	while ((getline < file) > 0)
		if ($0 !~ /^[ \t]*#/ && $2 ~ /^\// && $4 !~ /(^|,)noauto(,|$)/ && $3 != "swap") fstab[++nfstab] = plain_path(unescaped($2))
	close(file)
}

function inspect_disk(   i, at) {
	at = mount_of(real)
	say("exports mount " at)
	for (i = 1; i <= nfstab; i++)
		if (is_below(real, fstab[i]) && length(fstab[i]) > length(at)) { unmounted(fstab[i], "which /etc/fstab names"); return }
	if (note_mount[mine] != "" && !(note_mount[mine] in mounted) && is_below(real, note_mount[mine])) unmounted(note_mount[mine], "where the disk of the share was")
}

function unmounted(at, why) { conflict("path", "nothing is mounted at " at ", " why ", so files would be written below the mount point", "mount it: mount " at) }

function mount_of(path) {
	while (path != "" && !(path in mounted)) sub("/[^/]*$", "", path)
	return path == "" ? "/" : path
}

function is_below(path, above) { return above == "/" || index(path "/", above "/") == 1 }

# unescaped is a field of fstab(5), in which blanks are written in octal.
function unescaped(field) { gsub(/\\040/, " ", field); gsub(/\\011/, "\t", field); gsub(/\\134/, "\\", field); return field }
