package cpu

import "github.com/logreg-gpu/logreg-gpu/internal/half"

// number is a format that arithmetic is done in.
type number interface{ float32 | float64 }

// matrix is the stored X, row-major without padding: vals where the storage is T
// itself, bits where it is a 16-bit format that widen turns into T.
type matrix[T number] struct {
	rows, cols int
	vals       []T
	bits       []uint16
	widen      func(uint16) float32
}

// tile returns rows lo to hi as T. buf is used where they must be widened.
func (x *matrix[T]) tile(lo, hi int, buf []T) []T {
	lo, hi = lo*x.cols, hi*x.cols
	if x.bits == nil {
		return x.vals[lo:hi]
	}
	buf = buf[:hi-lo]
	for i, b := range x.bits[lo:hi] {
		buf[i] = T(x.widen(b))
	}
	return buf
}

// buffer returns what tile needs for rows rows: nothing where nothing is widened.
func (x *matrix[T]) buffer(rows int) []T {
	if x.bits == nil {
		return nil
	}
	return make([]T, rows*x.cols)
}

// allocate makes room for rows x cols numbers, of type T where narrow is nil.
func allocate[T number](rows, cols int, narrow *narrowFormat) *matrix[T] {
	x := &matrix[T]{rows: rows, cols: cols}
	if narrow == nil {
		x.vals = make([]T, rows*cols)
	} else {
		x.bits, x.widen = make([]uint16, rows*cols), narrow.widen
	}
	return x
}

// narrowFormat is a 16-bit format.
type narrowFormat struct {
	round    func(float64) uint16
	widen    func(uint16) float32
	infinity uint16
}

var (
	bfloat16 = &narrowFormat{half.BFloat16, half.FromBFloat16, 0x7f80}
	float16  = &narrowFormat{half.Float16, half.FromFloat16, 0x7c00}
)
