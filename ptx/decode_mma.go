package ptx

import (
	"math"
	"math/bits"
)

// Tensor-core instructions: mma with float16, bfloat16, tf32 and float64 operands,
// and ldmatrix.
//
// NVIDIA leaves the order and the rounding of mma's sums open. Measurements (Fasi et
// al., PeerJ CS 7:e330, 2021; Khattak and Mikaitis, arXiv 2512.07004) show this
// model: products are exact; a group of them and the accumulator are aligned to the
// largest exponent, cut off a few bits below float32's last place, added exactly, and
// the sum is cut to float32. Group size and extra bits depend on the generation, see
// tensorCore. Code that is to hold on every device must allow an error of about
// k * 2^-23 * sum |a b|, and tests of it should not compare bits.

func init() {
	register(decodeMMA, "mma")
	register(decodeLoadMatrix, "ldmatrix")
}

// tensorCore is how a generation sums: terms added at once for 16-bit and for tf32
// operands, and bits kept below the last place.
type tensorCore struct{ group16, groupTF32, extra int }

func tensorCoreOf(major, minor int) tensorCore {
	switch {
	case major >= 9:
		return tensorCore{16, 8, 2}
	case major == 8:
		return tensorCore{8, 4, 1}
	}
	return tensorCore{4, 4, 0}
}

// fragment tells where element i of a lane's fragment lies in its matrix.
type fragment func(lane, i int) (row, col int)

// tile is one shape of mma with the layouts of its operands (PTX ISA, "Matrix
// fragments for mma").
type tile struct {
	m, n, k          int
	in               Type // of A and B
	aRegs, bRegs     int
	aCount, bCount   int // elements a lane
	a, b             fragment
	cCount           int
	minArch, minPTX  int
	elementsPerCell  int
	accumulatorTypes []Type
}

var tiles = map[string]tile{}

func init() {
	// c: rows g and g+8, columns 2t and 2t+1, with g = lane/4 and t = lane%4.
	a16x8 := func(l, i int) (int, int) { return l/4 + 8*(i/2), l%4*2 + i%2 }
	b8x8 := func(l, i int) (int, int) { return l%4*2 + i, l / 4 }
	a16x16 := func(l, i int) (int, int) { return l/4 + 8*(i/2%2), l%4*2 + i%2 + 8*(i/4) }
	b16x8 := func(l, i int) (int, int) { return l%4*2 + i%2 + 8*(i/2), l / 4 }
	for _, t := range []Type{F16, BF16} {
		arch, accumulators := 75, []Type{F32, F16}
		if t == BF16 {
			arch, accumulators = 80, []Type{F32}
		}
		n := typeInfo[t].name
		tiles["m16n8k8."+n] = tile{16, 8, 8, t, 2, 1, 4, 2, a16x8, b8x8, 4, arch, 65, 2, accumulators}
		tiles["m16n8k16."+n] = tile{16, 8, 16, t, 4, 2, 8, 4, a16x16, b16x8, 4, 80, 70, 2, accumulators}
	}
	tiles["m16n8k4.tf32"] = tile{16, 8, 4, TF32, 2, 1, 2, 1,
		func(l, i int) (int, int) { return l/4 + 8*i, l % 4 },
		func(l, i int) (int, int) { return l % 4, l / 4 }, 4, 80, 70, 1, []Type{F32}}
	tiles["m16n8k8.tf32"] = tile{16, 8, 8, TF32, 4, 2, 4, 2,
		func(l, i int) (int, int) { return l/4 + 8*(i%2), l%4 + 4*(i/2) },
		func(l, i int) (int, int) { return l%4 + 4*i, l / 4 }, 4, 80, 70, 1, []Type{F32}}
	tiles["m8n8k4.f64"] = tile{8, 8, 4, F64, 1, 1, 1, 1,
		func(l, _ int) (int, int) { return l / 4, l % 4 },
		func(l, _ int) (int, int) { return l % 4, l / 4 }, 2, 80, 70, 1, []Type{F64}}
}

// accumulator is the layout of C and D.
func (t *tile) accumulator(lane, i int) (row, col int) { return lane/4 + 8*(i/2), lane%4*2 + i%2 }

func decodeMMA(d *decoder) {
	if !d.take("sync") || !d.take("aligned") {
		d.fail("mma needs .sync.aligned")
	}
	shape := d.one("m16n8k4", "m16n8k8", "m16n8k16", "m8n8k4")
	if !d.take("row") || !d.take("col") {
		d.fail("mma: A must be .row and B .col")
	}
	dt, at, bt, ct := d.typ(), d.typ(), d.typ(), d.typ()
	t, ok := tiles[shape+"."+typeInfo[at].name]
	if !ok || at != bt || dt != ct {
		d.fail("unsupported form of %s", d.s)
	}
	known := false
	for _, u := range t.accumulatorTypes {
		known = known || u == dt
	}
	if !known {
		d.fail("%s: it accumulates in %s", d.s, t.accumulatorTypes[0])
	}
	d.needs(t.minArch, t.minPTX)
	o := d.args(4)
	cell := B32
	if at == F64 {
		cell = F64
	}
	accumulatorCell, cRegs := Type(F32), t.cCount
	switch dt {
	case F16:
		accumulatorCell, cRegs = B32, t.cCount/2
	case F64:
		accumulatorCell = F64
	}
	list := func(o *operand, n int, t Type, dst bool) (slots []int32) {
		elems := []operand{*o}
		if o.kind == opVec {
			elems = o.elems
		}
		if len(elems) != n {
			d.fail("%s: a matrix has %d registers, it needs %d", d.s, len(elems), n)
		}
		for i := range elems {
			if dst {
				slots = append(slots, d.dst(&elems[i], t))
			} else {
				slots = append(slots, d.src(&elems[i], t))
			}
		}
		return
	}
	out := list(&o[0], cRegs, accumulatorCell, true)
	a := list(&o[1], t.aRegs, cell, false)
	b := list(&o[2], t.bRegs, cell, false)
	c := list(&o[3], cRegs, accumulatorCell, false)
	core := tensorCoreOf(d.m.c.d.config.Major, d.m.c.d.config.Minor)
	halfSum := dt == F16
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.whole(in, m); m == 0 {
			return 0
		}
		var A, B [16][16]float64 // B is kept transposed: [n][k]
		for lane := 0; lane < 32; lane++ {
			for i := 0; i < t.aCount; i++ {
				r, k := t.a(lane, i)
				A[r][k] = t.element(w.r[a[i/t.elementsPerCell]][lane], i%t.elementsPerCell)
			}
			for i := 0; i < t.bCount; i++ {
				k, n := t.b(lane, i)
				B[n][k] = t.element(w.r[b[i/t.elementsPerCell]][lane], i%t.elementsPerCell)
			}
		}
		var C [4]lanes // D may lie in C's registers, in any order
		for i, s := range c {
			C[i] = w.r[s]
		}
		for lane := 0; lane < 32; lane++ {
			for i := 0; i < t.cCount; i++ {
				r, n := t.accumulator(lane, i)
				switch {
				case t.in == F64:
					s := f64(C[i][lane])
					for k := 0; k < t.k; k++ {
						s = math.FMA(A[r][k], B[n][k], s)
					}
					w.r[out[i]][lane] = bits64(s)
				case halfSum:
					shift := 16 * (i % 2)
					s := core.dot(&t, A[r][:t.k], B[n][:t.k], fromHalf(C[i/2][lane]>>shift&0xffff))
					v := toHalf(s, rn) << shift
					w.r[out[i/2]][lane] = w.r[out[i/2]][lane]&^(0xffff<<shift) | v
				default:
					s := core.dot(&t, A[r][:t.k], B[n][:t.k], float64(f32(C[i][lane])))
					w.r[out[i]][lane] = bits32(float32(s))
				}
			}
		}
		return m
	}
}

// whole brings all 32 lanes together for an .aligned operation of a full warp.
func (w *warp) whole(in *inst, m uint32) uint32 {
	if w.live != full {
		w.fault(DivergentSync, bits.TrailingZeros32(m), "all 32 lanes are needed, %#08x are there", w.live)
	}
	if m = w.converge(in, m, full, DivergentSync); m != 0 {
		for _, s := range in.reads {
			w.needDefined(s, m)
		}
	}
	return m
}

// element is one matrix element from a register cell.
func (t *tile) element(v uint64, i int) float64 {
	switch t.in {
	case F16:
		return fromHalf(v >> (16 * i) & 0xffff)
	case BF16:
		return fromBfloat(v >> (16 * i) & 0xffff)
	case TF32: // the low 13 bits are ignored
		return float64(f32(v &^ 0x1fff))
	}
	return f64(v)
}

// dot is c + sum a b as the tensor core gives it, a float32 value.
func (core tensorCore) dot(t *tile, a, b []float64, c float64) float64 {
	group := core.group16
	if t.in == TF32 {
		group = core.groupTF32
	}
	for len(a) > 0 {
		n := min(group, len(a))
		c = core.add(a[:n], b[:n], c)
		a, b = a[n:], b[n:]
	}
	return c
}

func (core tensorCore) add(a, b []float64, c float64) float64 {
	var products [16]float64
	top := math.MinInt
	exact := c
	for i := range a {
		p := float64(a[i] * b[i])
		products[i] = p
		exact += p
		if p != 0 {
			top = max(top, exponent(a[i])+exponent(b[i]))
		}
	}
	if exact-exact != 0 { // NaN or infinity
		return exact
	}
	if c != 0 {
		top = max(top, exponent(c))
	}
	if top == math.MinInt {
		return c
	}
	// Numbers far below float32's range make no difference to its smallest place.
	unit := max(top-23-core.extra, -149-core.extra)
	scale := math.Ldexp(1, -unit)
	sum := int64(c * scale) // cut off, as are all the terms: at most 2^30 each
	for _, p := range products[:len(a)] {
		sum += int64(p * scale)
	}
	return float64(narrow32(math.Ldexp(float64(sum), unit), rz))
}

// exponent is that of a number that is normal as a float64.
func exponent(x float64) int { return int(math.Float64bits(x)>>52&0x7ff) - 1023 }

// decodeLoadMatrix decodes ldmatrix: 8x8 matrices of 16-bit elements, whose rows are
// given by the addresses of eight lanes each.
func decodeLoadMatrix(d *decoder) {
	d.needs(75, 65)
	if !d.take("sync") || !d.take("aligned") || !d.take("m8n8") {
		d.fail("unsupported form of %s", d.s)
	}
	n := map[string]int{"x1": 1, "x2": 2, "x4": 4}[d.one("x1", "x2", "x4")]
	trans := d.take("trans")
	if !d.take("shared", "shared::cta") || n == 0 {
		d.fail("ldmatrix reads 1, 2 or 4 matrices from .shared")
	}
	d.typeIn(B16)
	o := d.args(2)
	elems := []operand{o[0]}
	if o[0].kind == opVec {
		elems = o[0].elems
	}
	if len(elems) != n {
		d.fail("ldmatrix.x%d has %d registers", n, len(elems))
	}
	for i := range elems {
		d.in.dsts = append(d.in.dsts, d.dst(&elems[i], B32))
	}
	mem := &memOp{space: Shared}
	d.place(&o[1], mem)
	d.in.reads = nil // only the lanes that give an address need one
	d.in.mem = mem
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.whole(in, m); m == 0 {
			return 0
		}
		for j, dst := range in.dsts {
			w.needDefined(in.a, 0xff<<(8*j))
			var rows [8][8]uint64
			for row := 0; row < 8; row++ {
				lane := 8*j + row
				r, at := w.locate(in, Shared, w.r[in.a][lane]+uint64(in.imm), 16, lane)
				if w.l.checks {
					if r.undef > 0 && !r.defined(at, 16) {
						w.uninitialised(r, at, 16, lane)
					}
					r.checkRead(w, in, at, 16, lane, w.who(lane), false)
				}
				r.loaded += 16
				w.l.stats.Loaded[Shared] += 16
				for col := range rows[row] {
					rows[row][col] = r.get(at+uint64(2*col), 2)
				}
			}
			for lane := 0; lane < 32; lane++ {
				row, col := lane/4, lane%4*2
				lo, hi := rows[row][col], rows[row][(col+1)&7]
				if trans {
					lo, hi = rows[col][row], rows[(col+1)&7][row]
				}
				w.r[dst][lane] = hi<<16 | lo
			}
		}
		return m
	}
}
