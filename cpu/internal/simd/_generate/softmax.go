package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmax takes the logits of several classes, ld numbers apart, to residuals and
// losses, and shares to probabilities, a register of rows at a time. They go over the
// classes of those rows three times: for the largest logit, for the exponentials of
// what the others lack, and for the quotients.
func softmax(m machine) {
	m.softmax()
	m.shares()
}

func (m machine) softmax() {
	m.text("softmax", "loss, z *T, label *int32, rows, classes, ld int, constants *T",
		"writes losses and residuals of rows, a multiple of the lanes of a register.")
	loss, labels, table := param("loss"), param("label"), param("constants")
	s := m.classes(table)
	c := func(i int) Mem { return constant(table, i) }
	loop("rows", s.rows, m.lanes(), func() {
		label, top, high := m.vec(), m.vec(), m.vec()
		m.loadLabels(label, Mem{Base: labels})

		s.each("largest", func(first bool, class reg.VecVirtual, at Mem) {
			v := m.vec()
			m.move(v, at)
			if first {
				m.move(high, v)
				m.zero(top)
				return
			}
			k := m.greater(v, high)
			m.blend(high, k, v, high)
			m.blend(top, k, class, top)
		})

		// The exponentials but that of the largest, and but the label's: sums of small
		// numbers keep their digits where the whole would be near one.
		others, rest, chosen := m.total(), m.total(), m.vec()
		m.zero(chosen)
		s.each("exponentials", func(_ bool, class reg.VecVirtual, at Mem) {
			v, t := m.vec(), m.vec()
			m.move(v, at)
			k := m.equal(class, label)
			m.blend(chosen, k, v, chosen)
			m.sub(v, high, v)
			e := m.expNeg(table, group{v})[0]
			m.move(at, e)
			m.unless(t, m.equal(class, top), e)
			others.add(t)
			m.unless(t, k, e)
			rest.add(t)
		})
		l := m.logSum(table, others.sum)
		m.sub(high, high, chosen)
		m.add(l, high, l)
		m.move(Mem{Base: loss}, l)

		scale := m.vec()
		m.add(others.sum, others.sum, c(one))
		m.move(scale, c(one))
		m.div(scale, scale, others.sum)
		m.xor(rest.sum, rest.sum, c(signBit))
		s.each("quotients", func(_ bool, class reg.VecVirtual, at Mem) {
			v := m.vec()
			m.move(v, at)
			m.blend(v, m.equal(class, label), rest.sum, v)
			m.mul(v, v, scale)
			m.move(at, v)
		})
		ADDQ(I32(m.width()), s.z)
		ADDQ(I32(m.width()), loss)
		ADDQ(I32(4*m.lanes()), labels)
	})
	done()
}

func (m machine) shares() {
	m.text("shares", "z *T, rows, classes, ld int, constants *T",
		"replaces logits of rows, a multiple of the lanes of a register, by probabilities.")
	table := param("constants")
	s := m.classes(table)
	loop("rows", s.rows, m.lanes(), func() {
		high, all := m.vec(), m.total()
		s.each("largest", func(first bool, _ reg.VecVirtual, at Mem) {
			if first {
				m.move(high, at)
				return
			}
			v := m.vec()
			m.move(v, at)
			m.blend(high, m.greater(v, high), v, high)
		})
		s.each("exponentials", func(_ bool, _ reg.VecVirtual, at Mem) {
			v := m.vec()
			m.move(v, at)
			m.sub(v, high, v)
			e := m.expNeg(table, group{v})[0]
			m.move(at, e)
			all.add(e)
		})
		scale := m.vec()
		m.move(scale, constant(table, one))
		m.div(scale, scale, all.sum)
		s.each("quotients", func(_ bool, _ reg.VecVirtual, at Mem) {
			v := m.vec()
			m.mul(v, scale, at)
			m.move(at, v)
		})
		ADDQ(I32(m.width()), s.z)
	})
	done()
}

// total is a compensated sum, as that of the Go twin.
type total struct {
	machine
	sum, lost reg.VecVirtual
}

func (m machine) total() total {
	t := total{m, m.vec(), m.vec()}
	m.zero(t.sum)
	m.zero(t.lost)
	return t
}

// add adds v, which it spoils.
func (t total) add(v reg.VecVirtual) {
	s := t.vec()
	t.sub(v, v, t.lost)
	t.machine.add(s, t.sum, v)
	t.sub(t.lost, s, t.sum)
	t.sub(t.lost, t.lost, v)
	t.move(t.sum, s)
}

// classLoop goes over the classes of a register of rows.
type classLoop struct {
	machine
	z, rows, classes, ld, table reg.GPVirtual
}

func (m machine) classes(table reg.GPVirtual) *classLoop {
	s := &classLoop{m, param("z"), param("rows"), param("classes"), param("ld"), table}
	SHLQ(U8(log2(m.size())), s.ld)
	return s
}

// each writes body for the class 0, which first tells, and a loop over the others where
// that differs. class holds the number of the class as an integer in every lane.
func (s *classLoop) each(name string, body func(first bool, class reg.VecVirtual, at Mem)) {
	class, p, left := s.vec(), copyOf(s.z), copyOf(s.classes)
	s.zero(class)
	if name == "largest" {
		body(true, class, Mem{Base: p})
		ADDQ(s.ld, p)
		SUBQ(U8(1), left)
		s.increment(class)
	}
	loop(name, left, 1, func() {
		body(false, class, Mem{Base: p})
		ADDQ(s.ld, p)
		s.increment(class)
	})
}

// increment adds one to integer lanes.
func (s *classLoop) increment(v reg.VecVirtual) {
	if s.format == "64" {
		VPADDQ(constant(s.table, oneInteger), v, v)
	} else {
		VPADDD(constant(s.table, oneInteger), v, v)
	}
}

// loadLabels reads int32 numbers into integer lanes.
func (m machine) loadLabels(v reg.VecVirtual, at Mem) {
	switch {
	case m.format == "64":
		VPMOVSXDQ(at, v)
	case m.wide():
		VMOVDQU32(at, v)
	default:
		VMOVDQU(at, v)
	}
}

// greater is the lanes where a > b.
func (m machine) greater(a, b reg.VecVirtual) mask {
	const greater = 0x1e // quietly; not where one is not a number
	if m.wide() {
		k := K()
		m.pick(VCMPPS, VCMPPD)(U8(greater), b, a, k)
		return mask{k: k}
	}
	v := m.vec()
	m.pick(VCMPPS, VCMPPD)(U8(greater), b, a, v)
	return mask{v: v}
}

// equal is the lanes where integers are the same.
func (m machine) equal(a, b reg.VecVirtual) mask {
	var k mask
	var d Op
	if m.wide() {
		k.k = K()
		d = k.k
	} else {
		k.v = m.vec()
		d = k.v
	}
	if m.format == "64" {
		VPCMPEQQ(b, a, d)
	} else {
		VPCMPEQD(b, a, d)
	}
	return k
}

// blend is a in the chosen lanes, b elsewhere.
func (m machine) blend(d reg.VecVirtual, k mask, a, b reg.VecVirtual) {
	if m.wide() {
		m.pick(VBLENDMPS, VBLENDMPD)(a, b, k.k, d)
	} else {
		m.pick(four(VBLENDVPS), four(VBLENDVPD))(k.v, a, b, d)
	}
}

// unless is zero in the chosen lanes, a elsewhere.
func (m machine) unless(d reg.VecVirtual, k mask, a reg.VecVirtual) {
	if !m.wide() {
		m.pick(VANDNPS, VANDNPD)(a, k.v, d)
		return
	}
	others := K()
	KNOTW(k.k, others)
	m.pick(three(VMOVAPS_Z), three(VMOVAPD_Z))(a, others, d)
}

// logSum is log(1 + e) for any e >= 0: with 1 + e = 2^n (1 + f), that is n ln 2 +
// log(1 + f), and f = e where n is zero.
func (m machine) logSum(table reg.GPVirtual, e reg.VecVirtual) reg.VecVirtual {
	c := func(i int) Mem { return constant(table, i) }
	s, n, f := m.vec(), m.vec(), m.vec()
	m.add(s, e, c(one))
	m.and(f, s, c(fraction))
	m.or(f, f, c(one))
	m.sub(f, f, c(one))
	if m.format == "64" {
		VPSRLQ(U8(52), s, n)
	} else {
		VPSRLD(U8(23), s, n)
	}
	m.or(n, n, c(integer))
	m.sub(n, n, c(integerBias))
	ones := m.vec()
	m.move(ones, c(one))
	m.blend(f, m.greater(ones, n), e, f)
	l := m.log1p(table, group{f})[0]
	m.mul(n, n, c(ln2))
	m.add(l, l, n)
	return l
}

func three(f func(a, b, c Op)) instruction {
	return func(ops ...Op) { f(ops[0], ops[1], ops[2]) }
}
