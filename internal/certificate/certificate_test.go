package certificate

import (
	"testing"
	"time"
)

func TestSelfSigned(t *testing.T) {
	now := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	first, err := SelfSigned(Pair{}, "foo-balanced.bar", now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := first.leaf()
	if err != nil {
		t.Fatal(err)
	}
	if days := leaf.NotAfter.Sub(now).Hours() / 24; days != 365 {
		t.Errorf("good for %v days, want 365", days)
	}
	if leaf.PublicKeyAlgorithm.String() != "ECDSA" {
		t.Errorf("the key is %s, want ECDSA", leaf.PublicKeyAlgorithm)
	}
	for _, c := range []struct {
		name string
		host string
		at   time.Time
		kept bool
	}{
		{"at once", "foo-balanced.bar", now, true},
		{"31 days before its end", "foo-balanced.bar", now.AddDate(1, 0, -31), true},
		{"29 days before its end", "foo-balanced.bar", now.AddDate(1, 0, -29), false},
		{"the clock was a year ahead when it was made, and is put right", "foo-balanced.bar", now.AddDate(-1, 0, 0), false},
		{"for another host", "other.example", now, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			second, err := SelfSigned(first, c.host, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if kept := second == first; kept != c.kept {
				t.Errorf("the certificate was kept: %v, want %v", kept, c.kept)
			}
			if reason := second.Unfit(c.host, c.at); reason != "" {
				t.Errorf("the certificate %s", reason)
			}
		})
	}
	if second, err := SelfSigned(Pair{Cert: "broken", Key: "broken"}, "a.example", now); err != nil || second.Unfit("a.example", now) != "" {
		t.Errorf("what is broken is not replaced: %v", err)
	}
}
