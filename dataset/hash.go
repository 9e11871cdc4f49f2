package dataset

import (
	"encoding/binary"
	"math/bits"
)

// hashFeature is the feature of a category among 2^logSize, and its value, 1 or -1: of
// two categories that meet in a feature, the sign keeps them from always adding up.
// It is scikit-learn's FeatureHasher(2^logSize) of "column=level".
//
// Weinberger et al., Feature hashing for large scale multitask learning (ICML 2009).
func hashFeature(text []byte, logSize int) (feature uint32, sign float64) {
	h := int32(murmur3(text))
	if h >= 0 {
		return uint32(h) & (1<<logSize - 1), 1
	}
	return uint32(-int64(h)) & (1<<logSize - 1), -1
}

// murmur3 is MurmurHash3_x86_32 with seed 0 (Appleby 2011).
func murmur3(b []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	n := uint32(len(b))
	var h uint32
	for ; len(b) >= 4; b = b[4:] {
		h ^= bits.RotateLeft32(binary.LittleEndian.Uint32(b)*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	if len(b) > 0 {
		var tail [4]byte
		copy(tail[:], b)
		h ^= bits.RotateLeft32(binary.LittleEndian.Uint32(tail[:])*c1, 15) * c2
	}
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
