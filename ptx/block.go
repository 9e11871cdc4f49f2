package ptx

import (
	"math"
	"math/bits"
)

// block is a thread block: warps, shared memory and sixteen barriers.
type block struct {
	number   int
	index    [3]uint32
	warps    []*warp
	left     int // warps that have not exited
	shared   *region
	barriers [16]barrier
	partial  bool // a barrier of fewer than all warps was used
}

// barrier is one of the block's hardware barriers.
type barrier struct {
	expected int     // threads, 0: not in use
	arrived  int     // threads, in whole warps
	all      bool    // waits for the whole block
	waiting  []*warp // those of bar.sync; bar.arrive does not wait
	members  []*warp
	votes    int // bar.red: threads whose predicate holds
	voters   int
	result   []barResult
}

// barResult is where a warp of bar.red wants the answer.
type barResult struct {
	w    *warp
	in   *inst
	mask uint32
}

// newBlock makes a block's warps and their registers once; blocks that follow reuse them.
func newBlock(l *launch, threads int) *block {
	b := &block{}
	for id := 0; id*32 < threads; id++ {
		w := &warp{k: l.k, l: l, block: b, id: id, all: ^uint32(0)}
		if rest := threads - id*32; rest < 32 {
			w.all = 1<<rest - 1
		}
		w.r = make([]lanes, l.k.numRegs)
		w.def = make([]uint32, l.k.numRegs)
		w.p = make([]uint32, l.k.numPreds)
		w.pdef = make([]uint32, l.k.numPreds)
		for _, c := range l.k.consts {
			for i := range w.r[c.slot] {
				w.r[c.slot][i] = c.value
			}
		}
		w.local = *newRegion("", Local, 0, uint64(l.k.localSize)*32)
		b.warps = append(b.warps, w)
	}
	size, end := l.k.dynamic+int(l.shape.Shared), uint64(0)
	if n := len(l.k.shared); n > 0 && l.shape.Shared == 0 {
		size = l.k.shared[n-1].offset + l.k.shared[n-1].bytes
	}
	b.shared = newRegion("shared memory", Shared, 0, uint64(size))
	b.shared.vars = l.k.shared
	for _, v := range l.k.shared {
		if o := uint64(v.offset); o > end {
			b.shared.holes = append(b.shared.holes, hole{end, o})
		}
		end = uint64(v.offset + v.bytes)
	}
	if first := uint64(l.k.dynamic); l.shape.Shared > 0 && first > end {
		b.shared.holes = append(b.shared.holes, hole{end, first})
	}
	return b
}

// reset makes the block number the one it stands for.
func (b *block) reset(l *launch, number int) {
	b.number, b.index = number, l.blockIndex(number)
	for _, w := range b.warps {
		w.l = l
	}
	b.left = len(b.warps)
	b.barriers = [16]barrier{}
	b.partial = false
	b.shared.forget()
	b.shared.shadow.floor = l.tick()
	now := l.tick()
	for _, w := range b.warps {
		clear(w.def)
		clear(w.pdef)
		for _, c := range l.k.consts {
			w.def[c.slot] = ^uint32(0)
		}
		for _, c := range l.k.pconsts {
			w.pdef[c.slot] = ^uint32(0)
			if c.value {
				w.p[c.slot] = ^uint32(0)
			}
		}
		for _, s := range l.k.specials {
			w.def[s.slot] = ^uint32(0)
			for lane := range w.r[s.slot] {
				w.r[s.slot][lane] = w.special(s.name, lane)
			}
		}
		w.local.forget()
		w.state, w.pc, w.live, w.active = ready, l.k.entry, w.all, w.all
		w.others, w.nextPC = w.others[:0], math.MaxInt
		w.cc = 0
		w.async = asyncCopies{}
		w.know = knowledge{clock: now, warps: make([]uint32, len(b.warps))}
	}
}

// stuck tells whether all warps that have not exited wait.
func (b *block) stuck() bool {
	for _, w := range b.warps {
		if w.state == ready || w.state == yielded {
			return false
		}
	}
	return true
}

// arrive brings a warp to barrier id, which opens when expected threads have come
// (0: the whole block). It tells whether the barrier opened.
func (w *warp) arrive(id, expected int, wait bool) bool {
	b := w.block
	bar := &b.barriers[id&15]
	all := expected == 0
	if all {
		expected = len(b.warps) * 32
	} else if expected < len(b.warps)*32 {
		b.partial = true
	}
	if bar.expected == 0 {
		bar.expected, bar.all = expected, all
	} else if bar.expected != expected {
		w.fault(DivergentBarrier, 0, "barrier %d waits for %d threads, this warp says %d", id, bar.expected, expected)
	}
	if all {
		for _, v := range b.warps {
			if v.state == done {
				w.fault(DivergentBarrier, 0, "warp %d has exited without coming to this barrier", v.id)
			}
		}
	}
	bar.arrived += 32
	bar.members = append(bar.members, w)
	if wait {
		bar.waiting = append(bar.waiting, w)
	}
	if bar.arrived > bar.expected {
		w.fault(DivergentBarrier, 0, "more than %d threads came to barrier %d", bar.expected, id)
	}
	if bar.arrived < bar.expected {
		if wait {
			w.state = waiting
			if b.stuck() {
				w.l.deadlock(b)
			}
		}
		return false
	}
	if w.l.checks {
		syncWarps(bar.members)
	}
	for _, r := range bar.result {
		r.deliver(bar.votes, bar.voters)
	}
	for _, v := range bar.waiting {
		if v != w {
			v.state = ready
			w.l.runnable = append(w.l.runnable, v)
		}
	}
	*bar = barrier{}
	return true
}

// special is the value of a special register that stays as it is.
func (w *warp) special(name string, lane int) uint64 {
	b, g := w.l.shape.Block, w.l.shape.Grid
	t := w.thread(lane)
	switch name {
	case "%tid.x":
		return uint64(t[0])
	case "%tid.y":
		return uint64(t[1])
	case "%tid.z":
		return uint64(t[2])
	case "%ntid.x":
		return uint64(b[0])
	case "%ntid.y":
		return uint64(b[1])
	case "%ntid.z":
		return uint64(b[2])
	case "%ctaid.x":
		return uint64(w.block.index[0])
	case "%ctaid.y":
		return uint64(w.block.index[1])
	case "%ctaid.z":
		return uint64(w.block.index[2])
	case "%nctaid.x":
		return uint64(g[0])
	case "%nctaid.y":
		return uint64(g[1])
	case "%nctaid.z":
		return uint64(g[2])
	case "%laneid":
		return uint64(lane)
	case "%warpid":
		return uint64(w.id)
	case "%nwarpid":
		return uint64(len(w.block.warps))
	case "%smid":
		return uint64(w.block.number % w.l.c.d.config.Multiprocessors)
	case "%nsmid":
		return uint64(w.l.c.d.config.Multiprocessors)
	case "%lanemask_eq":
		return 1 << lane
	case "%lanemask_lt":
		return 1<<lane - 1
	case "%lanemask_le":
		return 2<<lane - 1
	case "%lanemask_gt":
		return uint64(^uint32(2<<lane - 1))
	case "%lanemask_ge":
		return uint64(^uint32(1<<lane - 1))
	case "%dynamic_smem_size":
		return uint64(w.l.shape.Shared)
	case "%total_smem_size":
		return uint64(w.k.sharedReal) + uint64(w.l.shape.Shared)
	}
	return 0 // %gridid, and nothing else: knownSpecial holds the list
}

// specialNames are the special registers with their types; clocks are read anew at
// each use (see decodeClock).
var specialNames = map[string]Type{
	"%tid.x": U32, "%tid.y": U32, "%tid.z": U32, "%ntid.x": U32, "%ntid.y": U32, "%ntid.z": U32,
	"%ctaid.x": U32, "%ctaid.y": U32, "%ctaid.z": U32, "%nctaid.x": U32, "%nctaid.y": U32, "%nctaid.z": U32,
	"%laneid": U32, "%warpid": U32, "%nwarpid": U32, "%smid": U32, "%nsmid": U32, "%gridid": U64,
	"%lanemask_eq": U32, "%lanemask_lt": U32, "%lanemask_le": U32, "%lanemask_gt": U32, "%lanemask_ge": U32,
	"%dynamic_smem_size": U32, "%total_smem_size": U32,
	"%clock": U32, "%clock_hi": U32, "%clock64": U64, "%globaltimer": U64, "%globaltimer_lo": U32, "%globaltimer_hi": U32,
}

func knownSpecial(name string) bool { return specialNames[name] != NoType }

// lanesOf calls f for every lane of m.
func lanesOf(m uint32, f func(lane int)) {
	for ; m != 0; m &= m - 1 {
		f(bits.TrailingZeros32(m))
	}
}
