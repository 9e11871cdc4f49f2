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
	c := func(i int) Mem { return constant(table, i) }
	zeros, ones := m.vec(), m.vec()
	m.zero(zeros)
	m.move(ones, c(one))
	for _, ways := range m.ways() {
		loop(label("rows%d", ways), rows, ways*m.lanes(), func() {
			flip, t, a := m.vecs(ways), m.vecs(ways), group(m.vecs(ways))
			sign := m.loaded(c(signBit))
			for i := range a {
				m.signWhereEqual(flip[i], Mem{Base: labels, Disp: 4 * i * m.lanes()}, class, c(signBit))
				m.xor(t[i], flip[i], Mem{Base: z, Disp: i * m.width()})
				m.pick(VANDNPS, VANDNPD)(t[i], sign, a[i]) // |t|
			}
			e := m.expNeg(table, a)
			for i, log := range m.log1p(table, e) {
				l := m.vec()
				m.max(l, zeros, t[i])
				m.add(l, l, log)
				m.move(Mem{Base: loss, Disp: i * m.width()}, l)
			}
			for i, e := range e {
				s := m.vec()
				m.add(s, e, ones) // sigmoid(t) = (1 or e) / (1 + e)
				m.whereNegative(e, t[i], e, ones)
				m.div(s, e, s)
				m.xor(s, s, flip[i])
				m.move(Mem{Base: residual, Disp: i * m.width()}, s)
			}
			for _, p := range []reg.GPVirtual{loss, residual, z} {
				ADDQ(I32(ways*m.width()), p)
			}
			ADDQ(I32(4*ways*m.lanes()), labels)
		})
	}
	done()
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
