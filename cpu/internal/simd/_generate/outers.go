package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// outers is outer for several outputs, whose residuals are ldr numbers apart and whose
// sums ldg: the register tile of gram with the sums of outer, product and sum rounded
// one by one.
func outers(m machine) {
	for _, height := range m.gramHeights() {
		if height > 1 {
			m.outersTile(height)
		}
	}
}

func (m machine) outersTile(height int) {
	m.text(label("outers%dx", height), "sum *float64, x, r *T, n, rows, cols, ldr, ldg int",
		label("adds sum_i r_oi x_i to %d rows of G, ldg apart, for n columns of rows of cols packed numbers; the r_o are ldr apart.", height))
	r, stride, ldr, ldr3 := param("r"), param("cols"), param("ldr"), GP64()
	SHLQ(U8(log2(m.size())), stride)
	SHLQ(U8(log2(m.size())), ldr)
	LEAQ(Mem{Base: ldr, Index: ldr, Scale: 2}, ldr3)
	m.outerTile(height, param("x"), stride, func() (func(h int) Mem, func()) {
		four := []reg.GPVirtual{copyOf(r)} // outputs from four on begin at the second
		if height > 4 {
			four = append(four, GP64())
			LEAQ(Mem{Base: r, Index: ldr, Scale: 4}, four[1])
		}
		at := func(h int) Mem {
			p := Mem{Base: four[h/4]}
			switch h % 4 {
			case 1:
				return p.Idx(ldr, 1)
			case 2:
				return p.Idx(ldr, 2)
			case 3:
				return p.Idx(ldr3, 1)
			}
			return p
		}
		return at, func() {
			for _, p := range four {
				ADDQ(U8(m.size()), p)
			}
		}
	}, m.mulAdd)
}

// mulAdd is d += a b, the product rounded before it is added.
func (m machine) mulAdd(d, a, b Op) {
	t := m.vec()
	m.mul(t, a, b)
	m.add(d, d, t)
}
