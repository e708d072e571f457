# placed.awk prints the notes of the files of the site, "put SHA256 META PATH" each, before
# they are put in their places (only of those that will be) or after. It reads, with their
# kind before them: the data, with "new NAME META" for each new file, before it is renamed,
# and "NAME PATH" for where it goes; the notes of before; and what the share has now
# (kind=stat). It comes after plain.awk.
#
# META is MODE:INODE:SIZE:CHANGED. Renaming a file changes the time, so that it is ? before,
# and also after if somebody has put another file there since: the next look finds that.
kind == "data" && $1 == "file" { name = substr($0, 7 + length($2)); files[++n] = name; sha[name] = $2; next }
kind == "data" && $1 == "new" { new[$2] = $3; next }
kind == "data" && $1 ~ /^[0-9a-f.]+$/ && length($1) >= 64 { placed[substr($0, length($1) + 2)] = new[$1]; next }
kind == "notes" && $1 == "put" { name = substr($0, 7 + length($2) + length($3)); if ($2 == sha[name] && $3 !~ /\?$/) meta[name] = $3 }
kind == "stat" {
	if ($1 == record) {
		name = $0
		sub(/^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", name)
		now = $2 ":" $3 ":" $4 ":"; time = $5 "T" $6
	} else name = name "\n" $0
	identity[name] = now; changed[name] = time
}
END {
	for (i = 1; i <= n; i++) {
		name = files[i]; p = "./" plain(name)
		if (name in placed) meta[name] = placed[name] (when == "after" && identity[p] == placed[name] ? changed[p] : "?")
		else if (when == "before") continue
		print "put " sha[name] " " meta[name] " " name
	}
}
