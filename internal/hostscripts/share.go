package hostscripts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Share is the desired state of a share on the host.
type Share struct {
	// Project, Stack and Name are for people; Identity, unique to the stack, identifies the share.
	Project, Stack, Name, Identity string
	Path                           string // of the directory
	Options, Clients               []string
	Adopt                          bool // matching lines and files of others
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

// Block is the share's name on the host.
func (s Share) Block() string {
	return fmt.Sprintf("%s/%s/%s:%s", s.Project, s.Stack, s.Name, s.Path)
}

// Staging is the directory for staged files, relative to the login user's home directory.
func (s Share) Staging() string { return ".cache/webapp-balanced/" + s.folder(s.Identity, s.Name) }

// folder returns a folder name of the parts and a hash of the directory.
func (s Share) folder(parts ...string) string {
	sum := sha256.Sum256([]byte(s.Path))
	return strings.Join(append(parts, hex.EncodeToString(sum[:4])), ".")
}

// head is the data that every script gets; scripts/common.sh documents it.
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

// InspectData is the data of the script [Inspect], after additional lines.
func (s Share) InspectData(more ...string) []string {
	return append(append(more, s.ExportsData(Found{})...), s.fileLines()...)
}

func (s Share) fileLines() []string {
	lines := make([]string, 0, len(s.Files))
	for _, file := range s.Files {
		lines = append(lines, "file "+file.SHA256+" "+escapePath(file.Path))
	}
	return lines
}

// Command runs a script from standard input, so that an error, which repeats the command, does not repeat the script.
func (s Share) Command(arguments ...string) string {
	if s.Sudo {
		return "sh -c '" + asRoot("sudo -n", arguments) + "'"
	}
	return "sh -s -- " + strings.Join(arguments, " ")
}

// DeleteCommand is fixed when the share is created. It reads from the first line of its input, which is
// always current, whether it needs sudo.
func (s Share) DeleteCommand(arguments ...string) string {
	return "sh -c 'read -r _ as; " + asRoot("$as", arguments) + "'"
}

// asRoot returns a line of sh that runs a script with sudo: by the gate if the login has settings for it,
// so that sudo need allow nothing else; otherwise by sh.
func asRoot(sudo string, arguments []string) string {
	return `run="sh -s --"; test -z "` + sudo + `" || test ! -e ` + GateSettings + "/$(id -un) || run=" + Gate + "; exec " + sudo + " $run " + strings.Join(arguments, " ")
}

func (s Share) sudo() string {
	if s.Sudo {
		return "sudo -n"
	}
	return ""
}

// Input is the standard input of a command: a line that says how to become root, the data, and the
// script. The data comes first because people read it in a preview's diff. It is in a quoted
// here-document (sh(1)), so the shell reads it and never runs it; validation lets no line break into it.
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
