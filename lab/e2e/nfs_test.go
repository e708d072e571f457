package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// watcher prints a line for every client that leaves the export table of a
// share, which it reads every 10 ms, until the file watcher-stop is in it.
const watcher = `perl -e '
	my ($share, @clients) = @ARGV; my $rounds = 0; my %lost;
	until (-e "$share/watcher-stop" or not -d $share) {
		open(my $table, "<", "/var/lib/nfs/etab") or die; local $/; my $text = <$table>; close $table;
		$lost{$_}++ or print "lost $_\n" for grep { index($text, "$share\t$_(") < 0 } @clients;
		$rounds++; select(undef, undef, undef, 0.01);
	}
	print "$rounds rounds\n"' `

// watchTable watches a share's clients while f runs, and returns what left the
// table.
func watchTable(t *testing.T, share string, clients []string, f func()) []string {
	t.Helper()
	cmd := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", watcher+share+" "+strings.Join(clients, " "))
	out := make(chan string, 1)
	go func() {
		text, _ := cmd.CombinedOutput()
		out <- string(text)
	}()
	time.Sleep(time.Second)
	f()
	ssh(t, "kubemaster", "touch "+share+"/watcher-stop; sleep 1; rm "+share+"/watcher-stop")
	lines := strings.Split(strings.TrimSpace(<-out), "\n")
	var rounds int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d rounds", &rounds); err != nil || rounds < 20 {
		t.Errorf("the table was not watched: %q", lines)
	}
	return lines[:len(lines)-1]
}

// What is changed on the host by hand shows in the preview, line by line, and
// is healed by the next update, while every client that is exported stays so.
func TestDrift(t *testing.T) {
	s := newStack(t, "e2e-drift")
	s.setPath("nfs.detectDrift", "true")
	s.set("replicas", "0")
	s.up()
	line := func(client string) string { return s.share + " " + client + "(rw,sync,no_subtree_check)" }
	deleted := "sed -i '\\|^# BEGIN.*/" + s.name + "/|,\\|^# END.*/" + s.name + "/|d' /etc/exports; rm " + s.share + "/index.php"
	all := []string{master, node1, node2}
	for _, c := range []struct {
		name, do string
		want     []string // of the preview
		stay     []string // clients that are exported meanwhile
	}{
		{"edited", "sed -i 's|^" + s.share + " " + node1 + "(rw|" + s.share + " " + node1 + "(ro|' /etc/exports; echo edited >" + s.share + "/index.php; exportfs -u " + node2 + ":" + s.share,
			[]string{"/etc/exports lacks: " + line(node1), "/etc/exports has: " + strings.Replace(line(node1), "rw", "ro", 1), "the export table lacks: " + line(node2), "index.php was changed"},
			[]string{master, node1}},
		{"deleted", deleted, []string{"/etc/exports lacks: " + line(node1), "/etc/exports lacks: " + line(node2), "index.php is gone"}, all},
		{"deleted again", deleted, []string{"/etc/exports lacks: " + line(node1), "index.php is gone"}, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.t = t
			ssh(t, "kubemaster", c.do)
			preview := s.must("pulumi", "preview", "--diff")
			contains(t, preview, "warning: the NFS host is not as the last update left it", "to update")
			for _, want := range c.want {
				added := regexp.MustCompile(`(?m)^ *\+ drift [0-9TZ:-]+ ` + regexp.QuoteMeta(want) + "$")
				if !added.MatchString(preview) {
					t.Errorf("%q is not among the lines of:\n%s", want, preview)
				}
			}
			for _, lost := range watchTable(t, s.share, c.stay, func() { s.up() }) {
				t.Errorf("during the healing: %s", lost)
			}
			s.must("pulumi", "preview", "--expect-no-changes")
			table := ssh(t, "kubemaster", "exportfs -s; cat "+s.share+"/index.php")
			for _, client := range all {
				if !strings.Contains(table, s.share+"  "+client+"(sync,wdelay,hide,no_subtree_check,sec=sys,rw,") {
					t.Errorf("%s is not exported to %s:\n%s", s.share, client, table)
				}
			}
			if !strings.Contains(table, "X-Served-By") {
				t.Errorf("the page is not healed:\n%s", table)
			}
		})
	}
	s.t = t
	s.setPath("nfs.detectDrift", "false")
	s.up()
	ssh(t, "kubemaster", "echo edited >"+s.share+"/index.php")
	s.must("pulumi", "preview", "--expect-no-changes")
}

// Another directory is exported before the pods move to it, and the old one
// until the last pod has left it. So it is when the stack is destroyed.
func TestShareOutlivesItsPods(t *testing.T) {
	s := newStack(t, "e2e-moved")
	s.setPath("nfs.detectDrift", "true")
	s.up()
	old := s.share
	s.share = "/srv/nfs/e2e-moved-2"
	s.setPath("nfs.path", s.share)
	for _, violation := range s.watchPods(t, old, func() { s.up() }) {
		t.Error(violation)
	}
	exports := ssh(t, "kubemaster", "cat /etc/exports; exportfs -s; ls "+old+" "+s.share)
	if strings.Contains(exports, old+" ") || strings.Count(exports, s.share+" ") != 8 || strings.Count(exports, "index.php") != 2 {
		t.Errorf("after the move the host has\n%s", exports)
	}
	for _, u := range s.outputs().URLs {
		servers(t, u.URL, addressOf(u.URL), 4)
	}
	for _, violation := range s.watchPods(t, s.share, func() { s.must("pulumi", "destroy", "--yes", "--skip-preview") }) {
		t.Error(violation)
	}
}

// watchPods returns every time that a pod was there whose share was not
// exported.
func (s *stack) watchPods(t *testing.T, share string, f func()) (violations []string) {
	done, stopped := make(chan struct{}), make(chan struct{})
	looks := 0
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
			}
			table, err := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", "cat /var/lib/nfs/etab").Output()
			volumes, errVolumes := s.command("kubectl", "get", "pv", "-o", `jsonpath={range .items[*]}{.spec.nfs.path} {.spec.claimRef.name}{"\n"}{end}`)
			pods, errPods := s.command("kubectl", "--namespace", s.namespace, "get", "pods", "-o", "jsonpath={.items[*].spec.volumes[0].persistentVolumeClaim.claimName}")
			if err != nil || errVolumes != nil || errPods != nil {
				continue
			}
			looks++
			for line := range strings.Lines(volumes) {
				path, claim, _ := strings.Cut(strings.TrimSpace(line), " ")
				// Pods were asked for after the table: one that is there now was
				// there then.
				if path == share && slices.Contains(strings.Fields(pods), claim) && !strings.Contains(string(table), share+"\t") {
					violations = append(violations, fmt.Sprintf("%s is not exported, and pods are there with its claim: %s", share, pods))
				}
			}
		}
	}()
	f()
	close(done)
	<-stopped
	if looks < 5 {
		t.Errorf("only %d looks", looks)
	}
	return violations
}

// Lines of others that export the same are refused in the preview, and taken
// over when that is asked for.
func TestAdopt(t *testing.T) {
	t.Parallel()
	s := newStack(t, "e2e-adopt")
	s.setPath("nfs.detectDrift", "true")
	s.set("replicas", "0")
	ssh(t, "kubemaster", "mkdir -p "+s.share+"; echo by hand >"+s.share+"/index.php; exec 9</etc; flock 9; echo '"+s.share+" "+node1+"(rw,sync,no_subtree_check)' >>/etc/exports; exportfs -r")
	contains(t, s.fails("preview"), "2 problems in the stack's configuration",
		`nfs.path = "`+s.share+`": cannot be exported: line`, "of /etc/exports exports the same to the same client: "+s.share+" "+node1+"(rw,sync,no_subtree_check) (nfs.adopt: true takes it over)",
		`nfs.site =`, "index.php is somebody else's there; nfs.adopt: true replaces it")
	s.setPath("nfs.adopt", "true")
	s.setPath("nfs.deleteOnDestroy", "true")
	for _, lost := range watchTable(t, s.share, []string{node1}, func() { s.up() }) {
		t.Error(lost)
	}
	if exports := ssh(t, "kubemaster", "cat /etc/exports"); strings.Count(exports, s.share+" "+node1+"(") != 1 {
		t.Errorf("the file is\n%s", exports)
	}
	ssh(t, "kubemaster", "echo mine >"+s.share+"/mine")
	s.must("pulumi", "destroy", "--yes", "--skip-preview")
	if left := ssh(t, "kubemaster", "grep "+s.share+" /etc/exports || true; ls -A "+s.share); left != "mine" {
		t.Errorf("destroy leaves %q, want what is somebody else's", left)
	}
}

// A user with sudo and an encrypted key, or with an agent, will do; what is
// secret is in no list of processes.
func TestLogins(t *testing.T) {
	t.Parallel()
	s := newStack(t, "e2e-login")
	s.set("replicas", "0")
	const password = "correct horse battery staple"
	public, plain := newKey(t)
	raw, err := gossh.ParseRawPrivateKey(plain)
	if err != nil {
		t.Fatal(err)
	}
	authorized := strings.TrimSpace(string(gossh.MarshalAuthorizedKey(public)))
	ssh(t, "kubemaster", "useradd --create-home --shell /bin/sh --password '*' deploy && echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy && "+
		"mkdir -p ~deploy/.ssh && echo '"+authorized+"' >~deploy/.ssh/authorized_keys && chown -R deploy ~deploy/.ssh && chmod -R go= ~deploy/.ssh")
	defer ssh(t, "kubemaster", "userdel --remove deploy 2>/dev/null; rm -f /etc/sudoers.d/deploy")
	s.setPath("nfs.user", "deploy")
	s.setPath("nfs.sudo", "true")

	t.Run("sudo and an encrypted key", func(t *testing.T) {
		s.t = t
		block, err := gossh.MarshalPrivateKeyWithPassphrase(raw, "", []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		s.setSecret(t, "nfsPrivateKey", string(pemOf(block)))
		contains(t, s.fails("preview"), "nfsPrivateKey: is encrypted", "pulumi config set --secret nfsPrivateKeyPassword")
		s.setSecret(t, "nfsPrivateKeyPassword", rand.Text())
		contains(t, s.fails("preview"), "nfsPrivateKeyPassword: does not decrypt nfsPrivateKey")
		s.setSecret(t, "nfsPrivateKeyPassword", password)
		seen := watchProcesses(t, []string{password, string(plain[60:90])}, func() {
			out := s.up()
			if strings.Contains(out, password) || strings.Contains(out, "PRIVATE KEY") {
				t.Errorf("a secret is in what is printed:\n%s", out)
			}
		})
		if seen != "" {
			t.Errorf("a secret is in a list of processes: %s", seen)
		}
		if got := ssh(t, "kubemaster", "exportfs -s; ls -l "+s.share); !strings.Contains(got, s.share+" ") || !strings.Contains(got, "-rw-r--r-- 1 root root") {
			t.Errorf("the share is\n%s", got)
		}
	})
	t.Run("an agent", func(t *testing.T) {
		s.t = t
		keys := agent.NewKeyring()
		if err := keys.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
			t.Fatal(err)
		}
		socket := filepath.Join(t.TempDir(), "agent")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() { _ = agent.ServeAgent(keys, conn) }()
			}
		}()
		s.env = []string{"SSH_AUTH_SOCK=" + socket}
		s.must("pulumi", "config", "rm", "nfsPrivateKey")
		s.must("pulumi", "config", "rm", "nfsPrivateKeyPassword")
		s.setPath("nfs.clients[0]", node1)
		s.up()
		// It is destroyed with the agent, as the state has it.
		s.must("pulumi", "destroy", "--yes", "--skip-preview")
	})
}

func (s *stack) setSecret(t *testing.T, key, value string) {
	t.Helper()
	cmd := exec.Command("pulumi", "config", "set", "--secret", "--stack", s.name, key)
	cmd.Dir, cmd.Stdin = root, strings.NewReader(value)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// watchProcesses returns a process, here or on the host, that had one of the
// texts among its arguments while f ran.
func watchProcesses(t *testing.T, texts []string, f func()) (seen string) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, file := range files {
				content, _ := os.ReadFile(file)
				for _, text := range texts {
					if strings.Contains(string(content), text) {
						seen = strings.ReplaceAll(string(content), "\x00", " ")
					}
				}
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return seen
}

// Files of every kind of name, and a big one, arrive whole.
func TestSite(t *testing.T) {
	t.Parallel()
	s := newStack(t, "e2e-site")
	s.set("replicas", "0")
	site := t.TempDir()
	big := make([]byte, 200<<20)
	if _, err := rand.Read(big); err != nil {
		t.Fatal(err)
	}
	names := []string{"a b", "it's", `"q"`, "two\nlines", "-rf", "ünïcode", " edge ", `back\slash`, "$(reboot)", "sub/dir/file"}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(site, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(site, name), []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(site, "big"), big, 0o600); err != nil {
		t.Fatal(err)
	}
	s.setPath("nfs.site", site)
	out := s.up()
	contains(t, out, "site: 100 of 200 MB sent, 50 %", "site: 200 of 200 MB sent, 100 %")
	var want []string
	for _, name := range append(names, "big") {
		content, err := os.ReadFile(filepath.Join(site, name))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("%d %q", len(content), name))
	}
	got := ssh(t, "kubemaster", "cd "+s.share+` && find . -type f -perm 644 -printf '%s %P\0' | perl -0 -ne 'chomp; my ($s, $n) = /^(\d+) (.*)$/s; $n =~ s/([\\"])/\\$1/g; $n =~ s/\n/\\n/g; print "$s \"$n\"\n"'`)
	lines := strings.Split(got, "\n")
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		t.Errorf("the share has\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// The real exportfs reads what the scripts write: for every one of the files of
// the table, in a mount namespace of the machine where the files are its own.
func TestRealExportfs(t *testing.T) {
	s := newStack(t, "e2e-real")
	s.set("replicas", "0")
	s.up()
	var state struct {
		Deployment struct {
			Resources []struct {
				URN    string
				Inputs struct{ Stdin string }
			}
		}
	}
	if err := json.Unmarshal([]byte(s.must("pulumi", "stack", "export")), &state); err != nil {
		t.Fatal(err)
	}
	var script string
	for _, r := range state.Deployment.Resources {
		if strings.HasSuffix(r.URN, "::share-exports") {
			script = strings.ReplaceAll(r.Inputs.Stdin, "e2e-real", "e2e-unreal")
		}
	}
	if script == "" {
		t.Fatal("the state has no script")
	}
	// Some of the table: each takes its time on such a machine.
	files := []string{"exports/05-no-newline", "exports/07-crlf", "exports/13-continued", "exports/16-quoted",
		"exports/18-ipv6", "exports/21-wildcards", "exports/37-vagrant-block"}
	archive, err := exec.Command("tar", append([]string{"-C", filepath.Join(root, "components/testdata"), "-cz"}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	upload := func(name string, content []byte) {
		cmd := exec.Command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG"), "kubemaster", "mkdir -p /run/real && cat >/run/real/"+name)
		cmd.Stdin = strings.NewReader(string(content))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	upload("files.tar.gz", archive)
	upload("script", []byte(script))
	parser, err := os.ReadFile(filepath.Join(root, "components/scripts/entries.sh"))
	if err != nil {
		t.Fatal(err)
	}
	upload("entries.sh", parser)
	defer ssh(t, "kubemaster", "rm -rf /run/real")
	out := ssh(t, "kubemaster", `cd /run/real && tar -xzf files.tar.gz && cp -a /var/lib/nfs etab && unshare --mount sh -c '
		mount --bind etab /var/lib/nfs
		cp -a /etc etc && mount --bind etc /etc
		mkdir srv && mount --bind srv /srv
		. ./entries.sh
		for file in exports/*; do
			cp "$file" /etc/exports
			entries "$file" | cut -f 5 | while read -r dir; do case $dir in /srv/*) mkdir -p "$dir" ;; esac; done
			if sh -s apply <script >out 2>&1; then
				cmp -s "$file" /etc/exports && echo "$file: nothing was added"
				sh -s remove <script >out 2>&1 || { echo "$file: not removed:"; cat out; }
				result=exported
			elif grep -q "the fault is not this change" out; then
				result=refused
			else
				result=failed; cat out
			fi
			cmp "$file" /etc/exports || echo "$file is not what it was"
			ls /etc/exports.webapp* 2>/dev/null
			echo "$result"
		done | sort | uniq -c'`)
	t.Logf("of the real exportfs: %s", out)
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) != 2 || (fields[1] != "exported" && fields[1] != "refused") {
			t.Errorf("%s", line)
		}
	}
	// Only what is broken is refused: vagrant's block is for another system, and
	// this exportfs takes a carriage return for a part of a word.
	var exported int
	if _, err := fmt.Sscanf(out, "%d exported", &exported); err != nil || exported < 5 {
		t.Errorf("only %d were exported", exported)
	}
}
