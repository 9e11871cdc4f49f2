package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// highest finds the highest of masked words: with the mask of an exponent, whether a number
// among them is not finite.
func highest(m machine) {
	TEXT(m.name("highest"), NOSPLIT, "func(lanes *[8]uint32, x *byte, n int, mask uint64)")
	Doc(m.name("highest")+" writes, for each of 8 lanes, the highest of the 32-bit words of the n bytes of x, a multiple of 256, after each 64 bits were masked.", "")
	Pragma("noescape")
	lanes, x, n := param("lanes"), param("x"), param("n")
	mask := m.vec()
	VPBROADCASTQ(address("mask"), mask)
	most := m.vecs(4)
	for _, v := range most {
		VPXOR(v, v, v)
	}
	v := m.vecs(4)
	loop("bytes", n, 256, func() {
		for i := range 8 {
			VPAND(Mem{Base: x, Disp: i * m.width()}, mask, v[i%4])
			VPMAXUD(v[i%4], most[i%4], most[i%4])
		}
		ADDQ(I32(256), x)
	})
	VPMAXUD(most[1], most[0], most[0])
	VPMAXUD(most[3], most[2], most[2])
	VPMAXUD(most[2], most[0], most[0])
	VMOVDQU(most[0], Mem{Base: lanes})
	done()
}

// crc32c folds 256 bytes at a time: the remainder of a polynomial stays the same where a
// piece of it, D bits before its end, is replaced by its product with x^D mod P. What is
// left of that is folded to 512 bits, and these to 128, which go through the instruction
// that divides by Castagnoli's P.
//
// Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ (2009).
func crc32c(m machine) {
	TEXT(m.name("crc32c"), NOSPLIT, "func(crc uint32, x *byte, n int, folds *[12]uint64) uint32")
	Doc(m.name("crc32c")+" is the remainder of the n bytes of x, a positive multiple of 256, after that of what was before; folds are pairs of factors: of 2048 bits, of 512, and of 384, 256, 128 and none.", "")
	Pragma("noescape")
	x, n, folds := param("x"), param("n"), param("folds")
	v := m.vecs(4)
	for i, a := range v {
		VMOVDQU64(Mem{Base: x, Disp: 64 * i}, a)
	}
	before := XMM()
	VMOVD(Load(Param("crc"), GP32()), before)
	VPXORQ(before.AsZ(), v[0], v[0])
	ADDQ(I32(256), x)
	SUBQ(I32(256), n)

	by, low := ZMM(), m.vecs(4)
	// times multiplies the lanes of a by the factors: the low halves to b, the high to a.
	times := func(a, b reg.VecVirtual) {
		VPCLMULQDQ(U8(0x00), by, a, b)
		VPCLMULQDQ(U8(0x11), by, a, a)
	}
	const xor3 = 0x96
	VBROADCASTI32X4(Mem{Base: folds}, by)
	loop("bytes", n, 256, func() {
		for i, a := range v {
			times(a, low[i])
			VPTERNLOGQ(U8(xor3), Mem{Base: x, Disp: 64 * i}, low[i], a)
		}
		ADDQ(I32(256), x)
	})
	VBROADCASTI32X4(Mem{Base: folds, Disp: 16}, by)
	for i := range 3 {
		times(v[i], low[0])
		VPTERNLOGQ(U8(xor3), low[0], v[i], v[i+1])
	}
	// The lanes of the last register are 384, 256, 128 and 0 bits before the end.
	VMOVDQU64(Mem{Base: folds, Disp: 32}, by)
	last := ZMM()
	VEXTRACTI32X4(U8(3), v[3], last.AsX())
	times(v[3], low[0])
	VPXORQ(low[0], v[3], v[3])
	sum := XMM()
	VEXTRACTI32X4(U8(1), v[3], sum)
	VPTERNLOGQ(U8(xor3), v[3].AsX(), sum, last.AsX())
	VEXTRACTI32X4(U8(2), v[3], sum)
	VPXORQ(sum, last.AsX(), last.AsX())

	crc, half := GP64(), GP64()
	XORQ(crc, crc)
	VMOVQ(last.AsX(), half)
	CRC32Q(half, crc)
	VPEXTRQ(U8(1), last.AsX(), half)
	CRC32Q(half, crc)
	Store(crc.As32(), ReturnIndex(0))
	done()
}
