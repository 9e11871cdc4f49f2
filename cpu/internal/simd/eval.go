package simd

import "unsafe"

// EvalScratch returns memory for Kernels.Eval of up to the given numbers of rows and
// columns.
func EvalScratch[T Number](rows, cols int) []T {
	return aligned[T](max(2*rows, evalHead/size[T]()+cols+64/size[T]()))
}

// evalHead is the size of what the assembly keeps in scratch before the sums of columns:
// the generator's evalColumns.
const evalHead = 16*64 + 2*128 + 2*64

// EvalGeneric is Dots, Link, Losses, Weigh and Outer one after the other.
func EvalGeneric[T Number](x, w []T, b T, label []int32, class int32, weights Weights, g []float64, scratch []T) (loss, residual float64) {
	return evalBySteps(generic[T](), x, w, b, label, class, weights, g, scratch)
}

func evalBySteps[T Number](k Kernels[T], x, w []T, b T, label []int32, class int32, weights Weights, g []float64, scratch []T) (loss, residual float64) {
	checkEval(x, w, label, weights, g, scratch)
	n := len(label)
	z, l := scratch[:n], scratch[n:2*n]
	k.Dots(x, w, b, z)
	k.Link(label, class, z, l)
	loss, _ = k.Losses(l, weights)
	residual = k.Weigh(z, weights)
	k.Outer(x, z, g)
	return loss, residual
}

func checkEval[T Number](x, w []T, label []int32, weights Weights, g []float64, scratch []T) {
	check(len(w) > 0 && len(g) == len(w) && len(x) >= len(w)*len(label))
	check(weights.Fold == nil && weights.fits(len(label)))
	check(len(scratch) >= max(2*len(label), evalHead/size[T]()+len(w)+64/size[T]()))
}

// aligned is n numbers that begin at a multiple of 64 bytes, the width of the widest
// register.
func aligned[T Number](n int) []T {
	v := make([]T, n+64/size[T]())
	for uintptr(unsafe.Pointer(&v[0]))%64 != 0 {
		v = v[1:]
	}
	return v[:n]
}
