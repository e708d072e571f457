# placed.awk prints the notes of published files, "put SHA256 STATUS PATH" each. It reads "new
# NAME STATUS" for each new file before its rename, "NAME PATH" for its destination, and after the
# rename the stat output (kind=stat). It comes after names.awk and uses its variable record.
#
# STATUS is MODE:INODE:SIZE:CHANGED. A rename changes the time, so CHANGED is ? before it, and
# also after it if another process has replaced the file since: the next inspection finds that.
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
