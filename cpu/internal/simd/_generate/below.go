package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// below finds the rows whose numbers, halves of SplitMix64 in the step of a pair of rows,
// are not above the limits of their labels. Only AVX-512 multiplies 64-bit lanes.
func below(m machine) {
	if !m.wide() {
		return
	}
	const golden = 0x9e3779b97f4a7c15
	TEXT(m.name("below"), NOSPLIT, "func(found *int, labels *int32, n, first int, seed uint64, class int32, own, others uint32) (count int)")
	Doc(m.name("below")+" writes the rows from first on, n of them, a multiple of 16, that are not above the limits of their labels, and up to 16 numbers more, to found.", "")
	Pragma("noescape")
	found, labels, n, first := param("found"), param("labels"), param("n"), param("first")
	lanes := GLOBL("lanes", RODATA|NOPTR)
	for lane := range 8 {
		DATA(8*lane, U64(lane))
	}
	same := func(value uint64) reg.VecVirtual {
		r, v := GP64(), ZMM()
		MOVQ(U64(value), r)
		VPBROADCASTQ(r, v)
		return v
	}
	spread := func(name string) reg.VecVirtual {
		v := ZMM()
		VPBROADCASTD(Load(Param(name), GP32()), v)
		return v
	}
	class, own, others := spread("class"), spread("own"), spread("others")
	row, state, seed := ZMM(), ZMM(), ZMM()
	VPBROADCASTQ(first, row)
	VPADDQ(lanes, row, row)
	SHRQ(U8(1), first)
	VPBROADCASTQ(first, state) // pairs
	VPADDQ(lanes, state, state)
	VPMULLQ(same(golden), state, state)
	VPBROADCASTQ(address("seed"), seed)
	VPADDQ(seed, state, state)
	eight, step := same(8), same(8*(golden%(1<<61)))
	one, two := same(0xbf58476d1ce4e5b9), same(0x94d049bb133111eb)
	start := copyOf(found)
	loop("rows", n, 16, func() {
		z, t := ZMM(), ZMM()
		VPSRLQ(U8(30), state, t)
		VPXORQ(t, state, z)
		VPMULLQ(one, z, z)
		VPSRLQ(U8(27), z, t)
		VPXORQ(t, z, z)
		VPMULLQ(two, z, z)
		VPSRLQ(U8(31), z, t)
		VPXORQ(t, z, z)
		k, limit := K(), ZMM()
		VPCMPEQD(Mem{Base: labels}, class, k)
		VPBLENDMD(own, others, k, limit)
		const notAbove = 2
		VPCMPUD(U8(notAbove), limit, z, k)
		for half := range 2 {
			if half == 1 {
				KSHIFTRW(U8(8), k, k)
			}
			count := GP64()
			VPCOMPRESSQ_Z(row, k, t) // to memory it would take ten times as long
			VMOVDQU64(t, Mem{Base: found})
			KMOVB(k, count.As32())
			POPCNTQ(count, count)
			LEAQ(Mem{Base: found, Index: count, Scale: 8}, found)
			VPADDQ(eight, row, row)
		}
		VPADDQ(step, state, state)
		ADDQ(U8(64), labels)
	})
	SUBQ(start, found)
	SHRQ(U8(3), found)
	Store(found, Return("count"))
	done()
}
