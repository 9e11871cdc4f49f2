package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// eval is dots, link, losses, weigh and outer of one output, for a group of rows at a
// time: its few KB are read from memory, and a second time from the first-level cache.
//
// How fast that is depends on the processor fetching ahead by itself, through all of
// these steps. It does so for loads that walk with a small constant stride. So rows are
// read one after the other, an iteration of a loop takes at most 512 bytes of x, and
// groups are small: long steps without a miss make it lose the stream. Prefetch
// instructions are of no use; they are slower than what they replace.
func eval(m machine) {
	if m.wide() {
		for _, cols := range m.evalNarrow() {
			m.narrowEval(cols)
		}
	}
	m.wideEval()
}

// evalNarrow are the most columns of the functions that keep coefficients and sums in
// registers, of which there are up to four. A second register of few columns is read and
// worked on as what it is: to the end of the next cache line, a whole one would cost more
// than the columns.
func (m machine) evalNarrow() (cols []int) {
	l := m.lanes()
	return []int{l, l + l/4, l + l/2, 2 * l, 3 * l, 4 * l}
}

// The scratch of eval, in bytes: the lanes of rows, residuals and losses of a group,
// float64 sums of losses and residuals, and the sums of columns of wide rows.
const (
	evalLanes     = 0
	evalResiduals = evalLanes + 16*64
	evalLosses    = evalResiduals + 128
	evalKept      = evalLosses + 128
	evalTotal     = evalKept + 64
	evalColumns   = evalTotal + 64
)

type evaluation struct {
	machine
	rows int // of a group

	x, labels, mass, scratch, table, stride reg.GPVirtual
	class                                   reg.VecVirtual
}

// evalText opens the function for groups of rows.
func (m machine) evalText(kernel string, rows int, columns string) *evaluation {
	m.text(kernel, "sum *float64, x, w *T, b T, label *int32, class int32, mass *float64, scale float64, rows, cols int, scratch, constants *T) (kept, total float64)",
		label("adds the gradient of rows, a multiple of %d, of %s to sum.", rows, columns))
	e := &evaluation{
		machine: m, rows: rows,
		x: param("x"), labels: param("label"), mass: param("mass"), scratch: param("scratch"), table: param("constants"), stride: param("cols"),
	}
	SHLQ(U8(log2(m.size())), e.stride)
	e.class = m.vec()
	VMOVD(Load(Param("class"), GP32()), e.class.AsX())
	VPBROADCASTD(e.class.AsX(), e.class)
	zero := m.vec()
	m.zero(zero)
	for part := range 64 / m.width() {
		m.move(e.at(evalKept+part*m.width()), zero)
		m.move(e.at(evalTotal+part*m.width()), zero)
	}
	return e
}

func (e *evaluation) at(disp int) Mem { return Mem{Base: e.scratch, Disp: disp} }

// narrowEval is eval of rows of up to cols numbers, which leave at most the last of their
// registers unfilled.
func (m machine) narrowEval(cols int) {
	registers := (cols + m.lanes() - 1) / m.lanes()
	part := func(v reg.VecVirtual, i int) Op { // the part of register i that holds numbers
		if i == registers-1 {
			switch cols % m.lanes() {
			case m.lanes() / 4:
				return v.AsX()
			case m.lanes() / 2:
				return v.AsY()
			}
		}
		return v
	}
	// An iteration takes rows that make 512 bytes, a group some 4 KB.
	step, rows := 4, 2*m.lanes()
	if registers > 2 {
		step = 2
		rows = 16
	}
	e := m.evalText(label("eval%dx", cols), rows, label("up to %d columns, in no fewer registers than so many", cols))
	w, acc := m.vecs(registers), m.vecs(registers)
	last := m.lastMask(param("cols"), registers, false)
	from := param("w")
	for i, v := range w {
		e.loadRow(part(v, i), Mem{Base: from}, i, registers, last)
		m.zero(acc[i])
	}

	left := param("rows")
	loop("groups", left, rows, func() {
		xp, to, count := copyOf(e.x), copyOf(e.scratch), GP64()
		MOVQ(I32(rows), count)
		loop("dots", count, step, func() {
			lanes := m.vecs(step)
			for _, a := range lanes {
				m.zero(a)
				for i := range registers {
					t := m.vec()
					e.loadRow(part(t, i), Mem{Base: xp}, i, registers, last)
					m.mul(part(t, i), part(w[i], i), part(t, i)) // zeros beyond
					m.add(a, a, t)
				}
				ADDQ(e.stride, xp)
			}
			ab := m.pair(quarters, 0x44, 0xee, lanes[0], lanes[1])
			if step == 4 {
				ab = m.pair(quarters, 0x88, 0xdd, ab, m.pair(quarters, 0x44, 0xee, lanes[2], lanes[3]))
			}
			m.move(Mem{Base: to, Disp: evalLanes}, ab)
			ADDQ(U8(64), to)
		})
		e.link(func(quad int) []reg.VecVirtual {
			if step == 4 {
				return []reg.VecVirtual{m.loaded(e.at(evalLanes + 64*quad))}
			}
			ab, cd := m.loaded(e.at(evalLanes+128*quad)), m.loaded(e.at(evalLanes+128*quad+64))
			return []reg.VecVirtual{m.pair(quarters, 0x88, 0xdd, ab, cd)}
		})
		r := copyOf(e.scratch)
		MOVQ(I32(rows), count)
		loop("outer", count, step, func() {
			for k := range step {
				s := m.vec()
				m.broadcast(s, Mem{Base: r, Disp: evalResiduals + k*m.size()})
				for i, a := range acc {
					t := m.vec()
					if i < registers-1 {
						m.mul(t, s, Mem{Base: e.x, Disp: i * m.width()})
					} else {
						m.load(part(t, i), Mem{Base: e.x, Disp: i * m.width()}, last)
						m.mul(part(t, i), part(s, i), part(t, i))
					}
					m.add(part(a, i), part(a, i), part(t, i))
				}
				ADDQ(e.stride, e.x)
			}
			ADDQ(U8(step*m.size()), r)
		})
	})

	g := param("sum")
	for i, a := range acc {
		at := Mem{Base: g, Disp: i * m.lanes() * 8}
		if i < registers-1 {
			m.addTo(at, a, nil)
		} else {
			m.addTo(at, a, &last)
		}
	}
	e.done()
}

// loadRow reads register i of a row.
func (e *evaluation) loadRow(v Op, row Mem, i, registers int, last mask) {
	if at := row.Offset(i * e.width()); i < registers-1 {
		e.move(v, at)
	} else {
		e.load(v, at, last)
	}
}

// wideEval is eval of rows of any length, the sums of columns in scratch.
func (m machine) wideEval() {
	const (
		rows     = 16
		ahead    = 4 // sets of lanes an iteration
		together = 4 // rows whose outer products share a load of the sums
	)
	e := m.evalText("eval", rows, "cols columns")
	parts, lanes := 64/m.width(), 64/m.size()
	rest := param("cols") // columns after the last full set of lanes
	ANDQ(U8(lanes-1), rest)
	full := param("cols")
	SHRQ(U8(log2(lanes)), full)
	hasRest := copyOf(rest)
	table := m.maskTable(rest)
	var tail []mask
	if m.wide() { // else they would take vector registers
		tail = m.masksFrom(table, parts)
	}
	masks := func() []mask {
		if tail != nil {
			return tail
		}
		return m.masksFrom(table, parts)
	}

	zero := m.vec()
	m.zero(zero)
	columns, count := copyOf(e.scratch), param("cols")
	ADDQ(U8(lanes-1), count)
	loop("zeros", count, lanes, func() {
		for part := range parts {
			m.move(Mem{Base: columns, Disp: evalColumns + part*m.width()}, zero)
		}
		ADDQ(U8(64), columns)
	})

	left := param("rows")
	loop("groups", left, rows, func() {
		xp, to, row := copyOf(e.x), copyOf(e.scratch), GP64()
		MOVQ(I32(rows), row)
		loop("dots", row, 1, func() {
			acc := m.vecs(parts)
			for _, a := range acc {
				m.zero(a)
			}
			t := m.vec()
			wp, n := param("w"), copyOf(full)
			for _, sets := range []int{ahead, 1} {
				loop(label("lanes%d", sets), n, sets, func() {
					for i := range sets * parts {
						m.move(t, Mem{Base: wp, Disp: i * m.width()})
						m.mul(t, t, Mem{Base: xp, Disp: i * m.width()})
						m.add(acc[i%parts], acc[i%parts], t)
					}
					ADDQ(I32(64*sets), wp)
					ADDQ(I32(64*sets), xp)
				})
			}
			TESTQ(hasRest, hasRest)
			JZ(LabelRef("row_summed"))
			wv := m.vec()
			for part, k := range masks() {
				m.load(wv, Mem{Base: wp, Disp: part * m.width()}, k)
				m.load(t, Mem{Base: xp, Disp: part * m.width()}, k)
				m.mul(t, wv, t)
				m.add(acc[part], acc[part], t)
			}
			LEAQ(Mem{Base: xp, Index: hasRest, Scale: uint8(m.size())}, xp)
			Label("row_summed")
			for part, a := range acc {
				m.move(Mem{Base: to, Disp: evalLanes + part*m.width()}, a)
			}
			ADDQ(U8(64), to)
		})
		e.link(func(quad int) []reg.VecVirtual {
			acc := make([][]reg.VecVirtual, 4)
			for r := range acc {
				for part := range parts {
					acc[r] = append(acc[r], m.loaded(e.at(evalLanes+64*(4*quad+r)+part*m.width())))
				}
			}
			return m.fourRows(acc)
		})
		r, group, stride3 := copyOf(e.scratch), GP64(), GP64()
		LEAQ(Mem{Base: e.stride, Index: e.stride, Scale: 2}, stride3)
		MOVQ(I32(rows/together), group)
		loop("outer", group, 1, func() {
			s := m.vecs(together)
			for k, v := range s {
				m.broadcast(v, Mem{Base: r, Disp: evalResiduals + k*m.size()})
			}
			at := func(k, part int) Mem {
				p := Mem{Base: e.x, Disp: part * m.width()}
				switch k {
				case 1:
					return p.Idx(e.stride, 1)
				case 2:
					return p.Idx(e.stride, 2)
				case 3:
					return p.Idx(stride3, 1)
				}
				return p
			}
			sums, n, t := copyOf(e.scratch), copyOf(full), m.vec()
			add := func(part int, multiply func(k int)) {
				a, sum := m.vec(), Mem{Base: sums, Disp: evalColumns + part*m.width()}
				m.move(a, sum)
				for k := range together {
					multiply(k)
					m.add(a, a, t)
				}
				m.move(sum, a)
			}
			loop("columns", n, 1, func() {
				for part := range parts {
					add(part, func(k int) { m.mul(t, s[k], at(k, part)) })
				}
				ADDQ(U8(64), e.x)
				ADDQ(U8(64), sums)
			})
			TESTQ(hasRest, hasRest)
			JZ(LabelRef("columns_summed"))
			for part, mask := range masks() {
				add(part, func(k int) {
					m.load(t, at(k, part), mask)
					m.mul(t, s[k], t)
				})
			}
			LEAQ(Mem{Base: e.x, Index: hasRest, Scale: uint8(m.size())}, e.x)
			Label("columns_summed")
			ADDQ(stride3, e.x) // the first of the rows has been walked over
			ADDQ(U8(together*m.size()), r)
		})
	})

	g, sums, n := param("sum"), copyOf(e.scratch), param("cols")
	loop("widened", n, m.lanes(), func() {
		m.addTo(Mem{Base: g}, m.loaded(Mem{Base: sums, Disp: evalColumns}), nil)
		ADDQ(I32(8*m.lanes()), g)
		ADDQ(U8(m.width()), sums)
	})
	TESTQ(n, n)
	JZ(LabelRef("summed"))
	k := m.masks(n, 1)[0]
	m.addTo(Mem{Base: g}, m.loaded(Mem{Base: sums, Disp: evalColumns}), &k)
	Label("summed")
	e.done()
}

// link takes a group of rows from the lanes of their products to weighted residuals. quad
// gives four rows of them, added down to 16 bytes a row.
func (e *evaluation) link(quad func(int) []reg.VecVirtual) {
	ways := e.ways()[0]
	if ways*e.lanes() > e.rows {
		ways = 1
	}
	quads := e.lanes() / 4
	for first := 0; first < e.rows; first += ways * e.lanes() {
		b := e.vec()
		e.broadcast(b, address("b"))
		z := group(e.vecs(ways))
		for i := range z {
			var q []reg.VecVirtual
			for k := range quads {
				q = append(q, quad(first/4+i*quads+k)...)
			}
			v := e.transposed(q)
			e.add(z[i], v, b)
		}
		loss, residual := e.lossResidual(e.table, Mem{Base: e.labels, Disp: 4 * first}, e.class, z)
		for i := range z {
			at := first*e.size() + i*e.width()
			e.move(e.at(evalLosses+at), loss[i])
			e.move(e.at(evalResiduals+at), residual[i])
		}
	}
	ADDQ(I32(4*e.rows), e.labels)
	e.weigh()
}

// weigh weighs the residuals and adds them and the losses up, as weigh and losses do.
func (e *evaluation) weigh() {
	c := &counting{machine: machine{set: e.set, format: "64"}, parts: 64 / e.width()}
	total, kept := c.vecs(c.parts), c.vecs(c.parts)
	for part := range c.parts {
		c.move(total[part], e.at(evalTotal+part*c.width()))
		c.move(kept[part], e.at(evalKept+part*c.width()))
	}
	each := func(f func(part, row int, residual, loss Mem)) {
		for first := 0; first < e.rows; first += 8 {
			for part := range c.parts {
				row := first + part*c.lanes()
				f(part, row, e.at(evalResiduals+row*e.size()), e.at(evalLosses+row*e.size()))
			}
		}
	}
	TESTQ(e.mass, e.mass)
	JZ(LabelRef("no_mass"))
	c.nought = c.vec()
	c.zero(c.nought)
	scale := c.vec()
	c.broadcast(scale, address("scale"))
	each(func(part, row int, residual, loss Mem) {
		v, w := c.vec(), c.vec()
		c.move(w, Mem{Base: e.mass, Disp: 8 * row})
		k := c.differ(w, c.nought)
		e.widenTo(v, loss)
		c.mul(v, v, w)
		c.keep(v, v, k)
		c.add(kept[part], kept[part], v)
		e.widenTo(v, residual)
		c.mul(w, w, scale)
		c.mul(v, v, w)
		c.keep(v, v, k)
		c.narrow(residual, v, e.machine)
		c.add(total[part], total[part], v)
	})
	ADDQ(I32(8*e.rows), e.mass)
	JMP(LabelRef("weighed"))
	Label("no_mass")
	each(func(part, _ int, residual, loss Mem) {
		v := c.vec()
		e.widenTo(v, loss)
		c.add(kept[part], kept[part], v)
		e.widenTo(v, residual)
		c.add(total[part], total[part], v)
	})
	Label("weighed")
	for part := range c.parts {
		c.move(e.at(evalTotal+part*c.width()), total[part])
		c.move(e.at(evalKept+part*c.width()), kept[part])
	}
}

// done returns the sums of losses and residuals.
func (e *evaluation) done() {
	c := machine{set: e.set, format: "64"}
	for _, sum := range []struct {
		at   int
		name string
	}{{evalKept, "kept"}, {evalTotal, "total"}} {
		var acc []reg.VecVirtual
		for part := range 64 / e.width() {
			acc = append(acc, c.loaded(e.at(sum.at+part*e.width())))
		}
		Store(c.oneRow(acc).AsX(), Return(sum.name))
	}
	done()
}
