package ptx

import (
	"math"
	"math/bits"
)

// Floating-point arithmetic in float64, float32, float16, bfloat16 and the packed
// pairs of the last two.

func init() {
	register(func(d *decoder) {
		if !floatOp(d) {
			d.fail("unsupported form of %s", d.s)
		}
	}, "fma", "rcp", "sqrt", "rsqrt", "ex2", "lg2", "sin", "cos", "tanh", "copysign")
	register(decodeTestp, "testp")
}

// arithmetic is how one float instruction computes: its type and modifiers.
type arithmetic struct {
	op     string
	t      Type // F32, F64, F16 or BF16; of each half for packed types
	mode   rounding
	ftz    bool
	sat    bool
	relu   bool
	nan    bool
	xorAbs bool
	approx bool
	full   bool
}

// floatOp decodes the instruction if its type is a float one.
func floatOp(d *decoder) bool {
	t := NoType
	for _, m := range d.mods {
		if u, ok := typeByName[m]; ok {
			t = u
			break
		}
	}
	if !t.Float() || t == TF32 {
		return false
	}
	d.typ()
	a := arithmetic{op: d.s.op, t: t}
	rounded := false
	if n := d.one("rn", "rz", "rm", "rp"); n != "" {
		a.mode, rounded = roundingByName[n], true
	}
	if d.s.op == "tanh" {
		d.needs(75, 70)
	}
	a.approx, a.full = d.take("approx"), d.take("full")
	d.roundingRules(a.op, rounded, a.approx || a.full)
	a.ftz, a.sat, a.relu, a.nan = d.take("ftz"), d.take("sat"), d.take("relu"), d.take("NaN")
	a.xorAbs = d.take("xorsign") && d.take("abs")
	if a.op == "mad" {
		a.op = "fma"
	}
	switch t {
	case F16x2:
		a.t = F16
	case BF16x2:
		a.t = BF16
	}
	d.float(t, a)
	return true
}

// float decodes for operands of type t, which is a.t or a pair of it.
func (d *decoder) float(t Type, a arithmetic) {
	packed := t != a.t
	switch a.op {
	case "add", "sub", "mul", "div", "min", "max", "copysign":
		f := a.binary()
		if f == nil {
			d.fail("unsupported form of %s", d.s)
		}
		if packed {
			g := f
			f = func(x, y uint64) uint64 { return g(x&0xffff, y&0xffff) | g(x>>16, y>>16)<<16 }
		}
		if len(d.s.args) == 4 && (a.op == "min" || a.op == "max") {
			d.fail("three-input %s is not supported", d.s)
		}
		if d.op2(t, f); a.t == F32 && a.mode == rn && !a.ftz && !a.sat {
			switch a.op {
			case "add":
				d.in.run = execAddF32
			case "mul":
				d.in.run = execMulF32
			}
		} else if a.t == F64 && a.mode == rn {
			switch a.op {
			case "add":
				d.in.run = execAddF64
			case "mul":
				d.in.run = execMulF64
			}
		}
	case "fma":
		f := a.ternary()
		if packed {
			g := f
			f = func(x, y, z uint64) uint64 {
				return g(x&0xffff, y&0xffff, z&0xffff) | g(x>>16, y>>16, z>>16)<<16
			}
		}
		if d.op3(t, f); a.t == F32 && a.mode == rn && !a.ftz && !a.sat {
			d.in.run = execFmaF32
		} else if a.t == F64 && a.mode == rn {
			d.in.run = execFmaF64
		}
	default:
		f := a.unary()
		if f == nil {
			d.fail("unsupported form of %s", d.s)
		}
		if packed {
			g := f
			f = func(x uint64) uint64 { return g(x&0xffff) | g(x>>16)<<16 }
		}
		d.op1(t, f)
	}
}

// in widens a register value to the float64 it stands for.
func (a arithmetic) in(v uint64) float64 {
	switch a.t {
	case F64:
		return f64(v)
	case F32:
		if a.ftz {
			v = flush32(v)
		}
		return float64(f32(v))
	case F16:
		x := fromHalf(v)
		if a.ftz && math.Abs(x) < 0x1p-14 {
			return math.Copysign(0, x)
		}
		return x
	}
	return fromBfloat(v)
}

// out rounds a result, exact or rounded to odd, to a register value.
func (a arithmetic) out(x float64) uint64 {
	if a.sat {
		if !(x > 0) { // NaN too
			x = 0
		}
		x = min(x, 1)
	}
	if a.relu && x < 0 {
		x = 0
	}
	switch a.t {
	case F64:
		return bits64(x)
	case F32:
		v := bits32(narrow32(x, a.mode))
		if a.ftz {
			v = flush32(v)
		}
		return v
	case F16:
		v := toHalf(x, a.mode)
		if a.ftz && v&0x7c00 == 0 {
			v &= 0x8000
		}
		return v
	}
	return toBfloat(x, a.mode)
}

func (a arithmetic) binary() func(x, y uint64) uint64 {
	sign := a.signBit()
	switch a.op {
	case "copysign": // the sign of the first operand on the second
		return func(x, y uint64) uint64 { return y&^sign | x&sign }
	case "min", "max":
		return a.minMax()
	case "div":
		if a.t == F64 {
			return func(x, y uint64) uint64 { return bits64(div64(f64(x), f64(y), a.mode)) }
		}
		if a.t != F32 {
			return nil
		}
		return func(x, y uint64) uint64 { return a.out(oddDiv(a.in(x), a.in(y))) }
	}
	if a.t == F64 {
		switch a.op {
		case "add":
			return func(x, y uint64) uint64 { return bits64(add64(f64(x), f64(y), a.mode)) }
		case "sub":
			return func(x, y uint64) uint64 { return bits64(add64(f64(x), -f64(y), a.mode)) }
		}
		return func(x, y uint64) uint64 { return bits64(mul64(f64(x), f64(y), a.mode)) }
	}
	switch a.op {
	case "add":
		return func(x, y uint64) uint64 { return a.sum(a.in(x), a.in(y)) }
	case "sub":
		return func(x, y uint64) uint64 { return a.sum(a.in(x), -a.in(y)) }
	}
	return func(x, y uint64) uint64 { return a.out(float64(a.in(x) * a.in(y))) }
}

// sum is x+y with the sign that an exact zero has in the mode.
func (a arithmetic) sum(x, y float64) uint64 {
	s := oddAdd(x, y)
	if s == 0 {
		s = zeroSum(x, y, a.mode)
	}
	return a.out(s)
}

func (a arithmetic) ternary() func(x, y, z uint64) uint64 {
	if a.t == F64 {
		return func(x, y, z uint64) uint64 { return bits64(fma64(f64(x), f64(y), f64(z), a.mode)) }
	}
	return func(x, y, z uint64) uint64 { return a.sum(float64(a.in(x)*a.in(y)), a.in(z)) }
}

// signBit is the sign of the type, in each half of a pair.
func (a arithmetic) signBit() uint64 {
	switch a.t {
	case F64:
		return 1 << 63
	case F32:
		return 1 << 31
	}
	return 1 << 15
}

// minMax returns the number where one operand is NaN, unless .NaN; -0 < +0.
func (a arithmetic) minMax() func(x, y uint64) uint64 {
	canonical := map[Type]uint64{F64: nan64, F32: nan32, F16: nan16, BF16: nan16}[a.t]
	sign := a.signBit()
	isMin := a.op == "min"
	return func(x, y uint64) uint64 {
		p, q := a.in(x), a.in(y)
		flip := uint64(0)
		if a.xorAbs {
			flip = (x ^ y) & sign
			p, q = math.Abs(p), math.Abs(q)
		}
		var r float64
		switch {
		case p != p && q != q || a.nan && (p != p || q != q):
			return canonical
		case p != p:
			r = q
		case q != q:
			r = p
		case isMin:
			r = math.Min(p, q)
		default:
			r = math.Max(p, q)
		}
		return a.out(r) ^ flip
	}
}

func (a arithmetic) unary() func(x uint64) uint64 {
	sign := a.signBit()
	flush := func(v uint64) uint64 { return v }
	if a.ftz && a.t == F32 {
		flush = flush32
	}
	exact := func(f func(x float64) float64) func(uint64) uint64 {
		return func(v uint64) uint64 { return a.out(f(a.in(v))) }
	}
	switch a.op {
	case "abs":
		return func(v uint64) uint64 { return flush(v) &^ sign }
	case "neg":
		return func(v uint64) uint64 { return flush(v) ^ sign }
	case "rcp":
		if a.t == F64 && !a.approx {
			return func(v uint64) uint64 { return bits64(div64(1, f64(v), a.mode)) }
		}
		if a.t == F64 { // rcp.approx.ftz.f64: 20 bits, from the upper word
			return func(v uint64) uint64 {
				return math.Float64bits(1/math.Float64frombits(v&^0xffffffff)) &^ 0xffffffff
			}
		}
		return exact(func(x float64) float64 { return oddDiv(1, x) })
	case "sqrt":
		if a.t == F64 {
			return func(v uint64) uint64 { return bits64(sqrt64(f64(v), a.mode)) }
		}
		return exact(oddSqrt)
	}
	// The approximate functions: computed in float64 and rounded once, far inside
	// the error that PTX allows.
	switch a.op {
	case "rsqrt":
		return exact(func(x float64) float64 { return 1 / math.Sqrt(x) })
	case "ex2":
		return exact(math.Exp2)
	case "lg2":
		return exact(math.Log2)
	case "sin":
		return exact(math.Sin)
	case "cos":
		return exact(math.Cos)
	case "tanh":
		return exact(math.Tanh)
	}
	return nil
}

func execAddF32(w *warp, in *inst, m uint32) uint32 {
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	if m == full {
		for i := range d {
			d[i] = bits32(f32(a[i]) + f32(b[i]))
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = bits32(f32(a[i]) + f32(b[i]))
	}
	return m
}

func execMulF32(w *warp, in *inst, m uint32) uint32 {
	d, a, b := &w.r[in.d], &w.r[in.a], &w.r[in.b]
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = bits32(f32(a[i]) * f32(b[i]))
	}
	return m
}

func execFmaF32(w *warp, in *inst, m uint32) uint32 {
	d, a, b, c := &w.r[in.d], &w.r[in.a], &w.r[in.b], &w.r[in.c]
	if m == full {
		for i := range d {
			d[i] = bits32(fma32(f32(a[i]), f32(b[i]), f32(c[i])))
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = bits32(fma32(f32(a[i]), f32(b[i]), f32(c[i])))
	}
	return m
}

func execFmaF64(w *warp, in *inst, m uint32) uint32 {
	d, a, b, c := &w.r[in.d], &w.r[in.a], &w.r[in.b], &w.r[in.c]
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = bits64(math.FMA(f64(a[i]), f64(b[i]), f64(c[i])))
	}
	return m
}

// fma32 is a*b+c rounded once. The float64 sum can only mislead where it lies on a
// tie of float32 or where the result is subnormal; there the exact remainder decides.
func fma32(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	v := math.Float64bits(s)
	if v&0x1fffffff == 0x10000000 || v>>52&0x7ff < 1023-126 {
		if s == 0 {
			return float32(s)
		}
		return float32(oddAdd(p, z))
	}
	return float32(s)
}

func decodeTestp(d *decoder) {
	what := d.one("finite", "infinite", "number", "notanumber", "normal", "subnormal")
	t := d.typeIn(F32, F64)
	o := d.args(2)
	d.in.a = d.src(&o[1], t)
	if o[0].kind != opReg {
		d.fail("testp gives a predicate")
	}
	d.in.p = d.dstPred(o[0].reg)
	least := 0x1p-126
	if t == F64 {
		least = 0x1p-1022
	}
	test := func(v uint64) bool {
		x := arithmetic{t: t}.in(v)
		y := math.Abs(x)
		switch what {
		case "finite":
			return y <= math.MaxFloat64
		case "infinite":
			return math.IsInf(x, 0)
		case "number":
			return x == x
		case "notanumber":
			return x != x
		case "normal":
			return y >= least && y <= math.MaxFloat64
		}
		return y > 0 && y < least
	}
	if what == "" {
		d.fail("testp needs a property")
	}
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		var r uint32
		lanesOf(m, func(i int) {
			if test(w.r[in.a][i]) {
				r |= 1 << i
			}
		})
		w.p[in.p] = w.p[in.p]&^m | r
		return m
	}
}
