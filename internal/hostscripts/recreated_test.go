package hostscripts

import (
	"testing"
	"time"
)

// A directory that was found missing is a new one from then on, and stays that one in later updates.
func TestRecreated(t *testing.T) {
	seen := time.Date(2026, 11, 29, 10, 8, 34, 0, time.UTC)
	for _, c := range []struct{ name, output, want string }{
		{"all is there", "exports drift /etc/exports lacks: /srv/share 10.0.0.1(rw)\n", ""},
		{"it is gone", "exports drift /etc/exports lacks: x\nexports drift the directory /srv/my share is gone\n", "2026-11-29T10:08:34Z"},
		{"it was gone", "exports repaired 2026-11-01T00:00:00Z the directory /srv/share is gone\n", "2026-11-01T00:00:00Z"},
		{"a file of it is gone", "site drift index.php is gone\n", ""},
	} {
		if got := ParseFound(c.output, seen).Recreated(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
