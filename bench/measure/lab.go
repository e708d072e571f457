package measure

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"webapp-balanced/lab"
)

// Nodes are the addresses of the lab's machines. The first one has the NFS server.
var Nodes = []string{"198.18.0.160", "198.18.0.161", "198.18.0.162"}

// InLab runs f in the environment of the lab of this clone, in whose bench folder it is called, with a temporary
// folder. It stops the lab at the end if it had to start it.
func InLab(ctx context.Context, f func(l *lab.Lab, work string) error) (err error) {
	l, err := lab.New("..", os.Stderr)
	if err != nil {
		return err
	}
	if !l.Running() {
		defer func() { err = errors.Join(err, l.Stop()) }()
	}
	if err := l.Start(ctx); err != nil {
		return err
	}
	for _, v := range l.Env() {
		if err := os.Setenv(v.Name, v.Value); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp("", "webapp-balanced-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	return f(l, work)
}

// WriteReport writes NAME.md and its picture NAME.svg into the docs of the clone at root.
func WriteReport(root, name string, page, picture []byte) error {
	docs := filepath.Join(root, "docs")
	if err := os.WriteFile(filepath.Join(docs, "images", name+".svg"), picture, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, name+".md"), page, 0o644)
}
