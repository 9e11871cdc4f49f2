package ptx

import "fmt"

// Race detection, after HiRace (arXiv 2401.04701): constant state a location. A cell
// of shadow memory keeps the last writer and the readers since then, each with the
// time of its access; an access is a race when it conflicts with a recorded one
// that did not happen before it.
//
// Time is one counter for a launch. A warp's clock is the time of its last
// synchronisation; its knowledge holds for every warp of the block the time up to
// which that warp's accesses happened before now:
//
//	bar.sync        joins the knowledge of all warps that take part; they get a new clock
//	bar.warp.sync   gives the warp a new clock: its lanes know of each other again
//	fence, membar   what happened before may now be published by an atomic, a volatile
//	                or a relaxed store, and what such a load saw is now known
//
// Shuffles and votes order nothing, as in CUDA's memory model. Atomics and volatile
// accesses do not race among themselves. A write of the value that is there already
// is let pass: it is the common way to raise a flag.

// shadow is the race state of a region, one cell for each 1 << grain bytes. It is
// made on first use, at 4 bytes a cell, and refined where narrower accesses come.
type shadow struct {
	cells []cell
	grain uint
	floor uint32 // accesses before this time are ordered before everything
}

// cell is packed so that whole arrays stay in cache: who is clock<<32 | block<<12 |
// warp<<7 | lane<<2 | spread.
type cell struct {
	write, read         uint64
	writeLine, readLine int32 // in the PTX, the write's negative where it was atomic
}

// spread of a reader: whether others, unordered with it, read too.
const (
	oneLane = iota
	manyLanes
	manyWarps
	manyBlocks
)

const blockMask = 1<<20 - 1

// knowledge is what a warp knows of the past of others.
type knowledge struct {
	clock  uint32
	warps  []uint32 // of the own block
	blocks []uint32 // block*warps+warp: of all blocks, nil until something was learned

	fenced  bool     // a fence has made the past publishable
	publish []uint32 // own block's knowledge at the fence
	pending []uint32 // seen by relaxed loads since the last fence, of all blocks
}

// who packs the accessor.
func (w *warp) who(lane int) uint64 {
	return uint64(w.know.clock)<<32 | uint64(w.block.number&blockMask)<<12 | uint64(w.id)<<7 | uint64(lane)<<2
}

// before tells whether the access who happened before one of the warp's lane now.
func (w *warp) before(who uint64, lane int) bool {
	clock := uint32(who >> 32)
	block := int(who >> 12 & blockMask)
	id := int(who >> 7 & 31)
	spread := who & 3
	if w.l.trust && (spread == manyBlocks || block != w.block.number&blockMask) {
		return w.k.fences
	}
	if spread == manyBlocks {
		// Exact only before any grid-wide synchronisation; after one, trust it.
		return w.know.blocks != nil
	}
	if block == w.block.number&blockMask {
		if spread == manyWarps {
			for u, t := range w.know.warps {
				if u != w.id && t < clock {
					return w.block.partial // a barrier of some warps: trust it
				}
			}
			return clock < w.know.clock
		}
		if id == w.id {
			return clock < w.know.clock || spread == oneLane && int(who>>2&31) == lane
		}
		return clock <= w.know.warps[id]
	}
	if w.know.blocks == nil {
		return false
	}
	n := len(w.block.warps)
	if spread == manyWarps {
		for u := 0; u < n; u++ {
			if w.know.blocks[block*n+u] != 0 {
				return true
			}
		}
		return false
	}
	return clock <= w.know.blocks[block*n+id]
}

// prepare makes the cells, fine enough for accesses of n bytes.
func (s *shadow) prepare(size uint64, n uint64) {
	if s.cells == nil {
		s.grain = 2
		s.cells = make([]cell, (size+3)/4)
	}
	for n < 1<<s.grain {
		fine := make([]cell, 2*len(s.cells))
		for i, c := range s.cells {
			fine[2*i], fine[2*i+1] = c, c
		}
		s.cells, s.grain = fine, s.grain-1
	}
}

// checkRead records a read of n bytes at o by me, which is the lane or, with its
// spread, several lanes, and faults if it races with a write.
func (r *region) checkRead(w *warp, in *inst, o, n uint64, lane int, me uint64, atomic bool) {
	s := &r.shadow
	if s.cells == nil || n < 1<<s.grain {
		s.prepare(r.size, n)
	}
	for i := o >> s.grain; i<<s.grain < o+n; i++ {
		c := &s.cells[i]
		if uint32(c.write>>32) < s.floor && uint32(c.read>>32) < s.floor && !atomic {
			c.read, c.readLine = me, in.line // the usual case: the first to come
			continue
		}
		if t := uint32(c.write >> 32); t >= s.floor && c.write != 0 && !w.before(c.write, lane) && !(atomic && c.writeLine < 0) {
			w.race(r, i<<s.grain, lane, c.write, c.writeLine, "write")
		}
		if atomic || c.read == me {
			continue
		}
		if c.read>>32 < uint64(s.floor) || c.read == 0 || w.before(c.read, lane) {
			c.read = me
		} else {
			spread := max(c.read&3, manyLanes)
			switch {
			case c.read>>12&blockMask != me>>12&blockMask:
				spread = manyBlocks
			case c.read>>7&31 != me>>7&31:
				spread = max(spread, manyWarps)
			}
			c.read = max(c.read>>32, me>>32)<<32 | me&0xfffffffc | max(spread, me&3)
		}
		c.readLine = in.line
	}
}

// checkWrite records a write of n bytes at o and faults if it races. same tells that
// it leaves the memory as it is.
func (r *region) checkWrite(w *warp, in *inst, o, n uint64, lane int, atomic, same bool) {
	s := &r.shadow
	if s.cells == nil || n < 1<<s.grain {
		s.prepare(r.size, n)
	}
	me := w.who(lane)
	for i := o >> s.grain; i<<s.grain < o+n; i++ {
		c := &s.cells[i]
		if t := uint32(c.write >> 32); t >= s.floor && c.write != 0 && !same && !w.before(c.write, lane) && !(atomic && c.writeLine < 0) {
			w.race(r, i<<s.grain, lane, c.write, c.writeLine, "write")
		}
		if t := uint32(c.read >> 32); t >= s.floor && c.read != 0 && !w.before(c.read, lane) {
			w.race(r, i<<s.grain, lane, c.read, c.readLine, "read")
		}
		c.write, c.writeLine, c.read = me, in.line, 0
		if atomic {
			c.writeLine = -in.line
		}
	}
}

// race reports the conflict of lane with the access who.
func (w *warp) race(r *region, o uint64, lane int, who uint64, line int32, what string) {
	if line < 0 {
		line, what = -line, "atomic "+what
	}
	block := w.l.blockIndex(int(who >> 12 & blockMask))
	other := fmt.Sprintf("block (%d,%d,%d)", block[0], block[1], block[2])
	switch who & 3 {
	case oneLane:
		b := w.l.shape.Block
		t := uint32(who>>7&31)*32 + uint32(who>>2&31)
		other += fmt.Sprintf(", thread (%d,%d,%d)", t%b[0], t/b[0]%b[1], t/b[0]/b[1])
	case manyLanes:
		other += fmt.Sprintf(", several threads of warp %d", who>>7&31)
	case manyWarps:
		other += ", threads of several warps"
	case manyBlocks:
		other = "threads of several blocks"
	}
	f := w.newFault(Race, lane, fmt.Sprintf("unordered with the %s at line %d by %s", what, line, other))
	w.place(f, r, o)
	panic(f)
}

// tick is a new time.
func (l *launch) tick() uint32 {
	l.c.clock++
	return l.c.clock
}

// syncWarp is bar.warp.sync: what the lanes did is ordered before what they do next.
func (w *warp) syncWarp() { w.know.clock = w.l.tick() }

// syncWarps is a barrier of some warps of a block.
func syncWarps(ws []*warp) {
	now := ws[0].l.tick()
	joined := make([]uint32, len(ws[0].block.warps))
	var blocks []uint32
	for _, w := range ws {
		for u, t := range w.know.warps {
			joined[u] = max(joined[u], t)
		}
		blocks = join(blocks, w.know.blocks)
	}
	for _, w := range ws {
		joined[w.id] = now - 1
	}
	for i, w := range ws {
		copy(w.know.warps, joined)
		if i > 0 && blocks != nil {
			w.know.blocks = append(w.know.blocks[:0], blocks...)
		} else {
			w.know.blocks = blocks
		}
		w.know.clock = now
	}
}

// join returns the later of a and b for every warp; a may be changed.
func join(a, b []uint32) []uint32 {
	if b == nil {
		return a
	}
	if a == nil {
		return append([]uint32(nil), b...)
	}
	for i, t := range b {
		a[i] = max(a[i], t)
	}
	return a
}

// fence makes the warp's past publishable and what it saw known.
func (w *warp) fence() {
	if !w.l.checks {
		return
	}
	k := &w.know
	if k.pending != nil { // never with launch.trust
		k.blocks = join(k.blocks, k.pending)
		n := len(w.block.warps)
		own := k.pending[w.block.number*n : w.block.number*n+n]
		for u, t := range own {
			if u != w.id {
				k.warps[u] = max(k.warps[u], t)
			}
		}
		k.pending = nil
	}
	now := w.l.tick()
	k.publish = append(k.publish[:0], k.warps...)
	k.publish[w.id] = now - 1
	k.clock = now
	k.fenced = true
}

// release publishes the warp's past, up to its last fence, at address a.
func (w *warp) release(a uint64) {
	k := &w.know
	if !k.fenced || !w.k.fences || w.l.trust {
		return
	}
	n := len(w.block.warps)
	v := w.l.syncs[a]
	if v == nil {
		v = make([]uint32, n*w.l.numBlocks)
		w.l.syncs[a] = v
	}
	v = join(v, k.blocks)
	own := v[w.block.number*n:]
	for u, t := range k.publish {
		own[u] = max(own[u], t)
	}
}

// observe takes note of what was published at address a.
func (w *warp) observe(a uint64) {
	if w.k.fences {
		w.know.pending = join(w.know.pending, w.l.syncs[a])
	}
}
