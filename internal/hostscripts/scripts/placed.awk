# placed.awk prints the notes of the files that are put in their places, "put SHA256 STATUS
# PATH" each. It reads "new NAME STATUS" for each new file, before it is renamed, "NAME PATH"
# for where it goes, and, once it is there, what stat says (kind=stat). It comes after
# names.awk. Variable: record, as there.
#
# STATUS is MODE:INODE:SIZE:CHANGED. Renaming a file changes the time, so that it is ? before,
# and also after if somebody has put another file there since: the next look finds that.
kind == "stat" { read_stat(); next }
$1 == "new" { new[$2] = $3; next }
NF { name = substr($0, length($1) + 2); names[++n] = name; sum[name] = $1 }
END {
	end_stat()
	for (i = 1; i <= n; i++) {
		name = names[i]; was = new[sum[name]]; now = status["./" plain(name)]
		print "put " substr(sum[name], 1, 64) " " (index(now, was) == 1 ? now : was "?") " " name
	}
}
