package ptx

import (
	"fmt"
	"math/bits"
)

func init() {
	register(decodeAsyncCopy, "cp")
}

// asyncCopies are the cp.async of each lane that have not arrived. They arrive as
// late as PTX allows, at the wait, so that a kernel that forgets to wait reads what
// was there before.
type asyncCopies struct {
	pending [32][]asyncCopy
	groups  [32]int // committed so far
}

// asyncCopy is one cp.async; its bytes are read from global memory at once.
type asyncCopy struct {
	in    *inst
	group int
	at    uint64 // in shared memory
	data  [16]byte
	size  uint64
}

// decodeAsyncCopy decodes cp.async.{ca,cg}.shared.global [dst], [src], size[, src-size]
// and its commit_group, wait_group and wait_all.
func decodeAsyncCopy(d *decoder) {
	if !d.take("async") {
		d.fail("unknown instruction %s", d.s)
	}
	d.needs(80, 70)
	switch {
	case d.take("commit_group"):
		d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
			lanesOf(m, func(i int) { w.async.groups[i]++ })
			return m
		}
		return
	case d.take("wait_all"):
		d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
			lanesOf(m, func(i int) { w.settle(i, w.async.groups[i]) })
			return m
		}
		return
	case d.take("wait_group"):
		o := d.args(1)
		if o[0].kind != opImm {
			d.fail("%s needs a constant", d.s)
		}
		n := int(o[0].imm)
		d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
			lanesOf(m, func(i int) { w.settle(i, w.async.groups[i]-1-n) })
			return m
		}
		return
	}
	if d.take("bulk") {
		d.fail("%s is not supported", d.s)
	}
	cg := d.one("ca", "cg") == "cg"
	if !d.take("shared", "shared::cta") || !d.take("global") {
		d.fail("cp.async goes from global to shared memory")
	}
	d.take("L2::64B", "L2::128B", "L2::256B")
	o := d.args(3, 4)
	if o[2].kind != opImm {
		d.fail("the size of cp.async must be a constant")
	}
	size := o[2].imm
	if size != 16 && (cg || size != 4 && size != 8) {
		d.fail("cp.async of %d bytes", size)
	}
	to, from := &memOp{space: Shared}, &memOp{space: Global, total: size}
	d.place(&o[0], to)
	dst, dstOff := d.in.a, uint64(d.in.imm)
	d.place(&o[1], from)
	d.in.mem = from
	have := d.constant(size)
	if len(o) == 4 {
		have = d.src(&o[3], U32)
	}
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		for k := m; k != 0; k &= k - 1 {
			i := bits.TrailingZeros32(k)
			_, at := w.locate(in, Shared, w.r[dst][i]+dstOff, size, i)
			c := asyncCopy{in: in, group: w.async.groups[i], at: at, size: size}
			n := w.r[have][i]
			if n > size {
				w.fault(OutOfBounds, i, "%s", fmt.Sprintf("source size %d of a copy of %d bytes", n, size))
			}
			a := w.r[in.a][i] + uint64(in.imm)
			if a&(size-1) != 0 {
				f := w.newFault(Misaligned, i, fmt.Sprintf("%d bytes must start at a multiple of %d", size, size))
				f.Address, f.Space, f.Memory = a, Global, "the source"
				panic(f)
			}
			for b := uint64(0); b < n; {
				step := min(n-b, size)
				for step&(step-1) != 0 {
					step &= step - 1
				}
				r, o := w.locate(in, Global, a+b, step, i)
				if w.l.checks {
					if r.undef > 0 && !r.defined(o, step) {
						w.uninitialised(r, o, step, i)
					}
					if !r.readOnly {
						r.checkRead(w, in, o, step, i, w.who(i), false)
					}
					if r.reads != nil {
						for j := o; j < o+step; j++ {
							r.reads[j]++
						}
					}
				}
				copy(c.data[b:b+step], r.data[o:])
				r.loaded += step
				w.l.stats.Loaded[r.space] += step
				b += step
			}
			w.async.pending[i] = append(w.async.pending[i], c)
		}
		return m
	}
}

// settle lets the lane's copies up to the group arrive in shared memory.
func (w *warp) settle(lane, group int) {
	queue := w.async.pending[lane]
	keep := queue[:0]
	r := w.block.shared
	for _, c := range queue {
		if c.group > group {
			keep = append(keep, c)
			continue
		}
		if w.l.checks {
			r.checkWrite(w, c.in, c.at, c.size, lane, false, false)
		}
		r.define(c.at, c.size)
		copy(r.data[c.at:], c.data[:c.size])
		w.l.stats.Stored[Shared] += c.size
	}
	w.async.pending[lane] = keep
}
