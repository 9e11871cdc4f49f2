package ptx

import "math/bits"

func init() {
	register(decodeMove, "mov")
	register(decodeAddressConversion, "cvta")
	register(decodeIsSpace, "isspacep")
}

// decodeMove decodes mov: between registers, from constants, special registers and
// addresses, and packing and unpacking of vectors. A copy of an undefined value is
// undefined, not an error: compilers write those.
func decodeMove(d *decoder) {
	t := d.typ()
	o := d.args(2)
	dst, src := &o[0], &o[1]
	switch {
	case t == Pred:
		d.in.pa = d.pred(src)
		d.in.p = d.dstPred(dst.reg)
		not := src.not
		d.in.run = func(w *warp, in *inst, m uint32) uint32 {
			v := w.p[in.pa]
			if not {
				v = ^v
			}
			w.p[in.p] = w.p[in.p]&^m | v&m
			return m
		}
	case src.kind == opVec:
		n := len(src.elems)
		part := map[int]Type{8: B8, 16: B16, 32: B32}[t.Bits()/n]
		if part == NoType || t.Bits()%n != 0 {
			d.fail("cannot pack %d values into %s", n, t)
		}
		for i := range src.elems {
			d.in.regs = append(d.in.regs, d.src(&src.elems[i], part))
		}
		d.in.d = d.dst(dst, t)
		d.in.reads, d.in.writes = nil, nil
		d.in.imm = int64(part.Bits())
		d.in.run = execPack
	case dst.kind == opVec:
		n := len(dst.elems)
		part := map[int]Type{8: B8, 16: B16, 32: B32}[t.Bits()/n]
		if part == NoType || t.Bits()%n != 0 {
			d.fail("cannot unpack %s into %d values", t, n)
		}
		d.in.a = d.src(src, t)
		for i := range dst.elems {
			d.in.dsts = append(d.in.dsts, d.dst(&dst.elems[i], part))
		}
		d.in.reads, d.in.writes = nil, nil
		d.in.imm = int64(part.Bits())
		d.in.run = execUnpack
	case src.kind == opSpecial && (specialIsClock(src.sym)):
		d.in.d = d.dst(dst, t)
		d.in.run = execClock
	default:
		d.in.a = d.src(src, t)
		d.in.d = d.dst(dst, t)
		d.in.reads, d.in.writes = nil, nil
		d.in.run = execMove
	}
}

func execMove(w *warp, in *inst, m uint32) uint32 {
	d, a := &w.r[in.d], &w.r[in.a]
	if m == full {
		*d = *a
		w.def[in.d] = w.def[in.a]
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = a[i]
	}
	w.def[in.d] = w.def[in.d]&^m | w.def[in.a]&m
	return m
}

func execPack(w *warp, in *inst, m uint32) uint32 {
	defined := m
	for _, s := range in.regs {
		defined &= w.def[s]
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		var v uint64
		for j, s := range in.regs {
			v |= w.r[s][i] << (in.imm * int64(j))
		}
		w.r[in.d][i] = v
	}
	w.def[in.d] = w.def[in.d]&^m | defined
	return m
}

func execUnpack(w *warp, in *inst, m uint32) uint32 {
	defined := w.def[in.a]
	mask := uint64(1)<<in.imm - 1
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		v := w.r[in.a][i]
		for j, s := range in.dsts {
			w.r[s][i] = v >> (in.imm * int64(j)) & mask
		}
	}
	for _, s := range in.dsts {
		w.def[s] = w.def[s]&^m | defined&m
	}
	return m
}

func specialIsClock(name string) bool {
	switch name {
	case "%clock", "%clock_hi", "%clock64", "%globaltimer", "%globaltimer_lo", "%globaltimer_hi":
		return true
	}
	return false
}

// execClock reads a clock: the emulator's own is the count of instructions.
func execClock(w *warp, in *inst, m uint32) uint32 {
	lanesOf(m, func(i int) { w.r[in.d][i] = w.l.stats.laneInstructions / 32 & 0xffffffff })
	return m
}

// decodeAddressConversion decodes cvta and cvta.to: shared and local memory lie in
// windows of the generic address space, global and constant memory at their place.
func decodeAddressConversion(d *decoder) {
	to := d.take("to")
	base := uint64(0)
	switch d.one("global", "const", "param", "shared", "shared::cta", "local") {
	case "":
		d.fail("%s needs a state space", d.s)
	case "shared", "shared::cta":
		base = sharedWindow
	case "local":
		base = localWindow
	}
	if to {
		base = -base
	}
	t := d.typeIn(U64)
	d.op1(t, func(a uint64) uint64 { return a + base })
}

func decodeIsSpace(d *decoder) {
	space := d.one("global", "const", "param", "shared", "shared::cta", "local")
	want := map[string]uint64{"shared": sharedWindow, "shared::cta": sharedWindow, "local": localWindow}[space]
	o := d.args(2)
	d.in.a = d.src(&o[1], U64)
	d.in.p = d.dstPred(o[0].reg)
	d.in.cmp = func(a, _ uint64) bool { return a&windowMask == want && space != "param" && space != "const" }
	d.in.b = d.in.a
	d.in.run = execSetp
}
