# entries.awk parses exports(5) files as exportfs does (nfs-utils, support/nfs/xio.c and
# exports.c), and finds the marks of our blocks. For each physical line, call
# read_line(text, number, file); after the last line of a file, end_line(). For every client of
# every entry they call found_entry(), which the program that uses this file defines:
#
#   found_entry(file, first, last, block, path, client, options)
#
# first and last are the line numbers of the entry, block is the name and the owner of the marked block around
# it, or empty. Paths are without quotes and escapes; client and options are verbatim.
#
# To find the blocks, call read_mark(text, number) before read_line, and end_marks() after the last line, and
# define damaged(text, block) for damaged marks. Then open_block is the block around the current line;
# begun[BLOCK] and ended[BLOCK] are the line numbers of its marks. joined is the character that continues a
# line, if any, and closed is set if exportfs takes a line for the end of the file.

# read_line adds a line to the current entry. A backslash continues a line, but not a comment, which ends with
# its line; so does an unclosed quotation mark. joined is then set to that character.
function read_line(text, number, file) {
	if (joined == "\\") sub(/^[ \t]+/, "", text)
	if (joined == "") {
		if (file != logical_file) closed = 0
		logical = ""; first_line = number; logical_file = file; logical_block = open_block
	}
	last_line = number
	joined = ""
	logical = logical text
	scan(logical)
	if (comment) logical = substr(logical, 1, comment - 1)
	else if (logical ~ /\\$/) { logical = substr(logical, 1, length(logical) - 1) " "; joined = "\\"; return }
	else if (is_open) { logical = logical "\n"; joined = "\""; return }
	end_line()
}

# scan sets comment to the position of a # that begins an unquoted word, 0 if there is none,
# and is_open if a quotation mark is not closed.
function scan(text,   i, c, within) {
	comment = is_open = 0
	if (!index(text, "#") && !index(text, "\"")) return
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "\"") { is_open = !is_open; within = 1 }
		else if (!is_open && c ~ /[ \t\r\f\v]/) within = 0
		else if (c == "#" && !within) { comment = i; return }
		else within = 1
	}
}

# end_line reports the entries of the complete line.
function end_line(   path, defaults, client, options, open) {
	rest = logical; logical = ""; joined = ""
	# If a line begins with white space other than blanks and tabs, exportfs finds no word and
	# takes the line for the end of the file.
	if (rest ~ /^[ \t]*[\r\f\v]/) closed = 1
	if (closed || (path = next_word()) == "") return
	path = plain_path(path)
	client = next_word()
	if (client ~ /^-/) { defaults = substr(client, 2); client = next_word() }
	do {
		options = defaults
		if (open = index(client, "(")) {
			options = defaults (defaults == "" ? "" : ",") substr(client, open + 1, length(client) - open - 1)
			client = substr(client, 1, open - 1)
		}
		found_entry(logical_file, first_line, last_line, logical_block, path, client == "" ? "*" : client, options)
		client = next_word()
	} while (client != "")
}

function plain_path(path) {
	gsub(/\/\/+/, "/", path)
	if (length(path) > 1) sub(/\/$/, "", path)
	return path
}

# next_word removes the next word from rest and returns it without quotes and octal escapes.
function next_word(   word, quoted, c) {
	sub(/^[ \t\r\f\v]+/, "", rest)
	while (rest != "") {
		c = substr(rest, 1, 1)
		if (!quoted && c ~ /[ \t\r\f\v]/) break
		if (c == "\"") quoted = !quoted
		else if (rest ~ /^\\[0-3][0-7][0-7]/) {
			word = word sprintf("%c", substr(rest, 2, 1) * 64 + substr(rest, 3, 1) * 8 + substr(rest, 4, 1))
			rest = substr(rest, 4)
		} else word = word c
		rest = substr(rest, 2)
	}
	return word
}

##### Marks

# read_mark checks whether a line of /etc/exports is a mark, and tracks the blocks: open_block
# is the block around the current line. It passes damaged marks to damaged(text, block). It
# recognizes a mark by its beginning, so it also finds one whose end was edited.
function read_mark(text, number,   part, name) {
	if (text !~ /^# (BEGIN|END) [^ \/]+\/[^ \/]+\/[^ ]+:\//) return
	split(text, part, " ")
	name = part[3] (part[4] ~ /^[0-9a-f]+$/ ? " " part[4] : "")
	if (text != "# BEGIN " name " (managed by Pulumi, edits are lost)" && text != "# END " name " (managed by Pulumi)")
		damaged("line " number " is a marker of the block " part[3] " that was edited: " text, name)
	if (part[2] == "BEGIN") {
		if (open_block != "") damaged("line " number " begins the block " part[3] " inside the block " block_name(open_block) ", which line " begun[open_block] " begins", open_block)
		else if (name in begun) damaged("lines " begun[name] " and " number " both begin the block " part[3], name)
		open_block = name; begun[name] = number
	} else {
		if (open_block != name) damaged("line " number " ends the block " part[3] ", which is not begun", name)
		else ended[name] = number
		open_block = ""
	}
}

function end_marks() {
	if (open_block != "") damaged("line " begun[open_block] " begins the block " block_name(open_block) ", which has no end", open_block)
	open_block = ""
}

# A block is "PROJECT/STACK/SHARE:DIRECTORY OWNER"; those of earlier versions have no owner.
function block_name(block,   part) { split(block, part, " "); return part[1] }
function block_owner(block,   part) { split(block, part, " "); return part[2] }

##### Clients

# normalize_client normalizes a client, so that equivalent clients are equal: lower case, networks as
# ADDRESS/LENGTH, IPv6 in full.
function normalize_client(client,   slash, bits) {
	client = tolower(client)
	if (client ~ /^@/ || client ~ /[*?[]/) return client
	slash = index(client, "/")
	bits = slash ? substr(client, slash + 1) : ""
	if (slash) client = substr(client, 1, slash - 1)
	if (client ~ /:/) {
		client = full_ipv6(client)
		return bits == "" || bits == 128 ? client : client "/" bits
	}
	if (client !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) return client (slash ? "/" bits : "")
	if (bits ~ /\./) bits = mask_length(bits)
	return bits == "" || bits == 32 ? client : network(client, bits) "/" bits
}

# mask_length is 24 for 255.255.255.0.
function mask_length(mask,   part, n, i, bits) {
	n = split(mask, part, "."); bits = 0
	for (i = 1; i <= n; i++) for (; part[i] > 0; part[i] = part[i] * 2 % 256) bits++
	return bits
}

# network is the IPv4 address with the bits after the length cleared.
function network(address, bits,   part, i, unit, out) {
	split(address, part, ".")
	for (i = 1; i <= 4; i++) {
		for (unit = 256; bits > 0 && unit > 1; bits--) unit /= 2
		out = out (i > 1 ? "." : "") (part[i] - part[i] % unit)
	}
	return out
}

# full_ipv6 is an IPv6 address with all of its eight groups.
function full_ipv6(address,   sides, left, right, l, r, i, out) {
	l = 0; r = 0
	if (split(address, sides, "::") == 2) r = split(sides[2], right, ":")
	l = split(sides[1], left, ":")
	for (i = 1; i <= l; i++) out = out ipv6_group(left[i]) ":"
	if (index(address, "::")) for (i = l + r; i < 8; i++) out = out "0:"
	for (i = 1; i <= r; i++) out = out ipv6_group(right[i]) ":"
	return substr(out, 1, length(out) - 1)
}

function ipv6_group(digits) { sub(/^0+/, "", digits); return digits == "" ? "0" : digits }

# wrong_option returns the first option that no version of exports(5) has, or whose value
# exportfs cannot parse (nfs-utils, support/nfs/exports.c, parseopts).
function wrong_option(options,   n, part, i, o) {
	n = split(options, part, ",")
	for (i = 1; i <= n; i++) {
		o = part[i]
		if (o == "" || o ~ /^(ro|rw|a?sync|(in)?secure|(no_)?wdelay|(no)?hide|(no)?crossmnt|(no_)?subtree_check|(no_)?auth_nlm|(in)?secure_locks|(no_)?acl|(no_)?pnfs|(no_)?security_label|nordirplus|(no_)?(root|all)_squash|mp|mountpoint|nopnfs)$/) continue
		if (o ~ /^anon[ug]id=[-+]?[0-9]+$/ || o ~ /^(mp|mountpoint|refer|replicas|xprtsec|reexport|squash_uids|squash_gids)=/) continue
		if (o ~ /^fsid=(root|-?0[xX][0-9a-fA-F]+|-?[0-9]+)$/ || is_uuid(o)) continue
		if (o ~ /^sec=/ && are_flavors(substr(o, 5))) continue
		return o
	}
	return ""
}

# is_uuid: exportfs accepts 32 digits with separators anywhere between them.
function is_uuid(option) {
	if (option !~ /^fsid=[-0-9a-fA-F:]+$/) return 0
	gsub(/[-:]/, "", option)
	return length(option) == 5 + 32
}

function are_flavors(text,   n, part, i) {
	n = split(text, part, ":")
	for (i = 1; i <= n; i++) if (part[i] !~ /^(sys|unix|null|none|krb5[ip]?|lkey[ip]?|spkm[ip]?)$/) return 0
	return n > 0
}
