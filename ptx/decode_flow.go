package ptx

import (
	"fmt"
	"math/bits"
)

func init() {
	register(decodeBranch, "bra", "brx")
	register(decodeReturn, "ret", "exit")
	register(decodeCall, "call")
	register(decodeBarrier, "bar", "barrier")
	register(decodeTrap, "trap", "brkpt")
	register(decodePrefetch, "nanosleep", "pmevent", "griddepcontrol", "setmaxnreg")
}

// label finds a label's statement.
func (d *decoder) label(o *operand) int {
	if o.kind != opSym {
		d.fail("%s needs a label", d.s)
	}
	at, ok := o.scope.label(o.sym)
	if !ok {
		d.fail("label %q is not set", o.sym)
	}
	return at
}

func decodeBranch(d *decoder) {
	d.take("uni")
	at := len(d.k.code)
	if d.s.op == "bra" {
		o := d.args(1)
		d.branches = append(d.branches, branch{inst: at, label: d.label(&o[0])})
		d.in.run = execBranch
		return
	}
	if !d.take("idx") {
		d.fail("unsupported form of %s", d.s)
	}
	o := d.args(2)
	names, ok := d.f.lists[o[1].sym]
	if !ok {
		d.fail("branch table %q is not declared", o[1].sym)
	}
	b := branch{inst: at}
	for _, n := range names {
		b.table = append(b.table, d.label(&operand{kind: opSym, sym: n, scope: o[1].scope}))
	}
	d.branches = append(d.branches, b)
	d.in.a = d.src(&o[0], U32)
	table := b.table // function fills in the pcs
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		w.scatter(m, func(i int) int {
			x := w.r[in.a][i]
			if x >= uint64(len(table)) {
				w.fault(OutOfBounds, i, "branch %d of %d", x, len(table))
			}
			return table[x]
		})
		return m
	}
}

func execBranch(w *warp, in *inst, m uint32) uint32 {
	w.split(m, in.target)
	return m
}

// scatter sends each lane of m to a pc of its own.
func (w *warp) scatter(m uint32, target func(lane int) int) {
	w.active &^= m
	if w.active != 0 {
		w.others = append(w.others, path{pc: w.pc, mask: w.active})
		w.active = 0
	}
	for m != 0 {
		pc := target(bits.TrailingZeros32(m))
		var group uint32
		lanesOf(m, func(i int) {
			if target(i) == pc {
				group |= 1 << i
			}
		})
		w.others = append(w.others, path{pc: pc, mask: group})
		m &^= group
	}
	w.reconverge()
}

// returns is the slot of a device function's return addresses, one a lane.
func (d *decoder) returns(f *function) int32 {
	if _, ok := d.rets[f]; !ok {
		d.rets[f] = d.newSlot()
	}
	return d.rets[f]
}

func decodeReturn(d *decoder) {
	d.take("uni")
	d.args(0)
	if d.f.entry || d.s.op == "exit" {
		d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
			w.exit(m)
			return m
		}
		return
	}
	slot := d.returns(d.f)
	d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
		w.scatter(m, func(i int) int { return int(w.r[slot][i]) })
		return m
	}
}

// parameter copies a call's argument between the caller's variable and the callee's.
type parameter struct{ from, to, bytes uint64 }

func decodeCall(d *decoder) {
	d.take("uni")
	callee := d.callee(d.s)
	var in, out []operand
	for i, o := range d.s.args {
		if o.kind == opList && i == 0 {
			out = o.elems
		} else if o.kind == opList {
			in = o.elems
		}
	}
	if len(in) != len(callee.params) || len(out) != len(callee.retVars) {
		d.fail("call of %q with %d arguments and %d results, it has %d and %d", callee.name,
			len(in), len(out), len(callee.params), len(callee.retVars))
	}
	pair := func(o *operand, v *variable) (from, to, bytes uint64) {
		a := (*variable)(nil)
		if o.kind == opSym {
			a = o.scope.variable(o.sym)
		}
		if a == nil || a.space != Param || a.bytes != v.bytes {
			d.fail("argument %q of %q does not match %q", o.sym, callee.name, v.name)
		}
		return uint64(a.offset), uint64(v.offset), uint64(v.bytes)
	}
	var before, after []parameter
	for i := range in {
		from, to, n := pair(&in[i], callee.params[i])
		before = append(before, parameter{from, to, n})
	}
	for i := range out {
		to, from, n := pair(&out[i], callee.retVars[i])
		after = append(after, parameter{from, to, n})
	}
	slot := d.returns(callee)
	d.in.target = d.entry[callee]
	call := d.in
	call.run = func(w *warp, in *inst, m uint32) uint32 {
		w.copyLocal(before, m)
		lanesOf(m, func(i int) { w.r[slot][i] = uint64(w.pc) })
		w.split(m, in.target)
		return m
	}
	d.k.code = append(d.k.code, call)
	d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
		w.copyLocal(after, m)
		return m
	}
}

// copyLocal copies parameters in each lane's local memory, defined or not.
func (w *warp) copyLocal(ps []parameter, m uint32) {
	lanesOf(m, func(i int) {
		base := uint64(i * w.k.localSize)
		for _, p := range ps {
			for b := uint64(0); b < p.bytes; b++ {
				w.local.data[base+p.to+b] = w.local.data[base+p.from+b]
				if w.local.defined(base+p.from+b, 1) {
					w.local.define(base+p.to+b, 1)
				}
			}
		}
	})
}

func decodeTrap(d *decoder) {
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		w.fault(Trap, bits.TrailingZeros32(m), "the kernel gave up")
		return 0
	}
}

// decodeBarrier decodes bar and barrier: sync, arrive, red and warp.sync.
func decodeBarrier(d *decoder) {
	d.take("cta")
	if d.take("cluster") {
		d.fail("clusters are not supported")
	}
	if d.take("warp") {
		d.take("sync")
		o := d.args(1)
		d.in.a = d.src(&o[0], B32)
		d.in.run = func(w *warp, in *inst, m uint32) uint32 {
			if m = w.members(in, in.a, m); m != 0 {
				w.syncWarp()
			}
			return m
		}
		return
	}
	kind := d.one("sync", "arrive", "red")
	d.take("aligned")
	o := d.s.args
	switch kind {
	case "sync":
		d.args(1, 2)
	case "arrive":
		d.args(2)
	case "red":
		d.barrierReduction()
		return
	default:
		d.fail("unsupported form of %s", d.s)
	}
	if o[0].kind == opImm && o[0].imm > 15 {
		d.fail("%s: barriers are numbered 0 to 15", d.s)
	}
	if len(o) == 2 && o[1].kind == opImm && o[1].imm%32 != 0 {
		d.fail("%s: a barrier takes whole warps of 32 threads", d.s)
	}
	d.in.a = d.src(&o[0], U32)
	if d.in.b = d.constant(0); len(o) == 2 {
		d.in.b = d.src(&o[1], U32)
	}
	wait := kind == "sync"
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.gather(in, m); m != 0 {
			i := bits.TrailingZeros32(m)
			w.arrive(int(w.r[in.a][i]), int(w.r[in.b][i]), wait)
		}
		return m
	}
}

// gather brings all lanes of the warp to a barrier.
func (w *warp) gather(in *inst, m uint32) uint32 {
	m = w.converge(in, m, w.live, DivergentBarrier)
	if m != 0 && w.live != w.all {
		w.fault(DivergentBarrier, bits.TrailingZeros32(w.all&^w.live), "the thread has exited without coming to this barrier")
	}
	return m
}

// barrierReduction decodes bar.red.popc.u32 d, a[, b], p and bar.red.and/or.pred.
func (d *decoder) barrierReduction() {
	op := d.one("popc", "and", "or")
	t := d.typeIn(U32, Pred)
	o := d.args(3, 4)
	d.in.a = d.src(&o[1], U32)
	if d.in.b = d.constant(0); len(o) == 4 {
		d.in.b = d.src(&o[2], U32)
	}
	last := &o[len(o)-1]
	d.in.pa, d.in.imm = d.pred(last), 0
	not := last.not
	if op == "popc" {
		d.in.d = d.dst(&o[0], t)
	} else {
		d.in.p = d.dstPred(o[0].reg)
	}
	switch op {
	case "and":
		d.in.imm = 1
	case "or":
		d.in.imm = 2
	}
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.gather(in, m); m == 0 {
			return 0
		}
		p := w.p[in.pa]
		if not {
			p = ^p
		}
		i := bits.TrailingZeros32(m)
		id := int(w.r[in.a][i])
		bar := &w.block.barriers[id&15]
		bar.votes += bits.OnesCount32(p & m)
		bar.voters += bits.OnesCount32(m)
		bar.result = append(bar.result, barResult{w, in, m})
		w.arrive(id, int(w.r[in.b][i]), true)
		return m
	}
}

// deliver writes the answer of bar.red.
func (r barResult) deliver(votes, voters int) {
	yes := r.in.imm == 1 && votes == voters || r.in.imm == 2 && votes > 0
	if r.in.d >= 0 {
		lanesOf(r.mask, func(i int) { r.w.r[r.in.d][i] = uint64(votes) })
		return
	}
	if r.w.p[r.in.p] &^= r.mask; yes {
		r.w.p[r.in.p] |= r.mask
	}
}

// members brings the lanes that the member mask in register slot names together.
func (w *warp) members(in *inst, slot int32, m uint32) uint32 {
	mask := uint32(w.r[slot][bits.TrailingZeros32(m)])
	if m&^mask != 0 {
		w.fault(DivergentSync, bits.TrailingZeros32(m&^mask), "the lane is not in its own member mask %#08x", mask)
	}
	if m = w.converge(in, m, mask&w.live, DivergentSync); m == 0 {
		return 0
	}
	for k := m; k != 0; k &= k - 1 {
		if i := bits.TrailingZeros32(k); uint32(w.r[slot][i]) != mask {
			w.fault(DivergentSync, i, "%s", fmt.Sprintf("member mask %#08x, another lane has %#08x", w.r[slot][i], mask))
		}
	}
	return m
}
