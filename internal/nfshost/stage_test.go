package nfshost

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pkg/sftp"
)

// A script of an earlier run, whose connection was cut, publishes what it had staged and removes the empty directory
// while this run stages there.
func TestStagingDirectoryRemoved(t *testing.T) {
	here, there := net.Pipe()
	server, err := sftp.NewServer(there)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve() }()
	t.Cleanup(func() { server.Close() })
	session, err := sftp.NewClientPipe(here, here)
	if err != nil {
		t.Fatal(err)
	}
	local, directory := t.TempDir(), filepath.Join(t.TempDir(), "staging")
	var files []File
	for _, name := range []string{"a", "b", "c"} {
		file := filepath.Join(local, name)
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Local: file, Name: name})
	}
	removed := false
	err = stage(session, directory, files, 3, func(done, _ int64) {
		if done == 1 && !removed {
			removed = true
			if err := os.RemoveAll(directory); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || !removed {
		t.Fatalf("removed: %t; %v", removed, err)
	}
	for _, name := range []string{"b", "c"} {
		if content, err := os.ReadFile(filepath.Join(directory, name)); string(content) != name {
			t.Errorf("%s has %q, %v", name, content, err)
		}
	}
	if info, err := os.Stat(directory); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v; want it private", info, err)
	}
	if err := stage(session, directory, []File{{Local: filepath.Join(local, "missing"), Name: "d"}}, 0, nil); err == nil {
		t.Error("a local file that is missing is no error")
	}
}
