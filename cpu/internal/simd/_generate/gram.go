package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// gram adds A'B to G, some columns of A by some of B: the register tile of X' diag(d) X.
// A tile of G stays in registers for all rows. Its sums start at zero and are
// widened to float64 only when they are added to G. Product and sum are fused: this
// is bound by arithmetic, not by memory.
func gram(m machine) {
	for _, height := range m.gramHeights() {
		m.gramTile(height)
	}
}

// gramHeights are the columns of A that fit the registers, two registers of columns
// of B beside them, and what is needed for the rest.
func (m machine) gramHeights() []int {
	if m.wide() {
		return []int{8, 4, 2, 1}
	}
	return []int{4, 2, 1}
}

const gramRegisters = 2

func (m machine) gramTile(height int) {
	m.text(label("gram%dx", height), "sum *float64, a, b *T, n, rows, cols, ldg int",
		label("adds A'B to %d rows of G, ldg apart, for %d columns of A and n of B, of rows of cols packed numbers each.", height, height))
	g, a, b, n := param("sum"), param("a"), param("b"), param("n")
	rows, stride, ldg := param("rows"), param("cols"), param("ldg")
	SHLQ(U8(log2(m.size())), stride)
	SHLQ(U8(3), ldg)
	Label("strip")
	CMPQ(n, I32(m.lanes()))
	JG(LabelRef("strip2"))
	CMPQ(n, I32(0))
	JG(LabelRef("strip1"))
	done()

	for width := gramRegisters; width > 0; width-- {
		Label(label("strip%d", width))
		last := m.lastMask(n, width, width == gramRegisters)
		acc := m.vecs(height * width)
		for _, v := range acc {
			m.zero(v)
		}
		bv, s := m.vecs(width), m.vec()
		ap, bp, left := copyOf(a), copyOf(b), copyOf(rows)
		loop(label("rows%d", width), left, 1, func() {
			for i, v := range bv {
				if at := (Mem{Base: bp, Disp: i * m.width()}); i < width-1 {
					m.move(v, at)
				} else {
					m.load(v, at, last)
				}
			}
			for h := range height {
				m.broadcast(s, Mem{Base: ap, Disp: h * m.size()})
				for i, v := range bv {
					m.fma(acc[h*width+i], s, v)
				}
			}
			ADDQ(stride, ap)
			ADDQ(stride, bp)
		})
		gp := copyOf(g)
		for h := range height {
			for i := range width {
				at := Mem{Base: gp, Disp: i * m.lanes() * 8}
				if i < width-1 {
					m.addTo(at, acc[h*width+i], nil)
				} else {
					m.addTo(at, acc[h*width+i], &last)
				}
			}
			ADDQ(ldg, gp)
		}
		ADDQ(I32(width*m.width()), b)
		ADDQ(I32(width*m.lanes()*8), g)
		SUBQ(I32(width*m.lanes()), n)
		JMP(LabelRef("strip"))
	}
}

// lastMask is the mask of the last of registers that hold n numbers, at most all; with
// whole, n may be more, and all lanes are chosen.
func (m machine) lastMask(n Op, registers int, whole bool) mask {
	count := GP64()
	MOVQ(I32(m.lanes()), count)
	end := label("masked%d", registers)
	if whole {
		CMPQ(n, I32(registers*m.lanes()))
		JGE(LabelRef(end))
	}
	MOVQ(n, count)
	SUBQ(I32((registers-1)*m.lanes()), count)
	if whole {
		Label(end)
	}
	return m.masks(count, 1)[0]
}
