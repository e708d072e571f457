package hostscripts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// File is a file of the site: its path below the site's directory, with slashes, its path on this
// computer, and the hash of its content.
type File struct{ Path, Local, SHA256 string }

// Files lists the site's files in lexical order. Its error names every file that is not a regular one.
func Files(site string) ([]File, error) {
	var files []File
	var problems []error
	err := filepath.WalkDir(site, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(site, path)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			problems = append(problems, fmt.Errorf("%q is %s, and only regular files are published: remove it from the site, or put a copy there", relative, kind(d.Type())))
			return nil
		}
		sum, err := hashFile(path)
		files = append(files, File{Path: filepath.ToSlash(relative), Local: path, SHA256: sum})
		return err
	})
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("read the site %s: %w", site, err)
	}
	return files, nil
}

func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// escapePath escapes a path for %b of printf(1): on one line, in UTF-8, and without white space at its
// ends, which read(1) would strip.
func escapePath(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); {
		r, size := utf8.DecodeRuneInString(path[i:])
		atEnd := i == 0 || i+size == len(path)
		switch {
		case r == '\\':
			b.WriteString(`\\`)
		case r == utf8.RuneError && size == 1, unicode.IsControl(r), r == ' ' && atEnd:
			for _, c := range []byte(path[i : i+size]) {
				fmt.Fprintf(&b, `\0%03o`, c)
			}
		default:
			b.WriteString(path[i : i+size])
		}
		i += size
	}
	return b.String()
}
