package simd

import "github.com/logreg-gpu/logreg-gpu/cpu/internal/fastmath"

// ExpNegGeneric is fastmath.ExpNeg32 or ExpNeg64.
func ExpNegGeneric[T Number](dst, a []T) {
	switch a := any(a).(type) {
	case []float32:
		fastmath.ExpNeg32(any(dst).([]float32), a)
	case []float64:
		fastmath.ExpNeg64(any(dst).([]float64), a)
	}
}

// Log1pGeneric is fastmath.Log1p32 or Log1p64.
func Log1pGeneric[T Number](dst, e []T) {
	switch e := any(e).(type) {
	case []float32:
		fastmath.Log1p32(any(dst).([]float32), e)
	case []float64:
		fastmath.Log1p64(any(dst).([]float64), e)
	}
}
