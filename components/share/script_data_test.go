package share

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"webapp-balanced/components/owner"
)

// identityOf gives a stack of the tests an identity by its name.
func identityOf(stack string) owner.Identity { return owner.Identity{ID: fmt.Sprintf("%016x", stack)} }

// reasons are the conflicts' texts, as an update says them.
func (l looked) reasons() string {
	var texts []string
	for _, c := range l.conflicts {
		texts = append(texts, c.reason)
	}
	return strings.ReplaceAll(strings.Join(texts, "\n"), "{adopt}", "the share's adopt")
}

// processes runs a script and counts the processes that it starts, itself among them: in
// a process namespace they have one number after the other.
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

// beside lists what lies beside the exports file.
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
type scripts struct{ exports, site, look, staging string }

// exports is the script for a share of a stack, exported to the clients.
func (h *host) exports(stack string, change func(*NfsShareArgs), clients ...string) string {
	return h.scripts(stack, change, nil, clients...).exports
}

func (h *host) scripts(stack string, change func(*NfsShareArgs), files []siteFile, clients ...string) scripts {
	args := NfsShareArgs{Path: "/srv/share", Clients: clients, Identity: identityOf(stack)}
	if change != nil {
		change(&args)
	}
	args = args.WithDefaults()
	d := args.hostData(shareID{"p", stack, "share", args.Identity.ID}, h.found, files)
	return scripts{
		exports: args.stdin(exportsScript, d.exports),
		site:    args.stdin(publishScript, d.site),
		look:    args.stdin(lookScript, append(slices.Clone(d.exports), d.site[len(d.site)-len(files):]...)),
		staging: "home/" + d.staging,
	}
}

// look returns what the look finds.
func (h *host) look(s scripts) looked {
	h.t.Helper()
	return parseLook(h.must(s.look, "probe"))
}
