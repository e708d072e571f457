// Package poll asks again and again until something is so.
package poll

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// soonThenSeldom are the pauses: 20 ms, then each half as long again, up to 250 ms.
var soonThenSeldom = wait.Backoff{Duration: 20 * time.Millisecond, Factor: 1.5, Steps: 20, Cap: 250 * time.Millisecond}

// Until calls isSo until it returns true or an error, the first time at once, at most for so long. When that
// time is over, or the context ends, it returns what the context says, such as [context.DeadlineExceeded].
func Until(ctx context.Context, patience time.Duration, isSo func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return soonThenSeldom.DelayFunc().Until(ctx, true, true, func(context.Context) (bool, error) { return isSo() })
}
