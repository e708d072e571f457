# names.awk lists the files whose state look.awk wants to know: the share itself, those of
# the site, those that were published before, and the directories above them. It comes
# after plain.awk, and reads the data and the notes. A name is on a line of its own, its
# line breaks written as \001.
BEGIN { print "." }
$1 == "file" || $1 == "put" {
	name = substr($0, index($0, $2) + length($2) + 1)
	if ($1 == "put") name = substr(name, index(name, " ") + 1)
	for (; name != "" && !seen[name]++; name = parent(name)) {
		text = plain(name)
		gsub(/\n/, "\001", text)
		print "./" text
	}
}
