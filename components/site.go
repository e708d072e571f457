package components

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// siteFile is a file of the site: its path below the site's directory, with
// slashes, and the hash of its content.
type siteFile struct{ path, sha256 string }

// siteFiles lists the site's files in lexical order.
func siteFiles(site string) ([]siteFile, error) {
	var files []siteFile
	err := filepath.WalkDir(site, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(site, path)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file, and only those are published", relative)
		}
		if strings.ContainsAny(relative, "\n\r") {
			return fmt.Errorf("%q has a line break in its name", relative)
		}
		sum, err := hashFile(path)
		files = append(files, siteFile{path: relative, sha256: sum})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the site %s: %w", site, err)
	}
	return files, nil
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
