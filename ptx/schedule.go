package ptx

import (
	"fmt"
	"math/rand/v2"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// launch is one run of a kernel over its grid.
type launch struct {
	c         *context
	k         *kernel
	shape     driver.Launch
	args      []byte
	checks    bool
	numBlocks int
	trust     bool // too many warps to follow order between blocks
	floor     uint32
	stats     Counters
	syncs     map[uint64][]uint32 // by address: what was published there
	rand      *rand.PCG

	runnable []*warp
	resident int
	started  int
	order    []int
}

// Blocks run interleaved, a few at a time: window of them to begin with, one more
// whenever all have run for patience slices without any finishing (they may wait for
// a block that has not started), up to what the device can hold at once.
const (
	window     = 4
	patience   = 64
	maxSlice   = 256     // instructions, and 16 at least
	maxVectors = 1 << 16 // warps of a grid whose order between blocks is followed
)

// run executes the launch. A check's finding comes back as *Fault.
func (l *launch) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(*Fault)
			if !ok {
				panic(r)
			}
			err = f
		}
	}()
	s := l.shape
	l.numBlocks = int(s.Grid[0]) * int(s.Grid[1]) * int(s.Grid[2])
	threads := int(s.Block[0]) * int(s.Block[1]) * int(s.Block[2])
	numWarps := (threads + 31) / 32
	l.trust = l.numBlocks*numWarps > maxVectors
	l.syncs = map[uint64][]uint32{}
	l.floor = l.tick()
	for _, r := range l.c.memory.regions {
		r.shadow.floor = l.floor
	}
	l.order = make([]int, l.numBlocks)
	for i := range l.order {
		l.order[i] = i
	}
	if l.numBlocks < 1<<16 {
		for i := range l.order {
			j := i + int(l.rand.Uint64()%uint64(len(l.order)-i))
			l.order[i], l.order[j] = l.order[j], l.order[i]
		}
	}
	if shape := [2]int{threads, int(s.Shared)}; l.k.spareShape != shape {
		l.k.spare, l.k.spareShape = nil, shape
	}
	perSM := max(1, min(32, 2048/(numWarps*32)))
	most := max(window, perSM*l.c.d.config.Multiprocessors)
	for l.started < min(window, l.numBlocks) {
		l.start(threads)
	}
	budget := l.c.d.config.MaxInstructions
	idle := 0
	for len(l.runnable) > 0 {
		i := int(l.rand.Uint64() % uint64(len(l.runnable)))
		w := l.runnable[i]
		if len(w.others) > 0 {
			if r := l.rand.Uint64(); r&7 == 0 {
				w.shuffle(int(r >> 3 & 31))
			} else {
				w.reconverge()
			}
		}
		n := w.run(16 + int(l.rand.Uint64()%maxSlice))
		l.stats.Instructions += uint64(n)
		if l.stats.Instructions > budget {
			w.fault(Budget, 0, "the launch ran more than %d warp instructions: an endless loop?", budget)
		}
		idle++
		switch w.state {
		case yielded:
			w.state = ready
		case waiting, done:
			l.remove(w)
			if w.state == done && l.finished(w) {
				idle = 0
				if l.started < l.numBlocks {
					l.start(threads)
				}
			}
		}
		if l.started < l.numBlocks && l.resident < most && (idle > patience*l.resident || len(l.runnable) == 0) {
			idle = 0
			l.start(threads)
		}
	}
	return nil
}

// remove takes a warp off the runnable list. It may have moved there: look for it.
func (l *launch) remove(w *warp) {
	for i, v := range l.runnable {
		if v == w {
			last := len(l.runnable) - 1
			l.runnable[i] = l.runnable[last]
			l.runnable = l.runnable[:last]
			return
		}
	}
}

// start makes the next block resident.
func (l *launch) start(threads int) {
	number := l.order[l.started]
	l.started++
	l.resident++
	var b *block
	if n := len(l.k.spare); n > 0 {
		b = l.k.spare[n-1]
		l.k.spare = l.k.spare[:n-1]
	} else {
		b = newBlock(l, threads)
	}
	b.reset(l, number)
	l.runnable = append(l.runnable, b.warps...)
}

// finished is told that a warp has exited, and whether its block has with it.
func (l *launch) finished(w *warp) bool {
	b := w.block
	b.left--
	for i := range b.barriers {
		if bar := &b.barriers[i]; len(bar.waiting) > 0 && bar.all {
			v := bar.waiting[0]
			v.fault(DivergentBarrier, 0, "warp %d has exited without coming to this barrier", w.id)
		}
	}
	if b.left > 0 {
		if b.stuck() {
			l.deadlock(b)
		}
		return false
	}
	l.resident--
	l.k.spare = append(l.k.spare, b)
	return true
}

// deadlock reports a block none of whose warps can run any more.
func (l *launch) deadlock(b *block) {
	for _, w := range b.warps {
		if w.state == waiting {
			in := &w.k.code[w.at]
			where := ""
			for _, v := range b.warps {
				if v != w && v.state == waiting {
					o := &v.k.code[v.at]
					where += fmt.Sprintf("; warp %d waits at line %d (%s)", v.id, o.line, o.text)
				} else if v != w {
					where += fmt.Sprintf("; warp %d has exited", v.id)
				}
			}
			w.fault(Deadlock, 0, "warp %d waits at line %d for ever%s", w.id, in.line, where)
		}
	}
}

// blockIndex is the index of a block by its number.
func (l *launch) blockIndex(number int) [3]uint32 {
	n, g := uint32(number), l.shape.Grid
	return [3]uint32{n % g[0], n / g[0] % g[1], n / g[0] / g[1]}
}
