package step

import (
	"bytes"
	"errors"
	"regexp"
	"testing"
)

func TestLines(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, 10)
	_ = p.Run("network", func() (string, error) { return "", nil })
	_ = p.Run("disk", func() (string, error) { return "cached", nil })
	if err := p.Run("boot", func() (string, error) { return "", errors.New("no") }); err == nil {
		t.Error("the error is lost")
	}
	want := regexp.MustCompile(`^\[ 1/10\] network +0\.0 s\n\[ 2/10\] disk +cached\n\[ 3/10\] boot +0\.0 s  failed\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("printed\n%s\nwant %s", out.String(), want)
	}
}
