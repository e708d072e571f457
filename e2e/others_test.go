package e2e

import (
	"strings"
	"testing"
)

// What others have on the NFS server stays unchanged, and what they plant there does no harm. The scripts'
// own tests cover the rest without the lab.
func TestOthersOnTheNFSHost(t *testing.T) {
	// Not in parallel: it breaks the file, and stops a part of the server.
	s := newShare(t, "e2e-others")
	s.setPath("nfs.detectDrift", "true")
	ssh(t, "kubemaster", "mkdir -p /srv/nfs/others && exportfs -i -o ro,no_subtree_check 10.7.7.7:/srv/nfs/others 10.7.7.8:/srv/nfs/others")
	t.Cleanup(func() {
		ssh(t, "kubemaster", "pidof rpc.mountd >/dev/null || rpc.mountd; exportfs -u 10.7.7.7:/srv/nfs/others 10.7.7.8:/srv/nfs/others; rmdir /srv/nfs/others; sed -i /others-typo/d /etc/exports; rm -rf /run/precious")
	})
	others := func() string { return ssh(t, "kubemaster", "grep -v ^"+s.share+" /var/lib/nfs/etab | sort") }
	before := others()
	if !strings.Contains(before, "10.7.7.7(") {
		t.Fatalf("the table is\n%s", before)
	}
	unchanged := func(t *testing.T) {
		t.Helper()
		if got := others(); got != before {
			t.Errorf("others are exported\n%s\nand before\n%s", got, before)
		}
	}
	isShared := func(t *testing.T, share string) {
		t.Helper()
		out := ssh(t, "kubemaster", "grep -c ^"+share+" /etc/exports /var/lib/nfs/etab; ls "+share)
		if want := "/etc/exports:3\n/var/lib/nfs/etab:3\nindex.php"; out != want {
			t.Errorf("of %s there is\n%s\nwant\n%s", share, out, want)
		}
		unchanged(t)
	}
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { s.t = t; f(t) })
	}
	run("a line with a typo, that nobody has exported yet", func(t *testing.T) {
		ssh(t, "kubemaster", "echo '/srv/nfs/others 10.7.7.9(ro,no_subtree_chek) # others-typo' >>/etc/exports")
		contains(t, s.up(), "has the option no_subtree_chek, which exportfs may not know")
		isShared(t, s.share)
	})
	run("names that a client has planted", func(t *testing.T) {
		ssh(t, "kubemaster", "mkdir -m 700 /run/precious; echo precious >/run/precious/file; chmod 600 /run/precious/file; cd "+s.share+
			"; ln -s /run/precious/file .webapp-balanced.new; rm index.php; mkfifo .webapp-balanced.tmp; mkfifo index.php")
		contains(t, s.must("pulumi", "preview", "--diff"), "index.php was changed")
		s.up()
		out := ssh(t, "kubemaster", "cat /run/precious/file; stat -c %a /run/precious/file; cd "+s.share+"; stat -c '%F %a' index.php; rm .webapp*")
		if want := "precious\n600\nregular file 644"; out != want {
			t.Errorf("the host has\n%s\nwant\n%s", out, want)
		}
	})
	run("the delete of what was replaced", func(t *testing.T) {
		s.setPath("nfs.deleteOnDestroy", "true")
		s.up()
		var urns []string
		for line := range strings.Lines(s.must("pulumi", "stack", "--show-urns")) {
			if at := strings.Index(line, "urn:"); at >= 0 && strings.Contains(line, "command:remote:Command::share-") {
				urns = append(urns, strings.TrimSpace(line[at:]))
			}
		}
		if len(urns) != 2 {
			t.Fatalf("the commands are %q", urns)
		}
		for _, urn := range urns {
			s.must("pulumi", "state", "taint", "--yes", urn)
		}
		contains(t, s.up(), "2 replaced")
		isShared(t, s.share)
		contains(t, s.must("pulumi", "up", "--yes", "--skip-preview", "--replace", urns[0], "--replace", urns[1]), "2 replaced")
		isShared(t, s.share)
		s.must("pulumi", "preview", "--expect-no-changes")
	})
	run("another directory, that fails, and back", func(t *testing.T) {
		s.setPath("nfs.detectDrift", "false") // so that the update begins
		ssh(t, "kubemaster", "mkdir -p "+s.share+"-2; echo mine >"+s.share+"-2/index.php")
		s.setPath("nfs.path", s.share+"-2")
		contains(t, s.fails("up", "--yes", "--skip-preview"), "index.php is already in the share, and this stack did not publish it")
		s.setPath("nfs.path", s.share)
		s.up()
		s.setPath("nfs.detectDrift", "true")
		s.must("pulumi", "preview", "--expect-no-changes")
		if out := ssh(t, "kubemaster", "cat "+s.share+"-2/index.php; rm -r "+s.share+"-2; grep "+s.share+"-2 /etc/exports /var/lib/nfs/etab || true"); out != "mine" {
			t.Errorf("of the other directory there is\n%s", out)
		}
		isShared(t, s.share)
	})
	run("another stack in the same directory", func(t *testing.T) {
		second := newShare(t, "e2e-others-2")
		second.setPath("nfs.detectDrift", "true")
		second.setPath("nfs.path", s.share)
		second.setPath("nfs.clients[0]", "10.7.7.1")
		contains(t, second.fails("preview"), s.share+" belongs to the stack of webapp-balanced/e2e-others/share:"+s.share)
	})
	run("nothing that serves", func(t *testing.T) {
		ssh(t, "kubemaster", "pid=$(pidof rpc.mountd) && kill $pid && while kill -0 $pid 2>/dev/null; do sleep 0.1; done")
		contains(t, s.fails("preview"), "nfs.host = ", "rpc.mountd does not run, so no client can mount", "start it with systemctl restart nfs-mountd, or rpc.mountd")
		// Without drift detection, the exports step reports it.
		s.setPath("nfs.detectDrift", "false")
		s.setPath("nfs.adopt", "true")
		contains(t, s.fails("up", "--yes", "--skip-preview"), "command:remote:Command (share-exports)", "exports: rpc.mountd does not run, so no client can mount")
		s.must("pulumi", "config", "rm", "--path", "nfs.adopt")
		s.setPath("nfs.detectDrift", "true")
		ssh(t, "kubemaster", "rpc.mountd")
		s.must("pulumi", "preview", "--expect-no-changes")
	})
	run("destroyed beside a broken line", func(t *testing.T) {
		contains(t, s.must("pulumi", "destroy", "--yes", "--skip-preview"), "has the option no_subtree_chek")
		if out := ssh(t, "kubemaster", "grep "+s.share+" /etc/exports /var/lib/nfs/etab || true; ls -A "+s.share); out != "" {
			t.Errorf("left is\n%s", out)
		}
		unchanged(t)
	})
}
