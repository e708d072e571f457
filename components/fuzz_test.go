package components

import (
	"strings"
	"testing"
)

// exportfsReader reads characters and words as exportfs does (nfs-utils 2.6,
// support/nfs/xio.c), so that what the validation lets through can be compared
// with what would be exported.
type exportfsReader struct{ rest string }

const endOfFile = -1

// char is xgetc: a backslash before the end of a line joins it with the next,
// whose leading blanks count for one.
func (r *exportfsReader) char() int {
	if r.rest == "" {
		return endOfFile
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	if c == '\\' && strings.HasPrefix(r.rest, "\n") {
		r.rest = strings.TrimLeft(r.rest[1:], " \t")
		return ' '
	}
	return int(c)
}

// skip is xskip: characters of the set, and comments.
func (r *exportfsReader) skip(set string) {
	for {
		before := r.rest
		c := r.char()
		if c == '#' {
			for c != '\n' && c != endOfFile {
				before = r.rest
				c = r.char()
			}
		}
		if c == endOfFile {
			return
		}
		if !strings.ContainsRune(set, rune(c)) {
			r.rest = before
			return
		}
	}
}

func isSpace(c int) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// word is xgettok: up to white space outside of quotes, octal escapes decoded.
func (r *exportfsReader) word() string {
	var word []byte
	quoted := false
	for {
		before := r.rest
		c := r.char()
		if c == endOfFile {
			return string(word)
		}
		if !quoted && isSpace(c) {
			if c == '\n' {
				r.rest = before
			}
			return string(word)
		}
		if c == '"' {
			quoted = !quoted
			continue
		}
		word = append(word, byte(c))
		if n := len(word); n >= 4 && word[n-4] == '\\' && octal(word[n-3:]) {
			word = append(word[:n-4], (word[n-3]-'0')<<6|(word[n-2]-'0')<<3|(word[n-1]-'0'))
		}
	}
}

func octal(digits []byte) bool {
	for _, d := range digits {
		if d < '0' || d > '7' {
			return false
		}
	}
	return digits[0] <= '3'
}

// entry is a path that is exported to a client with options.
type entry struct{ path, client, options string }

// exported reads an exports file as getexportent does (support/nfs/exports.c).
func exported(file string) []entry {
	var entries []entry
	r := &exportfsReader{rest: file}
	for {
		r.skip(" \t\n")
		path := r.word()
		if path == "" {
			return entries
		}
		defaults := ""
		for first := true; ; first = false {
			r.skip(" \t")
			client := r.word()
			if strings.HasPrefix(client, "-") && first {
				defaults, client = client[1:], ""
				continue
			}
			if client == "" && !first {
				break
			}
			name, options, _ := strings.Cut(client, "(")
			entries = append(entries, entry{path, name, defaults + strings.TrimSuffix(options, ")")})
			if client == "" {
				break
			}
		}
	}
}

// No input that the validation accepts makes lines that exportfs reads
// otherwise than they are meant.
func FuzzLines(f *testing.F) {
	for _, seed := range []struct{ path, client, options string }{
		{"/srv/nfs/weblb", "192.168.1.160", "rw,sync,no_subtree_check"},
		{"/srv/a", "2001:db8::/32", "ro,anonuid=65534,sec=krb5:krb5i"},
		{"/srv/a@b", "@trusted", "rw,fsid=0"},
		{"/srv/a+b", "*.example.com", "fsid=6a1d5d4e-0a0b-4c0d-8e0f-101112131415"},
		{"/srv/my share", "*", "rw"},
		{"/srv/\"a\"", "a(ro)", "rw)"},
		{"/srv/a\\", "-ro", "rw,\\"},
		{"/srv/a\\040b", "host#1", "rw # x"},
		{"/srv/a\n/etc", "10.0.0.1\n/etc *", "rw\n/etc *(rw"},
		{"/srv/a\r", "10.0.0.1\r", "rw\r"},
		{"/srv/\xff", "caf\u00e9", "rw,\xff"},
	} {
		f.Add(seed.path, seed.client, seed.options)
	}
	f.Fuzz(func(t *testing.T, path, client, options string) {
		args := NfsShareArgs{Path: path, Clients: []string{client, "10.9.9.9"}, Options: strings.Split(options, ",")}
		var p Problems
		validateSharePath(&p, args.Path)
		validateOptions(&p, args.Options)
		validateClients(&p, args.Clients)
		if len(p) > 0 {
			return
		}
		block := append(append([]string{"# BEGIN x (managed by Pulumi, edits are lost)"}, args.Lines()...), "# END x (managed by Pulumi)", "/last 10.0.0.1(ro)\n")
		got := exported("/first 10.0.0.1(ro)\n" + strings.Join(block, "\n"))
		want := []entry{{"/first", "10.0.0.1", "ro"}, {path, client, options}, {path, "10.9.9.9", options}, {"/last", "10.0.0.1", "ro"}}
		if len(got) != len(want) {
			t.Fatalf("%d entries, want %d: %q", len(got), len(want), got)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("exportfs reads %q, want %q", got[i], want[i])
			}
		}
		if !strings.HasPrefix(path, "/srv/") && strings.Count(path, "/") == 1 && strings.Contains(" /etc /usr /bin /dev ", " "+path+" ") {
			t.Errorf("%s is the system's", path)
		}
	})
}

// A path is one line of the script's data, and printf(1) makes it again what it
// was.
func FuzzWritten(f *testing.F) {
	for _, name := range names {
		f.Add(name)
	}
	f.Add(`\0012`)
	f.Add("\u0085\u2028")
	f.Fuzz(func(t *testing.T, path string) {
		text := written(path)
		if strings.ContainsAny(text, "\n\r\t\x00") || strings.TrimSpace(text) != text && strings.Trim(text, " ") != text {
			t.Fatalf("%q is written as %q, which read(1) does not take as it is", path, text)
		}
		if got := printfB(text); got != path {
			t.Errorf("%q is written as %q, which printf(1) makes %q", path, text, got)
		}
	})
}

// printfB is what printf(1) makes of %b, as far as POSIX has it: \\ and \0ooo.
func printfB(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\':
			b.WriteByte(text[i])
		case text[i+1] == '\\':
			b.WriteByte('\\')
			i++
		default: // \0ooo
			b.WriteByte((text[i+2]-'0')<<6 | (text[i+3]-'0')<<3 | (text[i+4] - '0'))
			i += 4
		}
	}
	return b.String()
}
