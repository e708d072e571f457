# entries FILE...: lists what the files export, as exportfs reads them
# (nfs-utils, support/nfs/exports.c), one client a line, fields separated by tabs:
#   FIRST LAST FILE BLOCK PATH CLIENT OPTIONS
# FIRST and LAST are the lines that the entry stands on, with its continuations,
# BLOCK is the marked block that it stands in, or -. Paths are without quotes
# and escapes; clients are in one form each: small letters, networks as
# ADDRESS/LENGTH, IPv6 in full, * for everybody.
entries() {
	awk '
	FNR == 1 { finish(); block = "-" }
	/^# BEGIN [^ ]+ \(managed by Pulumi/ { finish(); block = $3 }
	/^# END [^ ]+ \(managed by Pulumi\)/ { finish(); block = "-" }
	{
		text = $0
		if (joined) sub(/^[ \t]+/, "", text)
		else { first = FNR; logical = ""; file = FILENAME; owner = block }
		last = FNR
		joined = text ~ /\\$/
		if (joined) text = substr(text, 1, length(text) - 1) " "
		logical = logical text
		if (!joined) finish()
	}
	END { finish() }

	# finish prints the entries of the logical line that was read.
	function finish(   path, defaults, client, options, open) {
		rest = logical; logical = ""; joined = 0
		path = token()
		if (path == "") return
		gsub(/\/\/+/, "/", path)
		if (length(path) > 1) sub(/\/$/, "", path)
		client = token()
		if (client ~ /^-/) { defaults = substr(client, 2); client = token() }
		do {
			options = defaults
			if (open = index(client, "(")) {
				options = defaults (defaults == "" ? "" : ",") substr(client, open + 1, length(client) - open - 1)
				client = substr(client, 1, open - 1)
			}
			printf "%d\t%d\t%s\t%s\t%s\t%s\t%s\n", first, last, file, owner, path, one_form(client), options
			client = token()
		} while (client != "")
	}

	# token takes the next word off rest; a # at its start begins a comment.
	function token(   word, quoted, c) {
		sub(/^[ \t\r\f\v]+/, "", rest)
		if (rest ~ /^#/) rest = ""
		word = ""; quoted = 0
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

	function one_form(client,   slash, length_) {
		client = tolower(client)
		if (client == "") return "*"
		if (client ~ /^@/ || client ~ /[*?[]/) return client
		slash = index(client, "/")
		length_ = slash ? substr(client, slash + 1) : ""
		if (slash) client = substr(client, 1, slash - 1)
		if (client ~ /:/) {
			client = full(client)
			return length_ == "" || length_ == 128 ? client : client "/" length_
		}
		if (client !~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) return client (slash ? "/" length_ : "")
		if (length_ ~ /\./) length_ = ones(length_)
		return length_ == "" || length_ == 32 ? client : network(client, length_) "/" length_
	}

	# ones is the length of a netmask: 24 for 255.255.255.0.
	function ones(mask,   part, n, i, bits) {
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

	# full is an IPv6 address with all of its eight groups.
	function full(address,   sides, left, right, l, r, i, out) {
		l = 0; r = 0
		if (split(address, sides, "::") == 2) r = split(sides[2], right, ":")
		l = split(sides[1], left, ":")
		for (i = 1; i <= l; i++) out = out group(left[i]) ":"
		if (index(address, "::")) for (i = l + r; i < 8; i++) out = out "0:"
		for (i = 1; i <= r; i++) out = out group(right[i]) ":"
		return substr(out, 1, length(out) - 1)
	}

	function group(digits) { sub(/^0+/, "", digits); return digits == "" ? "0" : digits }
	' "$@"
}
