# compose.awk prints /etc/exports (kind=file) with our new block. Instructions come before the file: "place
# FIRST LAST" are the lines of a block of ours, "leave FIRST LAST" are lines to leave out, "mark LINE" and "line
# LINE" are the lines of the new block, "open" means that the last line of the file has no newline; other words
# are script data. The block stays where it is, the first one if there are several; a new one goes to the end.
kind != "file" {
	if ($1 == "mark" || $1 == "line") lines[++n] = substr($0, 6)
	else if ($1 == "open") is_open = 1
	else if ($1 == "place" || $1 == "leave") {
		if ($1 == "place" && !place) place = $2
		for (i = $2; i <= $3; i++) skipped[i]
	}
	next
}
FNR == place { put_block() }
!(FNR in skipped) { put($0) }
END {
	if (!place) put_block()
	if (printed && !is_open) printf "\n"
}

function put_block(   i) { for (i = 1; i <= n; i++) put(lines[i]) }
function put(line) { printf "%s%s", printed++ ? "\n" : "", line }
