package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const bucket = "state"

// A state in S3 works as in docs/ci.md: updates with the key that may write, and previews with one that may
// only read the bucket and cannot change the state.
func TestStateInS3(t *testing.T) {
	parallel(t)
	server := startS3(t)
	s := newShare(t, "e2e-s3", server.env("writer")...)
	s.up()
	s.must("pulumi", "preview", "--expect-no-changes")
	s.must("pulumi", "stack", "tag", "set", "webapp-balanced:commit", "abc")
	state := s.must("pulumi", "stack", "export")

	writer := s.env
	s.env = server.env("reader")
	s.must("pulumi", "preview", "--expect-no-changes")
	s.must("pulumi", "config", "set", "nodePort", "31185")
	contains(t, s.must("pulumi", "preview"), "2 to update")
	for _, args := range [][]string{
		{"up", "--yes", "--skip-preview"}, {"destroy", "--yes", "--skip-preview"}, {"stack", "tag", "set", "webapp-balanced:commit", "def"},
		{"stack", "import", "--file", os.DevNull}, {"stack", "rm", "--yes", "--force", "--preserve-config", s.name},
	} {
		if out, err := s.command(append([]string{"pulumi"}, args...)...); err == nil {
			t.Errorf("with the key that may only read, pulumi %q succeeds:\n%s", args, out)
		}
	}
	s.env = writer
	if got := s.must("pulumi", "stack", "export"); got != state {
		t.Errorf("the state is now\n%s\nand was\n%s", got, state)
	}
	s.must("pulumi", "config", "set", "nodePort", "0")
}

// s3Server is an S3 server on this computer, with an account for updates and one for previews.
type s3Server struct {
	address string
	secrets map[string]string // by account
}

func startS3(t *testing.T) s3Server {
	t.Helper()
	program, err := theLab.S3Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := s3Server{listener.Addr().String(), map[string]string{"writer": "of-the-writer-0123", "reader": "of-the-reader-4567"}}
	listener.Close()
	dir := t.TempDir()
	for _, folder := range []string{"data", "accounts"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--port", s.address, "--iam-dir", filepath.Join(dir, "accounts"), "posix", filepath.Join(dir, "data"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=writer", "ROOT_SECRET_KEY="+s.secrets["writer"])
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the server of S3 says\n%s", log.String())
		}
	})
	client, err := minio.New(s.address, &minio.Options{Creds: credentials.NewStaticV4("writer", s.secrets["writer"], ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	eventually(t, 10*time.Second, func() error { return client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}) })
	account := exec.Command(program, "admin", "create-user", "--access", "reader", "--secret", s.secrets["reader"], "--role", "user")
	account.Env = append(os.Environ(), "ADMIN_ACCESS_KEY=writer", "ADMIN_SECRET_KEY="+s.secrets["writer"], "ADMIN_ENDPOINT_URL=http://"+s.address)
	if out, err := account.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": ["reader"]}, "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::%[1]s"]},
		{"Effect": "Allow", "Principal": {"AWS": ["reader"]}, "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::%[1]s/*"]}]}`, bucket)
	if err := client.SetBucketPolicy(ctx, bucket, policy); err != nil {
		t.Fatal(err)
	}
	return s
}

// env returns the variables with which pulumi keeps its state there, with the key of an account.
func (s s3Server) env(account string) []string {
	return []string{
		"PULUMI_BACKEND_URL=s3://" + bucket + "?endpoint=" + s.address + "&s3ForcePathStyle=true&disableSSL=true&region=us-east-1",
		"AWS_ACCESS_KEY_ID=" + account, "AWS_SECRET_ACCESS_KEY=" + s.secrets[account],
	}
}
