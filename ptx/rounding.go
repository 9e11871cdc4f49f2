package ptx

import (
	"math"
	"math/big"
)

// rounding is an IEEE rounding mode of a PTX instruction.
type rounding uint8

const (
	rn  rounding = iota // to nearest, ties to even
	rz                  // toward zero
	rm                  // toward minus infinity
	rp                  // toward plus infinity
	rna                 // to nearest, ties away from zero (cvt to tf32)
)

var roundingByName = map[string]rounding{
	"rn": rn, "rz": rz, "rm": rm, "rp": rp, "rna": rna,
	"rni": rn, "rzi": rz, "rmi": rm, "rpi": rp,
}

// Narrow arithmetic (float32, half, bfloat16) goes through float64 in two steps:
// the exact result is first rounded to *odd* in float64, which keeps a sticky last
// bit, and then rounded once to the target in the mode asked for. A float64 has 53
// bits, at least two more than any narrower target, so the second rounding sees
// everything it needs (Boldo and Melquiond, 2008). Rounding to nearest in float64
// first would round twice: fma.rn.f32 through float64 is wrong in about one of
// 2^29 cases, and just those are ties that tests like.

// odd returns s made odd where err, the exact remainder of s, is not zero.
func odd(s, err float64) float64 {
	if err == 0 || err != err || math.IsInf(s, 0) {
		return s
	}
	b := math.Float64bits(s)
	if s == 0 {
		return err
	}
	if (err > 0) != (s > 0) {
		b-- // the exact value is nearer to zero than s: truncate
	}
	return math.Float64frombits(b | 1)
}

// oddAdd is a+b rounded to odd.
func oddAdd(a, b float64) float64 {
	s := a + b
	bb := s - a
	return odd(s, float64(a-float64(s-bb))+float64(b-bb))
}

// oddDiv is a/b rounded to odd for float32 operands.
func oddDiv(a, b float64) float64 {
	q := a / b
	if q == 0 || q != q || math.IsInf(q, 0) || math.IsInf(b, 0) {
		return q
	}
	r := math.FMA(-q, b, a)
	if b < 0 {
		r = -r
	}
	return odd(q, r)
}

// oddSqrt is the square root rounded to odd for a float32 operand.
func oddSqrt(a float64) float64 {
	q := math.Sqrt(a)
	if q == 0 || q != q || math.IsInf(q, 0) {
		return q
	}
	return odd(q, math.FMA(-q, q, a))
}

// narrow32 rounds x, exact or rounded to odd, to float32.
func narrow32(x float64, mode rounding) float32 {
	f := float32(x)
	y := float64(f)
	if y == x || x != x {
		return f
	}
	switch {
	case mode == rz && math.Abs(y) > math.Abs(x):
		return math.Nextafter32(f, 0)
	case mode == rm && y > x:
		return math.Nextafter32(f, float32(math.Inf(-1)))
	case mode == rp && y < x:
		return math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}

// format describes a floating-point format narrower than float32.
type format struct {
	precision int // bits of the significand, the hidden one included
	emin      int // exponent of the smallest normal number
	max       float64
}

var (
	half     = format{11, -14, 65504}
	bfloat   = format{8, -126, 0x1.fep127}
	tfloat32 = format{11, -126, 0x1.ffcp127}
)

// round rounds x, exact or rounded to odd, to the format.
func (f format) round(x float64, mode rounding) float64 {
	if x == 0 || x != x || math.IsInf(x, 0) {
		return x
	}
	_, e := math.Frexp(x) // |x| in [2^(e-1), 2^e)
	e = max(e-f.precision, f.emin-f.precision+1)
	q := roundInteger(math.Ldexp(x, -e), mode)
	y := math.Copysign(math.Ldexp(q, e), x)
	if math.Abs(y) > f.max {
		if mode == rz || mode == rm && x > 0 || mode == rp && x < 0 {
			return math.Copysign(f.max, x)
		}
		return math.Inf(int(math.Copysign(1, x)))
	}
	return y
}

// roundInteger rounds x to an integral value.
func roundInteger(x float64, mode rounding) float64 {
	switch mode {
	case rz:
		return math.Trunc(x)
	case rm:
		return math.Floor(x)
	case rp:
		return math.Ceil(x)
	case rna:
		return math.Round(x)
	}
	return math.RoundToEven(x)
}

// The canonical NaNs, which PTX arithmetic returns whatever the payload of its inputs.
const (
	nan16 = 0x7fff
	nan32 = 0x7fffffff
	nan64 = 0x7ff8000000000000
)

func f32(v uint64) float32 { return math.Float32frombits(uint32(v)) }
func f64(v uint64) float64 { return math.Float64frombits(v) }

func bits32(f float32) uint64 {
	if f != f {
		return nan32
	}
	return uint64(math.Float32bits(f))
}

func bits64(f float64) uint64 {
	if f != f {
		return nan64
	}
	return math.Float64bits(f)
}

// flush32 is .ftz: a subnormal float32 becomes zero of its sign.
func flush32(v uint64) uint64 {
	if v&0x7f800000 == 0 {
		return v & 0x80000000
	}
	return v
}

// fromHalf widens a float16.
func fromHalf(v uint64) float64 {
	sign, e, m := v>>15&1, int(v>>10&31), float64(v&1023)
	var x float64
	switch {
	case e == 31 && m != 0:
		return math.NaN()
	case e == 31:
		x = math.Inf(1)
	case e == 0:
		x = math.Ldexp(m, -24)
	default:
		return math.Float64frombits(sign<<63 | uint64(e-15+1023)<<52 | v&1023<<42)
	}
	if sign != 0 {
		return -x
	}
	return x
}

// toHalf rounds x to float16 bits.
func toHalf(x float64, mode rounding) uint64 {
	if x != x {
		return nan16
	}
	y := half.round(x, mode)
	sign := math.Float64bits(y) >> 63 << 15
	switch a := math.Abs(y); {
	case math.IsInf(y, 0):
		return sign | 31<<10
	case a < 0x1p-14:
		return sign | uint64(math.Ldexp(a, 24))
	default:
		_, e := math.Frexp(a)
		return sign | uint64(e+14)<<10 | (uint64(math.Ldexp(a, 11-e)) & 1023)
	}
}

func fromBfloat(v uint64) float64 { return float64(math.Float32frombits(uint32(v) << 16)) }

func toBfloat(x float64, mode rounding) uint64 {
	if x != x {
		return nan16
	}
	return uint64(math.Float32bits(float32(bfloat.round(x, mode)))) >> 16
}

// Directed rounding of float64 is rare in PTX, so it takes the slow and plain way:
// the exact result as a big.Float, rounded once.

// wide is enough precision to hold any sum, product or fma of float64 exactly.
const wide = 4400

func bigOf(x float64) *big.Float { return new(big.Float).SetPrec(wide).SetFloat64(x) }

// round64 rounds x to float64 in a directed mode; an exact zero is zero, with its sign.
func round64(x *big.Float, mode rounding, zero float64) float64 {
	if x.Sign() == 0 {
		return zero
	}
	bm := [...]big.RoundingMode{rz: big.ToZero, rm: big.ToNegativeInf, rp: big.ToPositiveInf}[mode]
	// A subnormal has fewer bits: scale so that its last place is one.
	prec := min(53, x.MantExp(nil)+1074)
	if prec < 1 { // below the smallest subnormal
		tiny := math.SmallestNonzeroFloat64
		if up := mode == rp && x.Sign() > 0 || mode == rm && x.Sign() < 0; !up {
			tiny = 0
		}
		return math.Copysign(tiny, float64(x.Sign()))
	}
	y := new(big.Float).SetPrec(wide).Set(x)
	y.SetMode(bm).SetPrec(uint(prec))
	if y.MantExp(nil) > 1024 {
		if mode == rz || mode == rm && x.Sign() > 0 || mode == rp && x.Sign() < 0 {
			return math.Copysign(math.MaxFloat64, float64(x.Sign()))
		}
		return math.Inf(x.Sign())
	}
	f, _ := y.Float64()
	return f
}

func finite(xs ...float64) bool {
	for _, x := range xs {
		if x != x || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// zeroSum is the sign that an exact zero a+b has.
func zeroSum(a, b float64, mode rounding) float64 {
	if a == 0 && b == 0 && math.Signbit(a) == math.Signbit(b) {
		return a
	}
	if mode == rm {
		return math.Copysign(0, -1)
	}
	return 0
}

func add64(a, b float64, mode rounding) float64 {
	if mode == rn || !finite(a, b) {
		return a + b
	}
	return round64(new(big.Float).SetPrec(wide).Add(bigOf(a), bigOf(b)), mode, zeroSum(a, b, mode))
}

func mul64(a, b float64, mode rounding) float64 {
	if mode == rn || !finite(a, b) || a == 0 || b == 0 {
		return a * b
	}
	return round64(new(big.Float).SetPrec(wide).Mul(bigOf(a), bigOf(b)), mode, 0)
}

func fma64(a, b, c float64, mode rounding) float64 {
	if mode == rn || !finite(a, b, c) {
		return math.FMA(a, b, c)
	}
	p := new(big.Float).SetPrec(wide).Mul(bigOf(a), bigOf(b))
	zero := zeroSum(c, math.Copysign(0, a)*math.Copysign(1, b), mode)
	return round64(p.Add(p, bigOf(c)), mode, zero)
}

func div64(a, b float64, mode rounding) float64 {
	if mode == rn || !finite(a, b) || a == 0 || b == 0 {
		return a / b
	}
	// 2200 bits decide the rounding unless the quotient is exact within them.
	return round64(new(big.Float).SetPrec(wide).Quo(bigOf(a), bigOf(b)), mode, 0)
}

func sqrt64(a float64, mode rounding) float64 {
	if mode == rn || !finite(a) || a <= 0 {
		return math.Sqrt(a)
	}
	return round64(new(big.Float).SetPrec(256).Sqrt(new(big.Float).SetPrec(256).SetFloat64(a)), mode, 0)
}
