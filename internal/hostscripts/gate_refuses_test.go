package hostscripts

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"webapp-balanced/internal/exports"
)

// The owner of the login's key can send anything to the gate.
func TestGateRefuses(t *testing.T) {
	sum := strings.Repeat("a", 64)
	type attempt struct {
		script string
		data   []string
		verb   string // apply
	}
	apply := func(s *Share, more ...string) attempt {
		return attempt{Exports, append(s.ExportsData(Found{}), more...), ""}
	}
	publish := func(s *Share, more ...string) attempt {
		return attempt{Publish, append(s.SiteData(Found{}), more...), "publish"}
	}
	for _, c := range []struct {
		name string
		try  func(h *host, s *Share) attempt
		want string
	}{
		{"a script of his own", func(_ *host, s *Share) attempt { return attempt{"rm -r /srv/nfs/theirs\n", apply(s).data, ""} }, "this script is not one of those in /etc/webapp-balanced/deploy: add those of this version with `make sudo-rule`"},
		{"a line before the script", func(_ *host, s *Share) attempt {
			return attempt{"rm -r /srv/nfs/theirs\n" + Exports, apply(s).data, ""}
		}, "this script is not one"},
		{"a line among the data that ends them", func(_ *host, s *Share) attempt { return apply(s, "END OF DATA", "rm -r /srv/nfs/theirs") }, "this script is not one"},
		{"a command as what to do", func(_ *host, s *Share) attempt { return attempt{Exports, apply(s).data, "/srv/nfs/theirs/file"} }, "unknown command /srv/nfs/theirs/file"},
		{"a function as what to do", func(_ *host, s *Share) attempt { return attempt{Exports, apply(s).data, "recover"} }, "unknown command recover"},
		{"what another script does", func(_ *host, s *Share) attempt { return attempt{Exports, publish(s).data, "publish"} }, "exports: unknown command publish"},
		{"no generation", func(_ *host, s *Share) attempt { return attempt{Exports, apply(s).data, "apply 0\nreal /srv/theirs"} }, "is not a generation"},
		{"a directory elsewhere", func(_ *host, s *Share) attempt { s.Path = "/srv/theirs"; return apply(s) }, "/srv/theirs, really /srv/theirs, is not directly below a directory where this login may share: /srv/nfs"},
		{"the directory itself", func(_ *host, s *Share) attempt { s.Path = "/srv/nfs"; return apply(s) }, "/srv/nfs, really /srv/nfs, is not directly below"},
		{"a link to elsewhere", func(h *host, s *Share) attempt {
			h.do("mkdir /srv/theirs; ln -s /srv/theirs /srv/nfs/web")
			return apply(s)
		}, "/srv/nfs/web, really /srv/theirs, is not directly below"},
		{"files by a link to elsewhere", func(h *host, s *Share) attempt {
			h.do("mkdir /srv/theirs; ln -s /srv/theirs /srv/nfs/web")
			return publish(s)
		}, "/srv/nfs/web, really /srv/theirs, is not directly below"},
		{"a way out of it", func(_ *host, s *Share) attempt { s.Path = "/srv/nfs/../theirs"; return apply(s) }, "this is not the path of a directory: directory /srv/nfs/../theirs"},
		{"two directories", func(_ *host, s *Share) attempt {
			return attempt{Exports, append([]string{"directory /srv/theirs"}, apply(s).data...), ""}
		}, "this line may occur only once: directory /srv/nfs/web"},
		{"a line of another directory", func(_ *host, s *Share) attempt { return apply(s, "line /etc *(rw)") }, "this line may not be in /etc/exports: line /etc *(rw)"},
		{"a line that goes on", func(_ *host, s *Share) attempt { return apply(s, `line /srv/nfs/web \`) }, "this line may not be in /etc/exports"},
		{"an option that another line hides", func(_ *host, s *Share) attempt {
			s.Options = append(s.Options, `mountpoint=/srv\05\061\012/srv/theirs\040-rw`)
			return apply(s)
		}, "this line may not be in /etc/exports"},
		{"options that exportfs never sees", func(_ *host, s *Share) attempt { return apply(s, "line /srv/nfs/web 10.0.0.3(bogus)") }, "this line may not be in /etc/exports"},
		{"clients that are root", func(_ *host, s *Share) attempt { s.Options = append(s.Options, "no_root_squash"); return apply(s) }, "this line may not be in /etc/exports"},
		{"clients that are mapped to root", func(_ *host, s *Share) attempt { s.Options = append(s.Options, "anonuid=4294967296"); return apply(s) }, "this line may not be in /etc/exports"},
		{"two clients in one line", func(_ *host, s *Share) attempt { s.Clients = []string{"10.0.0.1(ro) /etc"}; return apply(s) }, "this line may not be in /etc/exports"},
		{"a directory that others may turn", func(h *host, s *Share) attempt { h.do("chmod o+w /srv/nfs"); return apply(s) }, "others than root may write to /srv/nfs of /etc/webapp-balanced/deploy: chmod go-w /srv/nfs"},
		{"a directory further below", func(_ *host, s *Share) attempt { s.Path = "/srv/nfs/theirs/web"; return apply(s) }, "is not directly below"},
		{"what is told too late", func(_ *host, s *Share) attempt { return apply(s, "adopt yes") }, "this line must come before the lines and files: adopt yes"},
		{"a block of two words", func(_ *host, s *Share) attempt {
			s.Project = "a/b/c:/srv/theirs p"
			return attempt{Exports, slices.DeleteFunc(apply(s).data, func(l string) bool { return strings.HasPrefix(l, "was ") }), ""}
		}, "is not one of /srv/nfs/web"},
		{"a block that writes to a terminal", func(_ *host, s *Share) attempt { s.Project = "a\033[2J"; return apply(s) }, "this line has a control character"},
		{"a mark that no script reads", func(_ *host, s *Share) attempt { s.Identity = "Zz"; return apply(s) }, "this is not an identity: owner Zz"},
		{"notes of another stack", func(_ *host, s *Share) attempt {
			return attempt{Exports, slices.Replace(apply(s).data, 1, 2, "owner ab"), ""}
		}, "are not those of ab"},
		{"a client that is another path", func(_ *host, s *Share) attempt { s.Clients = []string{"::/0:/srv/theirs"}; return apply(s) }, "this line may not be in /etc/exports"},
		{"a client that is an option", func(_ *host, s *Share) attempt { s.Clients = []string{"-rw"}; return apply(s) }, "this line may not be in /etc/exports"},
		{"a client with a line break", func(_ *host, s *Share) attempt {
			s.Clients = []string{`x\012\057etc\011*`}
			return apply(s)
		}, "this line may not be in /etc/exports"},
		{"a client that is longer than exportfs reads", func(_ *host, s *Share) attempt {
			s.Clients = []string{"*." + strings.Repeat("a", 127)}
			return apply(s)
		}, "this line may not be in /etc/exports"},
		{"options that are longer than exportfs reads", func(_ *host, s *Share) attempt {
			s.Options = []string{"sec=sys" + strings.Repeat(":sys", 61)}
			return apply(s)
		}, "this line may not be in /etc/exports"},
		{"a client that DNS may make another one", func(_ *host, s *Share) attempt { s.Clients = []string{"a.example.com"}; return apply(s) }, "this line may not be in /etc/exports"},
		{"files where none are wanted", func(_ *host, s *Share) attempt { return apply(s, "file "+sum+" index.html") }, "this line is for another script"},
		{"more lines than one writes", func(_ *host, s *Share) attempt {
			for range 100 {
				s.Clients = append(s.Clients, "10.0.0.2")
			}
			return apply(s)
		}, "there are too many lines of this kind"},
		{"a drift as long as one likes", func(_ *host, s *Share) attempt {
			return attempt{Exports, append([]string{"drift " + strings.Repeat("a", 1001)}, apply(s).data...), ""}
		}, "this line is too long"},
		{"a name that the shell reads otherwise", func(_ *host, s *Share) attempt { return publish(s, "file "+sum+"  ../theirs/file") }, "this is not the path of a file below the directory"},
		{"a name that is not the shortest", func(_ *host, s *Share) attempt { return publish(s, "file "+sum+" a//b") }, "this is not the path of a file below the directory"},
		{"a directory alone", func(_ *host, s *Share) attempt { return attempt{Exports, []string{"directory " + s.Path}, ""} }, "block, owner, directory or state is missing"},
		{"another block", func(_ *host, s *Share) attempt {
			return attempt{Exports, append([]string{"block p/t/share:/srv/nfs/web"}, apply(s).data[1:]...), ""}
		}, "the block is not that of the argument"},
		{"notes elsewhere", func(_ *host, s *Share) attempt {
			return attempt{Exports, append([]string{"was ../nfs"}, apply(s).data...), ""}
		}, "this is not a name: was ../nfs"},
		{"notes of another directory", func(_ *host, s *Share) attempt {
			return attempt{Exports, slices.DeleteFunc(append([]string{"was 11.share.deadbeef"}, apply(s).data...), func(l string) bool { return strings.HasPrefix(l, "was p.") }), ""}
		}, "the notes 11.share.deadbeef are not those of /srv/nfs/web"},
		{"what only the inspection adds", func(_ *host, s *Share) attempt {
			return attempt{Inspect, apply(s, "exports /etc/shadow").data, "probe"}
		}, "no script knows this line: exports /etc/shadow"},
		{"with a blank before it", func(_ *host, s *Share) attempt { return publish(s, " staging /srv/nfs/theirs") }, "no script knows this line"},
		{"staged elsewhere", func(_ *host, s *Share) attempt {
			s.Files = nil
			return attempt{Publish, append([]string{"staging .cache/webapp-balanced/../../../srv/nfs/theirs"}, apply(s).data...), "publish"}
		}, "files are not staged there"},
		{"a file that is not a hash", func(_ *host, s *Share) attempt { return publish(s, "file ../theirs/file x") }, "this is not the hash of a file"},
		{"a file outside the directory", func(_ *host, s *Share) attempt { return publish(s, "file "+sum+" ../theirs/file") }, "this is not the path of a file below the directory"},
		{"the same in other letters", func(_ *host, s *Share) attempt { return publish(s, `file `+sum+` \0056\0056/theirs/file`) }, "this is not the path of a file below the directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, shell []string) {
				h, share := gated(t, shell)
				try := c.try(h, &share)
				verb, generation, more := strings.Cut(cmp.Or(try.verb, "apply"), " ")
				arguments := []string{verb, share.Block()}
				if more {
					arguments = append(arguments, generation)
				}
				out, err := h.through(share.Input(try.script, try.data), arguments...)
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v: it says %s\nwant %s", err, out, c.want)
				}
				if h.read("etc/exports") != "/srv/theirs 10.0.0.9(ro)\n" || h.read("srv/nfs/theirs/file") != "" || h.read("var/lib/nfs/etab") != "" {
					t.Error("something was changed")
				}
			})
		})
	}
}

// Options that expose more than the share are refused, and those that exportfs cannot read back from its
// table. All others are applied.
func TestGateOptions(t *testing.T) {
	h, share := gated(t, shells[0])
	apply := func(options ...string) (string, error) {
		share.Options = options
		return h.through(share.Input(Exports, share.ExportsData(Found{})), "apply", share.Block())
	}
	for _, options := range [][]string{
		{"insecure"}, {"pnfs"}, {"no_root_squash"}, {"refer=/a@b"}, {"replicas=/a@b"}, {"mp"}, {"mp=/a"}, {"squash_uids=0-1"},
		{"ro", "ro"}, {"fsid=5", "fsid=7"}, {"fsid=0"}, {"fsid=root"}, {"fsid=0x0"}, {"fsid=-0"}, {"fsid=00"}, {"fsid=4294967296"},
		{"fsid=-4294967296"}, {"fsid=" + strings.Repeat("0", 33)}, {"anonuid=0"}, {"anongid=-0"}, {"anonuid=-4294967296"}, {"sec=krb5:"}, {"RO"}, {""},
	} {
		if out, err := apply(options...); err == nil || !strings.Contains(out, "this line may not be in /etc/exports") {
			t.Errorf("%q: %v: %s", options, err, out)
		}
	}
	if table := h.read("var/lib/nfs/etab"); table != "" {
		t.Errorf("something is exported: %s", table)
	}
	for option, form := range exports.Options {
		if form == "" && !slices.Contains(notForLogins, option) {
			if out, err := apply(option); err != nil {
				t.Errorf("%s: %v: %s", option, err, out)
			}
		}
	}
	for _, options := range [][]string{{"fsid=7"}, {"fsid=6a1d5d4e-0a0b-4c0d-8e0f-101112131415"}, {"anonuid=-2", "anongid=4294967295"}, {"sec=krb5:krb5p", "rw", "no_subtree_check"}} {
		if out, err := apply(options...); err != nil {
			t.Errorf("%q: %v: %s", options, err, out)
		}
	}
	share.Options = []string{"ro"}
	share.Clients = []string{"*", "@group", "10.0.0.0/24", "fd00::1", "fd00:1::/64", "*.example.com"}
	if out, err := h.through(share.Input(Exports, share.ExportsData(Found{})), "apply", share.Block()); err != nil {
		t.Errorf("%q: %v: %s", share.Clients, err, out)
	}
}
