# list.awk lists the files to stat, for xargs(1): the share itself, the directories that others export, which
# may be the share under another name, the site's files, previously published files, and their parent
# directories. It comes after entries.awk and names.awk, and reads the data. Variables: site and adopt as in
# inspect.awk; mine has the folders of this share's notes, separated by a blank.
BEGIN { print "." }
$1 == "file" && site != "" { list(substr($0, 7 + length($2))) }
$1 == "notes" && site != "" { read_notes($2) }
$1 == "exports" { file = substr($0, 9); while ((getline < file) > 0) read_line($0, 0, file); close(file); end_line() }
# stat would hang in a remote directory whose server does not answer.
$1 == "mounts" { file = $2; while ((getline < file) > 0) if ($3 ~ /^(nfs|cifs|smb|ceph|gluster|fuse|autofs|9p|afs)/) remote[$2]; close(file) }
END { for (i = 1; i <= n; i++) if (!is_remote(exported[i])) print escaped(exported[i] "/.") }

function found_entry(file, first, last, marked, path, client, options) { if (path ~ /^\// && !seen_path[path]++) exported[++n] = path }
function is_remote(path,   above) { for (above in remote) if (above != "/" && index(path "/", above "/") == 1) return 1; return 0 }
function damaged(what, marked) {}

function read_notes(file,   folder) {
	folder = file
	sub("[^/]*$", "", folder)
	if (file !~ /\/left$/ && (file !~ /\/site$/ || adopt != "yes" && !index(mine " ", folder " "))) return
	while ((getline < file) > 0)
		if ($1 == "put") list(substr($0, 7 + length($2) + length($3)))
		else if ($1 == "made") list(substr($0, 6))
		else if ($1 == "file") list(substr($0, 7 + length($2)))
	close(file)
}

function list(name) { for (; name != "" && !seen[name]++; name = parent(name)) print escaped("./" plain(name)) }

# xargs takes a character after a backslash literally.
function escaped(text) { gsub(/[ \t\n\r\f\v\\"\047]/, "\\\\&", text); return text }
