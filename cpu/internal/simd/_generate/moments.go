package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// moments writes deviations and ranges. Both work in strips of columns as outer does.
func moments(m machine) {
	deviations(m)
	ranges(m)
}

// advance is how many bytes of what p points to belong to a register of columns.
type advance struct {
	p     reg.GPVirtual
	bytes int
}

// strips writes body for all numbers of registers of columns up to most: it works on
// the first n registers of the columns left, the last of them masked, and then the
// pointers move on.
func (m machine) strips(cols reg.GPVirtual, most int, body func(n int, last mask), pointers []advance) {
	Label("strip")
	for n := most; n > 1; n-- {
		CMPQ(cols, I32((n-1)*m.lanes()))
		JG(LabelRef(label("strip%d", n)))
	}
	CMPQ(cols, I32(0))
	JG(LabelRef("strip1"))
	done()
	for n := most; n > 0; n-- {
		Label(label("strip%d", n))
		body(n, m.lastMask(cols, n, n == most))
		for _, a := range pointers {
			ADDQ(I32(n*a.bytes), a.p)
		}
		SUBQ(I32(n*m.lanes()), cols)
		JMP(LabelRef("strip"))
	}
}

// deviations adds sum_i m_i (x_i - c) and sum_i m_i (x_i - c)^2 to two vectors. A
// register holds columns as float64, whatever the format of x.
func deviations(m machine) {
	m.text("deviations", "sum, squares *float64, x *T, mass, centre *float64, rows, cols int",
		"adds sum_i m_i (x_i - c) and sum_i m_i (x_i - c)^2 for rows of cols packed numbers; mass may be nil.")
	sum, squares, x := param("sum"), param("squares"), param("x")
	mass, centre := param("mass"), param("centre")
	rows, cols := param("rows"), param("cols")
	stride := copyOf(cols)
	SHLQ(U8(log2(m.size())), stride)
	d, most := machine{set: m.set, format: "64"}, 3
	if m.wide() {
		most = 4
	}
	d.strips(cols, most, func(n int, last mask) {
		s, q, c := d.vecs(n), d.vecs(n), d.vecs(n)
		for i := range n {
			d.zero(s[i])
			d.zero(q[i])
			d.loadWhere(c[i], Mem{Base: centre, Disp: i * d.width()}, lastOnly(i, n, &last))
		}
		few := m.narrowed(last)
		loops := func(name string, weighted bool) {
			v, xp, left := d.vec(), copyOf(x), copyOf(rows)
			mp, w, t := copyOf(mass), d.vec(), d.vec()
			loop(label("%s%d", name, n), left, 1, func() {
				if weighted {
					d.broadcast(w, Mem{Base: mp})
					ADDQ(U8(8), mp)
				}
				for i := range n {
					if at := (Mem{Base: xp, Disp: i * d.lanes() * m.size()}); i < n-1 {
						m.widenTo(v, at)
					} else {
						m.widenChosen(v, at, few)
					}
					d.sub(v, v, c[i])
					md := v
					if weighted {
						d.mul(t, w, v)
						md = t
					}
					d.add(s[i], s[i], md)
					d.mul(v, md, v)
					d.add(q[i], q[i], v)
				}
				ADDQ(stride, xp)
			})
		}
		TESTQ(mass, mass)
		JNE(LabelRef(label("heavy%d", n)))
		loops("plain", false)
		JMP(LabelRef(label("sums%d", n)))
		Label(label("heavy%d", n))
		loops("weighted", true)
		Label(label("sums%d", n))
		for i := range n {
			at := i * d.width()
			k := lastOnly(i, n, &last)
			d.addTo(Mem{Base: sum, Disp: at}, s[i], k)
			d.addTo(Mem{Base: squares, Disp: at}, q[i], k)
		}
	}, []advance{{sum, d.width()}, {squares, d.width()}, {centre, d.width()}, {x, d.lanes() * m.size()}})
}

// narrowed is a mask of float64 for as many numbers of the machine's format.
func (m machine) narrowed(k mask) mask {
	if m.format == "64" || m.wide() {
		return k
	}
	few := mask{v: YMM()}
	VEXTRACTF128(U8(1), k.v, few.v.AsX())
	VSHUFPS(U8(0x88), few.v.AsX(), k.v.AsX(), few.v.AsX())
	return few
}

// widenChosen is widenTo for the chosen numbers, zeros elsewhere.
func (m machine) widenChosen(v reg.VecVirtual, at Mem, k mask) {
	switch {
	case m.format == "64":
		m.load(v, at, k)
	case m.wide():
		VCVTPS2PD_Z(at, k.k, v)
	default:
		VMASKMOVPS(at, k.v.AsX(), v.AsX())
		VCVTPS2PD(v.AsX(), v)
	}
}

// rangesMost is how many registers a strip of ranges is at most.
const rangesMost = 3

// ranges extends the least and the greatest number of each column, and counts what is
// not zero, in the format of x.
func ranges(m machine) {
	m.text("ranges", "least, most *T, nonZero *float64, x *T, rows, cols int",
		"extends the range of each column and adds the count of numbers that are not zero, for rows of cols packed numbers.")
	least, most, nonZero := param("least"), param("most"), param("nonZero")
	x, rows, cols := param("x"), param("rows"), param("cols")
	stride := copyOf(cols)
	SHLQ(U8(log2(m.size())), stride)
	zeros, ones := m.vec(), m.vec()
	m.zero(zeros)
	bits := GP64()
	if m.format == "64" {
		MOVQ(U64(0x3ff0000000000000), bits)
		VMOVQ(bits, ones.AsX())
	} else {
		MOVQ(U64(0x3f800000), bits)
		VMOVD(bits.As32(), ones.AsX())
	}
	m.broadcast(ones, ones.AsX())
	m.strips(cols, rangesMost, func(n int, last mask) {
		low, high, count, v := m.vecs(n), m.vecs(n), m.vecs(n), m.vec()
		ends := func(f func(v reg.VecVirtual, at Mem, k *mask)) {
			for i := range n {
				k := lastOnly(i, n, &last)
				f(low[i], Mem{Base: least, Disp: i * m.width()}, k)
				f(high[i], Mem{Base: most, Disp: i * m.width()}, k)
			}
		}
		ends(m.loadWhere)
		for _, c := range count {
			m.zero(c)
		}
		xp, left := copyOf(x), copyOf(rows)
		loop(label("rows%d", n), left, 1, func() {
			for i := range n {
				m.loadWhere(v, Mem{Base: xp, Disp: i * m.width()}, lastOnly(i, n, &last))
				m.min(low[i], v, low[i])
				m.max(high[i], v, high[i])
				m.countNotZero(count[i], v, zeros, ones)
			}
			ADDQ(stride, xp)
		})
		ends(m.storeWhere)
		for i, c := range count {
			m.addTo(Mem{Base: nonZero, Disp: i * m.lanes() * 8}, c, lastOnly(i, n, &last))
		}
	}, []advance{{least, m.width()}, {most, m.width()}, {nonZero, m.lanes() * 8}, {x, m.width()}})
}

// lastOnly is the mask of register i of n.
func lastOnly(i, n int, last *mask) *mask {
	if i == n-1 {
		return last
	}
	return nil
}

// loadWhere and storeWhere are load and store, of all numbers without a mask.
func (m machine) loadWhere(v reg.VecVirtual, at Mem, k *mask) {
	if k == nil {
		m.move(v, at)
	} else {
		m.load(v, at, *k)
	}
}

func (m machine) storeWhere(v reg.VecVirtual, at Mem, k *mask) {
	if k == nil {
		m.move(at, v)
	} else {
		m.store(at, v, *k)
	}
}

// countNotZero adds one where v, which is destroyed, is not zero.
func (m machine) countNotZero(count, v, zeros, ones reg.VecVirtual) {
	const notEqual = 4
	if m.wide() {
		k := K()
		m.pick(VCMPPS, VCMPPD)(U8(notEqual), zeros, v, k)
		m.pick(VADDPS, VADDPD)(ones, count, k, count)
		return
	}
	m.pick(VCMPPS, VCMPPD)(U8(notEqual), zeros, v, v)
	m.and(v, v, ones)
	m.add(count, count, v)
}
