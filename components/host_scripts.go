package components

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

// What runs on the NFS host: scripts of POSIX sh and the awk programs that they use.
//
//go:embed scripts
var scriptFiles embed.FS

var (
	lookScript    = hostScript("look.sh")
	exportsScript = hostScript("exports.sh", "compose.awk", "table.awk")
	publishScript = hostScript("publish.sh", "placed.awk")
)

// comments are those of an awk program, which may have quotes.
var comments = regexp.MustCompile(`(?m)^[ \t]*#.*\n`)

// hostScript is a script with what it needs before it: the awk programs as variables of
// the shell, compose_awk for compose.awk, then common.sh.
func hostScript(name string, programs ...string) string {
	var b strings.Builder
	for _, program := range append([]string{"entries.awk", "names.awk", "list.awk", "look.awk", "look_exports.awk", "look_site.awk"}, programs...) {
		text := comments.ReplaceAllString(scriptFile(program), "")
		if strings.Contains(text, "'") {
			panic(fmt.Sprintf("scripts/%s has a single quote, which would end the shell's", program))
		}
		fmt.Fprintf(&b, "%s='\n%s'\n", strings.Replace(program, ".", "_", 1), text)
	}
	// The host tells where the directory really is.
	fmt.Fprintf(&b, "systems_directories='%s'\nsystems_trees='%s'\n", strings.Join(system, " "), strings.Join(systemTrees, " "))
	return b.String() + scriptFile("common.sh") + scriptFile(name)
}

func scriptFile(name string) string {
	text, err := scriptFiles.ReadFile("scripts/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}
