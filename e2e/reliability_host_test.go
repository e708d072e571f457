package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// exported returns what the kernel exports, and /etc/exports.
func exported(t *testing.T) string {
	t.Helper()
	return ssh(t, "kubemaster", "exportfs -s | sort; cat /etc/exports")
}

// serverLosesPower cuts the server's power and starts the machine again 20 s later. The mounts are hard:
// requests wait, and then continue.
func (w *target) serverLosesPower(t *testing.T) {
	o := outcome{Section: onTheHost, Failure: "the NFS server is without power for 20 s (5 requests a second)", Sees: "requests wait until it serves again", Within: 2 * time.Minute, Picture: "nfs-reboot.svg", failed: 2 * time.Second}
	// Each request is for a file that no pod has read, and so cached, before. What is not on the disk is lost
	// with the power.
	const files = 400
	ssh(t, "kubemaster", fmt.Sprintf("cd %s && for n in $(seq %d); do echo $n >cold-$n.html; done && sync", w.share, files))
	t.Cleanup(func() { ssh(t, "kubemaster", "rm -f "+w.share+"/cold-*.html") })
	before, restarts := exported(t), w.restarts()
	ingress := w.atIngress()
	ingress.urls = nil
	for n := range files {
		ingress.urls = append(ingress.urls, fmt.Sprintf("%s/cold-%d.html", w.url, n+1))
	}
	ingress.every, ingress.patience = 200*time.Millisecond, 100*time.Second
	all := ingress.during(func() {
		time.Sleep(2 * time.Second)
		failed := time.Now()
		if err := theLab.Kill("kubemaster"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if err := toMaster.close(); err != nil {
			t.Fatal(err)
		}
		if err := theLab.Restart(context.Background(), "kubemaster"); err != nil {
			t.Fatal(err)
		}
		if err := toMaster.open(); err != nil {
			t.Fatal(err)
		}
		w.answersByTwo(t, 2*time.Minute)
		o.Well = time.Since(failed)
	})
	o = o.with(ingress, all)
	o.record(t)
	if o.Slow < 50 {
		t.Errorf("%d requests have waited, want 50 at least of the 100 that were made while the server was away", o.Slow)
	}
	if got := w.restarts(); got != restarts {
		t.Errorf("the pods' containers have started %s times again, before %s", got, restarts)
	}
	if after := exported(t); after != before {
		t.Errorf("exported is\n%s\nand before\n%s", after, before)
	}
	kubectl(t, "wait", "--for=condition=Ready", "node/kubemaster", "--timeout=120s")
	w.must("pulumi", "preview", "--expect-no-changes")
}

// mountdIsKilled kills rpc.mountd: existing mounts keep working, new mounts fail, and the next update says so.
func (w *target) mountdIsKilled(t *testing.T) {
	o := outcome{Section: onTheHost, Failure: "rpc.mountd is killed", Sees: "nothing; the next update fails, and says how to start it", Within: time.Minute}
	t.Cleanup(func() { ssh(t, "kubemaster", "pidof rpc.mountd >/dev/null || rpc.mountd") })
	all := w.atIngress().during(func() {
		ssh(t, "kubemaster", "pid=$(pidof rpc.mountd) && kill -9 $pid && while kill -0 $pid 2>/dev/null; do sleep 0.1; done")
		failed := time.Now()
		contains(t, w.fails("up", "--yes", "--skip-preview"), "rpc.mountd does not run, so no client can mount", "start it with systemctl restart nfs-mountd, or rpc.mountd")
		ssh(t, "kubemaster", "rpc.mountd")
		w.must("pulumi", "preview", "--expect-no-changes")
		o.Well = time.Since(failed)
	})
	o.with(w.atIngress(), all).record(t)
}

// unexportAll unexports everything by hand, so running pods lose the files.
func (w *target) unexportAll(t *testing.T) {
	o := outcome{Section: onTheHost, Failure: "exportfs -ua is run by hand", Sees: "errors of the web server, until the next update exports the share again", MayLose: 80, Within: time.Minute}
	t.Cleanup(func() { ssh(t, "kubemaster", "exportfs -a") })
	all := w.atIngress().during(func() {
		ssh(t, "kubemaster", "exportfs -ua")
		failed := time.Now()
		contains(t, w.must("pulumi", "preview", "--diff"), "the export table lacks: "+w.share+" "+node1)
		w.up()
		w.answersByTwo(t, time.Minute)
		o.Well = time.Since(failed)
	})
	o.with(w.atIngress(), all).record(t)
	w.must("pulumi", "preview", "--expect-no-changes")
}

// directoryIsRenamed renames the directory under the pods, which keep it mounted and can no longer read it.
// The update recreates the directory, and creates new pods that mount it.
func (w *target) directoryIsRenamed(t *testing.T) {
	o := outcome{Section: onTheHost, Failure: "the share's directory is renamed", Sees: "nothing at first, then errors of the web server (403), until the next update has recreated the directory and the pods", MayLose: 50, Within: 2 * time.Minute}
	t.Cleanup(func() { ssh(t, "kubemaster", "rm -rf "+w.share+".away") })
	all := w.atIngress().during(func() {
		ssh(t, "kubemaster", "mv "+w.share+" "+w.share+".away")
		failed := time.Now()
		contains(t, w.must("pulumi", "preview", "--diff"), "the directory "+w.share+" is gone", "webapp-balanced/share-recreated")
		w.up()
		w.answersByTwo(t, time.Minute)
		o.Well = time.Since(failed)
	})
	o.with(w.atIngress(), all).record(t)
	w.must("pulumi", "preview", "--expect-no-changes")
	// A later repair must not replace the pods again.
	ssh(t, "kubemaster", "exportfs -u "+node1+":"+w.share)
	contains(t, w.up(), "share-exports updated", "1 updated", "15 unchanged")
}

// diskIsFull publishes a site that does not fit: the update says so, and everything stays as it was.
func (w *target) diskIsFull(t *testing.T) {
	o := outcome{Section: onTheHost, Failure: "the disk is full", Sees: "nothing; the update fails with the system's error, and the next one succeeds when there is room", Within: time.Minute}
	const full = "/srv/nfs/full"
	before := exported(t)
	t.Cleanup(func() { ssh(t, "kubemaster", "rm -f "+full+"*") })
	back := w.publishMany(t)
	all := w.atIngress().during(func() {
		ssh(t, "kubemaster", "fallocate -l $(($(stat -f -c '%a*%S' /srv/nfs))) "+full+" || true; cat /dev/zero >"+full+".rest 2>/dev/null || true")
		failed := time.Now()
		out, err := w.command("pulumi", "up", "--yes", "--skip-preview")
		if err == nil {
			t.Errorf("the update succeeds:\n%s", out)
		}
		contains(t, out, "No space left on device")
		ssh(t, "kubemaster", "rm -f "+full+"*")
		w.up()
		o.Well = time.Since(failed)
	})
	o.with(w.atIngress(), all).record(t)
	w.must("pulumi", "preview", "--expect-no-changes")
	back()
	if after := exported(t); after != before {
		t.Errorf("exported is\n%s\nand before\n%s", after, before)
	}
}

// publishMany configures a site with the tutorial's page and 200 others, of 4 MB together. back publishes the
// tutorial's site.
func (w *target) publishMany(t *testing.T) (back func()) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "site"))); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("page-%d.html", n)), bytes.Repeat([]byte{byte('a' + n%26)}, 20000+n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.setPath("nfs.site", dir)
	return func() { w.setPath("nfs.site", "./site"); w.up() }
}
