package nfshost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// File is a local file and its name when staged.
type File struct{ Local, Name string }

// staging is an SFTP session, and its connection.
type staging struct {
	*sftp.Client
	connection *ssh.Client
}

// Stage copies files by SFTP into a directory below the login user's home, which it creates readable for
// that user only. progress gets the number of bytes sent so far, of all files.
func (h *Host) Stage(ctx context.Context, directory string, files []File, progress func(done, all int64)) (err error) {
	var all int64
	for _, file := range files {
		info, err := os.Stat(file.Local)
		if err != nil {
			return err
		}
		all += info.Size()
	}
	ctx, span := tracer.Start(ctx, "SFTP: stage files")
	defer span.End()
	leave, err := h.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	session, err := open(ctx, h, func(client *ssh.Client) (staging, error) {
		session, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true))
		if err != nil {
			return staging{}, fmt.Errorf("open SFTP on the NFS host %s: %w", h.Host, err)
		}
		return staging{session, client}, nil
	})
	if err != nil {
		return err
	}
	// A cancelled update stops sending, and does not wait for a host that hangs.
	defer context.AfterFunc(ctx, func() { session.connection.Close() })()
	defer session.Close()
	if err := stage(session.Client, directory, files, all, progress); err != nil {
		return fmt.Errorf("on the NFS host %s: %w", h.Host, err)
	}
	return nil
}

// stage sends files, of all bytes together. A script that goes on after its connection was cut may remove the
// directory in any moment in which it is empty: it is made again then.
func stage(session *sftp.Client, directory string, files []File, all int64, progress func(done, all int64)) (err error) {
	if err := makePrivate(session, directory); err != nil {
		return err
	}
	var done int64
	var sent []string
	defer func() {
		// Remove what was sent, so that a full disk does not stay full.
		if err == nil {
			return
		}
		for _, name := range sent {
			_ = session.Remove(name)
		}
	}()
	for _, file := range files {
		name := path.Join(directory, file.Name)
		sent = append(sent, name)
		send := func() (int64, error) {
			return put(session, file.Local, name, func(n int64) { progress(done+n, all) })
		}
		n, err := send()
		for range 3 {
			if !errors.Is(err, os.ErrNotExist) {
				break
			}
			if err := makePrivate(session, directory); err != nil {
				return err
			}
			n, err = send()
		}
		if err != nil {
			return fmt.Errorf("stage %s: %w", file.Local, withRoom(session, err))
		}
		done += n
	}
	return nil
}

// makePrivate makes a directory that only the login user can read.
func makePrivate(session *sftp.Client, directory string) error {
	err := session.MkdirAll(directory)
	if err == nil {
		err = session.Chmod(directory, 0o700)
	}
	if err != nil {
		return fmt.Errorf("make the private directory %s: %w", directory, withRoom(session, err))
	}
	return nil
}

// withRoom adds to an error that the disk of the login user's home is full. SFTP has no status for that: it says
// "Failure" (https://datatracker.ietf.org/doc/html/draft-ietf-secsh-filexfer-02#section-7).
func withRoom(session *sftp.Client, err error) error {
	var status *sftp.StatusError
	if !errors.As(err, &status) || status.FxCode() != sftp.ErrSSHFxFailure {
		return err
	}
	home, homeErr := session.Getwd()
	if homeErr != nil {
		return err
	}
	if room, roomErr := session.StatVFS(home); roomErr == nil && room.Bavail*room.Frsize < 1<<20 {
		return fmt.Errorf("%w: No space left on device: make room on the disk of %s", err, home)
	}
	return err
}

func put(session *sftp.Client, local, remote string, progress func(int64)) (int64, error) {
	from, err := os.Open(local)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return 0, err
	}
	to, err := session.Create(remote)
	if err != nil {
		return 0, err
	}
	sent, err := to.ReadFrom(&meter{from: from, size: info.Size(), progress: progress})
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	return sent, err
}

// meter reports how much has been read. Its Size makes SFTP write concurrently.
type meter struct {
	from     io.Reader
	size     int64
	done     int64
	progress func(int64)
}

func (m *meter) Size() int64 { return m.size }

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.done += int64(n)
	m.progress(m.done)
	return n, err
}
