package hostscripts

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/components/check"
	"webapp-balanced/internal/exports"
)

// readByExportfs makes the real exportfs read /etc/exports, and returns its exports, PATH CLIENT, sorted,
// and its complaints.
func (h *host) readByExportfs() (entries []string, complaints string) {
	h.t.Helper()
	h.write("var/lib/nfs/etab", "", 0o644)
	out, _ := h.on("exportfs", "-r").CombinedOutput() // it also fails for a missing directory
	for _, line := range h.table() {
		if path, rest, ok := strings.Cut(line, "\t"); ok {
			client, _, _ := strings.Cut(rest, "(")
			if client == "" {
				client = "*" // everybody, if no client is named
			}
			entries = append(entries, strings.ReplaceAll(unescaped(path), "\n", `\n`)+" "+client)
		}
	}
	slices.Sort(entries)
	return entries, string(out)
}

// unescaped replaces the octal escapes in a path of the table.
func unescaped(path string) string {
	return regexp.MustCompile(`\\[0-7]{3}`).ReplaceAllStringFunc(path, func(escape string) string {
		return string([]byte{(escape[1]-'0')<<6 | (escape[2]-'0')<<3 | (escape[3] - '0')})
	})
}

// readByAwk reads the file with entries.awk.
func (h *host) readByAwk() []string {
	h.t.Helper()
	program := comments.ReplaceAllString(scriptFile("entries.awk"), "") + `
		{ read_line($0, FNR, FILENAME) }
		END { end_line() }
		function damaged(what, block) {}
		function found_entry(file, first, last, block, path, client, options) { gsub(/\n/, "\\n", path); print path " " client }
	`
	out, err := h.on("env", "LC_ALL=C", "awk", program, "/etc/exports").CombinedOutput()
	if err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	entries := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	slices.Sort(entries)
	return slices.DeleteFunc(slices.Compact(entries), func(entry string) bool { return entry == "" })
}

// entries.awk reads files as exportfs does.
func TestEntriesAsExportfsReadsThem(t *testing.T) {
	t.Parallel()
	contents := map[string]string{
		"a comment with a backslash":  "# c \\\n/srv/a 10.0.0.1(ro)\n",
		"a comment in an entry":       "/srv/a 10.0.0.1(ro) # 10.0.0.2(ro) \\\n/srv/b 10.0.0.3(ro)\n",
		"a comment after a backslash": "/srv/a 10.0.0.1(ro) \\\n# 10.0.0.2(ro)\n/srv/b 10.0.0.3(ro)\n",
		"a # in a word":               "/srv/a#b 10.0.0.1(ro)\n",
		"a # in quotes":               "\"/srv/a # b\" 10.0.0.1(ro)\n",
		"a backslash in a word":       "/srv/a\\\nb 10.0.0.1(ro)\n",
		"quotes within a word":        "/srv/\"a b\"c 10.0.0.1(ro)\n",
		"an escape in quotes":         "\"/srv/a\\040b\" 10.0.0.1(ro)\n",
		"options before the clients":  "/srv/a -ro,sync 10.0.0.1 10.0.0.2(rw)\n",
		"a blank before the options":  "/srv/a 10.0.0.1 (ro)\n",
		"an empty line of Windows":    "/srv/a 10.0.0.1(ro)\r\n\r\n/srv/b 10.0.0.1(ro)\r\n",
		"a path alone":                "/srv/a\n",
		"a quote over lines":          "\"/srv/a\n  b\" 10.0.0.1(ro)\n/srv/b 10.0.0.1(ro)\n",
		"a quote over marks":          "/srv/a \"10.0.0.1\n# BEGIN p/s/a:/x (managed by Pulumi, edits are lost)\n\" 10.0.0.2(ro)\n/srv/b 10.0.0.3(ro)\n",
		"a quote without an end":      "/srv/a 10.0.0.1(ro)\n\"/srv/b 10.0.0.1(ro)\n/srv/c 10.0.0.1(ro)\n",
		"a quote after a backslash":   "/srv/a \\\n \"10.0.0.1\"(ro)\n/srv/b 10.0.0.1(ro)\n",
		"a backslash in a quote":      "\"/srv/a \\\n b\" 10.0.0.1(ro)\n/srv/b 10.0.0.1(ro)\n",
		"our block after a backslash": "/srv/b 10.0.0.1(ro) \\\n# BEGIN p/s/a:/x (managed by Pulumi, edits are lost)\n/srv/a 10.0.0.2(ro)\n# END p/s/a:/x (managed by Pulumi)\n",
	}
	maps.Copy(contents, realExports(t))
	eachShell(t, func(t *testing.T, shell []string) {
		if shell[0] == "bash" {
			return // it is about awk, and the same under dash
		}
		h := newHost(t, shell, "")
		compared := 0
		for name, content := range contents {
			h.write("etc/exports", content, 0o644)
			exported, complaints := h.readByExportfs()
			if strings.Contains(complaints, "unknown keyword") || strings.Contains(complaints, "syntax error") || strings.Contains(complaints, "expected") {
				continue // it reads no further
			}
			compared++
			read := slices.DeleteFunc(h.readByAwk(), func(entry string) bool {
				return strings.Contains(complaints, "Failed to resolve "+entry[strings.LastIndex(entry, " ")+1:])
			})
			if !slices.Equal(read, exported) {
				t.Errorf("%s: entries.awk reads\n%q\nexportfs\n%q\n%s", name, read, exported, complaints)
			}
		}
		if compared < 45 {
			t.Errorf("only %d files were compared", compared)
		}
	})
}

// No input that the validation accepts makes lines that exportfs reads with another meaning.
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
	h := newHost(f, shells[0], "")
	f.Fuzz(func(t *testing.T, path, client, options string) {
		args := Share{Path: path, Clients: []string{client, "10.9.9.9"}, Options: strings.Split(options, ",")}
		var p check.Problems
		exports.CheckPath(&p, args.Path)
		exports.CheckOptions(&p, args.Options)
		exports.CheckClients(&p, args.Clients)
		if len(p) > 0 {
			return
		}
		h.t = t
		if exports.IsSystemPath(path) {
			t.Errorf("%s is the system's", path)
		}
		block := append(append([]string{"# BEGIN x (managed by Pulumi, edits are lost)"}, args.Lines()...), "# END x (managed by Pulumi)", "/last 10.0.0.1(ro)\n")
		h.write("etc/exports", "/first 10.0.0.1(ro)\n"+strings.Join(block, "\n"), 0o644)
		got, complaints := h.readByExportfs()
		want := []string{"/first 10.0.0.1", path + " 10.9.9.9", "/last 10.0.0.1"}
		if !strings.Contains(complaints, "Failed to resolve "+client) {
			want = append(want, path+" "+client)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("exportfs exports %q, want %q: %s", got, want, complaints)
		}
	})
}

// A path is one line of the script's data, and printf(1) restores it.
func FuzzEscapePath(f *testing.F) {
	for _, name := range names {
		f.Add(name)
	}
	f.Add(`\0012`)
	f.Add("\u0085\u2028")
	f.Fuzz(func(t *testing.T, path string) {
		text := escapePath(path)
		if strings.ContainsAny(text, "\n\r\t\x00") || strings.TrimSpace(text) != text && strings.Trim(text, " ") != text {
			t.Fatalf("%q is written as %q, which read(1) does not take as it is", path, text)
		}
		if got := printfB(text); got != path {
			t.Errorf("%q is written as %q, which printf(1) makes %q", path, text, got)
		}
	})
}

// printfB returns the output of printf(1) for %b, as defined by POSIX: \\ and \0ooo.
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
