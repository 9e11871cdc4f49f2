package ptx

import (
	"math"
	"math/bits"
)

func init() {
	register(decodeConvert, "cvt")
}

// conversion is cvt's modifiers.
type conversion struct {
	to, from Type
	mode     rounding
	integral bool // rni and the like: round to an integral value
	ftz, sat bool
	relu     bool
}

func decodeConvert(d *decoder) {
	var c conversion
	rounded := false
	if n := d.one("rni", "rzi", "rmi", "rpi"); n != "" {
		c.mode, c.integral = roundingByName[n], true
	} else {
		c.mode, rounded = d.mode()
	}
	c.ftz, c.sat, c.relu = d.take("ftz"), d.take("sat"), d.take("relu")
	if d.take("satfinite") {
		c.sat = true
	}
	c.to, c.from = d.typ(), d.typ()
	d.convertRules(c, rounded)
	if c.from == BF16 {
		d.needs(80, 71)
	}
	if (c.to == F16x2 || c.to == BF16x2) && c.from == F32 {
		decodeConvertPair(d, c)
		return
	}
	f := c.function()
	if f == nil || c.sat && c.contained() {
		d.fail("unsupported conversion %s", d.s)
	}
	to, from := c.to, c.from
	o := d.args(2)
	if to == TF32 {
		to = B32
	}
	d.in.a = d.src(&o[1], from, true)
	d.in.d = d.dst(&o[0], to, true)
	width := to.mask()
	if o[0].kind == opReg {
		width = d.f.regs[o[0].reg].mask()
	}
	mask := from.mask()
	d.in.run = exec1
	switch {
	case from.Integer() && !from.Signed() && to.Integer() && (to.Bits() > from.Bits() || to.Bits() == from.Bits() && !to.Signed()):
		d.in.f1 = func(a uint64) uint64 { return a & mask }
	case from == S32 && (to == S64 || to == U64) && !c.sat:
		d.in.f1 = func(a uint64) uint64 { return uint64(int64(int32(a))) }
	case from == BF16 && to == F32 && !c.sat && !c.relu:
		d.in.f1 = func(a uint64) uint64 { return bits32(f32(a << 16)) }
	case from == F16 && to == F32 && !c.sat && !c.relu:
		d.in.f1 = func(a uint64) uint64 { return bits32(float32(fromHalf(a))) }
	case from == F64 && to == F32 && c.mode == rn && !c.sat && !c.ftz && !c.integral:
		d.in.f1 = func(a uint64) uint64 { return bits32(float32(f64(a))) }
	case from == F32 && to == F64 && !c.sat && !c.ftz && !c.integral:
		d.in.f1 = func(a uint64) uint64 { return bits64(float64(f32(a))) }
	default:
		d.in.f1 = func(a uint64) uint64 { return f(a&mask) & width }
	}
}

// decodeConvertPair decodes cvt.rn.f16x2.f32 d, a, b: a in the upper half.
func decodeConvertPair(d *decoder, c conversion) {
	if c.to = F16; d.s.mods[len(d.s.mods)-2] == "bf16x2" {
		c.to = BF16
	}
	f := c.function()
	o := d.args(3)
	d.in.a, d.in.b = d.src(&o[1], F32), d.src(&o[2], F32)
	d.in.d = d.dst(&o[0], B32)
	d.in.f2 = func(a, b uint64) uint64 { return f(a)<<16 | f(b) }
	d.in.run = exec2
}

// function returns the conversion; a result that is an integer narrower than its
// register is sign- or zero-extended to 64 bits.
func (c conversion) function() func(a uint64) uint64 {
	fi, ti := !c.from.Float(), !c.to.Float()
	switch {
	case c.from == Pred || c.to == Pred || c.from == F16x2 || c.from == BF16x2 || c.from == TF32:
		return nil
	case fi && ti:
		return c.integers
	case fi:
		return c.fromInteger
	case ti:
		return c.toInteger
	}
	return c.floats
}

// contained tells whether both are integers and the destination holds every value of
// the source: .sat would mean nothing, and ptxas refuses it.
func (c conversion) contained() bool {
	if !c.from.Integer() || !c.to.Integer() {
		return false
	}
	if c.from.Signed() == c.to.Signed() {
		return c.to.Bits() >= c.from.Bits()
	}
	return c.to.Signed() && c.to.Bits() > c.from.Bits()
}

func (c conversion) integers(a uint64) uint64 {
	v := c.from.extend(a)
	if c.sat {
		v = clampInteger(v, c.from.Signed(), c.to)
	}
	return c.to.extend(v)
}

// clampInteger clamps the number v, signed or not, to the range of t.
func clampInteger(v uint64, signed bool, t Type) uint64 {
	negative := signed && int64(v) < 0
	if t.Signed() {
		top := uint64(1)<<(t.Bits()-1) - 1
		if negative {
			return uint64(max(int64(v), -int64(top)-1))
		}
		return min(v, top)
	}
	if negative {
		return 0
	}
	return min(v, t.mask())
}

func (c conversion) fromInteger(a uint64) uint64 {
	v := c.from.extend(a)
	neg := c.from.Signed() && int64(v) < 0
	if neg {
		v = -v
	}
	if c.to == F64 && c.mode == rn {
		f := float64(v)
		if neg {
			f = -f
		}
		return math.Float64bits(f)
	}
	// Keep 53 bits with a sticky last one: exact, or rounded to odd.
	shift := max(0, 64-bits.LeadingZeros64(v)-53)
	kept := v >> shift
	rest := v &^ (kept << shift)
	f := math.Ldexp(float64(kept), shift)
	if c.to == F64 && rest != 0 {
		away := c.mode == rp && !neg || c.mode == rm && neg
		if away {
			f = math.Nextafter(f, math.Inf(1))
		}
	} else if rest != 0 {
		f = math.Float64frombits(math.Float64bits(f) | 1)
	}
	if neg {
		f = -f
	}
	return arithmetic{t: c.to, mode: c.mode, sat: c.sat}.out(f)
}

// toInteger clamps to the range of the type, as the hardware always does.
func (c conversion) toInteger(a uint64) uint64 {
	x := arithmetic{t: c.from, ftz: c.ftz}.in(a)
	t := c.to
	if x != x {
		// PTX: zero, or the most negative number where 64 bits are involved.
		if c.from == F64 || t.Bits() == 64 {
			return t.extend(1 << (t.Bits() - 1))
		}
		return 0
	}
	x = roundInteger(x, c.mode)
	if t.Signed() {
		top := math.Ldexp(1, t.Bits()-1)
		switch {
		case x >= top:
			return uint64(1)<<(t.Bits()-1) - 1
		case x < -top:
			return t.extend(1 << (t.Bits() - 1))
		}
		return uint64(int64(x))
	}
	switch {
	case x <= 0:
		return 0
	case x >= math.Ldexp(1, t.Bits()):
		return t.mask()
	}
	return uint64(x)
}

func (c conversion) floats(a uint64) uint64 {
	from := arithmetic{t: c.from, ftz: c.ftz}
	to := arithmetic{t: c.to, mode: c.mode, ftz: c.ftz, sat: c.sat, relu: c.relu}
	x := from.in(a)
	switch {
	case c.relu && x != x && c.to != TF32:
		return map[Type]uint64{F16: nan16, BF16: nan16, F32: nan32}[c.to]
	case c.to == TF32:
		if x != x {
			return nan32
		}
		if c.relu && x < 0 {
			x = 0
		}
		return uint64(math.Float32bits(float32(tfloat32.round(x, c.mode))))
	case c.integral:
		if x = roundInteger(x, c.mode); x == 0 {
			x = math.Copysign(0, from.in(a))
		}
	case c.from == F64 && c.to != F64 && c.to != F32:
		// float64 to half in one step: format.round sees the exact value.
	}
	return to.out(x)
}
