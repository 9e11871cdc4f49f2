package checks

import "unsafe"

// highest is highestAVX2 where the processor has it.
var highest func(lanes *[8]uint32, x *byte, n int, mask uint64)

// Exponents of all ones, alone in 64 bits.
const (
	exponents32 = 0x7f8000007f800000
	exponent64  = 0x7ff0000000000000
)

// Finite tells whether no number is NaN or infinite.
func Finite[T float32 | float64](x []T) bool {
	size := int(unsafe.Sizeof(T(0)))
	n := len(x) * size &^ 255 / size
	if highest == nil || n == 0 {
		return FiniteGeneric(x)
	}
	mask := uint64(exponent64)
	if size == 4 {
		mask = exponents32
	}
	var lanes [8]uint32
	highest(&lanes, (*byte)(unsafe.Pointer(unsafe.SliceData(x))), n*size, mask)
	for _, v := range lanes {
		if v == uint32(mask>>32) {
			return false
		}
	}
	return FiniteGeneric(x[n:])
}

// FiniteGeneric is Finite in plain Go: adding one to an exponent of all ones carries into
// the sign. Words of 8 bytes are looked at, of which four go side by side.
func FiniteGeneric[T float32 | float64](x []T) bool {
	const signs32, sign64 = 0x8000000080000000, 1 << 63
	exponent, signs := uint64(exponent64), uint64(sign64)
	if unsafe.Sizeof(T(0)) == 4 {
		if len(x)&1 == 1 {
			if last := x[len(x)-1]; last-last != 0 {
				return false
			}
		}
		exponent, signs = exponents32, signs32
	}
	count := uintptr(len(x)) * unsafe.Sizeof(T(0)) / 8
	if count == 0 {
		return true
	}
	one := signs - exponent
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), count)
	var a, b, c, d uint64
	for ; len(words) >= 4; words = words[4:] {
		w := (*[4]uint64)(words)
		a |= w[0]&exponent + one
		b |= w[1]&exponent + one
		c |= w[2]&exponent + one
		d |= w[3]&exponent + one
	}
	for _, w := range words {
		a |= w&exponent + one
	}
	return (a|b|c|d)&signs == 0
}
