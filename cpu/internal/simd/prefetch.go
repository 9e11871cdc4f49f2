package simd

import "unsafe"

// Prefetch asks for x to be brought from memory into the cache while other work goes on.
func Prefetch[E any](x []E) {
	var e E
	if len(x) > 0 {
		prefetch(unsafe.Pointer(unsafe.SliceData(x)), len(x)*int(unsafe.Sizeof(e)))
	}
}
