package ptx

import (
	"fmt"
	"math/bits"
)

// Execution of loads and stores: where an address leads, and what is checked there.

// execLoadParam reads kernel parameters: the same for all lanes.
func execLoadParam(w *warp, in *inst, m uint32) uint32 {
	mem, args := in.mem, region{data: w.l.args}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		a := w.r[in.a][i] + uint64(in.imm)
		if a+mem.total > uint64(len(w.l.args)) {
			w.fault(OutOfBounds, i, "the kernel has %d bytes of parameters, offset %d was read", len(w.l.args), a)
		}
		for j, s := range mem.vec {
			w.r[s][i] = mem.typ.extend(args.get(a+uint64(j)*mem.size, int(mem.size))) & mem.widths[j]
		}
	}
	return m
}

// locate returns the region and the offset of n bytes at address a for a lane.
func (w *warp) locate(in *inst, space Space, a, n uint64, lane int) (*region, uint64) {
	if space == Generic {
		switch a & windowMask {
		case sharedWindow:
			space, a = Shared, a&^windowMask
		case localWindow:
			space, a = Local, a&^windowMask
		}
	}
	var r *region
	var o uint64
	switch space {
	case Shared:
		r, o = w.block.shared, a
		if o >= r.size || n > r.size-o || len(r.holes) > 0 && r.inHole(o) {
			w.outside(Shared, r, a, n, lane)
		}
	case Local:
		size := uint64(w.k.localSize)
		if r = &w.local; a >= size || n > size-a {
			w.outside(Local, r, a, n, lane)
		}
		o = uint64(lane)*size + a
	default:
		r = in.mem.cache
		if r == nil || a-r.base >= uint64(len(r.data)) || n > uint64(len(r.data))-(a-r.base) {
			var kind Kind
			var text string
			if r, kind, text = w.l.c.memory.find(a, n); r == nil {
				f := w.newFault(kind, lane, "")
				f.Address, f.Space, f.Memory = a, Global, text
				panic(f)
			}
			in.mem.cache = r
		}
		o = a - r.base
	}
	if a&(n-1) != 0 {
		f := w.newFault(Misaligned, lane, fmt.Sprintf("%d bytes must start at a multiple of %d", n, n))
		w.place(f, r, o)
		panic(f)
	}
	return r, o
}

func (r *region) inHole(o uint64) bool {
	for _, h := range r.holes {
		if o >= h.from && o < h.to {
			return true
		}
	}
	return false
}

// outside reports an address beyond shared or local memory or between variables.
func (w *warp) outside(space Space, r *region, a, n uint64, lane int) {
	f := w.newFault(OutOfBounds, lane, "")
	f.Address, f.Space = a, space
	f.Memory = fmt.Sprintf("beyond the %d bytes there are", r.size)
	if space == Local {
		f.Memory = fmt.Sprintf("beyond the %d bytes of the thread", w.k.localSize)
	}
	for _, v := range r.vars {
		if end := uint64(v.offset + v.bytes); a >= end && (w.l.shape.Shared == 0 || a < uint64(w.k.dynamic)) {
			f.Memory = fmt.Sprintf("%d bytes past the end of %q (%d bytes)", a-end, v.name, v.bytes)
		}
	}
	panic(f)
}

// place names the memory at offset o of r in a fault.
func (w *warp) place(f *Fault, r *region, o uint64) {
	f.Address, f.Space = r.base+o, r.space
	name, at := r.name, o
	if r.space == Shared {
		name = "dynamic shared memory"
		if at -= uint64(w.k.dynamic); o < uint64(w.k.dynamic) || w.k.dynamic == 0 && len(r.vars) > 0 {
			at = o
		}
	}
	for _, v := range r.vars {
		if o >= uint64(v.offset) && o < uint64(v.offset+v.bytes) {
			name, at = v.name, o-uint64(v.offset)
		}
	}
	if r.space == Local {
		name, at = "local memory", o%uint64(max(1, w.k.localSize))
		f.Address = at
	}
	f.Memory = fmt.Sprintf("offset %d of %q", at, name)
}

// uninitialised reports a read of bytes that were never written.
func (w *warp) uninitialised(r *region, o, n uint64, lane int) {
	for n > 0 && r.defined(o, 1) {
		o, n = o+1, n-1
	}
	f := w.newFault(Uninitialised, lane, "nothing was written there")
	w.place(f, r, o)
	panic(f)
}

func execLoad(w *warp, in *inst, m uint32) uint32 {
	mem := in.mem
	addr := &w.r[in.a]
	one := addr[bits.TrailingZeros32(m)]
	uniform := mem.space != Local && mem.space != Generic
	for k := m & (m - 1); k != 0 && uniform; k &= k - 1 {
		uniform = addr[bits.TrailingZeros32(k)] == one
	}
	if uniform {
		w.loadOne(in, m, one+uint64(in.imm))
	} else {
		w.loadEach(in, m)
	}
	if mem.acquire {
		w.fence()
	}
	if mem.strong {
		w.yield()
	}
	return m
}

// loadOne reads the same address for all lanes: one look is enough.
func (w *warp) loadOne(in *inst, m uint32, a uint64) {
	first := bits.TrailingZeros32(m)
	who := w.who(first)
	if m&(m-1) != 0 {
		who |= manyLanes
	}
	r, o := w.load(in, first, a, who, uint64(bits.OnesCount32(m)))
	for j, s := range in.mem.vec {
		v := in.mem.value(r, o, j)
		for k := m; k != 0; k &= k - 1 {
			w.r[s][bits.TrailingZeros32(k)] = v
		}
	}
}

// loadEach reads an address a lane. They mostly lie in one region: found for the
// first lane, it is only compared for the others.
func (w *warp) loadEach(in *inst, m uint32) {
	mem, addr := in.mem, &w.r[in.a]
	who, first := w.who(0), bits.TrailingZeros32(m)
	r, o := w.load(in, first, addr[first]+uint64(in.imm), who|uint64(first)<<2, 1)
	plain := (r.space == Global || r.space == Shared) && mem.space != Generic && r.reads == nil && !mem.strong
	track := w.l.checks && !r.readOnly // constants are defined and cannot race
	last := r.size - mem.total
	home, lanes := r.space, uint64(0)
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		if i != first {
			a := addr[i] + uint64(in.imm)
			if o = a - r.base; plain && o <= last && a&(mem.total-1) == 0 && (r.holes == nil || !r.inHole(o)) {
				r.loaded += mem.total
				lanes++
				if track {
					if r.undef > 0 && !r.defined(o, mem.total) {
						w.uninitialised(r, o, mem.total, i)
					}
					r.checkRead(w, in, o, mem.total, i, who|uint64(i)<<2, false)
				}
			} else {
				plain = false
				r, o = w.load(in, i, a, who|uint64(i)<<2, 1)
			}
		}
		for j, s := range mem.vec {
			w.r[s][i] = mem.value(r, o, j)
		}
	}
	w.l.stats.Loaded[home] += lanes * mem.total
}

// load checks and counts the read of address a by who, lanes times, and returns
// where it is.
func (w *warp) load(in *inst, lane int, a, who, lanes uint64) (*region, uint64) {
	mem := in.mem
	r, o := w.locate(in, mem.space, a, mem.total, lane)
	r.loaded += mem.total * lanes
	w.l.stats.Loaded[r.space] += mem.total * lanes
	if !w.l.checks {
		return r, o
	}
	if r.undef > 0 && !r.defined(o, mem.total) {
		w.uninitialised(r, o, mem.total, lane)
	}
	if r.space != Local && !r.readOnly {
		r.checkRead(w, in, o, mem.total, lane, who, mem.strong)
	}
	if r.reads != nil {
		for b := o; b < o+mem.total; b++ {
			r.reads[b] += uint32(lanes)
		}
	}
	if mem.strong && r.space == Global {
		w.observe(r.base + o)
	}
	return r, o
}

// value is element j of a load, as wide as its register.
func (mem *memOp) value(r *region, o uint64, j int) uint64 {
	v := r.get(o+uint64(j)*mem.size, int(mem.size))
	if mem.signed {
		v = mem.typ.extend(v)
	}
	return v & mem.widths[j]
}

// yield lets other warps run: what is read may be what they write.
func (w *warp) yield() {
	if w.l.rand.Uint64()&1 == 0 {
		w.state = yielded
	}
}

func execStore(w *warp, in *inst, m uint32) uint32 {
	mem := in.mem
	checks := w.l.checks
	addr := &w.r[in.a]
	if mem.release {
		w.fence()
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		r, o := w.locate(in, mem.space, addr[i]+uint64(in.imm), mem.total, i)
		if r.readOnly {
			f := w.newFault(ReadOnly, i, "")
			w.place(f, r, o)
			panic(f)
		}
		r.stored += mem.total
		w.l.stats.Stored[r.space] += mem.total
		if checks {
			if r.space != Local {
				same := r.undef == 0 || r.defined(o, mem.total)
				for j, s := range mem.vec {
					same = same && r.get(o+uint64(j)*mem.size, int(mem.size)) == w.r[s][i]&mem.typ.mask()
				}
				r.checkWrite(w, in, o, mem.total, i, mem.strong, same)
			}
			if mem.strong && r.space == Global {
				w.release(r.base + o)
			}
		}
		if r.undef > 0 {
			r.define(o, mem.total)
		}
		for j, s := range mem.vec {
			r.put(o+uint64(j)*mem.size, int(mem.size), w.r[s][i])
		}
	}
	if mem.strong {
		w.yield()
	}
	return m
}
