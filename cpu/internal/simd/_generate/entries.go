package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// entryLanes is the number of sums of a row of sparse X, whatever the set and the format.
const entryLanes = 8

// entries sets z_i = x_i.w + b for rows of sparse X, whose entries lie one row after the
// other. Entry e of a row goes to lane e mod 8; then lane i takes lane i + 4, and so on by
// halves; b is added last. The numbers of w are gathered, eight at a time. A nil val is all
// ones.
func entries(m machine) {
	m.text("entries", "z *T, start *int64, col *uint32, val, w *T, b T, rows int", "sets z_i = x_i.w + b for rows of entries, of which row i has start_i+1 - start_i.")
	g := gatherer{machine: m, z: param("z"), start: param("start"), col: param("col"), val: param("val"), w: param("w"), b: XMM()}
	m.pick(VMOVSS, VMOVSD)(address("b"), g.b)
	rows, begin := param("rows"), GP64()
	MOVQ(Mem{Base: g.start}, begin)
	TESTQ(g.val, g.val)
	JZ(LabelRef("ones"))
	g.rows("valued", copyOf(rows), copyOf(begin))
	done()
	Label("ones")
	g.ones = true
	g.rows("one", rows, begin)
	done()
}

type gatherer struct {
	machine
	z, start, col, val, w reg.GPVirtual
	b                     reg.VecVirtual
	ones                  bool
}

// parts is the number of registers that the lanes take.
func (g *gatherer) parts() int {
	if g.format == "64" && !g.wide() {
		return 2
	}
	return 1
}

// lane is a register of lanes, which are never more than entryLanes.
func (g *gatherer) lane() reg.VecVirtual {
	if g.format == "64" && g.wide() {
		return ZMM()
	}
	return YMM()
}

func (g *gatherer) rows(name string, rows, begin reg.GPVirtual) {
	loop(name, rows, 1, func() {
		n := GP64()
		MOVQ(Mem{Base: g.start, Disp: 8}, n)
		next := copyOf(n)
		SUBQ(begin, n)
		MOVQ(next, begin)
		ADDQ(U8(8), g.start)
		acc := make([]reg.VecVirtual, g.parts())
		for i := range acc {
			acc[i] = g.lane()
			g.zero(acc[i])
		}
		loop(name+"_eight", n, entryLanes, func() {
			g.eight(acc, nil)
			ADDQ(U8(4*entryLanes), g.col)
			if !g.ones {
				ADDQ(U8(g.size()*entryLanes), g.val)
			}
		})
		TESTQ(n, n)
		JZ(LabelRef(name + "_summed"))
		g.eight(acc, n)
		LEAQ(Mem{Base: g.col, Index: n, Scale: 4}, g.col)
		if !g.ones {
			LEAQ(Mem{Base: g.val, Index: n, Scale: uint8(g.size())}, g.val)
		}
		Label(name + "_summed")
		s := g.sum(acc)
		if g.format == "64" {
			VADDSD(g.b, s, s)
			VMOVSD(s, Mem{Base: g.z})
		} else {
			VADDSS(g.b, s, s)
			VMOVSS(s, Mem{Base: g.z})
		}
		ADDQ(U8(g.size()), g.z)
	})
}

// eight adds the next eight entries to acc, or, where n is not nil, so many.
func (g *gatherer) eight(acc []reg.VecVirtual, n reg.Register) {
	if g.wide() {
		g.eightWide(acc[0], n)
		return
	}
	at, from := YMM(), Mem{Base: g.col}
	masks := make([]mask, len(acc))
	if n == nil {
		VMOVDQU(from, at)
		for i := range masks {
			masks[i].v = YMM()
			VPCMPEQD(masks[i].v, masks[i].v, masks[i].v)
		}
	} else {
		count := GP64()
		MOVQ(n, count)
		masks = g.masks(count, len(acc))
		four := masks[0]
		if g.format == "64" {
			MOVQ(n, count)
			four = machine{set: g.set, format: "32"}.masks(count, 1)[0]
		}
		VPMASKMOVD(from, four.v, at)
	}
	for i, a := range acc {
		v, values := YMM(), Mem{Base: g.val, Disp: 32 * i}
		x := YMM()
		if !g.ones && n != nil {
			g.load(x, values, masks[i])
		}
		g.zero(v)
		numbers := Mem{Base: g.w, Index: at, Scale: uint8(g.size())}
		if g.format == "64" {
			half := XMM()
			VEXTRACTI128(U8(i), at, half)
			numbers.Index = half
			VGATHERDPD(masks[i].v, numbers, v)
		} else {
			VGATHERDPS(masks[i].v, numbers, v)
		}
		switch {
		case g.ones:
		case n == nil:
			g.mul(v, v, values)
		default:
			g.mul(v, v, x)
		}
		g.add(a, a, v)
	}
}

func (g *gatherer) eightWide(acc reg.VecVirtual, n reg.Register) {
	at, from, values := YMM(), Mem{Base: g.col}, Mem{Base: g.val}
	v, x, some := g.lane(), g.lane(), K()
	if n == nil {
		VMOVDQU32(from, at)
		KXNORB(some, some, some)
	} else {
		count := GP64()
		MOVQ(n, count)
		some = machine{set: g.set, format: "32"}.masks(count, 1)[0].k
		VMOVDQU32_Z(from, some, at)
		if !g.ones {
			g.load(x, values, mask{k: some})
		}
	}
	g.zero(v)
	numbers := Mem{Base: g.w, Index: at, Scale: uint8(g.size())}
	if g.format == "64" {
		VGATHERDPD(numbers, some, v)
	} else {
		VGATHERDPS(numbers, some, v)
	}
	switch {
	case g.ones:
	case n == nil:
		g.mul(v, v, values)
	default:
		g.mul(v, v, x)
	}
	g.add(acc, acc, v)
}

// sum adds the lanes into the first.
func (g *gatherer) sum(acc []reg.VecVirtual) reg.VecVirtual {
	v, t := acc[0], YMM()
	add := g.pick(VADDPS, VADDPD)
	switch {
	case g.format == "64" && g.wide():
		VEXTRACTF64X4(U8(1), v, t)
		add(t, v.AsY(), v.AsY())
	case g.format == "64":
		g.add(v, v, acc[1])
	}
	VEXTRACTF128(U8(1), v.AsY(), t.AsX())
	add(t.AsX(), v.AsX(), v.AsX())
	VUNPCKHPD(v.AsX(), v.AsX(), t.AsX())
	add(t.AsX(), v.AsX(), v.AsX())
	if g.format == "32" {
		VPSRLQ(U8(32), v.AsX(), t.AsX())
		add(t.AsX(), v.AsX(), v.AsX())
	}
	return v.AsX().(reg.VecVirtual)
}
