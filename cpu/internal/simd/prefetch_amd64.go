package simd

import "unsafe"

//go:noescape
func prefetch(x unsafe.Pointer, bytes int)
