package ptx

import "strconv"

// Loops for the instructions that kernels spend their time in, for a warp whose lanes
// are all active. They do what the instruction's own function does, without a call a
// lane; a partial warp takes the general way. TestFast_SameAsGeneral holds them
// together.

// fast replaces the general execution of integer instructions.
func (d *decoder) fast(t Type) {
	if run := fastOps[fastKey{d.s.op, d.variant(t)}]; run != nil {
		d.in.run = run
	}
}

type fastKey struct{ op, variant string }

// variant is the part of a product, the width, and for shifts and wide
// products the sign.
func (d *decoder) variant(t Type) string {
	part := ""
	for _, m := range d.s.mods {
		if m == "lo" || m == "wide" {
			part = m + "."
		}
		if m == "hi" || m == "sat" {
			return "none"
		}
	}
	sign := "u"
	if t.Signed() && part != "lo." {
		sign = "s"
	}
	return part + sign + strconv.Itoa(t.Bits())
}

var fastOps = map[fastKey]func(w *warp, in *inst, m uint32) uint32{
	{"and", "u32"}: execAnd, {"and", "u64"}: execAnd,
	{"or", "u32"}: execOr, {"or", "u64"}: execOr,
	{"shl", "u32"}: execShl32, {"shl", "u64"}: execShl64,
	{"shr", "u32"}: execShr, {"shr", "u64"}: execShr,
	{"mul", "lo.u32"}: execMulLo32, {"mad", "lo.u32"}: execMadLo32,
	{"mul", "wide.u32"}: execMulWideU32, {"mul", "wide.s32"}: execMulWideS32,
}

func execAnd(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = a[i] & b[i]
	}
	return m
}

func execOr(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = a[i] | b[i]
	}
	return m
}

func execShl32(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = uint64(uint32(a[i]) << b[i])
	}
	return m
}

func execShl64(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = a[i] << b[i]
	}
	return m
}

func execShr(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = a[i] >> b[i]
	}
	return m
}

func execMulLo32(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = uint64(uint32(a[i]) * uint32(b[i]))
	}
	return m
}

func execMadLo32(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec3(w, in, m)
	}
	d, a, b, c := &w.r[in.d], &w.r[in.a], &w.r[in.b], &w.r[in.c]
	for i := range d {
		d[i] = uint64(uint32(a[i])*uint32(b[i]) + uint32(c[i]))
	}
	return m
}

func execMulWideU32(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = a[i] * b[i]
	}
	return m
}

func execMulWideS32(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = uint64(int64(int32(a[i])) * int64(int32(b[i])))
	}
	return m
}

func execAddF64(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = bits64(f64(a[i]) + f64(b[i]))
	}
	return m
}

func execMulF64(w *warp, in *inst, m uint32) uint32 {
	if m != full {
		return exec2(w, in, m)
	}
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for i := range d {
		d[i] = bits64(f64(a[i]) * f64(b[i]))
	}
	return m
}

// order compares two integers: all comparisons are "less" or "equal", perhaps with
// the operands swapped or the answer inverted.
type order struct{ equal, swap, invert bool }

var orders = map[string]order{
	"eq": {equal: true}, "ne": {equal: true, invert: true},
	"lt": {}, "lo": {}, "ge": {invert: true}, "hs": {invert: true},
	"gt": {swap: true}, "hi": {swap: true}, "le": {swap: true, invert: true}, "ls": {swap: true, invert: true},
}

// fastSetp returns setp of whole warps for integers of type t.
func fastSetp(op string, t Type) func(w *warp, in *inst, m uint32) uint32 {
	o := orders[op]
	return func(w *warp, in *inst, m uint32) uint32 {
		if m != full {
			return execSetp(w, in, m)
		}
		a, b := &w.r[in.a], &w.r[in.b]
		if o.swap {
			a, b = b, a
		}
		var r uint32
		switch {
		case o.equal:
			for i := range a {
				r |= bit(a[i] == b[i]) << i
			}
		case t == S32:
			for i := range a {
				r |= bit(int32(a[i]) < int32(b[i])) << i
			}
		case t == S64:
			for i := range a {
				r |= bit(int64(a[i]) < int64(b[i])) << i
			}
		default: // unsigned cells hold zeros above their width
			for i := range a {
				r |= bit(a[i] < b[i]) << i
			}
		}
		if o.invert {
			r = ^r
		}
		w.p[in.p] = r
		return m
	}
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
