// Package hostscripts has the scripts that run on the NFS host, of POSIX sh with awk programs, their input
// data, and the parser of their output. They are in the directory scripts.
package hostscripts

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"webapp-balanced/internal/exports"
)

//go:embed scripts
var scriptFiles embed.FS

// The scripts. Each takes a verb and the block's name as arguments. It is the last part of its standard
// input, which [Share.Input] writes.
var (
	// Inspect (probe) changes nothing: it reports what an update would refuse, and how the host differs
	// from the last update.
	Inspect = hostScript("inspect.sh")
	// Exports (apply, remove) keeps the share's lines in /etc/exports.
	Exports = hostScript("exports.sh", "compose.awk", "table.awk", "table.sh")
	// Publish (publish, forget) keeps the site's files in the share.
	Publish = hostScript("publish.sh", "placed.awk", "walk.sh", "staging.sh", "bring.sh")
)

// comments matches the comments of an awk program, which may have quotes.
var comments = regexp.MustCompile(`(?m)^[ \t]*#.*\n`)

// hostScript returns a script after its dependencies: the awk programs as shell variables, such as
// compose_awk for compose.awk, then common.sh, found.sh and the other shell parts.
func hostScript(name string, parts ...string) string {
	var b strings.Builder
	isShell := func(part string) bool { return strings.HasSuffix(part, ".sh") }
	programs := slices.DeleteFunc(slices.Clone(parts), isShell)
	for _, program := range append([]string{"entries.awk", "names.awk", "list.awk", "inspect.awk", "inspect_exports.awk", "inspect_site.awk"}, programs...) {
		fmt.Fprintf(&b, "%s='\n%s'\n", strings.Replace(program, ".", "_", 1), awkProgram(program))
	}
	// Only the host knows the directory's real path.
	fmt.Fprintf(&b, "systems_directories='%s'\nsystems_trees='%s'\n", strings.Join(exports.System, " "), strings.Join(exports.SystemTrees, " "))
	b.WriteString(scriptFile("common.sh") + scriptFile("found.sh"))
	for _, part := range parts {
		if isShell(part) {
			b.WriteString(scriptFile(part))
		}
	}
	return b.String() + scriptFile(name)
}

// awkProgram returns an awk program without its comments, for single quotes of the shell.
func awkProgram(name string) string {
	text := comments.ReplaceAllString(scriptFile(name), "")
	if strings.Contains(text, "'") {
		panic(fmt.Sprintf("scripts/%s has a single quote, which would end the shell's", name))
	}
	return text
}

func scriptFile(name string) string {
	text, err := scriptFiles.ReadFile("scripts/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
