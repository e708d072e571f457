package step

import (
	"bytes"
	"errors"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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

// Steps that run at the same time each print a line when they end. The remaining time follows from the pace so far.
func TestAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := New(&out, 4)
		p.Expected = 6 * time.Minute
		step := func(name string, expected, takes time.Duration) func() {
			return func() {
				_ = p.RunFor(expected, name, func() (string, error) { time.Sleep(takes); return "", nil })
			}
		}
		step("quick", time.Second, time.Second)() // too early for an estimate
		var both sync.WaitGroup
		both.Go(step("long", 3*time.Minute, 6*time.Minute))
		time.Sleep(time.Second)
		both.Go(step("short", time.Minute, 2*time.Minute))
		both.Wait()
		step("last", 2*time.Minute, 4*time.Minute)()
		want := `[1/4] quick 1.0 s
[2/4] long …
[3/4] short …
[3/4] short 120.0 s  about 2 min left
[2/4] long 360.0 s  about 3 min left
[4/4] last …
[4/4] last 240.0 s
`
		if got := regexp.MustCompile(` +(\d+\.\d s)`).ReplaceAllString(out.String(), " $1"); got != want {
			t.Errorf("printed\n%s\nwant\n%s", got, want)
		}
	})
}
