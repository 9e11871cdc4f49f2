package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// exp writes exp(-a) for a >= 0 and log(1+e) for e in [0, 1], each over a slice.
func exp(m machine) {
	m.slice("expNeg", "writes exp(-a) of n numbers, a multiple of the lanes of a register.", m.expNeg)
	m.slice("log1p", "writes log(1+a) of n numbers, a multiple of the lanes of a register.", m.log1p)
}

func (m machine) slice(name, doc string, f func(table reg.GPVirtual, a reg.VecVirtual) reg.VecVirtual) {
	m.text(name, "dst, a *T, n int, constants *T", doc)
	dst, from, n, table := param("dst"), param("a"), param("n"), param("constants")
	loop("numbers", n, m.lanes(), func() {
		m.move(Mem{Base: dst}, f(table, m.loaded(Mem{Base: from})))
		ADDQ(U8(m.width()), from)
		ADDQ(U8(m.width()), dst)
	})
	done()
}

// The constants that the functions here find in memory, one full 64 bytes each, in
// the order of wideConstants in package simd.
const (
	signBit = iota
	one
	two
	half
	exponent  // the bias of the exponent, as an integer
	clamp     // exp(-a) is 0 beyond
	log2e     // 1 / ln 2
	round     // adding it rounds to an integer, which the low bits then hold
	ln2High   // few bits, so that its product with that integer is exact
	ln2Low    // ln 2 - ln2High
	firstTerm // the coefficients of exp, then those of log1p
)

// terms are the numbers of coefficients of exp and of log1p.
func (m machine) terms() (exp, log1p int) {
	if m.format == "64" {
		return 11, 13
	}
	return 5, 6
}

func constant(table reg.GPVirtual, i int) Mem { return Mem{Base: table, Disp: 64 * i} }

// expNeg writes exp(-a) for a >= 0 into a register, a unchanged: package fastmath's
// ExpNeg32 and ExpNeg64, step by step.
func (m machine) expNeg(table reg.GPVirtual, a reg.VecVirtual) reg.VecVirtual {
	x, t, n, r, p, u := m.vec(), m.vec(), m.vec(), m.vec(), m.vec(), m.vec()
	c := func(i int) Mem { return constant(table, i) }
	terms, _ := m.terms()
	m.move(u, c(clamp))
	m.min(x, u, a)
	m.xor(x, x, c(signBit))
	m.mul(t, x, c(log2e))
	m.add(t, t, c(round))
	m.sub(n, t, c(round))
	m.mul(u, n, c(ln2High))
	m.sub(r, x, u)
	m.mul(u, n, c(ln2Low))
	m.sub(r, r, u)
	m.move(p, c(firstTerm+terms-1))
	for i := terms - 2; i >= 0; i-- {
		m.mul(p, p, r)
		m.add(p, p, c(firstTerm+i))
	}
	m.mul(u, r, r)
	m.mul(p, u, p)
	m.add(p, p, r)
	m.add(p, p, c(one))
	// k, from the low bits of t, goes below the smallest normal exponent: two steps.
	h := n
	if m.format == "32" {
		VPSLLD(U8(10), t, t)
		VPSRAD(U8(10), t, t)
		VPSRAD(U8(1), t, h)
		m.subInt(t, t, h)
	} else {
		// AVX2 cannot shift 64-bit lanes arithmetically. The low half of a lane holds k:
		// the exponents are built there and moved up.
		VPSRAD(U8(1), t, h)
		m.subInt(t, t, h)
	}
	for _, e := range []reg.VecVirtual{h, t} {
		m.addInt(e, e, c(exponent))
		if m.format == "32" {
			VPSLLD(U8(23), e, e)
		} else {
			VPSLLQ(U8(52), e, e)
		}
		m.mul(p, p, e)
	}
	return p
}

func (m machine) addInt(d, a, b Op) { VPADDD(b, a, d) }
func (m machine) subInt(d, a, b Op) { VPSUBD(b, a, d) }

// log1p writes log(1+f) for f in [0, 1] into a register, f unchanged: package
// fastmath's Log1p32 and Log1p64.
func (m machine) log1p(table reg.GPVirtual, f reg.VecVirtual) reg.VecVirtual {
	s, u, h, p := m.vec(), m.vec(), m.vec(), m.vec()
	c := func(i int) Mem { return constant(table, i) }
	skip, terms := m.terms()
	first := firstTerm + skip
	m.add(s, f, c(two))
	m.div(s, f, s)
	m.mul(u, s, s)
	m.mul(h, f, c(half))
	m.mul(h, h, f)
	m.move(p, c(first+terms-1))
	for i := terms - 2; i >= 0; i-- {
		m.mul(p, p, u)
		m.add(p, p, c(first+i))
	}
	m.mul(p, u, p)
	m.add(p, h, p)
	m.mul(p, s, p)
	m.sub(p, h, p)
	m.sub(p, f, p)
	return p
}
