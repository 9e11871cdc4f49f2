package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// entriesOuter adds r_i x_i of rows of sparse X to sum. The products of eight entries are made
// at once and left on the stack, from where they are added one by one: scattering them takes
// twice as long. A nil val is all ones.
func entriesOuter(m machine) {
	m.text("entriesOuter", "sum *float64, start *int64, col *uint32, val, r *T, rows int", "adds sum_i r_i x_i of rows of entries, of which row i has start_i+1 - start_i.")
	line := GP64() // a stored register in two cache lines is slow to read again
	LEAQ(AllocLocal(2*8*entryLanes), line)
	ADDQ(U8(63), line)
	ANDQ(I8(-64), line)
	products := Mem{Base: line}
	sum, start, col, val, r, rows := param("sum"), param("start"), param("col"), param("val"), param("r"), param("rows")
	begin := GP64()
	MOVQ(Mem{Base: start}, begin)
	// add adds v to the column of entry e from col on.
	add := func(e int, v Op) {
		j, s := GP64(), XMM()
		MOVL(Mem{Base: col, Disp: 4 * e}, j.As32())
		at := Mem{Base: sum, Index: j, Scale: 8}
		if x, fresh := v.(Mem); fresh {
			VMOVSD(x, s)
			VADDSD(at, s, s)
		} else {
			VADDSD(at, v, s)
		}
		VMOVSD(s, at)
	}
	eachRow := func(name string, body func(n reg.GPVirtual, ri reg.VecVirtual)) {
		loop(name, rows, 1, func() {
			n := GP64()
			MOVQ(Mem{Base: start, Disp: 8}, n)
			next := copyOf(n)
			SUBQ(begin, n)
			MOVQ(next, begin)
			ADDQ(U8(8), start)
			ri := m.vec()
			m.broadcast(ri, Mem{Base: r})
			ADDQ(U8(m.size()), r)
			body(n, ri)
		})
		done()
	}
	TESTQ(val, val)
	JZ(LabelRef("ones"))
	eachRow("valued", func(n reg.GPVirtual, ri reg.VecVirtual) {
		loop("valued_eight", n, entryLanes, func() {
			m.eightProducts(ri, val, products)
			for e := range entryLanes {
				add(e, products.Offset(8*e))
			}
			ADDQ(U8(4*entryLanes), col)
			ADDQ(U8(m.size()*entryLanes), val)
		})
		loop("valued_one", n, 1, func() {
			p := XMM()
			if m.format == "64" {
				VMULSD(Mem{Base: val}, ri.AsX(), p)
			} else {
				VMULSS(Mem{Base: val}, ri.AsX(), p)
				VCVTSS2SD(p, p, p)
			}
			add(0, p)
			ADDQ(U8(4), col)
			ADDQ(U8(m.size()), val)
		})
	})
	Label("ones")
	eachRow("one", func(n reg.GPVirtual, ri reg.VecVirtual) {
		p := ri.AsX()
		if m.format == "32" {
			VCVTSS2SD(p, p, p)
		}
		loop("one_four", n, 4, func() {
			for e := range 4 {
				add(e, p)
			}
			ADDQ(U8(16), col)
		})
		loop("one_one", n, 1, func() {
			add(0, p)
			ADDQ(U8(4), col)
		})
	})
}

// eightProducts writes eight products of ri, in float64, to memory.
func (m machine) eightProducts(ri reg.VecVirtual, val reg.GPVirtual, to Mem) {
	double := machine{set: m.set, format: "64"}
	for k := range entryLanes / double.lanes() {
		p := m.vec()
		at := to.Offset(k * m.width())
		if m.format == "64" {
			m.mul(p, ri, Mem{Base: val, Disp: k * m.width()})
			m.move(at, p)
			continue
		}
		if m.wide() {
			VMULPS(Mem{Base: val}, ri.AsY(), p.AsY())
			VCVTPS2PD(p.AsY(), p)
		} else {
			VMULPS(Mem{Base: val, Disp: 16 * k}, ri.AsX(), p.AsX())
			VCVTPS2PD(p.AsX(), p)
		}
		double.move(at, p)
	}
}
