// Package fastmath computes exp(-a) for a >= 0 and log1p(e) for e in [0, 1], all
// that a logistic loss needs, over slices: the form in which vector code can take
// their place. Errors stay below 2 ulp in both formats, results in the subnormal
// range included.
//
// The coefficients are those of the CUDA kernels (kernels/include/exp_log1p.h, held
// equal by a test): interpolation at Chebyshev nodes, rounded to the format. Every
// product is rounded before it is added to, so that all processors agree.
package fastmath

import "math"

// exp(r) = 1 + r + r^2 (expF[0] + expF[1] r + ...) for |r| <= ln2/2.
var (
	expF32 = [...]float32{0x1p-1, 0x1.5554dcp-3, 0x1.55551ap-5, 0x1.120ba2p-7, 0x1.6d113cp-10}
	expF64 = [...]float64{
		0x1p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.11111111100cep-7,
		0x1.6c16c16c162ccp-10, 0x1.a01a01abef415p-13, 0x1.a01a01a6dcaffp-16,
		0x1.71de021a90822p-19, 0x1.27e4db57442fbp-22, 0x1.af4e196027428p-26,
		0x1.1f731ea5352cap-29,
	}
)

// log(1+f) = f - (f^2/2 - s (f^2/2 + R)), s = f/(2+f), R = u (log1p[0] + log1p[1] u + ...),
// u = s^2 <= 1/9: fdlibm's form, in which the rounding of s hardly matters.
var (
	log1pF32 = [...]float32{0x1.555556p-1, 0x1.9999ap-2, 0x1.248f58p-2, 0x1.c7fb48p-3, 0x1.65ac7cp-3, 0x1.a9be66p-3}
	log1pF64 = [...]float64{
		0x1.5555555555555p-1, 0x1.999999999999ap-2, 0x1.24924924924bfp-2, 0x1.c71c71c718177p-3,
		0x1.745d17478f2ddp-3, 0x1.3b13b0d13059p-3, 0x1.1111212bf7d99p-3,
		0x1.e1de9c64e9f94p-4, 0x1.af625b48cdaccp-4, 0x1.835d37c2ac0fbp-4,
		0x1.7a25fe04a9017p-4, 0x1.b0c28a5b6c1f9p-5, 0x1.31f838e4096cfp-3,
	}
)

// ExpNeg32 writes exp(-a[i]) to dst[i] for a[i] >= 0. dst may be a.
func ExpNeg32(dst, a []float32) {
	const round = 0x1.8p23 // adding it rounds to an integer, which the low bits then hold
	c := &expF32
	dst = dst[:len(a)]
	for i, v := range a {
		x := -min(v, 110) // below the last subnormal
		t := float32(x*0x1.715476p+0) + round
		k := int32(math.Float32bits(t)<<10) >> 10
		n := t - round
		r := x - float32(n*0x1.62ep-1) // exact: 13 bits times 8
		r -= float32(n * 0x1.0bfbe8p-15)
		p := float32(c[4]*r) + c[3]
		p = float32(p*r) + c[2]
		p = float32(p*r) + c[1]
		p = float32(p*r) + c[0]
		p = 1 + (float32(float32(r*r)*p) + r)
		h := k >> 1 // in two steps: k goes below the smallest normal exponent
		dst[i] = p * math.Float32frombits(uint32(h+127)<<23) * math.Float32frombits(uint32(k-h+127)<<23)
	}
}

// ExpNeg64 is ExpNeg32 in float64.
func ExpNeg64(dst, a []float64) {
	const round = 0x1.8p52
	c := &expF64
	dst = dst[:len(a)]
	for i, v := range a {
		x := -min(v, 760)
		t := float64(x*0x1.71547652b82fep+0) + round
		k := int64(int32(math.Float64bits(t)))
		n := t - round
		r := x - float64(n*0x1.62e42feep-1) // exact: 33 bits times 11
		r -= float64(n * 0x1.a39ef35793c76p-33)
		p := c[10]
		for j := 9; j >= 0; j-- {
			p = float64(p*r) + c[j]
		}
		p = 1 + (float64(float64(r*r)*p) + r)
		h := k >> 1
		dst[i] = p * math.Float64frombits(uint64(h+1023)<<52) * math.Float64frombits(uint64(k-h+1023)<<52)
	}
}

// Log1p32 writes log(1 + e[i]) to dst[i] for e[i] in [0, 1]. dst may be e.
func Log1p32(dst, e []float32) {
	c := &log1pF32
	dst = dst[:len(e)]
	for i, f := range e {
		s := f / (2 + f)
		u, h := s*s, float32(0.5*f)*f
		p := float32(c[5]*u) + c[4]
		p = float32(p*u) + c[3]
		p = float32(p*u) + c[2]
		p = float32(p*u) + c[1]
		p = float32(p*u) + c[0]
		dst[i] = f - (h - float32(s*(h+float32(u*p))))
	}
}

// Log1p64 is Log1p32 in float64.
func Log1p64(dst, e []float64) {
	c := &log1pF64
	dst = dst[:len(e)]
	for i, f := range e {
		s := f / (2 + f)
		u, h := s*s, float64(0.5*f)*f
		p := c[12]
		for j := 11; j >= 0; j-- {
			p = float64(p*u) + c[j]
		}
		dst[i] = f - (h - float64(s*(h+float64(u*p))))
	}
}
