package cpu

import (
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
	"github.com/logreg-gpu/logreg-gpu/internal/half"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// matrix is the stored X, row-major without padding: vals where the storage is T
// itself, bits where it is a narrow format.
type matrix[T number] struct {
	rows, cols int
	vals       []T
	bits       []uint16
	narrow     *narrowFormat
}

// allocate makes room for rows x cols numbers, of type T where narrow is nil.
func allocate[T number](rows, cols int, narrow *narrowFormat) *matrix[T] {
	x := &matrix[T]{rows: rows, cols: cols, narrow: narrow}
	if narrow == nil {
		x.vals = make([]T, rows*cols)
		hugepages.Want(x.vals)
	} else {
		x.bits = make([]uint16, rows*cols)
		hugepages.Want(x.bits)
	}
	return x
}

// put rounds v to the storage at place i and tells whether it is in range.
func (x *matrix[T]) put(i int, v float64) bool {
	if x.narrow == nil {
		t := T(v)
		x.vals[i] = t
		return t-t == 0
	}
	x.bits[i] = x.narrow.round(v)
	return x.bits[i]&0x7fff < x.narrow.infinity
}

// copyRow sets row i to row r of from, which has the same storage.
func (x *matrix[T]) copyRow(i int, from *matrix[T], r int) {
	at, to, n := r*x.cols, i*x.cols, x.cols
	if x.narrow == nil {
		copy(x.vals[to:to+n], from.vals[at:at+n])
	} else {
		copy(x.bits[to:to+n], from.bits[at:at+n])
	}
}

// prefetchRow asks for row r to be brought into the cache.
func (x *matrix[T]) prefetchRow(r int) {
	at, end := r*x.cols, (r+1)*x.cols
	if x.narrow == nil {
		simd.Prefetch(x.vals[at:end])
	} else {
		simd.Prefetch(x.bits[at:end])
	}
}

// narrowFormat is a 16-bit format.
type narrowFormat struct {
	round    func(float64) uint16
	widen    func(x []float32, bits []uint16)
	infinity uint16
}

// narrowFormats are the formats of the narrow storages.
var narrowFormats = map[backend.Storage]*narrowFormat{backend.BFloat16: bfloat16, backend.Float16: float16}

// storedBytes is the size of a number.
func storedBytes[T number](narrow *narrowFormat) int {
	if narrow != nil {
		return 2
	}
	return int(unsafe.Sizeof(T(0)))
}

var (
	bfloat16 = &narrowFormat{half.BFloat16, simd.BFloat16, 0x7f80}
	float16  = &narrowFormat{half.Float16, simd.Float16, 0x7c00}
)
