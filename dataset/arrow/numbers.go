package arrow

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/logreg-gpu/logreg-gpu/internal/half"
)

// sameNumbers tells whether cells of a type are numbers of type T as they lie in memory.
func sameNumbers[T float32 | float64](of valueType) bool {
	var v T
	little := binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	return little && of.id == typeFloat && of.bits == int(8*unsafe.Sizeof(v))
}

// numbersAt are n numbers where they lie.
func numbersAt[T float32 | float64](raw []byte, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(raw))), n)
}

// decode writes numbers that are not coded to dst.
func decode[T float32 | float64](dst []T, raw []byte, of valueType) {
	switch {
	case of.id == typeDecimal:
		decodeDecimals(dst, raw, of)
	case of.id == typeFloat && of.bits == 16:
		for i := range dst {
			dst[i] = T(half.FromFloat16(binary.LittleEndian.Uint16(raw[2*i:])))
		}
	case of.id == typeFloat && of.bits == 32:
		for i := range dst {
			dst[i] = T(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	case of.id == typeFloat:
		for i := range dst {
			dst[i] = T(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	case of.bits == 64 && !of.sign:
		for i := range dst {
			dst[i] = T(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	default:
		for i := range dst {
			dst[i] = T(integer(raw, i, of))
		}
	}
}

// decodeDecimals reads integers that are divided by 10^scale: the nearest float64 of both,
// divided.
func decodeDecimals[T float32 | float64](dst []T, raw []byte, of valueType) {
	power := math.Pow10(max(of.scale, -of.scale))
	size := of.bits / 8
	for i := range dst {
		v := decimal(raw[i*size : (i+1)*size])
		if of.scale < 0 {
			v *= power
		} else {
			v /= power
		}
		dst[i] = T(v)
	}
}

// decimal is a signed integer of 4, 8 or 16 bytes.
func decimal(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case 8:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	}
	low, high := binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:]))
	if high == int64(low)>>63 {
		return float64(int64(low))
	}
	return float64(high)*0x1p64 + float64(low)
}
