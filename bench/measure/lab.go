package measure

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"webapp-balanced/lab"
)

// InLab runs f in the environment of this clone's lab, with a temporary folder. It starts the lab if needed, and then
// also stops it at the end. Call it in the folder bench.
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
