package ptx

import "math/bits"

// Integer arithmetic, logic and shifts. Registers hold values masked to their
// width; t.extend gives the number a cell stands for.

func init() {
	register(decodeAdd, "add", "sub")
	register(decodeMul, "mul", "mul24")
	register(decodeMad, "mad", "mad24")
	register(decodeDivision, "div", "rem")
	register(decodeMinMax, "min", "max")
	register(decodeSign, "abs", "neg")
	register(decodeLogic, "and", "or", "xor", "not", "cnot")
	register(decodeShift, "shl", "shr")
	register(decodeCarry, "addc", "subc", "madc")
	register(decodeSad, "sad")
	register(decodeDot, "dp4a", "dp2a")
}

var integers = []Type{U16, U32, U64, S16, S32, S64}

// saturate clamps v to the range of the signed type t.
func saturate(v int64, t Type) uint64 {
	top := int64(1)<<(t.Bits()-1) - 1
	return uint64(min(max(v, -top-1), top)) & t.mask()
}

func decodeAdd(d *decoder) {
	if d.take("cc") {
		decodeCarryOut(d)
		return
	}
	if floatOp(d) {
		return
	}
	sub := d.s.op == "sub"
	sat := d.take("sat")
	t := d.typeIn(integers...)
	k := t.mask()
	switch {
	case sat && t != S32:
		d.fail("%s.sat is for .s32", d.s.op)
	case sat && sub:
		d.op2(t, func(a, b uint64) uint64 { return saturate(int64(int32(a))-int64(int32(b)), t) })
	case sat:
		d.op2(t, func(a, b uint64) uint64 { return saturate(int64(int32(a))+int64(int32(b)), t) })
	case sub:
		d.op2(t, func(a, b uint64) uint64 { return (a - b) & k })
	default:
		d.op2(t, nil)
		if d.in.run = execAdd64; t.Bits() == 32 {
			d.in.run = execAdd32
		} else if t.Bits() == 16 {
			d.in.f2, d.in.run = func(a, b uint64) uint64 { return (a + b) & k }, exec2
		}
	}
}

func execAdd32(w *warp, in *inst, m uint32) uint32 {
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	if m == full {
		for i := range d {
			d[i] = uint64(uint32(a[i] + b[i]))
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = uint64(uint32(a[i] + b[i]))
	}
	return m
}

func execAdd64(w *warp, in *inst, m uint32) uint32 {
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	if m == full {
		for i := range d {
			d[i] = a[i] + b[i]
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = a[i] + b[i]
	}
	return m
}

// product gives the function of mul.lo, mul.hi and mul.wide for type t; the wide
// result has twice the width.
func product(t Type, part string) func(a, b uint64) uint64 {
	k, n := t.mask(), t.Bits()
	switch {
	case part == "lo":
		return func(a, b uint64) uint64 { return a * b & k }
	case part == "wide" && n == 16:
		return func(a, b uint64) uint64 { return t.extend(a) * t.extend(b) & 0xffffffff }
	case part == "wide":
		return func(a, b uint64) uint64 { return t.extend(a) * t.extend(b) }
	case n < 64:
		return func(a, b uint64) uint64 { return t.extend(a) * t.extend(b) >> n & k }
	case t == U64:
		return func(a, b uint64) uint64 { hi, _ := bits.Mul64(a, b); return hi }
	}
	return func(a, b uint64) uint64 {
		hi, _ := bits.Mul64(a, b)
		if int64(a) < 0 {
			hi -= b
		}
		if int64(b) < 0 {
			hi -= a
		}
		return hi
	}
}

// product24 is the part of the 48-bit product of two 24-bit numbers.
func product24(t Type, part string) func(a, b uint64) uint64 {
	low := func(v uint64) uint64 {
		if t == S32 {
			return uint64(int64(v<<40) >> 40)
		}
		return v & 0xffffff
	}
	if part == "hi" {
		return func(a, b uint64) uint64 { return low(a) * low(b) >> 16 & 0xffffffff }
	}
	return func(a, b uint64) uint64 { return low(a) * low(b) & 0xffffffff }
}

// wider is the type of twice t's width.
func wider(t Type) Type {
	switch t {
	case U16:
		return U32
	case S16:
		return S32
	case U32:
		return U64
	}
	return S64
}

func decodeMul(d *decoder) {
	part := d.one("lo", "hi", "wide")
	if part == "" {
		if floatOp(d) {
			return
		}
		d.fail("%s needs .lo, .hi or .wide", d.s)
	}
	t := d.typeIn(integers...)
	f := product(t, part)
	if d.s.op == "mul24" {
		if t.Bits() != 32 || part == "wide" {
			d.fail("unsupported form of %s", d.s)
		}
		f = product24(t, part)
	}
	if part != "wide" {
		if d.op2(t, f); d.s.op == "mul" {
			d.fast(t)
		}
		return
	}
	if t.Bits() == 64 {
		d.fail("%s: .wide of 64 bits", d.s)
	}
	o := d.args(3)
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], t)
	d.in.d = d.dst(&o[0], wider(t))
	d.in.f2, d.in.run = f, exec2
	d.fast(t)
}

func decodeMad(d *decoder) {
	if d.take("cc") {
		decodeCarryOut(d)
		return
	}
	part := d.one("lo", "hi", "wide")
	if part == "" {
		if floatOp(d) {
			return
		}
		d.fail("%s needs .lo, .hi or .wide", d.s)
	}
	sat := d.take("sat")
	t := d.typeIn(integers...)
	f, to := product(t, part), t
	if d.s.op == "mad24" {
		f = product24(t, part)
	}
	if part == "wide" {
		to = wider(t)
	}
	o := d.args(4)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], t), d.src(&o[2], t), d.src(&o[3], to)
	d.in.d = d.dst(&o[0], to)
	k := to.mask()
	d.in.run = exec3
	d.in.f3 = func(a, b, c uint64) uint64 { return (f(a, b) + c) & k }
	if part == "lo" && d.s.op == "mad" {
		d.fast(t)
	}
	if sat {
		if part != "hi" || t != S32 {
			d.fail("mad.sat is for .hi.s32")
		}
		d.in.f3 = func(a, b, c uint64) uint64 { return saturate(int64(int32(f(a, b)))+int64(int32(c)), t) }
	}
}

func decodeDivision(d *decoder) {
	if floatOp(d) {
		return
	}
	rem := d.s.op == "rem"
	t := d.typeIn(integers...)
	k := t.mask()
	// Division by zero is undefined in PTX; the hardware gives all ones, and the
	// dividend as remainder.
	if t.Signed() {
		d.op2(t, func(a, b uint64) uint64 {
			x, y := int64(t.extend(a)), int64(t.extend(b))
			switch {
			case y == 0 && rem:
				return a
			case y == 0:
				return k
			case rem && y == -1:
				return 0
			case rem:
				return uint64(x%y) & k
			case y == -1:
				return uint64(-x) & k
			}
			return uint64(x/y) & k
		})
		return
	}
	d.op2(t, func(a, b uint64) uint64 {
		switch {
		case b == 0 && rem:
			return a
		case b == 0:
			return k
		case rem:
			return a % b
		}
		return a / b
	})
}

func decodeMinMax(d *decoder) {
	if floatOp(d) {
		return
	}
	t := d.typeIn(integers...)
	less := lessThan(t)
	if d.s.op == "min" {
		d.op2(t, func(a, b uint64) uint64 {
			if less(b, a) {
				return b
			}
			return a
		})
		return
	}
	d.op2(t, func(a, b uint64) uint64 {
		if less(a, b) {
			return b
		}
		return a
	})
}

// lessThan compares integers of type t.
func lessThan(t Type) func(a, b uint64) bool {
	switch t {
	case S32:
		return func(a, b uint64) bool { return int32(a) < int32(b) }
	case S64:
		return func(a, b uint64) bool { return int64(a) < int64(b) }
	}
	if t.Signed() {
		return func(a, b uint64) bool { return int64(t.extend(a)) < int64(t.extend(b)) }
	}
	return func(a, b uint64) bool { return a < b }
}

func decodeSign(d *decoder) {
	if floatOp(d) {
		return
	}
	t := d.typeIn(S16, S32, S64)
	k := t.mask()
	if d.s.op == "neg" {
		d.op1(t, func(a uint64) uint64 { return -a & k })
		return
	}
	d.op1(t, func(a uint64) uint64 {
		if int64(t.extend(a)) < 0 {
			return -a & k
		}
		return a
	})
}

func decodeLogic(d *decoder) {
	t := d.typeIn(Pred, B16, B32, B64)
	k := t.mask()
	if t == Pred {
		decodePredicateLogic(d)
		return
	}
	switch d.s.op {
	case "and":
		d.op2(t, func(a, b uint64) uint64 { return a & b })
		d.fast(t)
	case "or":
		d.op2(t, func(a, b uint64) uint64 { return a | b })
		d.fast(t)
	case "xor":
		d.op2(t, func(a, b uint64) uint64 { return a ^ b })
	case "not":
		d.op1(t, func(a uint64) uint64 { return ^a & k })
	case "cnot":
		d.op1(t, func(a uint64) uint64 {
			if a == 0 {
				return 1
			}
			return 0
		})
	}
}

func decodeShift(d *decoder) {
	o := d.args(3)
	var t Type
	n := uint64(0)
	if d.s.op == "shl" {
		t = d.typeIn(B16, B32, B64)
		k := t.mask()
		d.in.f2 = func(a, b uint64) uint64 { return a << b & k } // Go shifts by 64 and more to 0
	} else {
		t = d.typeIn(B16, B32, B64, U16, U32, U64, S16, S32, S64)
		n = uint64(t.Bits())
		k := t.mask()
		d.in.f2 = func(a, b uint64) uint64 { return a >> b }
		if t.Signed() {
			d.in.f2 = func(a, b uint64) uint64 { return uint64(int64(t.extend(a))>>min(b, n-1)) & k }
		}
	}
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], U32)
	d.in.d = d.dst(&o[0], t)
	d.in.run = exec2
	d.fast(t)
}

// decodeCarryOut decodes add.cc, sub.cc and mad.cc, decodeCarry addc, subc and madc.
func decodeCarryOut(d *decoder) { carry(d, false, true) }

func decodeCarry(d *decoder) { carry(d, true, d.take("cc")) }

func carry(d *decoder, in, out bool) {
	part := d.one("lo", "hi")
	t := d.typeIn(U32, S32, U64, S64)
	k := t.mask()
	var f func(a, b uint64) uint64
	o := d.args(3, 4)
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], t)
	if d.in.c = d.constant(0); d.s.op[0] == 'm' {
		if len(o) != 4 || part == "" {
			d.fail("bad form of %s", d.s)
		}
		f = product(t, part)
		d.in.c = d.src(&o[3], t)
	}
	sub := d.s.op[0] == 's'
	d.in.d = d.dst(&o[0], t)
	d.in.run = func(w *warp, in2 *inst, m uint32) uint32 {
		lanesOf(m, func(i int) {
			x, y, c := w.r[in2.a][i], w.r[in2.b][i], uint64(0)
			if f != nil {
				x, y = f(x, y), w.r[in2.c][i]
			}
			if in {
				c = uint64(w.cc >> i & 1)
			}
			var r, carryOut uint64
			if sub {
				r, carryOut = bits.Sub64(x, y, c) // the flag is the borrow
			} else if r, carryOut = bits.Add64(x, y, c); k != ^uint64(0) {
				carryOut = r >> 32
			}
			w.r[in2.d][i] = r & k
			if out {
				w.cc = w.cc&^(1<<i) | uint32(carryOut&1)<<i
			}
		})
		return m
	}
}

func decodeSad(d *decoder) {
	t := d.typeIn(integers...)
	less, k := lessThan(t), t.mask()
	d.op3(t, func(a, b, c uint64) uint64 {
		if less(a, b) {
			a, b = b, a
		}
		return (c + a - b) & k
	})
}

// decodeDot decodes dp4a and dp2a: dot products of packed bytes added to c.
func decodeDot(d *decoder) {
	four := d.s.op == "dp4a"
	high := d.one("lo", "hi") == "hi"
	ta, tb := d.typeIn(U32, S32), d.typeIn(U32, S32)
	o := d.args(4)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], B32), d.src(&o[2], B32), d.src(&o[3], B32)
	d.in.d = d.dst(&o[0], B32)
	part := func(t Type, v uint64, n, i int) int64 {
		if v = v >> (n * i); t == S32 {
			return int64(v<<(64-n)) >> (64 - n)
		}
		return int64(v & (1<<n - 1))
	}
	d.in.run = exec3
	d.in.f3 = func(a, b, c uint64) uint64 {
		sum := int64(c)
		if four {
			for i := 0; i < 4; i++ {
				sum += part(ta, a, 8, i) * part(tb, b, 8, i)
			}
		} else {
			for i := 0; i < 2; i++ {
				j := i
				if high {
					j += 2
				}
				sum += part(ta, a, 16, i) * part(tb, b, 8, j)
			}
		}
		return uint64(sum) & 0xffffffff
	}
}
