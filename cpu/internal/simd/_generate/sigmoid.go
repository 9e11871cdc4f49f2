package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// sigmoid writes p = 1 / (1 + exp(-a)) and curvature p (1 - p), each over a slice. With
// e = exp(-|a|) and q = 1 / (1 + e), p is q or e q, and p (1 - p) is e q q.
func sigmoid(m machine) {
	m.slice("sigmoid", "writes 1 / (1 + exp(-a)) of n numbers, a multiple of the lanes of a register.", func(table reg.GPVirtual, a group) group {
		e, q := m.sides(table, a)
		for i := range e {
			t := m.vec()
			m.mul(t, q[i], e[i])
			m.whereNegative(q[i], a[i], t, q[i])
		}
		return q
	})
	m.slice("curvature", "writes p (1 - p), p = 1 / (1 + exp(-a)), of n numbers, a multiple of the lanes of a register.", func(table reg.GPVirtual, a group) group {
		e, q := m.sides(table, a)
		each(m.mul, e, e, q)
		each(m.mul, e, e, q)
		return e
	})
}

// sides are e = exp(-|a|) and q = 1 / (1 + e).
func (m machine) sides(table reg.GPVirtual, a group) (e, q group) {
	magnitude := m.like(a)
	sign := m.loaded(constant(table, signBit))
	for i := range a {
		m.pick(VANDNPS, VANDNPD)(a[i], sign, magnitude[i])
	}
	e = m.expNeg(table, magnitude)
	q = m.like(a)
	ones := m.loaded(constant(table, one))
	for i := range e {
		m.add(q[i], e[i], ones)
		m.div(q[i], ones, q[i])
	}
	return e, q
}
