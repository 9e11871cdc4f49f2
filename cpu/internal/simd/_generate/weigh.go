package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// weigh writes the kernels that count rows: losses and weigh. Sums have eight float64
// lanes, row i in lane i mod 8, whatever the instruction set; then lane i takes lane
// i + 4, and so on by halves. mass may be nil, all
// ones, and so may fold: no row is left out.
func weigh(m machine) {
	m.losses()
	m.residuals()
}

// losses sums loss times mass of the rows that are kept and of those left out. A row
// of mass zero adds nothing, were its loss infinite or not a number.
func (m machine) losses() {
	m.text("losses", "loss *T, mass *float64, fold *int32, left int32, rows int) (kept, held float64)",
		"sums rows, a multiple of 8.")
	loss := param("loss")
	c := m.counting()
	kept, held := c.zeros(), c.zeros()
	c.variants(func(weighted, folded bool) {
		loop(label("rows_%t_%t", weighted, folded), c.rows, 8, func() {
			for part := range c.parts {
				v := c.vec()
				m.widenTo(v, Mem{Base: loss, Disp: part * c.lanes() * m.size()})
				if weighted {
					w := c.vec()
					c.move(w, Mem{Base: c.mass, Disp: part * c.width()})
					c.mul(v, v, w)
					c.keep(v, v, c.differ(w, c.nought))
				}
				if !folded {
					c.add(kept[part], kept[part], v)
					continue
				}
				out := c.leftOut(part)
				c.addUnless(kept[part], v, out)
				c.addWhere(held[part], v, out)
			}
			ADDQ(U8(8*m.size()), loss)
			c.next(weighted, folded)
		})
	})
	Store(c.oneRow(kept).AsX(), Return("kept"))
	Store(c.oneRow(held).AsX(), Return("held"))
	done()
}

// residuals multiplies the residuals by mass and scale and sums them. Rows of mass zero and
// those left out get the residual zero, whatever it was.
func (m machine) residuals() {
	m.text("weigh", "residual *T, mass *float64, scale float64, fold *int32, left int32, rows int) (sum float64)",
		"weighs rows, a multiple of 8.")
	residual := param("residual")
	c := m.counting()
	scale, total := c.vec(), c.zeros()
	c.broadcast(scale, address("scale"))
	c.variants(func(weighted, folded bool) {
		loop(label("rows_%t_%t", weighted, folded), c.rows, 8, func() {
			for part := range c.parts {
				v := c.vec()
				at := Mem{Base: residual, Disp: part * c.lanes() * m.size()}
				m.widenTo(v, at)
				if weighted {
					w := c.vec()
					c.move(w, Mem{Base: c.mass, Disp: part * c.width()})
					k := c.differ(w, c.nought)
					c.mul(w, w, scale)
					c.mul(v, v, w)
					c.keep(v, v, k)
				}
				if folded {
					c.drop(v, v, c.leftOut(part))
				}
				if weighted || folded {
					c.narrow(at, v, m)
				}
				c.add(total[part], total[part], v)
			}
			ADDQ(U8(8*m.size()), residual)
			c.next(weighted, folded)
		})
	})
	Store(c.oneRow(total).AsX(), Return("sum"))
	done()
}

// counting is a float64 machine at work on the masses and folds of eight rows, in one
// register or two.
type counting struct {
	machine
	parts            int
	mass, fold, rows reg.GPVirtual
	nought           reg.VecVirtual
	left             reg.VecVirtual // int32
}

func (m machine) counting() *counting {
	c := &counting{machine: machine{set: m.set, format: "64"}, parts: 64 / m.width()}
	c.mass, c.fold, c.rows = param("mass"), param("fold"), param("rows")
	c.nought, c.left = c.vec(), c.vec()
	c.machine.zero(c.nought)
	VMOVD(Load(Param("left"), GP32()), c.left.AsX())
	VPBROADCASTD(c.left.AsX(), c.left)
	return c
}

func (c *counting) zeros() []reg.VecVirtual {
	v := c.vecs(c.parts)
	for _, z := range v {
		c.zero(z)
	}
	return v
}

// variants writes body four times and chooses by what is nil.
func (c *counting) variants(body func(weighted, folded bool)) {
	for _, weighted := range []bool{true, false} {
		if weighted {
			TESTQ(c.mass, c.mass)
			JEQ(LabelRef("no_mass"))
		} else {
			Label("no_mass")
		}
		TESTQ(c.fold, c.fold)
		JEQ(LabelRef(label("no_fold_%t", weighted)))
		body(weighted, true)
		JMP(LabelRef("sums"))
		Label(label("no_fold_%t", weighted))
		body(weighted, false)
		if weighted {
			JMP(LabelRef("sums"))
		}
	}
	Label("sums")
}

// next goes to the next eight rows.
func (c *counting) next(weighted, folded bool) {
	if weighted {
		ADDQ(U8(64), c.mass)
	}
	if folded {
		ADDQ(U8(32), c.fold)
	}
}

// leftOut is the rows of a register that are in the fold left out.
func (c *counting) leftOut(part int) mask {
	at := Mem{Base: c.fold, Disp: 4 * part * c.lanes()}
	if c.wide() {
		k := K()
		VPCMPEQD(at, c.left.AsY(), k)
		return mask{k: k}
	}
	v := c.vec()
	VPCMPEQD(at, c.left.AsX(), v.AsX())
	VPMOVSXDQ(v.AsX(), v)
	return mask{v: v}
}

// narrow rounds v to m's format and stores it: sums are those of what is stored.
func (c *counting) narrow(at Mem, v reg.VecVirtual, m machine) {
	switch {
	case m.format == "64":
		c.move(at, v)
	case c.wide():
		VCVTPD2PS(v, v.AsY())
		VMOVUPS(v.AsY(), at)
		VCVTPS2PD(v.AsY(), v)
	default:
		VCVTPD2PSY(v, v.AsX())
		VMOVUPS(v.AsX(), at)
		VCVTPS2PD(v.AsX(), v)
	}
}

// differ is the lanes where a != b; not-a-numbers differ from all.
func (c *counting) differ(a, b reg.VecVirtual) mask {
	const notEqual = 4
	if c.wide() {
		k := K()
		VCMPPD(U8(notEqual), b, a, k)
		return mask{k: k}
	}
	v := c.vec()
	VCMPPD(U8(notEqual), b, a, v)
	return mask{v: v}
}

// addWhere adds v to d in the chosen lanes.
func (c *counting) addWhere(d, v reg.VecVirtual, k mask) {
	if c.wide() {
		VADDPD(v, d, k.k, d)
		return
	}
	t := c.vec()
	VANDPD(k.v, v, t)
	c.add(d, d, t)
}

// addUnless adds v to d in the lanes that are not chosen.
func (c *counting) addUnless(d, v reg.VecVirtual, k mask) {
	if c.wide() {
		others := K()
		KNOTB(k.k, others)
		c.addWhere(d, v, mask{k: others})
		return
	}
	t := c.vec()
	VANDNPD(v, k.v, t)
	c.add(d, d, t)
}

// keep is v in the chosen lanes, zero in the others.
func (c *counting) keep(d, v reg.VecVirtual, k mask) {
	if c.wide() {
		VMOVAPD_Z(v, k.k, d)
	} else {
		VANDPD(k.v, v, d)
	}
}

// drop is v in the lanes that are not chosen, zero in the others.
func (c *counting) drop(d, v reg.VecVirtual, k mask) {
	if c.wide() {
		others := K()
		KNOTB(k.k, others)
		VMOVAPD_Z(v, others, d)
	} else {
		VANDNPD(v, k.v, d)
	}
}

// widenTo reads a register of float64 from numbers of the machine's format.
func (m machine) widenTo(v reg.VecVirtual, at Mem) {
	if m.format == "64" {
		m.move(v, at)
	} else {
		VCVTPS2PD(at, v)
	}
}
