package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// outerRegisters is how many registers of columns outer sums at once: enough sums in
// flight to hide the latency of an addition.
const outerRegisters = 4

// outer adds sum_i r_i x_i to g. The columns are worked on in strips of a few
// registers that stay there for all rows: g is touched once a call, and rows that dot
// has just read are still in cache. A column's sum starts at zero and takes the rows
// in order; only then is it widened to float64 and added to g.
func outer(m machine) {
	m.text("outer", "sum *float64, x, r *T, rows, cols int", "adds sum_i r_i x_i to g for rows of cols packed numbers, summed in the format of x.")
	g, x, r := param("sum"), param("x"), param("r")
	rows, cols := param("rows"), param("cols")
	stride := copyOf(cols)
	SHLQ(U8(log2(m.size())), stride)

	Label("strip")
	for n := outerRegisters; n > 1; n-- {
		CMPQ(cols, I32((n-1)*m.lanes()))
		JG(LabelRef(label("strip%d", n)))
	}
	CMPQ(cols, I32(0))
	JG(LabelRef("strip1"))
	done()

	for n := outerRegisters; n > 0; n-- {
		Label(label("strip%d", n))
		last := m.lastMask(cols, n, n == outerRegisters)
		acc, t, s := m.vecs(n), m.vec(), m.vec()
		for _, a := range acc {
			m.zero(a)
		}
		xp, rp, left := copyOf(x), copyOf(r), copyOf(rows)
		loop(label("rows%d", n), left, 1, func() {
			m.broadcast(s, Mem{Base: rp})
			for i, a := range acc {
				at := Mem{Base: xp, Disp: i * m.width()}
				if i < n-1 {
					m.mul(t, s, at)
				} else {
					m.load(t, at, last)
					m.mul(t, s, t)
				}
				m.add(a, a, t)
			}
			ADDQ(U8(m.size()), rp)
			ADDQ(stride, xp)
		})
		for i, a := range acc {
			at := Mem{Base: g, Disp: i * m.lanes() * 8}
			if i < n-1 {
				m.addTo(at, a, nil)
			} else {
				m.addTo(at, a, &last)
			}
		}
		ADDQ(I32(n*m.lanes()*8), g)
		ADDQ(I32(n*m.width()), x)
		SUBQ(I32(n*m.lanes()), cols)
		JMP(LabelRef("strip"))
	}
}

// addTo adds the lanes of a, widened to float64, to memory; those of the mask where
// there is one.
func (m machine) addTo(at Mem, a reg.VecVirtual, k *mask) {
	double := machine{set: m.set, format: "64"}
	add := func(at Mem, a reg.VecVirtual, k *mask) {
		t := m.vec()
		if k == nil {
			double.add(a, a, at)
			double.move(at, a)
			return
		}
		double.load(t, at, *k)
		double.add(a, a, t)
		double.store(at, a, *k)
	}
	if m.format == "64" {
		add(at, a, k)
		return
	}
	low, high := m.vec(), m.vec()
	var lowMask, highMask *mask
	if m.wide() {
		VCVTPS2PD(a.AsY(), low)
		VEXTRACTF64X4(U8(1), a, high.AsY())
		VCVTPS2PD(high.AsY(), high)
		if k != nil {
			shifted := K()
			KSHIFTRW(U8(8), k.k, shifted)
			lowMask, highMask = k, &mask{k: shifted}
		}
	} else {
		VCVTPS2PD(a.AsX(), low)
		VEXTRACTF128(U8(1), a, high.AsX())
		VCVTPS2PD(high.AsX(), high)
		if k != nil {
			lowMask, highMask = &mask{v: YMM()}, &mask{v: YMM()}
			VPMOVSXDQ(k.v.AsX(), lowMask.v)
			VEXTRACTI128(U8(1), k.v, highMask.v.AsX())
			VPMOVSXDQ(highMask.v.AsX(), highMask.v)
		}
	}
	add(at, low, lowMask)
	add(at.Offset(m.width()), high, highMask)
}
