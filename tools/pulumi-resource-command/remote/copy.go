package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/pkg/sftp"
)

// CopyToRemote is the resource command:remote:CopyToRemote. It has no delete:
// what was copied stays.
type CopyToRemote struct{}

// CopyToRemoteArgs are a copy's inputs.
type CopyToRemoteArgs struct {
	Connection *Connection          `pulumi:"connection" provider:"secret"`
	Triggers   *[]any               `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Source     types.AssetOrArchive `pulumi:"source"`
	RemotePath string               `pulumi:"remotePath"`
}

// CopyToRemoteState is what is kept of a copy: its inputs.
type CopyToRemoteState struct{ CopyToRemoteArgs }

// Check refuses sources that are neither a path nor a text.
func (CopyToRemote) Check(ctx context.Context, req infer.CheckRequest) (infer.CheckResponse[CopyToRemoteArgs], error) {
	args, failures, err := infer.DefaultCheck[CopyToRemoteArgs](ctx, req.NewInputs)
	source := args.Source
	switch {
	case source.Asset == nil && source.Archive == nil:
		failures = append(failures, p.CheckFailure{Property: "asset", Reason: "either asset or archive must be set"})
	case source.Asset != nil && source.Archive != nil:
		failures = append(failures, p.CheckFailure{Property: "asset", Reason: "only one of asset or archive can be set"})
	case source.Asset != nil && !source.Asset.IsPath() && !source.Asset.IsText():
		failures = append(failures, p.CheckFailure{Property: "asset", Reason: "asset must be a path-based file asset or a text asset"})
	case source.Archive != nil && !source.Archive.IsPath():
		failures = append(failures, p.CheckFailure{Property: "archive", Reason: "archive must be a path to a file or directory"})
	}
	return infer.CheckResponse[CopyToRemoteArgs]{Inputs: args, Failures: failures}, err
}

// Create copies.
func (CopyToRemote) Create(ctx context.Context, req infer.CreateRequest[CopyToRemoteArgs]) (infer.CreateResponse[CopyToRemoteState], error) {
	response := infer.CreateResponse[CopyToRemoteState]{Output: CopyToRemoteState{req.Inputs}}
	if req.DryRun {
		return response, nil
	}
	var err error
	if response.ID, err = resource.NewUniqueHex("", 8, 0); err != nil {
		return response, err
	}
	return response, req.Inputs.copy(ctx)
}

// Update copies again if the content or the destination has changed.
func (CopyToRemote) Update(ctx context.Context, req infer.UpdateRequest[CopyToRemoteArgs, CopyToRemoteState]) (infer.UpdateResponse[CopyToRemoteState], error) {
	response := infer.UpdateResponse[CopyToRemoteState]{Output: CopyToRemoteState{req.Inputs}}
	unchanged := req.Inputs.hash() == req.State.hash() && req.Inputs.RemotePath == req.State.RemotePath
	if req.DryRun || unchanged {
		return response, nil
	}
	return response, req.Inputs.copy(ctx)
}

func (a CopyToRemoteArgs) hash() string {
	if a.Source.Archive != nil {
		return a.Source.Archive.Hash
	}
	return a.Source.Asset.Hash
}

func (a CopyToRemoteArgs) copy(ctx context.Context) error {
	client, err := a.Connection.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true))
	if err != nil {
		return err
	}
	defer session.Close()
	if err := session.MkdirAll(path.Dir(a.RemotePath)); err != nil {
		return fmt.Errorf("create the parent directories of %s: %w", a.RemotePath, err)
	}
	switch source := a.Source; {
	case source.Archive != nil:
		return copyPath(session, source.Archive.Path, a.RemotePath)
	case source.Asset.IsText():
		return copyText(session, source.Asset.Text, a.RemotePath)
	default:
		return copyPath(session, source.Asset.Path, a.RemotePath)
	}
}

func copyText(session *sftp.Client, text, to string) error {
	isDir, _, err := kind(session, to)
	if err != nil {
		return err
	}
	if isDir {
		return fmt.Errorf("remote path %s is a directory; when using a text asset, remotePath must be a file path", to)
	}
	return write(session, strings.NewReader(text), to)
}

// copyPath copies a file or directory as scp does: into a directory that
// exists; the content only of a source that ends in a slash.
func copyPath(session *sftp.Client, from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	toDir, toExists, err := kind(session, to)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if toDir {
			to = path.Join(to, filepath.Base(from))
		}
		return copyFile(session, from, to)
	}
	if toExists && !toDir {
		return fmt.Errorf("remote path %s exists but is not a directory", to)
	}
	if !strings.HasSuffix(from, "/") {
		to = path.Join(to, filepath.Base(from))
	}
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		remote := path.Join(to, filepath.ToSlash(relative))
		if !d.IsDir() {
			return copyFile(session, file, remote)
		}
		if err := session.MkdirAll(remote); err != nil {
			return fmt.Errorf("create the remote directory %s: %w", remote, err)
		}
		return nil
	})
}

func copyFile(session *sftp.Client, from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return write(session, source, to)
}

func write(session *sftp.Client, source io.Reader, to string) error {
	file, err := session.Create(to)
	if err != nil {
		return fmt.Errorf("create the remote file %s: %w", to, err)
	}
	if _, err := file.ReadFrom(source); err != nil {
		file.Close()
		return fmt.Errorf("write the remote file %s: %w", to, err)
	}
	return file.Close()
}

// kind reports what a remote path is.
func kind(session *sftp.Client, remote string) (isDir, isThere bool, err error) {
	info, err := session.Stat(remote)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("look at the remote path %s: %w", remote, err)
	}
	return info.IsDir(), true, nil
}
