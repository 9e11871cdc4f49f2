package simd

import "github.com/logreg-gpu/logreg-gpu/internal/half"

// The widenings of each Set but Generic; n is a multiple of 16.
var (
	widenBF16 = map[Set]func(x *float32, h *uint16, n int){}
	widenF16  = map[Set]func(x *float32, h *uint16, n int){}
)

// BFloat16 writes the bfloat16 numbers h to x.
func BFloat16(x []float32, h []uint16) {
	n := widen(x, h, widenBF16[Using()])
	BFloat16Generic(x[n:], h[n:])
}

// Float16 writes the finite float16 numbers h to x.
func Float16(x []float32, h []uint16) {
	n := widen(x, h, widenF16[Using()])
	Float16Generic(x[n:], h[n:])
}

// widen does what fills registers and returns how much that was.
func widen(x []float32, h []uint16, f func(x *float32, h *uint16, n int)) int {
	check(len(x) >= len(h))
	n := len(h) &^ 15
	if f == nil || n == 0 {
		return 0
	}
	f(&x[0], &h[0], n)
	return n
}

// BFloat16Generic is BFloat16 in plain Go.
func BFloat16Generic(x []float32, h []uint16) {
	x = x[:len(h)]
	for i, b := range h {
		x[i] = half.FromBFloat16(b)
	}
}

// Float16Generic is Float16 in plain Go.
func Float16Generic(x []float32, h []uint16) {
	x = x[:len(h)]
	for i, b := range h {
		x[i] = half.FromFloat16(b)
	}
}
