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

func (m machine) slice(name, doc string, f func(table reg.GPVirtual, a group) group) {
	m.text(name, "dst, a *T, n int, constants *T", doc)
	dst, from, n, table := param("dst"), param("a"), param("n"), param("constants")
	for _, ways := range m.ways() {
		loop(label("numbers%d", ways), n, ways*m.lanes(), func() {
			a := m.vecs(ways)
			for i, v := range a {
				m.move(v, Mem{Base: from, Disp: i * m.width()})
			}
			for i, v := range f(table, a) {
				m.move(Mem{Base: dst, Disp: i * m.width()}, v)
			}
			ADDQ(I32(ways*m.width()), from)
			ADDQ(I32(ways*m.width()), dst)
		})
	}
	done()
}

// The constants that the functions here find in memory, one full 64 bytes each, in
// the order of wideConstants in package simd.
const (
	signBit = iota
	one
	two
	half
	exponent // the bias of the exponent, as an integer
	oneInteger
	fraction    // the bits of a number below its exponent
	integer     // with an integer in those bits, this is 2^23 or 2^52 more than it
	integerBias // that, and the bias of the exponent
	ln2
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
func (m machine) expNeg(table reg.GPVirtual, a group) group {
	x, t, n, r, p, u := m.like(a), m.like(a), m.like(a), m.like(a), m.like(a), m.like(a)
	c := func(i int) Mem { return constant(table, i) }
	terms, _ := m.terms()
	m.fill(u, c(clamp))
	each(m.min, x, u, a)
	each(m.xor, x, x, c(signBit))
	each(m.mul, t, x, c(log2e))
	each(m.add, t, t, c(round))
	each(m.sub, n, t, c(round))
	each(m.mul, u, n, c(ln2High))
	each(m.sub, r, x, u)
	each(m.mul, u, n, c(ln2Low))
	each(m.sub, r, r, u)
	m.fill(p, c(firstTerm+terms-1))
	for i := terms - 2; i >= 0; i-- {
		each(m.mul, p, p, r)
		each(m.add, p, p, c(firstTerm+i))
	}
	each(m.mul, u, r, r)
	each(m.mul, p, u, p)
	each(m.add, p, p, r)
	each(m.add, p, p, c(one))
	if m.wide() { // 2^n p, rounded once
		each(func(d, a, b Op) { m.pick(VSCALEFPS, VSCALEFPD)(b, a, d) }, p, p, n)
		return p
	}
	// k, from the low bits of t, goes below the smallest normal exponent: two steps, of
	// which only the second rounds.
	h := n
	if m.format == "32" {
		shift(VPSLLD, 10, t, t)
		shift(VPSRAD, 10, t, t)
		shift(VPSRAD, 1, h, t)
		each(m.subInt, t, t, h)
	} else {
		// AVX2 cannot shift 64-bit lanes arithmetically. The low half of a lane holds k:
		// the exponents are built there and moved up.
		shift(VPSRAD, 1, h, t)
		each(m.subInt, t, t, h)
	}
	for _, e := range []group{h, t} {
		each(m.addInt, e, e, c(exponent))
		if m.format == "32" {
			shift(VPSLLD, 23, e, e)
		} else {
			shift(VPSLLQ, 52, e, e)
		}
		each(m.mul, p, p, e)
	}
	return p
}

func (m machine) addInt(d, a, b Op) { VPADDD(b, a, d) }
func (m machine) subInt(d, a, b Op) { VPSUBD(b, a, d) }

// log1p writes log(1+f) for f in [0, 1] into a register, f unchanged: package
// fastmath's Log1p32 and Log1p64.
func (m machine) log1p(table reg.GPVirtual, f group) group {
	s, u, h, p := m.like(f), m.like(f), m.like(f), m.like(f)
	c := func(i int) Mem { return constant(table, i) }
	skip, terms := m.terms()
	first := firstTerm + skip
	each(m.add, s, f, c(two))
	each(m.div, s, f, s)
	each(m.mul, u, s, s)
	each(m.mul, h, f, c(half))
	each(m.mul, h, h, f)
	m.fill(p, c(first+terms-1))
	for i := terms - 2; i >= 0; i-- {
		each(m.mul, p, p, u)
		each(m.add, p, p, c(first+i))
	}
	each(m.mul, p, u, p)
	each(m.add, p, h, p)
	each(m.mul, p, s, p)
	each(m.sub, p, h, p)
	each(m.sub, p, f, p)
	return p
}

// group is registers that go through the same steps. Steps of the same number wait for
// each other; taking several numbers through each step keeps a processor at work that
// cannot look far enough ahead to find the next.
type group []reg.VecVirtual

// ways are the sizes of groups, the largest first, that the registers hold.
func (m machine) ways() []int {
	if m.wide() {
		return []int{2, 1}
	}
	return []int{1}
}

func (m machine) like(g group) group { return m.vecs(len(g)) }

// each writes an instruction for every register; b is a group or one place in memory.
func each(f func(d, a, b Op), d, a group, b any) {
	for i := range d {
		if all, ok := b.(group); ok {
			f(d[i], a[i], all[i])
		} else {
			f(d[i], a[i], b.(Mem))
		}
	}
}

func (m machine) fill(d group, at Mem) {
	for _, v := range d {
		m.move(v, at)
	}
}

func shift(f instruction, bits uint8, d, a group) {
	for i := range d {
		f(U8(bits), a[i], d[i])
	}
}
