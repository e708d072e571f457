package hostscripts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Share is a share as the host is to have it.
type Share struct {
	// Project, Stack and Name are what people read; by Identity the share is known, which no
	// other stack has.
	Project, Stack, Name, Identity string
	Path                           string // of the directory
	Options, Clients               []string
	Adopt                          bool // lines and files of others that say the same
	DeleteOnDestroy                bool // of the site's files
	Sudo                           bool
	Files                          []File // of the site
}

// Lines are the lines of /etc/exports that the share owns (exports(5)).
func (s Share) Lines() []string {
	lines := make([]string, 0, len(s.Clients))
	for _, client := range s.Clients {
		lines = append(lines, fmt.Sprintf("%s %s(%s)", s.Path, client, strings.Join(s.Options, ",")))
	}
	return lines
}

// Block is what the share is called on the host.
func (s Share) Block() string {
	return fmt.Sprintf("%s/%s/%s:%s", s.Project, s.Stack, s.Name, s.Path)
}

// Staging is where files wait for being published, from the login user's home directory.
func (s Share) Staging() string { return ".cache/webapp-balanced/" + s.folder(s.Identity, s.Name) }

// folder is a name for the directory's own, of parts.
func (s Share) folder(parts ...string) string {
	sum := sha256.Sum256([]byte(s.Path))
	return strings.Join(append(parts, hex.EncodeToString(sum[:4])), ".")
}

// head is what every script is told; scripts/common.sh explains the words.
func (s Share) head() []string {
	head := []string{"block " + s.Block(), "owner " + s.Identity, "directory " + s.Path,
		"state " + s.folder(s.Identity, s.Name), "was " + s.folder(s.Project, s.Stack, s.Name)}
	if s.Adopt {
		head = append(head, "adopt yes")
	}
	return head
}

// ExportsData is the data of the script [Exports].
func (s Share) ExportsData(found Found) []string {
	data := append(s.head(), found.Exports.lines()...)
	for _, line := range s.Lines() {
		data = append(data, "line "+line)
	}
	return data
}

// SiteData is the data of the script [Publish].
func (s Share) SiteData(found Found) []string {
	data := append(s.head(), "staging "+s.Staging())
	if s.DeleteOnDestroy {
		data = append(data, "delete yes")
	}
	return append(append(data, found.Site.lines()...), s.fileLines()...)
}

// LookData is the data of the script [Look], which may be told more.
func (s Share) LookData(more ...string) []string {
	return append(append(more, s.ExportsData(Found{})...), s.fileLines()...)
}

func (s Share) fileLines() []string {
	lines := make([]string, 0, len(s.Files))
	for _, file := range s.Files {
		lines = append(lines, "file "+file.SHA256+" "+written(file.Path))
	}
	return lines
}

// Command runs a script from standard input, so that an error, which repeats the command, does
// not repeat the script.
func (s Share) Command(arguments ...string) string {
	if s.Sudo {
		return "sh -c '" + asRoot("sudo -n", arguments) + "'"
	}
	return "sh -s -- " + strings.Join(arguments, " ")
}

// DeleteCommand stays as it was when the share was created, so whether sudo is needed it reads
// from the first line of its input, which is always what it is now.
func (s Share) DeleteCommand(arguments ...string) string {
	return "sh -c 'read -r _ as; " + asRoot("$as", arguments) + "'"
}

// asRoot is a line of sh that runs a script by way of sudo: the gate, where the login has settings for
// that, so that sudo has to allow no more, otherwise sh.
func asRoot(sudo string, arguments []string) string {
	return `run="sh -s --"; test -z "` + sudo + `" || test ! -e ` + GateSettings + "/$(id -un) || run=" + Gate + "; exec " + sudo + " $run " + strings.Join(arguments, " ")
}

func (s Share) sudo() string {
	if s.Sudo {
		return "sudo -n"
	}
	return ""
}

// Input is what a command reads: the data before the script, since the data is what a
// preview's diff is read for, and before that a line that says how to become root. The
// data is in a quoted here-document (sh(1)), so the shell reads it and never runs it;
// validation lets no line break into it.
func (s Share) Input(script string, data []string) string {
	return strings.TrimSpace(": "+s.sudo()) + beginData + strings.Join(data, "\n") + endData + script
}

const beginData, endData = "\nexec 3<<'END OF DATA'\n", "\nEND OF DATA\n"

// SplitInput returns the data and the script of an input; ok is false for any other text.
func SplitInput(input string) (data, script string, ok bool) {
	_, rest, begins := strings.Cut(input, beginData)
	data, script, ends := strings.Cut(rest, endData)
	return data, script, begins && ends && strings.HasPrefix(input, ":")
}
