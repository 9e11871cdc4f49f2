package dataset

import (
	"context"
	"sync"
)

// inParallel calls do for 0 to n-1, about in order, on so many goroutines that number
// themselves, and returns the error of the lowest that has one. What follows an error is
// left out.
func inParallel(ctx context.Context, workers, n int, do func(worker, i int) error) error {
	var (
		mu    sync.Mutex
		next  int
		first error
		at    = n
		group sync.WaitGroup
	)
	work := func(worker int) {
		for {
			mu.Lock()
			i := next
			if next++; first == nil && i < n && ctx.Err() != nil {
				first, at = context.Cause(ctx), i
			}
			stop := i >= at
			mu.Unlock()
			if stop {
				return
			}
			if err := do(worker, i); err != nil {
				mu.Lock()
				if i < at {
					first, at = err, i
				}
				mu.Unlock()
			}
		}
	}
	if workers = min(workers, n); workers == 1 {
		work(0)
		return first
	}
	for w := range workers {
		group.Go(func() { work(w) })
	}
	group.Wait()
	return first
}
