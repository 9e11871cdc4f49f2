package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// read sums 64-bit words: what memory gives when nothing else is to be done.
func read(m machine) {
	TEXT(m.name("read"), NOSPLIT, "func(sums, x *uint64, n int)")
	Doc(m.name("read")+" writes 8 partial sums of n words, a multiple of 64.", "")
	Pragma("noescape")
	sums, x, n := param("sums"), param("x"), param("n")
	v := m.vecs(8)
	for _, a := range v {
		m.zero(a)
	}
	loop("words", n, 64, func() {
		for i := range 512 / m.width() {
			VPADDQ(Mem{Base: x, Disp: i * m.width()}, v[i%8], v[i%8])
		}
		ADDQ(I32(512), x)
	})
	lanes := 64 / m.width()
	for i := lanes; i < 8; i++ {
		VPADDQ(v[i], v[i%lanes], v[i%lanes])
	}
	for i := range lanes {
		at := Mem{Base: sums, Disp: i * m.width()}
		if m.wide() {
			VMOVDQU64(v[i], at)
		} else {
			VMOVDQU(v[i], at)
		}
	}
	done()
}
