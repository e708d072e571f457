# compose.awk prints /etc/exports with our block as it is wanted. Before the file come the
# instructions: "place FIRST LAST" is where our block stands, "leave FIRST LAST" are lines to
# leave out, "mark LINE" and "line LINE" are the lines of the new block; other words are the
# data's. The block stays where it is; a new one goes to the end.
kind != "file" {
	if ($1 == "mark" || $1 == "line") block = block substr($0, 6) "\n"
	else if ($1 == "place" || $1 == "leave") {
		if ($1 == "place") place = $2
		for (i = $2; i <= $3; i++) skipped[i]
	}
	next
}
FNR == place { printf "%s", block }
!(FNR in skipped) { print }
END { if (!place) printf "%s", block }
