package fastmath

// Constants32 returns every constant of ExpNeg32 and Log1p32 in the order in which
// the assembly of cpu/internal/simd reads them: the largest a, 1/ln 2, the number
// that rounds, the two parts of ln 2, the coefficients of exp and those of log1p.
func Constants32() []float32 {
	c := []float32{110, 0x1.715476p+0, 0x1.8p23, 0x1.62ep-1, 0x1.0bfbe8p-15}
	return append(append(c, expF32[:]...), log1pF32[:]...)
}

// Constants64 is Constants32 for ExpNeg64 and Log1p64.
func Constants64() []float64 {
	c := []float64{760, 0x1.71547652b82fep+0, 0x1.8p52, 0x1.62e42feep-1, 0x1.a39ef35793c76p-33}
	return append(append(c, expF64[:]...), log1pF64[:]...)
}
