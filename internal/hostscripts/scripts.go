// Package hostscripts is what runs on the NFS host: scripts of POSIX sh with awk programs, the data
// that they are given, and what they print. The directory scripts has them.
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

// The scripts. Each is given a verb and the block's name as its arguments, and reads what
// [Share.Input] writes: it is the last part of that.
var (
	// Look (probe) changes nothing: it says what an update would refuse, and how the host differs
	// from what the last one left.
	Look = hostScript("look.sh")
	// Exports (apply, remove) keeps the share's lines in /etc/exports.
	Exports = hostScript("exports.sh", "compose.awk", "table.awk", "table.sh")
	// Publish (publish, forget) keeps the site's files in the share.
	Publish = hostScript("publish.sh", "placed.awk", "walk.sh", "staging.sh")
)

// comments are those of an awk program, which may have quotes.
var comments = regexp.MustCompile(`(?m)^[ \t]*#.*\n`)

// hostScript is a script with what it needs before it: the awk programs as variables of
// the shell, compose_awk for compose.awk, then common.sh and other parts of shell.
func hostScript(name string, parts ...string) string {
	var b strings.Builder
	isShell := func(part string) bool { return strings.HasSuffix(part, ".sh") }
	programs := slices.DeleteFunc(slices.Clone(parts), isShell)
	for _, program := range append([]string{"entries.awk", "names.awk", "list.awk", "look.awk", "look_exports.awk", "look_site.awk"}, programs...) {
		fmt.Fprintf(&b, "%s='\n%s'\n", strings.Replace(program, ".", "_", 1), awkProgram(program))
	}
	// The host tells where the directory really is.
	fmt.Fprintf(&b, "systems_directories='%s'\nsystems_trees='%s'\n", strings.Join(exports.System, " "), strings.Join(exports.SystemTrees, " "))
	b.WriteString(scriptFile("common.sh"))
	for _, part := range parts {
		if isShell(part) {
			b.WriteString(scriptFile(part))
		}
	}
	return b.String() + scriptFile(name)
}

// awkProgram is one without its comments, for single quotes of the shell.
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
