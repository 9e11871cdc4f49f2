package cpu

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// A logical block has at least blockNumbers numbers of X, some 50 us of work and
	// a thousand times what handing it to a thread costs,
	blockNumbers = 1 << 18

	// and at least blockRows rows, so that adding its D sums to the total, which one
	// thread does at a time, stays below 1/blockRows of the work.
	blockRows = 512
)

// blocks are the logical blocks of the rows: their number depends on N and D alone.
type blocks struct{ rows, count int }

func logicalBlocks(rows, cols int) blocks {
	return blocks{rows, max(1, rows/max(blockRows, blockNumbers/cols))}
}

// bounds returns the rows of block b.
func (b blocks) bounds(block int) (lo, hi int) {
	return b.rows * block / b.count, b.rows * (block + 1) / b.count
}

// reduce has work compute the partial sums of every block on up to threads
// goroutines, and add put them into the total in block order, one at a time. At most
// room partials, made by fresh, exist at any time: a block is begun only when one is
// free. It stops between blocks when ctx ends and returns its cause.
//
// A block is claimed after its partial, so the earliest unfinished block always has
// one and the others never wait for each other in a circle.
func reduce[P any](ctx context.Context, b blocks, threads, room int, fresh func() P, work func(p P, lo, hi int), add func(p P)) error {
	threads = min(threads, b.count)
	room = max(1, min(room, b.count))
	if threads == 1 {
		p := fresh()
		for block := range b.count {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			lo, hi := b.bounds(block)
			work(p, lo, hi)
			add(p)
		}
		return nil
	}
	var (
		free    = make(chan P, room)
		claimed atomic.Int64
		stopped atomic.Bool
		done    sync.WaitGroup

		mu      sync.Mutex
		waiting = make(map[int]P, room)
		next    int
	)
	for range room {
		free <- fresh()
	}
	worker := func() {
		for p := range free {
			block := int(claimed.Add(1)) - 1
			if block >= b.count || ctx.Err() != nil {
				if block < b.count {
					stopped.Store(true)
				}
				free <- p // for the other workers to see the end as well
				return
			}
			lo, hi := b.bounds(block)
			work(p, lo, hi)
			mu.Lock()
			waiting[block] = p
			for {
				q, ready := waiting[next]
				if !ready {
					break
				}
				delete(waiting, next)
				add(q)
				next++
				free <- q
			}
			mu.Unlock()
		}
	}
	for range threads {
		done.Go(worker)
	}
	done.Wait()
	if stopped.Load() {
		return context.Cause(ctx)
	}
	return nil
}

// each is reduce for work that leaves no sums behind. scratch is made once a thread.
func each[P any](ctx context.Context, b blocks, threads int, scratch func() P, work func(p P, lo, hi int)) error {
	return reduce(ctx, b, threads, threads, scratch, work, func(P) {})
}
