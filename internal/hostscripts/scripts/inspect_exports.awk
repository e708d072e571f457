# inspect_exports.awk is the part of inspect.awk for the exports: the lines of the files, and the
# kernel's table.

##### What the files have

function read_exports(file,   number, from) {
	open_block = ""
	from = file == exports && copy != "" ? copy : file
	while ((getline < from) > 0) {
		number++
		if (file == exports) { text_of[number] = $0; read_mark($0, number) }
		read_line($0, number, file)
		if (joined == "\"" && said_open != first_line) { said_open = first_line; say("warning line " first_line " of " file " has an unmatched quotation mark: exportfs reads past the end of the line, up to the next one, also when the host starts") }
	}
	close(from)
	end_line()
	if (file == exports) is_closed = closed
	end_marks()
}

function read_table(file,   number) {
	while ((getline < file) > 0) read_line($0, ++number, "table")
	close(file)
	end_line()
}

function damaged(what, marked) {
	if (is_ours(marked)) damage = damage "\n" what
	else foreign_damage = foreign_damage "\n" what
}

# found_entry keeps the exports outside our block. Which of them are of the share, perhaps under
# another name, is known after stat has been read.
function found_entry(file, first, last, marked, path, client, options,   wrong) {
	if (file == "table") {
		if (path != real) note_fsid(path, options)
		else { live[++nlive] = client; live_options[nlive] = options }
		return
	}
	if (marked != "" && is_ours(marked)) return
	wrong = wrong_option(options)
	gsub(/[ \t\n]+/, " ", wrong)
	if (wrong != "") say("warning line " first " of " file " has the option " wrong ", which exportfs may not know: then it ignores the rest of the file, also when the host starts")
	entry_path[++entries] = path; entry_client[entries] = client; entry_options[entries] = options
	entry_file[entries] = file; entry_line[entries] = first; entry_last[entries] = last; entry_mark[entries] = marked
}

# find_theirs selects the entries of others for the share.
function find_theirs(   i) {
	for (i = 1; i <= entries; i++) {
		if (!is_shared(entry_path[i])) { note_fsid(entry_path[i], entry_options[i]); continue }
		their_client[++theirs] = entry_client[i]; their_options[theirs] = entry_options[i]
		their_file[theirs] = entry_file[i]; their_line[theirs] = entry_line[i]; their_last[theirs] = entry_last[i]; their_mark[theirs] = entry_mark[i]
	}
}

function note_fsid(path, options) { if (fsid_of(options) != "") fsid_of_others[fsid_of(options)] = path }

# is_shared tells whether the path of a line is the shared directory, also under another name.
function is_shared(path) {
	if (moved) return path == real || without_dots(path) == real
	return path == directory || path == real || without_dots(path) == directory || without_dots(path) == real || status["."] != "" && status[path "/."] == status["."]
}

# without_dots resolves . and .. in a path.
function without_dots(path,   n, part, i, out) {
	n = split(path, part, "/")
	for (i = 1; i <= n; i++) {
		if (part[i] == ".." ) sub("/[^/]*$", "", out)
		else if (part[i] != "" && part[i] != ".") out = out "/" part[i]
	}
	return out == "" ? "/" : out
}

# fsid_of is the number that identifies an export in file handles; root is 0.
function fsid_of(options) {
	if (!match("," options, /,fsid=[^,]*/)) return ""
	options = tolower(substr("," options, RSTART + 6, RLENGTH - 6))
	if (options == "root") return "0"
	if (options ~ /^-?(0x[0-9a-f]+|[0-9]+)$/) return as_number(options)
	gsub(/[-:]/, "", options)
	return options
}

# as_number parses like strtoul(3), in 32 bits: decimal, octal with a leading 0, or hexadecimal
# with 0x; the table has numbers above 2^31 as negative ones.
function as_number(text,   sign, base, value, digit) {
	sign = sub(/^-/, "", text); base = 10
	if (sub(/^0x/, "", text)) base = 16
	else if (text ~ /^0[0-7]+$/) base = 8
	for (; text != ""; text = substr(text, 2)) {
		digit = index("0123456789abcdef", substr(text, 1, 1)) - 1
		value = (value * base + digit) % 4294967296
	}
	return sprintf("%.0f", sign ? (4294967296 - value) % 4294967296 : value)
}

function sorted(options,   n, part, i, j, swap, out) {
	n = split(options, part, ",")
	for (i = 2; i <= n; i++) for (j = i; j > 1 && part[j] < part[j - 1]; j--) { swap = part[j]; part[j] = part[j - 1]; part[j - 1] = swap }
	for (i = 1; i <= n; i++) out = out part[i] ","
	return out
}

##### Clients

# find_hosts resolves all clients that are names, also those of others, since exportfs treats two clients with a
# common address as one. One getent call resolves all, in order; if it does not know them all, each gets a call.
function find_hosts(   i, n, names) {
	for (i = 1; i <= wants; i++) add_host(wanted_client[i])
	for (i = 1; i <= theirs; i++) add_host(their_client[i])
	for (i = 1; i <= nlive; i++) add_host(live[i])
	for (i = 1; i <= note_tables[mine]; i++) add_host(client_of(note_table[mine, i]))
	if (!nhosts || read_hosts(hosts, 1) == nhosts) return
	n = split(hosts, names, " ")
	for (i = 1; i <= n; i++) { delete addresses[names[i]]; delete canonical[names[i]] }
	for (i = 1; i <= n; i++) read_hosts(names[i], i)
}

function add_host(client) {
	client = tolower(client)
	if (client !~ /^[a-z0-9_][a-z0-9_.-]*$/ || client !~ /[a-z]/ || client in is_host) return
	is_host[client] = 1
	host[++nhosts] = client
	hosts = hosts " " client
}

# read_hosts reads getent output for hosts; first is the number of the first one. There is a line
# for each address; a host's first line has its full name.
function read_hosts(names, first,   command, line, part, found, name) {
	command = "exec getent ahosts " names " 2>/dev/null"
	while ((command | getline line) > 0) {
		if (split(line, part, " ") > 2) { name = host[first + found++]; canonical[name] = tolower(part[3]); addresses[name] = " " }
		part[1] = normalize_client(part[1])
		if (!index(addresses[name], " " part[1] " ")) addresses[name] = addresses[name] part[1] " "
	}
	close(command)
	return found
}

# is_same_client tells whether exportfs treats two clients as one.
function is_same_client(a, b,   n, part, i) {
	a = normalize_client(a); b = normalize_client(b)
	if (a == b || canonical[a] != "" && canonical[a] == b || canonical[b] != "" && canonical[b] == a) return 1
	n = split(addresses_of(a), part, " ")
	for (i = 1; i <= n; i++) if (index(addresses_of(b), " " part[i] " ")) return 1
	return 0
}

function addresses_of(client) {
	if (client in addresses) return addresses[client]
	return client ~ /^([0-9.]+|[0-9a-f:]*:[0-9a-f:.]*)$/ ? " " client " " : ""
}

function inspect_clients(   i, j, c) {
	for (i = 1; i <= wants; i++) {
		c = wanted_client[i]
		if (tolower(c) in is_host && addresses_of(tolower(c)) == "") {
			conflict("clients", "the NFS host cannot resolve " c (has_getent ? "" : ", since it has no getent"), (has_getent ? "correct the name, add it to DNS or /etc/hosts" : "install getent") ", or use the address")
			continue
		}
		for (j = 1; j < i; j++)
			if (is_same_client(c, wanted_client[j])) conflict("clients", c " and " wanted_client[j] " are one host," trimmed(addresses_of(normalize_client(c))), "leave one out")
	}
}

function trimmed(text) { sub(/ $/, "", text); return text }

# which_wanted is the number of our client that is the same as this one, 0 for none.
function which_wanted(client,   i) {
	for (i = 1; i <= wants; i++) if (is_same_client(client, wanted_client[i])) return i
	return 0
}

# is_theirs tells whether a line of others produces a table entry. A name of theirs that does
# not resolve now may be any host.
function is_theirs(entry,   i, client) {
	for (i = 1; i <= theirs; i++) {
		client = tolower(their_client[i])
		if (is_same_client(entry, client) || client in is_host && !(client in addresses) && tolower(entry) in is_host) return 1
	}
	return 0
}

##### Lines

function inspect_lines(   i, n, what, l) {
	n = split(substr(damage, 2), what, "\n")
	for (i = 1; i <= n; i++) conflict("path", "/etc/exports: " what[i], "correct the markers by hand")
	n = split(substr(foreign_damage, 2), what, "\n")
	for (i = 1; i <= n; i++)
		if (removing) say("warning /etc/exports: " what[i])
		else conflict("path", "/etc/exports: " what[i], "correct the markers by hand")
	l = fsid_of(wanted_options)
	if (!removing && l != "" && l in fsid_of_others) conflict("options", "fsid=" l " is already used by " fsid_of_others[l], "use another number")
	if (is_closed) say("warning " exports " has a line that exportfs takes for the end of the file: it ignores the rest, also when the host starts")
	for (l in begun) if (is_ours(l) && l in ended) { first_of_block = begun[l]; last_of_block = ended[l]; say("exports block " begun[l] " " ended[l]) }
	inspect_lines_of_others()
}

# A line may have several entries; it is taken over as a whole, or not at all.
function inspect_lines_of_others(   i, n, line, number, first, last, file, why, same, more, text, l) {
	for (i = 1; i <= theirs; i++) {
		line = their_line[i] SUBSEP their_file[i]
		if (!(line in number)) { number[line] = ++n; first[n] = their_line[i]; file[n] = their_file[i]; last[n] = their_last[i] }
		l = number[line]
		if (their_mark[i] != "") why[l] = "it belongs to " block_name(their_mark[i])
		else if (!which_wanted(their_client[i])) more[l] = 1
		else if (sorted(their_options[i]) != sorted(wanted_options)) why[l] = "its options for " their_client[i] " differ"
		else if (their_file[i] != exports) why[l] = "only lines of /etc/exports itself can be taken over"
		else same[l] = 1
	}
	if (removing) return
	for (i = 1; i <= n; i++) {
		if (same[i] && more[i] && why[i] == "") why[i] = "it exports to others too"
		if (why[i] == "" && !same[i]) continue
		if (why[i] == "" && adopt == "yes") { say("exports adopt " first[i] " " last[i]); continue }
		text = file[i] == exports ? text_of[first[i]] : ""
		for (l = first[i] + 1; file[i] == exports && l <= last[i]; l++) text = text " " text_of[l]
		conflict("path", "line " first[i] " of " file[i] " already exports this directory" (text == "" ? "" : ": " text) " (" (why[i] == "" ? "{adopt}: true takes it over" : why[i]) ")", "remove that line, or share another directory")
	}
}

##### The live table

# Exports of the directory that no line of others explains are ours if there are notes or a
# block of ours. Otherwise they were exported by hand.
function inspect_table(   i, j, is_live) {
	for (i = 1; i <= nlive; i++) {
		j = which_wanted(live[i])
		if (j) is_live[j] = 1
		if ((!j || removing) && is_theirs(live[i])) {
			if (removing && (live[i] "(" live_options[i] ")") in noted_entry) say("warning a line of others exports " directory " to " live[i] " too: that export stays, with the options of this stack, until exportfs -r")
			continue
		}
		if (!first_of_block && !((mine, "exports") in noted)) {
			if (removing && !j) continue
			if (!removing && !(adopt == "yes" && j) && !is_theirs(live[i])) {
				conflict("path", "the kernel exports " directory " to " live[i] ", and no file says so", "unexport it (exportfs -u " live[i] ":" real "), share another directory, or take it over with {adopt}: true")
				continue
			}
		}
		say("exports " (j && !removing ? "live " : "stale ") live[i] " " live_options[i])
	}
	for (j = 1; !removing && j <= wants; j++) if (!is_live[j]) say("exports missing " wanted_client[j])
}

function inspect_exports_drift(   i, l, n, count, list, is_noted) {
	for (i = 1; i <= note_drifts[mine, "exports"]; i++) say("exports repaired " note_drift[mine, "exports", i])
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
	# Compare the table verbatim: exportfs writes options in its own way, but always the same. Only
	# the name of a host may change, with what else is exported to it.
	for (i = 1; i <= note_tables[mine]; i++) {
		l = note_table[mine, i]
		for (n = 1; n <= nlive; n++) if (options_of(l) == live_options[n] && is_same_client(client_of(l), live[n])) break
		if (n > nlive) say("exports drift the export table lacks: " directory " " l)
		else is_noted[n] = 1
	}
	if (!note_tables[mine]) return
	for (n = 1; n <= nlive; n++)
		if (!is_noted[n] && !is_theirs(live[n])) say("exports drift the export table has: " directory " " live[n] "(" live_options[n] ")")
}

# An entry of the notes is CLIENT(OPTIONS).
function client_of(entry) { sub(/\(.*/, "", entry); return entry }
function options_of(entry) { sub(/^[^(]*\(/, "", entry); sub(/\)$/, "", entry); return entry }
