package dataset

import (
	"context"
	"sync"
)

// ordered takes what becomes of blocks, by several workers and in any order, and hands it
// on in the order of the blocks. Workers that are far ahead of the others wait.
type ordered[P any] struct {
	mu     sync.Mutex
	moved  sync.Cond
	failed bool // nobody waits any more
	next   int  // block
	ahead  map[int]P
	most   int // blocks that are ahead
}

func newOrdered[P any](workers int) *ordered[P] {
	o := &ordered[P]{ahead: map[int]P{}, most: 4 * workers}
	o.moved.L = &o.mu
	return o
}

// put hands p on when all blocks before seq have been, which take never sees two of at a
// time.
func (o *ordered[P]) put(seq int, p P, take func(P) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for seq-o.next > o.most && !o.failed {
		o.moved.Wait()
	}
	o.ahead[seq] = p
	for {
		q, ready := o.ahead[o.next]
		if !ready {
			break
		}
		delete(o.ahead, o.next)
		o.next++
		if err := take(q); err != nil {
			return err
		}
	}
	o.moved.Broadcast()
	return nil
}

// stop lets go of those who wait: a block will never come.
func (o *ordered[P]) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = true
	o.moved.Broadcast()
}

// blocksInOrder parses blocks of text side by side, each into a part with room for it, and
// hands the parts to write in the order of the blocks.
func blocksInOrder[P any](ctx context.Context, t *text, room func(b *block, worker int) P, parse func(b *block, p P) error, write func(P) error) error {
	o := newOrdered[P](t.workers)
	return forBlocks(ctx, t, func(b *block) func(int) error {
		return func(worker int) error {
			p := room(b, worker)
			err := parse(b, p)
			if err == nil {
				err = o.put(b.seq, p, write)
			}
			if err != nil {
				o.stop()
			}
			return err
		}
	})
}
