package ptx

import "math/bits"

func init() {
	register(decodeSetp, "setp", "set")
	register(decodeSelect, "selp", "slct")
}

// comparisons, by name. An ordered one is false with NaN, a ...u one true.
func compareIntegers(op string, t Type) func(a, b uint64) bool {
	less := lessThan(t)
	switch op {
	case "eq":
		return func(a, b uint64) bool { return a == b }
	case "ne":
		return func(a, b uint64) bool { return a != b }
	case "lt", "lo":
		return less
	case "le", "ls":
		return func(a, b uint64) bool { return !less(b, a) }
	case "gt", "hi":
		return func(a, b uint64) bool { return less(b, a) }
	case "ge", "hs":
		return func(a, b uint64) bool { return !less(a, b) }
	}
	return nil
}

func compareFloats(op string, a arithmetic) func(x, y uint64) bool {
	f := map[string]func(x, y float64) bool{
		"eq":  func(x, y float64) bool { return x == y },
		"ne":  func(x, y float64) bool { return x < y || x > y },
		"lt":  func(x, y float64) bool { return x < y },
		"le":  func(x, y float64) bool { return x <= y },
		"gt":  func(x, y float64) bool { return x > y },
		"ge":  func(x, y float64) bool { return x >= y },
		"equ": func(x, y float64) bool { return !(x < y || x > y) },
		"neu": func(x, y float64) bool { return x != y },
		"ltu": func(x, y float64) bool { return !(x >= y) },
		"leu": func(x, y float64) bool { return !(x > y) },
		"gtu": func(x, y float64) bool { return !(x <= y) },
		"geu": func(x, y float64) bool { return !(x < y) },
		"num": func(x, y float64) bool { return x == x && y == y },
		"nan": func(x, y float64) bool { return x != x || y != y },
	}[op]
	if f == nil {
		return nil
	}
	return func(x, y uint64) bool { return f(a.in(x), a.in(y)) }
}

var comparisonNames = []string{"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs",
	"equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"}

// decodeSetp decodes setp (into predicates) and set (into a register: all ones or
// 1.0 for true), with an optional second predicate joined by a logical operation.
func decodeSetp(d *decoder) {
	op := d.one(comparisonNames...)
	logic := d.one("and", "or", "xor")
	ftz := d.take("ftz")
	result := NoType
	if d.s.op == "set" {
		result = d.typeIn(U32, S32, F32, F16)
	}
	t := d.typ()
	if t.Float() && t != F16x2 && t != BF16x2 {
		d.in.cmp = compareFloats(op, arithmetic{t: t, ftz: ftz})
	} else if t.Integer() && t.Bits() >= 16 {
		if t >= B8 && t <= B128 && op != "eq" && op != "ne" {
			d.fail("%s: untyped bits can only be compared for equality", d.s)
		}
		d.in.cmp = compareIntegers(op, t)
	}
	if d.in.cmp == nil {
		d.fail("unsupported comparison %s", d.s)
	}
	o := d.args(3, 4)
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], t)
	not := false
	if logic != "" {
		if len(o) != 4 {
			d.fail("%s needs a predicate to join", d.s)
		}
		d.in.pa, not = d.pred(&o[3]), o[3].not
	} else if len(o) != 3 {
		d.fail("%s has %d operands", d.s, len(o))
	}
	joined := func(w *warp, in *inst, r uint32) uint32 {
		if logic == "" {
			return r
		}
		x := w.p[in.pa]
		if not {
			x = ^x
		}
		switch logic {
		case "and":
			return r & x
		case "or":
			return r | x
		}
		return r ^ x
	}
	if result != NoType {
		one := map[Type]uint64{U32: 0xffffffff, S32: 0xffffffff, F32: 0x3f800000, F16: 0x3c00}[result]
		d.in.d = d.dst(&o[0], result)
		d.in.run = func(w *warp, in *inst, m uint32) uint32 {
			r := joined(w, in, w.compare(in, m))
			lanesOf(m, func(i int) { w.r[in.d][i] = one * uint64(r>>i&1) })
			return m
		}
		return
	}
	if o[0].kind == opReg {
		d.in.p = d.dstPred(o[0].reg)
	} else if o[0].kind != opSink {
		d.fail("setp gives a predicate")
	}
	d.in.q = d.dstPred(o[0].pair)
	if logic == "" && d.in.p >= 0 && d.in.q < 0 {
		if d.in.run = execSetp; t.Integer() && t != S16 {
			d.in.run = fastSetp(op, t)
		}
		return
	}
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		r := w.compare(in, m)
		yes, no := joined(w, in, r), joined(w, in, ^r)
		if in.p >= 0 {
			w.p[in.p] = w.p[in.p]&^m | yes&m
		}
		if in.q >= 0 {
			w.p[in.q] = w.p[in.q]&^m | no&m
		}
		return m
	}
}

func execSetp(w *warp, in *inst, m uint32) uint32 {
	w.p[in.p] = w.p[in.p]&^m | w.compare(in, m)
	return m
}

// compare returns the lanes of m for which the comparison holds.
func (w *warp) compare(in *inst, m uint32) uint32 {
	a, b, f := &w.r[in.a], &w.r[in.b], in.cmp
	var r uint32
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		if f(a[i], b[i]) {
			r |= 1 << i
		}
	}
	return r
}

// decodePredicateLogic decodes and, or, xor, not of predicates: on whole masks.
func decodePredicateLogic(d *decoder) {
	op := d.s.op
	o := d.args(map[bool]int{true: 2, false: 3}[op == "not"])
	d.in.pa = d.pred(&o[1])
	notA, notB := o[1].not, false
	if op != "not" {
		d.in.pb, notB = d.pred(&o[2]), o[2].not
	}
	d.in.p = d.dstPred(o[0].reg)
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		a, b := w.p[in.pa], uint32(0)
		if notA {
			a = ^a
		}
		if in.pb >= 0 {
			if b = w.p[in.pb]; notB {
				b = ^b
			}
		}
		switch op {
		case "and":
			a &= b
		case "or":
			a |= b
		case "xor":
			a ^= b
		case "not":
			a = ^a
		}
		w.p[in.p] = w.p[in.p]&^m | a&m
		return m
	}
}

// decodeSelect decodes selp (by predicate) and slct (by the sign of a number). The
// value not chosen may be undefined: compilers write such code.
func decodeSelect(d *decoder) {
	ftz := d.take("ftz")
	t := d.typ()
	o := d.args(4)
	if d.s.op == "slct" {
		by := d.typeIn(S32, F32)
		d.in.a, d.in.b, d.in.c = d.src(&o[1], t), d.src(&o[2], t), d.src(&o[3], by)
		d.in.d = d.dst(&o[0], t)
		d.in.run = exec3
		d.in.f3 = func(a, b, c uint64) uint64 {
			if by == S32 && int32(c) >= 0 || by == F32 && (arithmetic{t: F32, ftz: ftz}).in(c) >= 0 {
				return a
			}
			return b
		}
		return
	}
	d.in.a, d.in.b, d.in.pa = d.src(&o[1], t), d.src(&o[2], t), d.pred(&o[3])
	d.in.d = d.dst(&o[0], t)
	d.in.reads, d.in.writes = nil, nil
	not := o[3].not
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		d, a, b, p := &w.r[in.d], &w.r[in.a], &w.r[in.b], w.p[in.pa]
		if not {
			p = ^p
		}
		for k := m; k != 0; k &= k - 1 {
			if i := bits.TrailingZeros32(k); p>>i&1 != 0 {
				d[i] = a[i]
			} else {
				d[i] = b[i]
			}
		}
		defined := w.def[in.a]&p | w.def[in.b]&^p
		w.def[in.d] = w.def[in.d]&^m | defined&m
		return m
	}
}
