package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// widen turns bfloat16 or float16 into float32, a register at a time.
func widen(m machine) {
	TEXT(m.name("widen"), NOSPLIT, "func(x *float32, h *uint16, n int)")
	Doc(m.name("widen")+" writes n numbers, a multiple of 16, as float32.", "")
	Pragma("noescape")
	x, h, n := param("x"), param("h"), param("n")
	v := m.vecs(64 / m.width())
	loop("numbers", n, 16, func() {
		for i, r := range v {
			at := Mem{Base: h, Disp: i * m.width() / 2}
			if m.format == "F16" {
				VCVTPH2PS(at, r)
			} else {
				VPMOVZXWD(at, r)
				VPSLLD(U8(16), r, r)
			}
			VMOVUPS(r, Mem{Base: x, Disp: i * m.width()})
		}
		ADDQ(U8(64), x)
		ADDQ(U8(32), h)
	})
	done()
}
