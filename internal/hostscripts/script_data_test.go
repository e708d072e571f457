package hostscripts

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// identityOf gives a test stack an identity by its name.
func identityOf(stack string) string { return fmt.Sprintf("%016x", stack) }

// reasons are the texts of the conflicts, as in an update.
func (f Found) reasons() string {
	var texts []string
	for _, c := range f.Conflicts {
		texts = append(texts, c.Reason)
	}
	return strings.ReplaceAll(strings.Join(texts, "\n"), "{adopt}", "the share's adopt")
}

// processes runs a script and counts the processes that it starts, including itself: in a process namespace
// their numbers are consecutive.
func (h *host) processes(stdin, verb string) int {
	h.t.Helper()
	h.alone = true
	defer func() { h.alone = false }()
	script := h.command(stdin, verb)
	// enter's own arguments: /bin/sh -c enter enter DIR, then the script's.
	script.Args = slices.Concat(script.Args[:5], []string{"/bin/sh", "-c", `ln -s /bin/sleep ../rpc.mountd
		../rpc.mountd infinity & /bin/sh -c 'echo $$'; "$@" >&2; status=$?; /bin/sh -c 'echo $$'; exit $status`, "count"}, script.Args[5:])
	var stderr strings.Builder
	script.Stderr = &stderr
	out, err := script.Output()
	if err != nil {
		h.t.Fatalf("%s: %v\n%s", verb, err, stderr.String())
	}
	_ = os.Remove(h.at("rpc.mountd"))
	first, last, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err := errors.Join(err1, err2); err != nil {
		h.t.Fatalf("%q: %v", out, err)
	}
	return to - from - 1
}

// beside lists the files next to the exports file.
func (h *host) beside() []string {
	h.t.Helper()
	var names []string
	entries, err := os.ReadDir(h.at("etc"))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains([]string{"exports", "hosts", "exports.d"}, entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names
}

// scripts are the standard inputs of a share's commands.
type scripts struct{ exports, site, inspect, staging string }

// exports is the script for a share of a stack, exported to the clients.
func (h *host) exports(stack string, change func(*Share), clients ...string) string {
	return h.scripts(stack, change, nil, clients...).exports
}

func (h *host) scripts(stack string, change func(*Share), files []File, clients ...string) scripts {
	share := Share{
		Project: "p", Stack: stack, Name: "share", Identity: identityOf(stack),
		Path: "/srv/share", Options: []string{"rw", "sync", "no_subtree_check"}, Clients: clients, Files: files,
	}
	if change != nil {
		change(&share)
	}
	return scripts{
		exports: share.Input(Exports, share.ExportsData(h.found)),
		site:    share.Input(Publish, share.SiteData(h.found)),
		inspect: share.Input(Inspect, append(share.ExportsData(h.found), share.fileLines()...)),
		staging: "home/" + share.Staging(),
	}
}

// inspect returns what the script finds.
func (h *host) inspect(s scripts) Found {
	h.t.Helper()
	return ParseFound(h.must(s.inspect, "probe"), now)
}
