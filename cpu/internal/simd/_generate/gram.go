package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gram adds A'B to G, some columns of A by some of B: the register tile of X' diag(d) X.
// A tile of G stays in registers for all rows. Its sums start at zero and are
// widened to float64 only when they are added to G. Product and sum are fused: this
// is bound by arithmetic, not by memory.
func gram(m machine) {
	for _, height := range m.gramHeights() {
		m.gramTile("gram", height, "adds A'B to", m.fma)
	}
}

// subtract is gram with the opposite sign: the register tile of a Cholesky factor. Its
// columns are mostly multiples of the height.
func subtract(m machine) {
	heights := m.gramHeights()
	m.gramTile("subtract", heights[0], "subtracts A'B from", m.fnma)
	m.gramTile("subtract", 1, "subtracts A'B from", m.fnma)
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

func (m machine) gramTile(name string, height int, does string, fma func(d, a, b Op)) {
	m.text(label("%s%dx", name, height), "sum *float64, a, b *T, n, rows, cols, ldg int",
		label("%s %d rows of G, ldg apart, for %d columns of A and n of B, of rows of cols packed numbers each.", does, height, height))
	a, stride := param("a"), param("cols")
	SHLQ(U8(log2(m.size())), stride)
	m.outerTile(height, param("b"), stride, func() (func(h int) Mem, func()) {
		ap := copyOf(a)
		return func(h int) Mem { return Mem{Base: ap, Disp: h * m.size()} }, func() { ADDQ(stride, ap) }
	}, fma)
}

// outerTile adds height outer products to the rows of G: of n columns of rows stride
// bytes apart, which begin at b, with what factors gives for each row. It walks over
// the rows with the second function that factors returns.
func (m machine) outerTile(height int, b, stride reg.GPVirtual, factors func() (at func(h int) Mem, next func()), accumulate func(d, a, b Op)) {
	g, n, rows, ldg := param("sum"), param("n"), param("rows"), param("ldg")
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
		factor, next := factors()
		bp, left := copyOf(b), copyOf(rows)
		loop(label("rows%d", width), left, 1, func() {
			for i, v := range bv {
				if at := (Mem{Base: bp, Disp: i * m.width()}); i < width-1 {
					m.move(v, at)
				} else {
					m.load(v, at, last)
				}
			}
			for h := range height {
				m.broadcast(s, factor(h))
				for i, v := range bv {
					accumulate(acc[h*width+i], s, v)
				}
			}
			next()
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
