package hostscripts

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"webapp-balanced/internal/exports"
)

// gated makes a host with the gate, as InstallGate puts it there, and a share below /srv/nfs.
func gated(t *testing.T, shell []string) (*host, Share) {
	h := newHost(t, shell, "/srv/theirs 10.0.0.9(ro)\n")
	h.mount = "mount --bind bin /usr/local/sbin"
	h.write("bin/visudo", "#!/bin/sh\n", 0o755)
	h.write("etc/sudoers.d/README", "", 0o600)
	h.write("etc/passwd", "deploy:x:1000:1000::"+h.at("home")+":/bin/sh\n", 0o644)
	h.write("srv/nfs/theirs/file", "", 0o600)
	h.do(InstallGate("deploy", []string{"/srv/nfs"}))
	share := Share{Project: "p", Stack: "s", Name: "share", Identity: identityOf("s"), Path: "/srv/nfs/web",
		Options: []string{"ro", "no_subtree_check"}, Clients: []string{"10.0.0.1"}, Files: h.site(map[string]string{"index.php": "here", " a\\b\n": "there"})}
	return h, share
}

// through runs the gate.
func (h *host) through(stdin string, arguments ...string) (string, error) {
	cmd := h.on(slices.Concat(h.shell, []string{Gate}, arguments)...)
	cmd.Env = append(cmd.Env, "SUDO_USER=deploy")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// All that the program does on a host goes through the gate.
func TestGate(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		if rule := h.read("etc/sudoers.d/webapp-balanced-deploy"); rule != "deploy ALL=(root) NOPASSWD: "+Gate+"\n" {
			t.Errorf("the rule is %q", rule)
		}
		do := func(script string, data []string, verb ...string) string {
			t.Helper()
			input := share.Input(script, data)
			// The login's shell has read the first line, or it has not.
			_, rest, _ := strings.Cut(input, "\n")
			for _, input := range []string{input, rest} {
				if out, err := h.through(input, append(verb[:1:1], append([]string{share.Block()}, verb[1:]...)...)...); err != nil {
					t.Fatalf("%v: %v\n%s", verb, err, out)
				} else if verb[0] == "probe" {
					return out
				}
			}
			return ""
		}
		do(Exports, share.ExportsData(Found{}), "apply", "01")
		found := ParseLook(do(Look, share.LookData("deployed yes"), "probe"), now)
		if len(found.Lacking) != 2 {
			t.Fatalf("the look says %+v", found)
		}
		h.stage(scripts{look: share.Input(Look, share.LookData()), staging: "home/" + share.Staging()}, share.Files)
		do(Publish, share.SiteData(found), "publish", "02")
		if h.read("srv/nfs/web/index.php") != "here" || h.read("srv/nfs/web/ a\\b\n") != "there" || !strings.Contains(h.read("etc/exports"), "/srv/nfs/web 10.0.0.1(ro,no_subtree_check)\n") {
			t.Errorf("/etc/exports is\n%s", h.read("etc/exports"))
		}
		share.DeleteOnDestroy = true
		do(Publish, share.SiteData(found), "forget", "02")
		do(Exports, share.ExportsData(Found{}), "remove", "01")
		if h.read("etc/exports") != "/srv/theirs 10.0.0.9(ro)\n" {
			t.Errorf("/etc/exports is\n%s", h.read("etc/exports"))
		}
		if left, _ := os.ReadDir(h.at("srv/nfs/web")); len(left) != 0 {
			t.Errorf("%v is left", left)
		}
	})
}

// Whoever has the login's key writes what he likes to the gate.
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
		{"a script of his own", func(_ *host, s *Share) attempt { return attempt{"rm -r /srv/nfs/theirs\n", apply(s).data, ""} }, "this script is none of those in /etc/webapp-balanced/deploy: add those of this version with `make sudo-rule`"},
		{"a line before the script", func(_ *host, s *Share) attempt {
			return attempt{"rm -r /srv/nfs/theirs\n" + Exports, apply(s).data, ""}
		}, "this script is none"},
		{"a line among the data that ends them", func(_ *host, s *Share) attempt { return apply(s, "END OF DATA", "rm -r /srv/nfs/theirs") }, "this script is none"},
		{"a command as what to do", func(_ *host, s *Share) attempt { return attempt{Exports, apply(s).data, "/srv/nfs/theirs/file"} }, "there is no /srv/nfs/theirs/file"},
		{"a function as what to do", func(_ *host, s *Share) attempt { return attempt{Exports, apply(s).data, "recover"} }, "there is no recover"},
		{"what another script does", func(_ *host, s *Share) attempt { return attempt{Exports, publish(s).data, "publish"} }, "exports: there is no publish"},
		{"no generation", func(_ *host, s *Share) attempt { return attempt{Exports, apply(s).data, "apply 0\nreal /srv/theirs"} }, "is no generation"},
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
		}, "this line may be there once: directory /srv/nfs/web"},
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
		{"what is told too late", func(_ *host, s *Share) attempt { return apply(s, "adopt yes") }, "this line comes too late: adopt yes"},
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
		}, "there are more such lines than a share has"},
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
		{"what only the look adds", func(_ *host, s *Share) attempt { return attempt{Look, apply(s, "exports /etc/shadow").data, "probe"} }, "no script knows this line: exports /etc/shadow"},
		{"with a blank before it", func(_ *host, s *Share) attempt { return publish(s, " staging /srv/nfs/theirs") }, "no script knows this line"},
		{"staged elsewhere", func(_ *host, s *Share) attempt {
			s.Files = nil
			return attempt{Publish, append([]string{"staging .cache/webapp-balanced/../../../srv/nfs/theirs"}, apply(s).data...), "publish"}
		}, "files are not staged there"},
		{"a file that is no hash", func(_ *host, s *Share) attempt { return publish(s, "file ../theirs/file x") }, "this is not the hash of a file"},
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

// No option of exports(5) hands over more than the share, or is one that exportfs cannot read back from its table.
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

// The limits of whoever calls are not those of exportfs, which writes its table without a look at
// what becomes of that.
func TestGateLimits(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.hook("exportfs", "[ \"$(ulimit -f)\" = unlimited ] || exit 7")
		h.mount += "; ulimit -S -f 1000"
		if out, err := h.through(share.Input(Exports, share.ExportsData(Found{})), "apply", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// What the gate has begun ends, whatever becomes of it.
func TestGateIsKilled(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.hook("exportfs", `[ "$1" != -i ] || { touch `+h.at("begun")+`; sleep 1; }`)
		cmd := h.on(slices.Concat(shell, []string{Gate, "apply", share.Block()})...)
		cmd.Env = append(cmd.Env, "SUDO_USER=deploy")
		cmd.Stdin = strings.NewReader(share.Input(Exports, share.ExportsData(Found{})))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		within(t, func() bool { _, err := os.Stat(h.at("begun")); return err == nil })
		for _, signal := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTSTP, syscall.SIGKILL} {
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		within(t, func() bool {
			return strings.Contains(h.read("etc/exports"), "/srv/nfs/web 10.0.0.1(ro,no_subtree_check)\n") && strings.Contains(h.read("var/lib/webapp-balanced/"+strings.TrimPrefix(share.head()[3], "state ")+"/exports"), "\nreal /srv/nfs/web\n")
		})
		// Which waits until it is over.
		if out, err := h.through(share.Input(Exports, share.ExportsData(Found{})), "apply", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// within waits for something, for 10 s at most.
func within(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it takes more than 10 s")
		}
	}
}

// The login turns its folder of staged files while they are removed: no other directory goes.
func TestStagingIsTurned(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		name := filepath.Base(share.Staging())
		h.do("mkdir -p /srv/nfs/web /srv/elsewhere/" + name + " " + share.Staging() + "; touch " + share.Staging() + "/" + strings.Repeat("a", 64))
		h.hook("rm", "case \"$*\" in *aaaa*) mv "+h.at("home/.cache/webapp-balanced")+" "+h.at("home/away")+"; ln -s /srv/elsewhere "+h.at("home/.cache/webapp-balanced")+" ;; esac")
		if out, err := h.through(share.Input(Publish, share.SiteData(Found{})), "forget", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		h.do("test -L .cache/webapp-balanced && test -d /srv/elsewhere/" + name)
	})
}

// Of what lies behind a link in place of the folder of staged files, nothing else is removed.
func TestStagingBehindALink(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.write("srv/elsewhere/"+filepath.Base(share.Staging())+"/file", "", 0o644)
		h.do("mkdir .cache /srv/nfs/web; ln -s /srv/elsewhere .cache/webapp-balanced")
		if out, err := h.through(share.Input(Publish, share.SiteData(Found{})), "forget", share.Block()); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		h.read("srv/elsewhere/" + filepath.Base(share.Staging()) + "/file")
	})
}

// What is staged is the login's: a link there is not followed with the rights of root.
func TestStagedLink(t *testing.T) {
	eachShell(t, func(t *testing.T, shell []string) {
		h, share := gated(t, shell)
		h.write("srv/theirs/key", "here", 0o600) // with the content of index.php
		h.do("mkdir -p /srv/nfs/web " + share.Staging())
		found := ParseLook(h.must(share.Input(Look, share.LookData()), "probe"), now)
		for sum := range found.Lacking {
			h.do("ln -s /srv/theirs/key " + share.Staging() + "/" + sum)
		}
		out, err := h.through(share.Input(Publish, share.SiteData(found)), "publish", share.Block())
		if err == nil || !strings.Contains(out, "publish: not staged in ") {
			t.Errorf("%v: %s", err, out)
		}
		if mode := h.do("stat -c %a /srv/theirs/key; find /srv/nfs/web -type f -o -type l"); mode != "600\n" {
			t.Errorf("there is %s", mode)
		}
	})
}

// A host that was given a gate of an earlier version runs its scripts, too: what they made is
// removed by them.
func TestGateOfTwoVersions(t *testing.T) {
	h, _ := gated(t, []string{"sh"})
	const earlier = "script 0000000000000000000000000000000000000000000000000000000000000000\n"
	before := h.read("etc/webapp-balanced/deploy")
	h.write("etc/webapp-balanced/deploy", earlier+before, 0o644)
	h.do(InstallGate("deploy", []string{"/srv/nfs", "/data"}))
	after := h.read("etc/webapp-balanced/deploy")
	for line := range strings.Lines(earlier + before + "below /data\n") {
		if strings.Count(after, line) != 1 {
			t.Errorf("%q is there %d times:\n%s", line, strings.Count(after, line), after)
		}
	}
}
