package cpu

import (
	"context"
	"sync"
	"sync/atomic"
)

const (
	// A logical block has at least blockNumbers numbers of X, where there are more than
	// a few blocks: some 50 us of work and a thousand times what handing it to a
	// thread costs,
	blockNumbers = 1 << 18

	// and at least blockRows rows, so that adding its D sums to the total, which one
	// thread does at a time, stays below 1/blockRows of the work.
	blockRows = 512
)

// fewestBlocks is how many blocks there are where each then has blockRows still: little
// X can be much work, with many classes.
const fewestBlocks = 8

// blocks are the logical blocks of the rows: their number depends on N and D alone.
type blocks struct {
	rows, count int

	// worth is how many goroutines the blocks are worth; 0 is any number. It changes
	// no result.
	worth int
}

func logicalBlocks(rows, cols int) blocks {
	count := max(1, rows/max(blockRows, blockNumbers/cols), min(fewestBlocks, rows/blockRows))
	return blocks{rows, count, max(1, rows*cols/blockNumbers)}
}

// times is b for work on several outputs.
func (b blocks) times(outputs int) blocks {
	b.worth *= max(1, outputs)
	return b
}

// bounds returns the rows of block b.
func (b blocks) bounds(block int) (lo, hi int) {
	return b.rows * block / b.count, b.rows * (block + 1) / b.count
}

// most is the number of rows of the largest block.
func (b blocks) most() int { return (b.rows + b.count - 1) / b.count }

// reduce has work compute the partial sums of every block on up to threads
// goroutines, and add put them into the total in block order, one at a time. At most
// room partials, made by fresh, exist at any time: a block is begun only when one is
// free. It stops between blocks when ctx ends and returns its cause.
func reduce[P any](ctx context.Context, b blocks, threads, room int, fresh func() P, work func(p P, lo, hi int), add func(p P)) error {
	return sweep[struct{}, P]{
		blocks: b, threads: threads, hands: threads, room: room,
		hand: func() struct{} { return struct{}{} }, fresh: fresh,
		work: func(_ struct{}, p P, lo, hi int) { work(p, lo, hi) }, add: add,
	}.run(ctx)
}

// each is reduce for work that leaves no sums behind. scratch is made once a thread.
func each[P any](ctx context.Context, b blocks, threads int, scratch func() P, work func(p P, lo, hi int)) error {
	return reduce(ctx, b, threads, threads, scratch, work, func(P) {})
}

// sweep is reduce by hands, goroutines with something of their own to hold blocks in.
// Where a block has to be fetched there are more hands than threads: some wait for the
// disk while others compute.
type sweep[H, P any] struct {
	blocks
	first, end int // of the blocks to go over; all where end is 0
	threads    int // that compute at a time
	hands      int
	room       int
	hand       func() H
	fetch      func(h H, block int) error // nil: there is nothing to fetch
	fresh      func() P
	work       func(h H, p P, lo, hi int)
	add        func(p P)
}

// run goes over all blocks, in order. Of blocks that cannot be fetched it returns the
// error of the first.
//
// A block is claimed after its partial, so the earliest unfinished block always has
// one and the others never wait for each other in a circle.
func (s sweep[H, P]) run(ctx context.Context) error {
	if s.end == 0 {
		s.end = s.count
	}
	hands, room := min(s.hands, s.end-s.first), max(1, min(s.room, s.end-s.first))
	if s.worth > 0 {
		hands = min(hands, s.worth)
	}
	if hands == 1 {
		return s.alone(ctx)
	}
	var (
		free      = make(chan P, room)
		computing = make(chan struct{}, s.threads)
		made      atomic.Int64 // partials, or wishes for one
		claimed   atomic.Int64
		stopped   atomic.Bool
		failed    firstError
		done      sync.WaitGroup

		mu      sync.Mutex
		waiting = make(map[int]P, room)
		next    = s.first
	)
	take := func() P {
		select {
		case p := <-free:
			return p
		default:
		}
		if int(made.Add(1)) <= room {
			return s.fresh()
		}
		return <-free
	}
	worker := func() {
		h := s.hand()
		p, mine := take(), true
		defer func() {
			if mine {
				free <- p // for the other hands to see the end as well
			}
		}()
		for {
			if !mine {
				p, mine = take(), true
			}
			block := s.first + int(claimed.Add(1)) - 1
			if block >= s.end || ctx.Err() != nil || failed.any() {
				if block < s.end {
					stopped.Store(true)
				}
				return
			}
			if s.fetch != nil {
				if err := s.fetch(h, block); err != nil {
					failed.set(block, err)
					return
				}
			}
			computing <- struct{}{}
			lo, hi := s.bounds(block)
			s.work(h, p, lo, hi)
			<-computing
			mu.Lock()
			waiting[block], mine = p, false
			for {
				q, ready := waiting[next]
				if !ready {
					break
				}
				delete(waiting, next)
				s.add(q)
				if next == block {
					mine = true // it is in this processor's cache
				} else {
					free <- q
				}
				next++
			}
			mu.Unlock()
		}
	}
	for range hands {
		done.Go(worker)
	}
	done.Wait()
	if failed.err != nil {
		return failed.err
	}
	if stopped.Load() {
		return context.Cause(ctx)
	}
	return nil
}

// alone is run in this goroutine.
func (s sweep[H, P]) alone(ctx context.Context) error {
	h, p := s.hand(), s.fresh()
	for block := s.first; block < s.end; block++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.fetch != nil {
			if err := s.fetch(h, block); err != nil {
				return err
			}
		}
		lo, hi := s.bounds(block)
		s.work(h, p, lo, hi)
		s.add(p)
	}
	return nil
}
