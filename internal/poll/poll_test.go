package poll

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Until asks often at first, and less often later.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		err := Until(t.Context(), time.Second, func() (bool, error) {
			at = append(at, time.Since(start))
			return false, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("it returns %v after %s", err, time.Since(start))
		}
		if at[0] != 0 || at[1] != 20*time.Millisecond || at[2] != 50*time.Millisecond {
			t.Errorf("it asks at %s", at)
		}
		if last := len(at) - 1; at[last]-at[last-1] != 250*time.Millisecond {
			t.Errorf("it asks at %s", at)
		}
	})
}

func TestUntilItIsSo(t *testing.T) {
	failure := errors.New("no")
	for _, c := range []struct {
		isSo bool
		err  error
	}{{true, nil}, {false, failure}} {
		asked := 0
		err := Until(t.Context(), time.Minute, func() (bool, error) { asked++; return c.isSo, c.err })
		if asked != 1 || !errors.Is(err, c.err) {
			t.Errorf("%v, %v: asked %d times, it returns %v", c.isSo, c.err, asked, err)
		}
	}
}

// The end of the context ends the wait before patience is over.
func TestUntilTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Until(ctx, time.Minute, func() (bool, error) { return false, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("it returns %v", err)
	}
}
