package ptx

import (
	"fmt"
	"math/bits"
	"strings"
)

// decoder turns the statements of a kernel and of the functions it calls into
// instructions. Whatever it does not know is an error with its line: a module that
// loads, runs.
type decoder struct {
	m  *module
	k  *kernel
	f  *function
	s  *statement
	in inst

	mods  []string // of s, those not yet taken
	slots map[*function][]int32
	entry map[*function]int // pc of a function's first instruction
	cmem  map[uint64]int32
	smem  map[string]int32
	rets  map[*function]int32
	order []*function // callees before callers

	branches []branch // to be given their pc when all of f is decoded
}

// branch waits for the pc of a label.
type branch struct {
	inst, label int // index in code, index in f.body
	table       []int
}

func (d *decoder) fail(format string, args ...any) {
	line := 0
	if d.s != nil {
		line = d.s.line
	} else if d.f != nil {
		line = d.f.line
	}
	panic(&ParseError{line, fmt.Sprintf(format, args...)})
}

// opcodes maps the first word of an instruction to its decoder; the decode_*.go
// files fill it.
var opcodes = map[string]func(*decoder){}

func register(f func(*decoder), names ...string) {
	for _, n := range names {
		opcodes[n] = f
	}
}

// decodeKernel decodes the entry f.
func decodeKernel(m *module, f *function) (k *kernel, err error) {
	k = &kernel{name: f.name, source: f, params: f.params}
	d := &decoder{m: m, k: k, slots: map[*function][]int32{}, entry: map[*function]int{},
		cmem: map[uint64]int32{}, smem: map[string]int32{}, rets: map[*function]int32{}}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*ParseError)
			if !ok {
				panic(r)
			}
			k, err = nil, e
		}
	}()
	d.callees(f, nil)
	d.layout(f)
	for _, g := range d.order {
		d.function(g)
	}
	k.entry = d.entry[f]
	return k, nil
}

// callees appends f to the order after all functions it calls.
func (d *decoder) callees(f *function, stack []*function) {
	d.f = f
	for _, g := range stack {
		if g == f {
			d.fail("function %q calls itself, which is not supported", f.name)
		}
	}
	if _, ok := d.slots[f]; ok {
		return
	}
	stack = append(stack, f)
	for i := range f.body {
		if s := &f.body[i]; s.op == "call" {
			d.s = s
			d.callees(d.callee(s), stack)
			d.s = nil
		}
	}
	d.slots[f] = nil
	d.order = append(d.order, f)
}

// callee is the function that a call names.
func (d *decoder) callee(s *statement) *function {
	for i := range s.args {
		if a := &s.args[i]; a.kind == opSym {
			for _, g := range d.m.src.funcs {
				if g.name == a.sym && !g.declare {
					return g
				}
			}
			d.fail("call of %q, which this module does not define", a.sym)
		}
	}
	d.fail("indirect calls are not supported")
	return nil
}

func alignUp(n, a int) int { return (n + a - 1) / a * a }

// layout gives parameters, locals and shared variables their places.
func (d *decoder) layout(f *function) {
	k := d.k
	for _, v := range f.params {
		v.offset = alignUp(k.paramBytes, v.align)
		k.paramBytes = v.offset + v.bytes
	}
	place := func(v *variable) {
		v.offset = alignUp(k.localSize, v.align)
		k.localSize = v.offset + v.bytes
	}
	seen := map[*variable]bool{}
	share := func(v *variable) {
		if v == nil || v.space != Shared || seen[v] {
			return
		}
		seen[v] = true
		if v.unsize {
			return
		}
		v.offset = alignUp(k.sharedSize, max(v.align, 1))
		k.sharedSize = alignUp(v.offset+v.bytes, 16) + sharedRed
		k.sharedReal = alignUp(k.sharedReal, max(v.align, 1)) + v.bytes
		at := *v // a module variable has a place of its own in every kernel
		k.shared = append(k.shared, &at)
	}
	for _, g := range d.order {
		if g != f {
			for _, v := range append(append([]*variable{}, g.params...), g.retVars...) {
				place(v)
			}
		}
		for _, v := range g.vars {
			switch v.space {
			case Local, Param:
				place(v)
			case Shared:
				share(v)
			}
		}
		for i := range g.body {
			for _, a := range g.body[i].args {
				if a.sym != "" && (a.kind == opSym || a.kind == opAddr) {
					share(a.scope.variable(a.sym))
				}
			}
		}
	}
	if k.sharedReal > 48<<10 {
		d.f = f
		d.fail("kernel %q has %d bytes of static shared memory, 49152 are allowed", f.name, k.sharedReal)
	}
	k.localSize = alignUp(k.localSize, 16)
	k.dynamic = alignUp(k.sharedSize, 128)
	if k.sharedSize == 0 {
		k.dynamic = 0
	}
	for v := range seen {
		if v.unsize {
			v.offset = k.dynamic
		}
	}
}

// function decodes one function's body behind what is there.
func (d *decoder) function(f *function) {
	d.f = f
	d.slots[f] = make([]int32, len(f.regs))
	for r, t := range f.regs {
		if t == Pred {
			d.slots[f][r] = d.newPred()
		} else {
			d.slots[f][r] = d.newSlot()
			d.k.registers += max(1, t.Bits()/32)
		}
	}
	d.entry[f] = len(d.k.code)
	pcs := make([]int, len(f.body)+1)
	d.branches = d.branches[:0]
	for i := range f.body {
		pcs[i] = len(d.k.code)
		d.statement(&f.body[i])
	}
	pcs[len(f.body)] = len(d.k.code)
	d.s = nil
	end := statement{line: f.line, guard: -1, op: "ret"}
	d.statement(&end)
	d.s = nil
	for _, b := range d.branches {
		in := &d.k.code[b.inst]
		if b.table == nil {
			in.target = pcs[b.label]
		}
		for i, at := range b.table {
			b.table[i] = pcs[at]
		}
	}
}

// statement decodes one instruction.
func (d *decoder) statement(s *statement) {
	f := opcodes[s.op]
	c := *s // decoders may take operands off; a function is decoded once a kernel
	s, d.s = &c, &c
	if f == nil {
		d.fail("unknown instruction %s", s)
	}
	d.in = inst{guard: -1, line: int32(s.line), d: -1, a: -1, b: -1, c: -1, p: -1, q: -1, pa: -1, pb: -1, text: s.String()}
	if s.guard >= 0 {
		d.in.guard, d.in.not = d.slots[d.f][s.guard], s.guardNot
	}
	d.mods = append(d.mods[:0], s.mods...)
	f(d)
	if len(d.mods) > 0 {
		d.fail("unknown modifier .%s of %s", d.mods[0], s)
	}
	if d.in.run == nil {
		d.fail("unsupported form of %s", s)
	}
	d.k.code = append(d.k.code, d.in)
}

func (d *decoder) newSlot() int32 {
	d.k.numRegs++
	return int32(d.k.numRegs - 1)
}

func (d *decoder) newPred() int32 {
	d.k.numPreds++
	return int32(d.k.numPreds - 1)
}

// constant is the slot of a register that always holds v.
func (d *decoder) constant(v uint64) int32 {
	if s, ok := d.cmem[v]; ok {
		return s
	}
	s := d.newSlot()
	d.cmem[v] = s
	d.k.consts = append(d.k.consts, constant{s, v})
	return s
}

// needs holds the instruction to the module's target and version, as ptxas does:
// clang passes inline assembly on without looking.
func (d *decoder) needs(arch, version int) {
	if src := d.m.src; src.arch < arch || src.major*10+src.minor < version {
		d.fail("%s needs sm_%d and PTX %d.%d", d.s, arch, version/10, version%10)
	}
}

// take removes a modifier if it is there.
func (d *decoder) take(names ...string) bool {
	for i, m := range d.mods {
		for _, n := range names {
			if m == n {
				d.mods = append(d.mods[:i], d.mods[i+1:]...)
				return true
			}
		}
	}
	return false
}

// one removes and returns the modifier that is among names, or "".
func (d *decoder) one(names ...string) string {
	for _, n := range names {
		if d.take(n) {
			return n
		}
	}
	return ""
}

// typ removes and returns the first type among the modifiers.
func (d *decoder) typ() Type {
	for i, m := range d.mods {
		if t, ok := typeByName[m]; ok {
			d.mods = append(d.mods[:i], d.mods[i+1:]...)
			return t
		}
	}
	d.fail("%s has no type", d.s)
	return NoType
}

// typeIn is typ for an instruction with the given types only.
func (d *decoder) typeIn(list ...Type) Type {
	t := d.typ()
	for _, u := range list {
		if t == u {
			return t
		}
	}
	d.fail("%s does not take type %s", d.s.op, t)
	return NoType
}

// mode removes the rounding mode; rn if there is none.
func (d *decoder) mode() (m rounding, given bool) {
	if n := d.one("rn", "rz", "rm", "rp", "rna"); n != "" {
		return roundingByName[n], true
	}
	return rn, false
}

// args checks the number of operands.
func (d *decoder) args(n ...int) []operand {
	for _, m := range n {
		if len(d.s.args) == m {
			return d.s.args
		}
	}
	d.fail("%s has %d operands", d.s, len(d.s.args))
	return nil
}

// slot returns the register slot of operand o and its declared type.
func (d *decoder) slot(o *operand) (int32, Type) {
	t := d.f.regs[o.reg]
	return d.slots[d.f][o.reg], t
}

// src is the slot of a source operand of type t; the register must have t's width,
// or with loose be at least as wide.
func (d *decoder) src(o *operand, t Type, loose ...bool) int32 {
	switch o.kind {
	case opReg:
		s, rt := d.slot(o)
		if rt == Pred {
			d.fail("predicate operand where %s wants %s", d.s, t)
		}
		if rt.Bits() != t.Bits() && !(len(loose) > 0 && rt.Bits() >= t.Bits()) {
			d.fail("%d-bit register where %s wants %s", rt.Bits(), d.s, t)
		}
		if !agrees(rt, t) {
			d.fail("%s register where %s wants %s", rt, d.s, t)
		}
		if o.not {
			d.fail("! before a register that is no predicate")
		}
		d.in.reads = append(d.in.reads, s)
		return s
	case opImm:
		if o.float && t.Integer() && !t.bits() || !o.float && (t == F32 || t == F64) {
			d.fail("constant of another kind where %s wants %s", d.s, t)
		}
		return d.constant(o.bits(t))
	case opSpecial:
		if strings.HasPrefix(o.sym, "%clock") || strings.HasPrefix(o.sym, "%globaltimer") {
			d.fail("%s can only be read by mov", o.sym)
		}
		s, ok := d.smem[o.sym]
		if !ok {
			s = d.newSlot()
			d.smem[o.sym] = s
			d.k.specials = append(d.k.specials, special{s, o.sym})
		}
		return s
	case opSym:
		return d.constant(d.address(o) & t.mask())
	}
	d.fail("bad operand of %s", d.s)
	return 0
}

// dst is the slot of a destination operand of type t.
func (d *decoder) dst(o *operand, t Type, loose ...bool) int32 {
	if o.kind == opSink {
		return d.newSlot()
	}
	if o.kind != opReg || o.not {
		d.fail("the destination of %s must be a register", d.s)
	}
	s, rt := d.slot(o)
	if rt == Pred || rt.Bits() != t.Bits() && !(len(loose) > 0 && rt.Bits() >= t.Bits()) {
		d.fail("%d-bit destination where %s gives %s", rt.Bits(), d.s, t)
	}
	if !agrees(rt, t) {
		d.fail("%s destination where %s gives %s", rt, d.s, t)
	}
	d.in.writes = append(d.in.writes, s)
	return s
}

// pred is the slot of a source predicate; a constant is possible.
func (d *decoder) pred(o *operand) int32 {
	switch {
	case o.kind == opImm:
		s := d.newPred()
		d.k.pconsts = append(d.k.pconsts, pconstant{s, o.imm != 0})
		return s
	case o.kind == opReg && d.f.regs[o.reg] == Pred:
		s := d.slots[d.f][o.reg]
		d.in.preads = append(d.in.preads, s)
		return s
	}
	d.fail("%s wants a predicate", d.s)
	return 0
}

// dstPred is the slot of a destination predicate.
func (d *decoder) dstPred(reg int) int32 {
	if reg < 0 {
		return -1
	}
	if d.f.regs[reg] != Pred {
		d.fail("%s gives a predicate", d.s)
	}
	s := d.slots[d.f][reg]
	d.in.pwrites = append(d.in.pwrites, s)
	return s
}

// address is the value of a symbol: a global's address, or the offset of a variable
// in its own space.
func (d *decoder) address(o *operand) uint64 {
	v := o.scope.variable(o.sym)
	if v == nil {
		d.fail("%q is not declared", o.sym)
	}
	if v.space == Global || v.space == Const {
		return v.addr + o.imm
	}
	return uint64(v.offset) + o.imm
}

// Execution of plain arithmetic: a function a lane.

const full = ^uint32(0)

func exec1(w *warp, in *inst, m uint32) uint32 {
	d, a, f := &w.r[in.d], &w.r[in.a], in.f1
	if m == full {
		for i := range d {
			d[i] = f(a[i])
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = f(a[i])
	}
	return m
}

func exec2(w *warp, in *inst, m uint32) uint32 {
	d, a, b, f := &w.r[in.d], &w.r[in.a], &w.r[in.b], in.f2
	if m == full {
		for i := range d {
			d[i] = f(a[i], b[i])
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = f(a[i], b[i])
	}
	return m
}

func exec3(w *warp, in *inst, m uint32) uint32 {
	d, a, b, c, f := &w.r[in.d], &w.r[in.a], &w.r[in.b], &w.r[in.c], in.f3
	if m == full {
		for i := range d {
			d[i] = f(a[i], b[i], c[i])
		}
		return m
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		d[i] = f(a[i], b[i], c[i])
	}
	return m
}

// op1, op2 and op3 decode `op d, a [, b [, c]]` with all operands of type t.
func (d *decoder) op1(t Type, f func(a uint64) uint64) {
	o := d.args(2)
	d.in.a = d.src(&o[1], t)
	d.in.d = d.dst(&o[0], t)
	d.in.f1, d.in.run = f, exec1
}

func (d *decoder) op2(t Type, f func(a, b uint64) uint64) {
	o := d.args(3)
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], t)
	d.in.d = d.dst(&o[0], t)
	d.in.f2, d.in.run = f, exec2
}

func (d *decoder) op3(t Type, f func(a, b, c uint64) uint64) {
	o := d.args(4)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], t), d.src(&o[2], t), d.src(&o[3], t)
	d.in.d = d.dst(&o[0], t)
	d.in.f3, d.in.run = f, exec3
}
