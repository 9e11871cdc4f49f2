package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// weigh multiplies the residuals by mass and scale and sums loss times mass and the new
// residuals, in eight float64 lanes each: row i in lane i mod 8, whatever the
// instruction set. A row of mass zero gets the residual zero and adds nothing, even
// where its loss is infinite or not a number. mass may be nil: all ones.
func weigh(m machine) {
	m.text("weigh", "sums *float64, loss, residual *T, mass *float64, scale float64, rows int",
		"weighs rows, a multiple of 8; sums gets 8 partial sums of the losses, then 8 of the residuals.")
	sums, loss, residual := param("sums"), param("loss"), param("residual")
	mass, rows := param("mass"), param("rows")
	d := machine{set: m.set, format: "64"}
	parts := 64 / m.width()
	losses, residuals := d.vecs(parts), d.vecs(parts)
	zeros, scale := d.vec(), d.vec()
	d.broadcast(scale, address("scale"))
	for part := range parts {
		d.zero(losses[part])
		d.zero(residuals[part])
	}
	d.zero(zeros)
	TESTQ(mass, mass)
	JNE(LabelRef("weighted"))
	v := d.vec()
	loop("plain", rows, 8, func() {
		for part := range parts {
			m.widenTo(v, Mem{Base: loss, Disp: part * d.lanes() * m.size()})
			d.add(losses[part], losses[part], v)
			m.widenTo(v, Mem{Base: residual, Disp: part * d.lanes() * m.size()})
			d.add(residuals[part], residuals[part], v)
		}
		ADDQ(U8(8*m.size()), loss)
		ADDQ(U8(8*m.size()), residual)
	})
	JMP(LabelRef("sums"))
	Label("weighted")
	loop("masses", rows, 8, func() {
		for part := range parts {
			w := d.vec()
			d.move(w, Mem{Base: mass, Disp: part * d.width()})
			k := d.differ(w, zeros)
			m.widenTo(v, Mem{Base: loss, Disp: part * d.lanes() * m.size()})
			d.mul(v, v, w)
			d.keep(v, k)
			d.add(losses[part], losses[part], v)
			at := Mem{Base: residual, Disp: part * d.lanes() * m.size()}
			d.mul(w, w, scale)
			m.widenTo(v, at)
			d.mul(v, v, w)
			d.keep(v, k)
			if m.format == "32" { // the sum is that of the residuals as they are stored
				if m.wide() {
					VCVTPD2PS(v, v.AsY())
					VMOVUPS(v.AsY(), at)
					VCVTPS2PD(v.AsY(), v)
				} else {
					VCVTPD2PSY(v, v.AsX())
					VMOVUPS(v.AsX(), at)
					VCVTPS2PD(v.AsX(), v)
				}
			} else {
				d.move(at, v)
			}
			d.add(residuals[part], residuals[part], v)
		}
		ADDQ(U8(8*m.size()), loss)
		ADDQ(U8(8*m.size()), residual)
		ADDQ(U8(64), mass)
	})
	Label("sums")
	for part := range parts {
		d.move(Mem{Base: sums, Disp: part * d.width()}, losses[part])
		d.move(Mem{Base: sums, Disp: 64 + part*d.width()}, residuals[part])
	}
	done()
}

// widenTo reads a register of float64 from numbers of the machine's format.
func (m machine) widenTo(v reg.VecVirtual, at Mem) {
	if m.format == "64" {
		m.move(v, at)
	} else {
		VCVTPS2PD(at, v)
	}
}

// differ is the lanes where a != b; not-a-numbers differ from all.
func (m machine) differ(a, b reg.VecVirtual) mask {
	const notEqual = 4
	if m.wide() {
		k := K()
		VCMPPD(U8(notEqual), b, a, k)
		return mask{k: k}
	}
	v := m.vec()
	VCMPPD(U8(notEqual), b, a, v)
	return mask{v: v}
}

// keep zeroes the lanes that are not chosen.
func (m machine) keep(v reg.VecVirtual, k mask) {
	if m.wide() {
		VMOVAPD_Z(v, k.k, v)
	} else {
		VANDPD(k.v, v, v)
	}
}
