package checks

import (
	"hash/crc32"
	"math/bits"
)

// fold is crc32cAVX512 where the processor has it.
var fold func(crc uint32, x *byte, n int, folds *[12]uint64) uint32

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	// folds are x^(D+31) and x^(D-33) mod P, bits reversed as in a CRC that is computed from
	// the lowest bit on: the factors of the low and of the high half of 128 bits. The last
	// 128 bits stay as they are.
	folds = [12]uint64{power(2079), power(2015), power(543), power(479), power(415), power(351), power(287), power(223), power(159), power(95), 0, 0}
)

// power is x^n mod P, bits reversed.
func power(n int) uint64 {
	r := bits.Reverse32(1)
	for range n {
		r = r>>1 ^ crc32.Castagnoli*(r&1)
	}
	return uint64(r)
}

// CRC32C is the sum of b.
func CRC32C(b []byte) uint32 { return UpdateCRC32C(0, b) }

// UpdateCRC32C adds b to the sum of what was before.
func UpdateCRC32C(crc uint32, b []byte) uint32 {
	if n := len(b) &^ 255; fold != nil && n >= 1024 {
		crc = ^fold(^crc, &b[0], n, &folds)
		b = b[n:]
	}
	return crc32.Update(crc, castagnoli, b)
}
