package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// scale writes d_i x_i for every row of x, a register of columns at a time.
func scale(m machine) {
	m.text("scale", "scaled, x, d *T, rows, cols int", "writes d_i x_i for rows of cols packed numbers.")
	to, x, d := param("scaled"), param("x"), param("d")
	rows, cols := param("rows"), param("cols")
	rest := copyOf(cols)
	ANDQ(U8(m.lanes()-1), rest)
	end := copyOf(rest) // in bytes
	SHLQ(U8(log2(m.size())), end)
	last := m.masks(rest, 1)[0]
	loop("rows", rows, 1, func() {
		s, v, full := m.vec(), m.vec(), copyOf(cols)
		m.broadcast(s, Mem{Base: d})
		loop("cols", full, m.lanes(), func() {
			m.mul(v, s, Mem{Base: x})
			m.move(Mem{Base: to}, v)
			ADDQ(U8(m.width()), x)
			ADDQ(U8(m.width()), to)
		})
		TESTQ(full, full)
		JZ(LabelRef("next"))
		m.load(v, Mem{Base: x}, last)
		m.mul(v, s, v)
		m.store(Mem{Base: to}, v, last)
		ADDQ(end, x)
		ADDQ(end, to)
		Label("next")
		ADDQ(U8(m.size()), d)
	})
	done()
}
