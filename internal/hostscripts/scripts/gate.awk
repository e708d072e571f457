# gate.awk prints the directory of the data that gate.sh received, if it is valid data of a share: every
# line must have a form listed here; unknown, overlong or too many lines are refused. BLOCK in the environment is
# the argument of that name, verb is the script's verb, options are the exports(5) options without a
# value, with blanks around each, longest_client and longest_options are the limits of exportfs. No
# bracket expression has a backslash: awks interpret it differently.
BEGIN {
	most_lines = 100     # exportfs resolves the name of each address while others wait
	most_drifts = 1000
	most_files = 100000
	names = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
}
failed { next }
{ word = $1; text = substr($0, length(word) + 2); seen[word]++ }
$0 ~ /[\001-\010\012-\037\177]/ { bad("this line has a control character") }
index($0, word " ") != 1 || word !~ /^(block|owner|directory|state|was|staging|adopt|delete|deployed|inspect|patience|drift|line|file)$/ { bad("no script knows this line") }
word ~ /^(line|file)$/ { body = 1 }
body && word !~ /^(line|file)$/ { bad("this line must come before the lines and files") }
word !~ /^(drift|line|file)$/ && seen[word] > 1 { bad("this line may occur only once") }
word == "file" && verb ~ /^(apply|remove)$/ || word == "line" && verb ~ /^(publish|forget)$/ { bad("this line is for another script") }
seen["line"] > most_lines || seen["drift"] > most_drifts || seen["file"] > most_files { bad("there are too many lines of this kind") }
word == "block" && text != ENVIRON["BLOCK"] { bad("the block is not that of the argument") }
word == "block" { block = text }
word == "owner" && (text !~ /^[0-9a-f]+$/ || length(text) > 64) { bad("this is not an identity") }
word == "owner" { owner = text }
word ~ /^(state|was)$/ && (text !~ names || length(text) > 255) { bad("this is not a name") }
word == "state" { state = text }
word ~ /^(adopt|delete|deployed)$/ && text != "yes" || word == "inspect" && text != "nothing" { bad("no script uses this value") }
word == "patience" && (text !~ /^[0-9]+$/ || length(text) > 3) { bad("this is not a number of seconds") }
word == "drift" && length(text) > 1000 { bad("this line is too long") }
word == "directory" && (text !~ "^/[A-Za-z0-9._/+@:-]+$" || (text "/") ~ "/([.][.]?)?/") { bad("this is not the path of a directory") }
word == "directory" { directory = text }
word == "staging" && (index(text, ".cache/webapp-balanced/") != 1 || substr(text, 24) !~ names) { bad("files are not staged there") }
word == "line" && !is_line(text) { bad("this line may not be in /etc/exports") }
word == "file" && (length($2) != 64 || $2 !~ /^[0-9a-f]+$/ || index(text, $2 " ") != 1) { bad("this is not the hash of a file") }
word == "file" && !is_file(substr(text, 66)) { bad("this is not the path of a file below the directory") }
END {
	if (failed) exit 1
	if (seen["block"] seen["owner"] seen["directory"] seen["state"] != "1111") say("block, owner, directory or state is missing")
	else if (block !~ "^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+:/" || substr(block, index(block, ":") + 1) != directory) say("the block " block " is not one of " directory)
	else if (index(state, owner ".") != 1) say("the notes " state " are not those of " owner)
	else print directory
	exit failed
}

function say(what) { print "webapp-balanced-host: " what | "cat >&2"; failed = 1 }
function bad(what) { if (!failed) say(what ": " substr($0, 1, 200)) }

# is_line tells whether a line exports the directory to one client, with the same options as the previous
# line. No option may expose more than the directory.
function is_line(line,   open) {
	if (directory == "" || index(line, directory " ") != 1) return 0
	line = substr(line, length(directory) + 2)
	open = index(line, "(")
	if (!open || !is_client(substr(line, 1, open - 1)) || substr(line, length(line)) != ")") return 0
	line = substr(line, open + 1, length(line) - open - 1)
	if (given != "" && line != given) return 0
	given = line
	return are_options(line)
}

# is_client: exportfs takes ADDRESS:/PATH for one argument, so a slash or colon elsewhere in a client
# would become another path. Host names are refused: the owner of their DNS decides which client gets into
# the table, and which entries of others equal it.
function is_client(client,   address, bits) {
	if (length(client) > longest_client) return 0
	if (client == "*" || client ~ /^@[A-Za-z0-9][A-Za-z0-9._-]*$/) return 1
	address = bits = client
	sub("/.*", "", address)
	bits = substr(client, length(address) + 1)
	if (bits != "" && (bits !~ "^/[0-9]+$" || length(bits) > 4)) return 0
	if (address ~ /^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$/) return 1
	if (index(address, ":")) return address ~ /^[0-9A-Fa-f:]+$/
	return bits == "" && address ~ /[*?]/ && address ~ /^[A-Za-z0-9*?][A-Za-z0-9*?-]*([.][A-Za-z0-9*?-]+)*$/
}

function are_options(text,   n, part, i, name, value, had) {
	if (length(text) > longest_options) return 0
	n = split(text, part, ",")
	for (i = 1; i <= n; i++) {
		name = part[i]; sub(/=.*/, "", name)
		value = substr(part[i], length(name) + 2)
		if (name in had || part[i] !~ /^[a-z0-9_=:A-F-]+$/) return 0
		had[name]
		if (index(options, " " part[i] " ")) continue
		if (name ~ /^anon[ug]id$/ && (is_number(value) || value == "-2")) continue
		if (name == "fsid" && (is_number(value) || is_uuid(value))) continue
		if (name == "sec" && value ~ /^(sys|none|krb5|krb5i|krb5p)(:(sys|none|krb5|krb5i|krb5p))*$/) continue
		return 0
	}
	return n > 0
}

# is_number: at least 1 and at most 32 bits, since exportfs truncates the rest: 4294967296 is root.
function is_number(text) { return text ~ /^[1-9][0-9]*$/ && length(text) <= 10 && text + 0 <= 4294967295 }

# is_uuid: from more or fewer than 32 digits, exportfs reads a number.
function is_uuid(text) {
	if (text !~ /^[0-9A-Fa-f-]+$/) return 0
	gsub(/-/, "", text)
	return length(text) == 32
}

# is_file tells whether a path, escaped for printf(1) %b, is below the directory.
function is_file(path,   part, i) {
	gsub(/\\\\/, "_", path)
	if (length(path) > 16384 || path ~ /^[ \t]|[ \t]$/) return 0
	if (path !~ /^([^\\]|\\0[0-3][0-7][0-7])+$/ || path ~ /\\0(056|057|000)/) return 0
	for (i = split(path, part, "/"); i > 0; i--) if (part[i] == "" || part[i] == "." || part[i] == "..") return 0
	return 1
}
