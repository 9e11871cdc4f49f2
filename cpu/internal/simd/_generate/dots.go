package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Rows of at most dotsNarrow bytes are prefetched dotsAhead bytes before they are
// needed: there are so many instructions to a byte that the loads a core looks ahead
// to do not keep memory busy. For longer rows this costs more than it gives.
const (
	dotsNarrow = 1024
	dotsAhead  = 4096
)

// dots sets z_i = x_i.w + b. A row is summed in 64/size lanes, column j in lane
// j mod lanes; then lane i takes lane i + lanes/2, and so on by halves. AVX2 keeps a
// row's lanes in two registers.
//
// A group of rows is summed at once, four rows sharing each read of w, and their
// lanes are added while they are transposed: about three instructions a row instead
// of the eight of a horizontal sum, which at 18 columns would cost more than the
// products.
func dots(m machine) {
	m.text("dots", "x, w *T, b T, z *T, rows, cols int", "sets z_i = x_i.w + b for rows of cols packed numbers.")
	x, w, z := param("x"), param("w"), param("z")
	b := m.vec()
	m.broadcast(b, address("b"))
	rows, cols := param("rows"), param("cols")

	parts := 64 / m.width() // registers a row
	lanes := 64 / m.size()
	group := m.lanes() // rows whose results fill a register

	stride := copyOf(cols)
	SHLQ(U8(log2(m.size())), stride)
	stride3 := GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	rest := copyOf(cols) // columns after the last full set of lanes
	ANDQ(U8(lanes-1), rest)
	full := copyOf(cols)
	SHRQ(U8(log2(lanes)), full)
	hasRest := copyOf(rest)
	tail := m.masks(rest, parts)

	rowAt := func(p reg.GPVirtual, r, part int) Mem {
		at := Mem{Base: p, Disp: part * m.width()}
		switch r {
		case 1:
			at.Index, at.Scale = stride, 1
		case 2:
			at.Index, at.Scale = stride, 2
		case 3:
			at.Index, at.Scale = stride3, 1
		}
		return at
	}
	// sums returns the lanes of n rows from p on, one register list a row. With ahead
	// it asks for what lies that many bytes further on.
	sums := func(name string, p reg.GPVirtual, n, ahead int) [][]reg.VecVirtual {
		acc := make([][]reg.VecVirtual, n)
		for r := range acc {
			acc[r] = m.vecs(parts)
			for _, a := range acc[r] {
				m.zero(a)
			}
		}
		wp, left, wv, t := copyOf(w), copyOf(full), m.vec(), m.vec()
		loop(name, left, 1, func() {
			for r := 0; r < n && ahead > 0; r++ {
				at := rowAt(p, r, 0)
				at.Disp = ahead
				PREFETCHT0(at)
			}
			for part := range parts {
				m.move(wv, Mem{Base: wp, Disp: part * m.width()})
				for r := range acc {
					m.mul(t, wv, rowAt(p, r, part))
					m.add(acc[r][part], acc[r][part], t)
				}
			}
			ADDQ(U8(64), wp)
			ADDQ(U8(64), p)
		})
		TESTQ(hasRest, hasRest)
		JZ(LabelRef(name + "_summed"))
		for part := range parts {
			m.load(wv, Mem{Base: wp, Disp: part * m.width()}, tail[part])
			for r := range acc {
				m.load(t, rowAt(p, r, part), tail[part])
				m.mul(t, wv, t)
				m.add(acc[r][part], acc[r][part], t)
			}
		}
		Label(name + "_summed")
		return acc
	}

	groups := func(name string, ahead int) {
		loop(name, rows, group, func() {
			var quads []reg.VecVirtual
			for q := range group / 4 {
				if q > 0 {
					LEAQ(Mem{Base: x, Index: stride, Scale: 4}, x)
				}
				p := copyOf(x)
				quads = append(quads, m.fourRows(sums(label("%s%d_", name, q), p, 4, ahead))...)
			}
			LEAQ(Mem{Base: x, Index: stride, Scale: 4}, x)
			v := m.transposed(quads)
			m.add(v, v, b)
			m.move(Mem{Base: z}, v)
			ADDQ(U8(group*m.size()), z)
		})
	}
	CMPQ(stride, I32(dotsNarrow))
	JG(LabelRef("wide"))
	groups("narrow", dotsAhead)
	Label("wide")
	groups("groups", 0)
	loop("row", rows, 1, func() {
		p := copyOf(x)
		v := m.oneRow(sums("single", p, 1, 0)[0])
		if m.format == "64" {
			VADDSD(b.AsX(), v.AsX(), v.AsX())
			VMOVSD(v.AsX(), Mem{Base: z})
		} else {
			VADDSS(b.AsX(), v.AsX(), v.AsX())
			VMOVSS(v.AsX(), Mem{Base: z})
		}
		ADDQ(stride, x)
		ADDQ(U8(m.size()), z)
	})
	done()
}

// pair adds what two shuffles of a and b bring together, into a new register.
func (m machine) pair(shuffle func(imm uint8, b, a, d Op), low, high uint8, a, b reg.VecVirtual) reg.VecVirtual {
	s, t := m.vec(), m.vec()
	shuffle(low, b, a, s)
	shuffle(high, b, a, t)
	m.add(s, s, t)
	return s
}

func quarters(imm uint8, b, a, d Op) { VSHUFF64X2(U8(imm), b, a, d) }
func halves(imm uint8, b, a, d Op)   { VPERM2F128(U8(imm), b, a, d) }
func singles(imm uint8, b, a, d Op)  { VSHUFPS(U8(imm), b, a, d) }

// doubles gives of each 16 bytes the low (0) or the high (1) eight of a, then of b.
func doubles(imm uint8, b, a, d Op) {
	if imm == 0 {
		VUNPCKLPD(b, a, d)
	} else {
		VUNPCKHPD(b, a, d)
	}
}

// fourRows adds the lanes of four rows down to 16 bytes a row, in the order of the
// rows.
func (m machine) fourRows(acc [][]reg.VecVirtual) []reg.VecVirtual {
	if m.wide() {
		ab := m.pair(quarters, 0x44, 0xee, acc[0][0], acc[1][0])
		cd := m.pair(quarters, 0x44, 0xee, acc[2][0], acc[3][0])
		return []reg.VecVirtual{m.pair(quarters, 0x88, 0xdd, ab, cd)}
	}
	for _, row := range acc {
		m.add(row[0], row[0], row[1])
	}
	return []reg.VecVirtual{
		m.pair(halves, 0x20, 0x31, acc[0][0], acc[1][0]),
		m.pair(halves, 0x20, 0x31, acc[2][0], acc[3][0]),
	}
}

// transposed adds the 16 bytes a row and puts the sum of row i into lane i.
func (m machine) transposed(q []reg.VecVirtual) reg.VecVirtual {
	v := m.pair(doubles, 0, 1, q[0], q[1])
	if m.format == "32" {
		v = m.pair(singles, 0x88, 0xdd, v, m.pair(doubles, 0, 1, q[2], q[3]))
	}
	switch {
	case m.wide() && m.format == "32": // rows 0 4 8 12 1 5 ...
		m.permute(v, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
	case m.wide(): // rows 0 4 1 5 ...
		m.permute(v, 0, 2, 4, 6, 1, 3, 5, 7)
	case m.format == "32": // rows 0 2 4 6 1 3 5 7
		m.permute(v, 0, 4, 1, 5, 2, 6, 3, 7)
	default: // rows 0 2 1 3
		VPERMPD(U8(0xd8), v, v)
	}
	return v
}

// tables are the lists of lanes that have been written.
var tables = map[string]Mem{}

// permute moves lane order[i] of v to lane i.
func (m machine) permute(v reg.VecVirtual, order ...uint64) {
	name := label("lanes%s%v", m.format, order)
	name = strings.NewReplacer(" ", "_", "[", "x", "]", "").Replace(name)
	table, written := tables[name]
	if !written {
		table = GLOBL(name, RODATA|NOPTR)
		tables[name] = table
		for i, from := range order {
			if m.format == "64" {
				DATA(8*i, U64(from))
			} else {
				DATA(4*i, U32(from))
			}
		}
	}
	index := m.vec()
	if m.wide() {
		VMOVDQU64(table, index)
	} else {
		VMOVDQU(table, index)
	}
	m.pick(VPERMPS, VPERMPD)(v, index, v)
}

// oneRow adds the lanes of one row into lane 0.
func (m machine) oneRow(acc []reg.VecVirtual) reg.VecVirtual {
	v := acc[0]
	add := m.pick(VADDPS, VADDPD)
	t := m.vec()
	if m.wide() {
		VEXTRACTF64X4(U8(1), v, t.AsY())
		add(t.AsY(), v.AsY(), v.AsY())
	} else {
		m.add(v, v, acc[1])
	}
	VEXTRACTF128(U8(1), v.AsY(), t.AsX())
	add(t.AsX(), v.AsX(), v.AsX())
	VUNPCKHPD(v.AsX(), v.AsX(), t.AsX())
	add(t.AsX(), v.AsX(), v.AsX())
	if m.format == "32" {
		VPSRLQ(U8(32), v.AsX(), t.AsX())
		add(t.AsX(), v.AsX(), v.AsX())
	}
	return v
}
