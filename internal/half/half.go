// Package half rounds to the two 16-bit number formats that X can be held in:
// bfloat16 (8 bits of exponent, 8 of precision) and IEEE float16 (5 and 11).
//
// Both round once, straight from float64, to nearest with ties to even: going
// through float32 would round twice.
package half

import "math"

// BFloat16 returns the bfloat16 nearest to v; beyond its range, an infinity.
func BFloat16(v float64) uint16 { return round(v, 8, 8) }

// Float16 returns the float16 nearest to v; beyond its range, an infinity.
func Float16(v float64) uint16 { return round(v, 5, 11) }

// FromBFloat16 returns the value of a bfloat16.
func FromBFloat16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// FromFloat16 returns the value of a finite float16. The bits are moved to where
// float32 has them and the exponent is corrected by a product, which is right for
// subnormal numbers too. Infinities, which are never stored, come out as 65536.
func FromFloat16(h uint16) float32 {
	const rebias = 0x1p112 // 2^(127-15)
	v := math.Float32frombits(uint32(h&0x7fff)<<13) * rebias
	return math.Float32frombits(math.Float32bits(v) | uint32(h&0x8000)<<16)
}

// round returns v in a format of 1 sign bit, exponent bits and precision-1 stored
// bits of fraction.
func round(v float64, exponent, precision int) uint16 {
	sign := uint16(math.Float64bits(v) >> 63 << 15)
	infinity := uint16(1<<exponent-1) << (precision - 1)
	v = math.Abs(v)
	switch {
	case v != v:
		return sign | infinity | 1
	case v == 0:
		return sign
	case math.IsInf(v, 1):
		return sign | infinity
	}
	bias := 1<<(exponent-1) - 1
	// v lies in [2^e, 2^(e+1)); below the normal numbers the spacing stays that of
	// the smallest normal exponent.
	_, e := math.Frexp(v)
	e = max(e-1, 1-bias)
	if e > bias {
		return sign | infinity
	}
	// In units of the last place the value is an exact float64, and adding its
	// integer part to the biased exponent carries into the next one by itself.
	units := uint16(math.RoundToEven(math.Ldexp(v, precision-1-e)))
	return sign | (uint16(e-(1-bias))<<(precision-1) + units)
}
