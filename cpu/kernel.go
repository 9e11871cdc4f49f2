package cpu

import (
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
)

// number is a format that arithmetic is done in.
type number = simd.Number

// kernels are the inner loops of a number format, where the time goes; link.go adds
// what is made of them.
type kernels[T number] struct {
	simd.Kernels[T]
	rates backend.Rates // of their instruction set
}

func kernelsOf[T number]() kernels[T] { return kernels[T]{simd.Of[T](), rates[simd.Using()]} }
