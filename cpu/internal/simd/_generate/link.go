package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// link writes the loss and the residual of each row, a register of rows at a time.
// With t = -z where label is class and t = z elsewhere, both are functions of t:
// loss = log(1 + e^t), residual = sigmoid(t) with the sign of dt/dz.
func link(m machine) {
	m.text("link", "loss, residual, z *T, label *int32, class int32, rows int, constants *T",
		"writes log loss and residual of rows, a multiple of the lanes of a register.")
	loss, residual, z, labels := param("loss"), param("residual"), param("z"), param("label")
	rows, table := param("rows"), param("constants")
	class := m.vec()
	VMOVD(Load(Param("class"), GP32()), class.AsX())
	VPBROADCASTD(class.AsX(), class)
	for _, ways := range m.ways() {
		loop(label("rows%d", ways), rows, ways*m.lanes(), func() {
			t := group(m.vecs(ways))
			for i := range t {
				m.move(t[i], Mem{Base: z, Disp: i * m.width()})
			}
			l, r := m.lossResidual(table, Mem{Base: labels}, class, t)
			for i := range t {
				m.move(Mem{Base: loss, Disp: i * m.width()}, l[i])
				m.move(Mem{Base: residual, Disp: i * m.width()}, r[i])
			}
			for _, p := range []reg.GPVirtual{loss, residual, z} {
				ADDQ(I32(ways*m.width()), p)
			}
			ADDQ(I32(4*ways*m.lanes()), labels)
		})
	}
	done()
}

// lossResidual takes logits to losses and residuals; z is destroyed.
func (m machine) lossResidual(table reg.GPVirtual, labels Mem, class reg.VecVirtual, z group) (losses, residuals group) {
	c := func(i int) Mem { return constant(table, i) }
	flip, a := m.like(z), m.like(z)
	sign, zeros, ones := m.loaded(c(signBit)), m.vec(), m.loaded(c(one))
	m.zero(zeros)
	for i, t := range z {
		m.signWhereEqual(flip[i], labels.Offset(4*i*m.lanes()), class, c(signBit))
		m.xor(t, flip[i], t)
		m.pick(VANDNPS, VANDNPD)(t, sign, a[i]) // |t|
	}
	e := m.expNeg(table, a)
	losses = m.log1p(table, e)
	for i, l := range losses {
		high := m.vec()
		m.max(high, zeros, z[i])
		m.add(l, high, l)
	}
	for i, e := range e {
		s := m.vec()
		m.add(s, e, ones) // sigmoid(t) = (1 or e) / (1 + e)
		m.whereNegative(e, z[i], e, ones)
		m.div(s, e, s)
		m.xor(s, s, flip[i])
		residuals = append(residuals, s)
	}
	return losses, residuals
}

func (m machine) loaded(at Mem) reg.VecVirtual {
	v := m.vec()
	m.move(v, at)
	return v
}

// signWhereEqual gives the lanes whose label is class a sign bit, zero elsewhere.
func (m machine) signWhereEqual(d reg.VecVirtual, labels Mem, class reg.VecVirtual, sign Mem) {
	switch {
	case m.wide() && m.format == "32":
		k := K()
		VPCMPEQD(labels, class, k)
		VMOVUPS_Z(sign, k, d)
	case m.wide():
		k := K()
		VPCMPEQD(labels, class.AsY(), k)
		VMOVUPD_Z(sign, k, d)
	case m.format == "32":
		VPCMPEQD(labels, class, d)
		VANDPS(sign, d, d)
	default:
		VPCMPEQD(labels, class.AsX(), d.AsX())
		VPMOVSXDQ(d.AsX(), d)
		VANDPD(sign, d, d)
	}
}

// whereNegative is a where t has its sign bit set, else b.
func (m machine) whereNegative(d, t, a, b reg.VecVirtual) {
	switch {
	case m.wide() && m.format == "32":
		k := K()
		VPMOVD2M(t, k)
		VBLENDMPS(a, b, k, d)
	case m.wide():
		k := K()
		VPMOVQ2M(t, k)
		VBLENDMPD(a, b, k, d)
	default:
		m.pick(four(VBLENDVPS), four(VBLENDVPD))(t, a, b, d)
	}
}

func four(f func(a, b, c, d Op)) instruction {
	return func(ops ...Op) { f(ops[0], ops[1], ops[2], ops[3]) }
}
