// Package poll repeats a check until it succeeds.
package poll

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// backoff has the pauses: 20 ms, then each 1.5 times the last one, up to 250 ms.
var backoff = wait.Backoff{Duration: 20 * time.Millisecond, Factor: 1.5, Steps: 20, Cap: 250 * time.Millisecond}

// Until calls isSo, at once and then repeatedly, until it returns true or an error, or patience is over. Then,
// or when the context ends, it returns the context's error, such as [context.DeadlineExceeded].
func Until(ctx context.Context, patience time.Duration, isSo func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return backoff.DelayFunc().Until(ctx, true, true, func(context.Context) (bool, error) { return isSo() })
}
