package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// productsAhead is how many rows ahead x is prefetched: those of the next call, where
// one takes so many rows through all outputs. While they are multiplied, memory has
// nothing else to do.
const productsAhead = 16

// products sets z_oi = x_i.w_o + b_o for several outputs o, each sum taken as by dots.
// A register tile of rows and outputs makes every number that is loaded serve several
// sums, and all of them are reduced together.
func products(m machine) {
	t := m.productsTile()
	m.text("products", "x, w, b, z *T, rows, cols, outputs, ldz int",
		label("sets z_oi = x_i.w_o + b_o: rows, a multiple of %d, and w_o have cols packed numbers; the %d-fold outputs have their z_o ldz numbers apart.", t.rows*t.stacked, t.outputs))
	w, b, z := param("w"), param("b"), param("z")
	cols, outputs, ldz := param("cols"), param("outputs"), param("ldz")
	SHLQ(U8(log2(m.size())), ldz)
	lanes := 64 / m.size()
	stride := copyOf(cols)
	SHLQ(U8(log2(m.size())), stride)
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	rest := copyOf(cols) // columns after the last full set of lanes
	ANDQ(U8(lanes-1), rest)
	table := m.maskTable(rest)
	parts := 64 / m.width() // registers of lanes
	var tail []mask
	if m.wide() { // else they would take vector registers
		tail = m.masksFrom(table, parts)
	}

	rowAt := func(p reg.GPVirtual, i, part int) Mem {
		at := Mem{Base: p, Disp: part * m.width()}
		switch i {
		case 1:
			at.Index, at.Scale = stride, 1
		case 2:
			at.Index, at.Scale = stride, 2
		case 3:
			at.Index, at.Scale = stride3, 1
		}
		return at
	}
	// sums returns the lanes of a register tile, those of the first output first.
	sums := func(name string, x reg.GPVirtual) [][]reg.VecVirtual {
		acc := make([][]reg.VecVirtual, t.outputs*t.rows)
		for s := range acc {
			acc[s] = m.vecs(parts)
			for _, a := range acc[s] {
				m.zero(a)
			}
		}
		add := func(xp, wp reg.GPVirtual, load func(d reg.VecVirtual, at Mem, part int)) {
			wv, xv, p := m.vecs(t.outputs), m.vec(), m.vec()
			for part := range parts {
				for o, v := range wv {
					load(v, rowAt(wp, o, part), part)
				}
				for r := range t.rows {
					load(xv, rowAt(xp, r, part), part)
					for o, v := range wv {
						a := acc[o*t.rows+r][part]
						m.mul(p, v, xv)
						m.add(a, a, p)
					}
				}
			}
		}
		xp, wp, full := copyOf(x), copyOf(w), copyOf(cols)
		var ahead reg.GPVirtual
		if m.wide() { // AVX2 has no register left
			ahead = copyOf(stride)
			SHLQ(U8(log2(productsAhead)), ahead)
			ADDQ(xp, ahead)
		}
		loop(name, full, lanes, func() {
			for r := 0; r < t.rows && m.wide(); r++ {
				PREFETCHT0(rowAt(ahead, r, 0))
			}
			if m.wide() {
				ADDQ(U8(64), ahead)
			}
			add(xp, wp, func(d reg.VecVirtual, at Mem, _ int) { m.move(d, at) })
			ADDQ(U8(64), xp)
			ADDQ(U8(64), wp)
		})
		TESTQ(full, full)
		JZ(LabelRef(name + "_summed"))
		k := tail
		if k == nil {
			k = m.masksFrom(table, parts)
		}
		add(xp, wp, func(d reg.VecVirtual, at Mem, part int) { m.load(d, at, k[part]) })
		Label(name + "_summed")
		return acc
	}

	loop("outputs", outputs, t.outputs, func() {
		x, zp, left := param("x"), copyOf(z), param("rows")
		loop("rows", left, t.rows*t.stacked, func() {
			var quads []reg.VecVirtual
			for s := range t.stacked {
				if s > 0 {
					LEAQ(Mem{Base: x, Index: stride, Scale: uint8(t.rows)}, x)
				}
				acc := sums(label("sums%d", s), x)
				for ; len(acc) > 0; acc = acc[4:] {
					quads = append(quads, m.fourRows(acc[:4])...)
				}
			}
			LEAQ(Mem{Base: x, Index: stride, Scale: uint8(t.rows)}, x)
			m.storeProducts(quads, b, zp, ldz)
			ADDQ(U8(t.rows*t.stacked*m.size()), zp)
		})
		LEAQ(Mem{Base: w, Index: stride, Scale: uint8(t.outputs)}, w)
		LEAQ(Mem{Base: z, Index: ldz, Scale: uint8(t.outputs)}, z)
		ADDQ(U8(t.outputs*m.size()), b)
	})
	done()
}

// productsTile is a register tile, and how many of them, rows upon rows, fill whole
// registers of results.
type productsTile struct{ outputs, rows, stacked int }

func (m machine) productsTile() productsTile {
	switch {
	case m.wide():
		return productsTile{4, 4, 1}
	case m.format == "32":
		return productsTile{2, 2, 2}
	default:
		return productsTile{2, 2, 1}
	}
}

// storeProducts adds up quads, and b, and stores a few rows of each output.
func (m machine) storeProducts(quads []reg.VecVirtual, b, z, ldz reg.GPVirtual) {
	bias, out := m.vec(), Mem{Base: z}
	switch {
	case m.wide() && m.format == "32":
		v := m.transposed(quads)
		VMOVUPS(Mem{Base: b}, bias.AsX())
		m.permute(bias, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3)
		m.add(v, v, bias)
		ldz3 := GP64()
		LEAQ(Mem{Base: ldz, Index: ldz, Scale: 2}, ldz3)
		VMOVUPS(v.AsX(), out)
		VEXTRACTF32X4(U8(1), v, out.Idx(ldz, 1))
		VEXTRACTF32X4(U8(2), v, out.Idx(ldz, 2))
		VEXTRACTF32X4(U8(3), v, out.Idx(ldz3, 1))
	case m.wide():
		for half := range 2 {
			v := m.transposed(quads[2*half:][:2])
			VMOVUPD(Mem{Base: b, Disp: 16 * half}, bias.AsX())
			m.permute(bias, 0, 0, 0, 0, 1, 1, 1, 1)
			m.add(v, v, bias)
			if half == 0 {
				VMOVUPD(v.AsY(), out)
				VEXTRACTF64X4(U8(1), v, out.Idx(ldz, 1))
				continue
			}
			ldz3 := GP64()
			LEAQ(Mem{Base: ldz, Index: ldz, Scale: 2}, ldz3)
			VMOVUPD(v.AsY(), out.Idx(ldz, 2))
			VEXTRACTF64X4(U8(1), v, out.Idx(ldz3, 1))
		}
	default:
		v := m.transposed(quads)
		if m.format == "32" {
			VPERMPD(U8(0xd8), v, v) // rows 0 1 of both outputs, then 2 3: those of one together
			VMOVSD(Mem{Base: b}, bias.AsX())
			m.permute(bias, 0, 0, 0, 0, 1, 1, 1, 1)
		} else {
			VMOVUPD(Mem{Base: b}, bias.AsX())
			VPERMPD(U8(0x50), bias, bias)
		}
		m.add(v, v, bias)
		VMOVUPS(v.AsX(), out)
		VEXTRACTF128(U8(1), v, out.Idx(ldz, 1))
	}
}
