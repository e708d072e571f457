package hostscripts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const gone = "127.0.0.1 localhost\n"

// exportGone makes the kernel export to a name without an address, which exportfs drops from its table on
// every call, and returns the table.
func (h *host) exportGone() []string {
	h.t.Helper()
	h.write("etc/hosts", gone+"10.0.0.8 gone.test\n", 0o644)
	h.exportByHand()
	h.do("exportfs -i -o ro,no_subtree_check gone.test:/srv/others")
	h.write("etc/hosts", gone, 0o644)
	return h.table()
}

// Edits of the file by another process during a run are kept, and the block stays whole.
func TestExportsWhileTheFileIsEdited(t *testing.T) {
	t.Parallel()
	const (
		above = `[ -e ../once ] || { : >../once; sed -i '1i /srv/first 10.0.0.3(ro)\n/srv/second 10.0.0.3(ro)' /etc/exports; }`
		below = `[ -e ../once ] || { : >../once; echo '/srv/y 10.0.0.2(ro)' >>/etc/exports; }`
	)
	for _, c := range []struct{ name, command, edit string }{
		{"above, while it is searched for NUL bytes", "tr", above},
		{"above, while names are resolved", "getent", above},
		{"below, just before it is replaced", "sync", below},
		{"above, just before it is replaced", "sync", above},
	} {
		for _, verb := range []string{"apply", "remove 01"} {
			eachShell(t, func(t *testing.T, shell []string) {
				t.Run(c.name+", "+verb, func(t *testing.T) {
					h := newHost(t, shell, foreign+"/srv/other slow.test(ro)\n")
					h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
					file := h.read("etc/exports")
					want := strings.Replace(file, "10.0.0.1(", "a.example.com(", 1)
					if verb != "apply" {
						want = foreign + "/srv/other slow.test(ro)\n"
					}
					if c.edit == above {
						want = "/srv/first 10.0.0.3(ro)\n/srv/second 10.0.0.3(ro)\n" + want
					} else {
						want += "/srv/y 10.0.0.2(ro)\n"
					}
					h.hook(c.command, c.edit)
					if out, err := h.run(h.exports("s", nil, "a.example.com"), verb); err != nil {
						t.Errorf("%v: %s", err, out)
					}
					if got := h.read("etc/exports"); got != want {
						t.Errorf("the file is\n%s\nwant\n%s", got, want)
					}
					if left := h.beside(); left != nil {
						t.Errorf("left beside the file: %q", left)
					}
				})
			})
		}
	}
}

// Entries that others unexport or change while we run exportfs stay so.
func TestExportsWhileOthersUnexport(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.exportGone()
		h.hook("exportfs", `case $* in
			"-i -o rw,sync"*10.0.0.1:* | -u*10.0.0.1:*) $REAL "$@"; status=$?
				$REAL -u 10.7.7.7:/srv/others; $REAL -i -o rw,no_subtree_check 10.7.7.8:/srv/others
				exit $status ;;
			esac`)
		h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		if got, want := h.tableOf("/srv/others"), []string{"10.7.7.8", "gone.test"}; !slices.Equal(got, want) {
			t.Errorf("others are exported to %q, want %q", got, want)
		}
		if table := strings.Join(h.table(), "\n"); !strings.Contains(table, "10.7.7.8(rw,") {
			t.Errorf("the table is\n%s", table)
		}
		h.do("exportfs -i -o ro,no_subtree_check 10.7.7.7:/srv/others")
		h.must(h.exports("s", nil, "10.0.0.1"), "remove 01")
		if got := h.tableOf("/srv/others"); slices.Contains(got, "10.7.7.7") {
			t.Errorf("others are exported to %q", got)
		}
	})
}

// If a run dies, or cannot write the table, after exportfs has dropped entries of others, the next one puts
// them back, and no run reports success before.
func TestExportsDroppedAndNotPutBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, command, text string }{
		{"killed", "exportfs", `case $* in -i* | -u*) $REAL "$@"; kill -9 0 ;; esac`},
		{"the part that calls it killed", "exportfs", `case $* in -i* | -u*) $REAL "$@"; kill -9 $PPID ;; esac`},
		{"the disk full", "mv", `case $* in *etab*) echo "mv: No space left on device" >&2; exit 1 ;; esac`},
	} {
		for _, verb := range []string{"apply", "remove 01"} {
			eachShell(t, func(t *testing.T, shell []string) {
				t.Run(c.name+", "+verb, func(t *testing.T) {
					h := newHost(t, shell, foreign)
					before := h.exportGone()
					h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
					h.foreignTableIs(before)
					h.hook(c.command, c.text)
					cmd := h.command(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), verb)
					cmd.SysProcAttr.Setpgid = true
					out, err := cmd.CombinedOutput()
					if err == nil {
						t.Errorf("it succeeds: %s", out)
					}
					if strings.Contains(string(out), "table are as they were") {
						h.foreignTableIs(before)
					}
					h.link("exportfs", realExportfs)
					h.unhook(c.command)
					h.must(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), verb)
					h.foreignTableIs(before)
					left, err := filepath.Glob(h.at("var/lib/nfs/etab.*"))
					if err != nil || left != nil {
						t.Errorf("left beside the table: %q, %v", left, err)
					}
				})
			})
		}
	}
}

// Entries that a killed run has dropped are put back as long as the table was not changed since.
func TestExportsDroppedLongAgo(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, foreign)
		h.exportGone()
		h.hook("exportfs", `case $* in -i*) $REAL "$@"; kill -9 0 ;; esac`)
		cmd := h.command(h.exports("s", nil, "10.0.0.1"), "apply 01")
		cmd.SysProcAttr.Setpgid = true
		_ = cmd.Run()
		h.unhook("exportfs")
		h.do("touch -d '-1 hour' /var/lib/nfs/etab.webapp-balanced; exportfs -u 10.7.7.8:/srv/others")
		out := h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
		if !strings.Contains(out, "they are not put back:\n/srv/others\tgone.test(ro,") {
			t.Errorf("it says %s", out)
		}
		if got := h.tableOf("/srv/others"); !slices.Equal(got, []string{"10.7.7.7"}) {
			t.Errorf("others are exported to %q", got)
		}
		if out := h.must(h.exports("s", nil, "10.0.0.1"), "apply"); strings.Contains(out, "warning") {
			t.Errorf("again it says %s", out)
		}
	})
}

// A disk that is full, or cannot be written, leaves the file whole and is reported.
func TestExportsOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mount, verb, want string }{
		"the file":  {"", "apply", "/etc/exports cannot be replaced: it cannot be written whole: is the disk full?"},
		"the table": {"mount --bind /var/lib/nfs /var/lib/nfs; mount -o remount,bind,ro /var/lib/nfs", "remove 01", "the kernel still exports /srv/share"},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(name, func(t *testing.T) {
				h := newHost(t, shell, foreign)
				h.must(h.exports("s", nil, "10.0.0.1"), "apply 01")
				file, table := h.read("etc/exports"), h.table()
				if name == "the file" {
					// Like busybox's awk.
					h.hook("awk", `case $* in *" kind=file "*) [ ! -f /proc/$$/fd/1 ] || { $REAL "$@" | { head -c 100; cat >/dev/null; }; exit 0; } ;; esac`)
				}
				h.mount = c.mount
				out, err := h.run(h.exports("s", nil, "10.0.0.1", "10.0.0.2"), c.verb)
				h.mount = ""
				if err == nil || !strings.Contains(out, c.want) {
					t.Errorf("%v: %s\nwant %s", err, out, c.want)
				}
				if name == "the file" && h.read("etc/exports") != file || !slices.Equal(h.table(), table) {
					t.Errorf("the file is\n%s\nand the table %q", h.read("etc/exports"), h.table())
				}
			})
		})
	}
}

// Another process may unexport our own entries during a run.
func TestExportsUnexportedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		before        []string
		command, text string
	}{
		{"exportfs -r before the file is replaced", []string{"10.0.0.9"}, "sync", `[ -e ../once ] || { : >../once; exportfs -r; }`},
		{"the DNS fails while another client is unexported", []string{"a.example.com", "10.0.0.9"}, "exportfs", `case $* in -u*) echo "127.0.0.1 localhost" >/etc/hosts ;; esac`},
	} {
		eachShell(t, func(t *testing.T, shell []string) {
			t.Run(c.name, func(t *testing.T) {
				h := newHost(t, shell, "")
				h.must(h.exports("s", nil, c.before...), "apply 01")
				h.hook(c.command, c.text)
				if out, err := h.run(h.exports("s", nil, "a.example.com"), "apply"); err != nil {
					t.Errorf("%v: %s", err, out)
				}
				if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"a.example.com"}) {
					t.Errorf("after a success it is exported to %q", got)
				}
			})
		})
	}
}

// It is an error if an entry is unexported during a run and cannot be exported again.
func TestExportsNotExportedAgain(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "")
		h.must(h.exports("s", nil, "10.0.0.9"), "apply 01")
		h.hook("sync", "[ -e /srv/refuses ] || { exportfs -r; : >/srv/refuses; }")
		h.hook("exportfs", `case $* in -i*) [ ! -e /srv/refuses ] || { echo refused >&2; exit 1; } ;; esac`)
		out, err := h.run(h.exports("s", nil, "10.0.0.1"), "apply")
		if want := "the kernel does not export /srv/share to 10.0.0.1 any more: refused"; err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: %s, want %s", err, out, want)
		}
	})
}

// An entry of ours may have another name in the table than in the file, and look like a lost one of others.
func TestExportsOfAnAliasBesideALostName(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, shell []string) {
		h := newHost(t, shell, "/srv/share gone.test(rw,sync,no_subtree_check)\n")
		h.write("etc/hosts", gone+"10.0.0.8 gone.test\n10.0.0.77 a.example.com a\n", 0o644)
		h.do("mkdir /srv/share; exportfs -r")
		h.write("etc/hosts", gone+"10.0.0.77 a.example.com a\n", 0o644)
		for range 2 {
			h.must(h.exports("s", nil, "a"), "apply")
			if got := h.tableOf("/srv/share"); !slices.Equal(got, []string{"a.example.com", "gone.test"}) {
				t.Errorf("it is exported to %q", got)
			}
		}
	})
}

// The table and the notes have one name per line, and awk interprets backslashes.
func TestExportsOfADirectoryWithAnOddName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`b\tx`, `b\101x`, "b\nx"} {
		eachShell(t, func(t *testing.T, shell []string) {
			h := newHost(t, shell, foreign)
			if err := os.Mkdir(h.at("srv/"+name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(name, h.at("srv/share")); err != nil {
				t.Fatal(err)
			}
			h.do("mkdir /srv/bAx && exportfs -i -o ro,no_subtree_check 10.0.0.1:/srv/bAx")
			before := h.table()
			want := "/srv/share is really /srv/" + name + ", a name with a backslash or a line break"
			s := h.scripts("s", nil, nil, "10.0.0.1")
			if out, err := h.run(s.exports, "apply 01"); err == nil || !strings.Contains(out, want) {
				t.Errorf("%v: %s, want %s", err, out, want)
			}
			if l := h.inspect(s); len(l.Conflicts) == 0 {
				t.Error("the inspection says nothing")
			}
			h.must(s.exports, "remove 01")
			if got := h.table(); !slices.Equal(got, before) {
				t.Errorf("the table is %q, and was %q", got, before)
			}
		})
	}
}
