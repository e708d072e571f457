# list.awk lists the files whose state is wanted, for xargs(1): the share itself, those of
# the site, those that were published before, and the directories above them. It comes
# after names.awk, and reads the data. Variables: mine are the folders of this share's
# notes; base and adopt as everywhere.
BEGIN { print "." }
$1 == "file" { list(substr($0, 7 + length($2))) }
$1 == "notes" { read_notes($2) }

function read_notes(file,   folder) {
	folder = file
	sub(/[^\/]*$/, "", folder)
	if (file !~ /\/left$/ && (file !~ /\/site$/ || adopt != "yes" && !index(mine " ", folder " "))) return
	while ((getline < file) > 0)
		if ($1 == "put") list(substr($0, 7 + length($2) + length($3)))
		else if ($1 == "made") list(substr($0, 6))
		else if ($1 == "file") list(substr($0, 7 + length($2)))
	close(file)
}

# xargs takes what comes after a backslash as it is.
function list(name,   text) {
	for (; name != "" && !seen[name]++; name = parent(name)) {
		text = plain(name)
		gsub(/[ \t\n\r\f\v\\"\047]/, "\\\\&", text)
		print "./" text
	}
}
