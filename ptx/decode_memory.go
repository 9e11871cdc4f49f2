package ptx

import (
	"fmt"
	"math/bits"
)

func init() {
	register(decodeLoad, "ld", "ldu")
	register(decodeStore, "st")
	register(decodeAtomic, "atom", "red")
	register(decodePrefetch, "prefetch", "prefetchu", "applypriority", "discard")
	register(decodeFence, "membar", "fence")
}

// memOp is the memory side of a load, store or atomic.
type memOp struct {
	space   Space
	args    bool // kernel parameters: read from the launch
	typ     Type
	vec     []int32 // registers
	widths  []uint64
	size    uint64 // bytes of one element
	total   uint64 // of all
	signed  bool   // loads extend the sign
	strong  bool   // volatile, relaxed, acquire, release: no race among themselves
	acquire bool
	release bool
	update  func(old, b, c uint64) uint64 // of an atomic
	cache   *region                       // found last time
}

// modifiers takes those of a memory access that change only speed, and the ones
// that order it.
func (d *decoder) modifiers(m *memOp) {
	switch d.one("weak", "volatile", "relaxed", "acquire", "release", "acq_rel", "mmio") {
	case "volatile", "relaxed", "mmio":
		m.strong = true
	case "acquire":
		m.strong, m.acquire = true, true
	case "release":
		m.strong, m.release = true, true
	case "acq_rel":
		m.strong, m.acquire, m.release = true, true, true
	}
	if m.acquire || m.release {
		d.k.fences = true
	}
	d.take("cta", "cluster", "gpu", "sys")
	for _, s := range []string{"param::entry", "param::func", "global", "shared", "shared::cta", "local", "const", "param"} {
		if d.take(s) {
			m.space = spaceByName[s]
		}
	}
	for d.take("ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc") {
	}
	for d.take("L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate",
		"L2::evict_normal", "L2::evict_first", "L2::evict_last", "L2::64B", "L2::128B", "L2::256B") {
		d.needs(70, 74)
	}
	if d.take("L2::cache_hint") {
		d.s.args = d.s.args[:len(d.s.args)-1]
	}
}

// place decodes an address operand into base slot and offset.
func (d *decoder) place(o *operand, m *memOp) {
	if o.kind != opAddr {
		d.fail("%s needs an address in brackets", d.s)
	}
	d.in.imm = int64(o.imm)
	entry := d.f.entry
	if m.space == Param && entry {
		m.args = true
	}
	switch {
	case o.reg >= 0:
		s, t := d.slot(o)
		if t == Pred || t.Bits() < 32 {
			d.fail("the address of %s must be a 32- or 64-bit register", d.s)
		}
		d.in.reads = append(d.in.reads, s)
		d.in.a = s
	case o.sym != "":
		v := o.scope.variable(o.sym)
		if v == nil {
			d.fail("%q is not declared", o.sym)
		}
		if m.space != Generic && v.space != m.space {
			d.fail("%q is in %s memory, not in %s", o.sym, v.space, m.space)
		}
		d.in.a = d.constant(0)
		d.in.imm = int64(d.address(o))
		if m.space = v.space; v.space == Param {
			m.args = false
			for _, p := range d.k.params {
				m.args = m.args || p == v
			}
		}
	default:
		d.in.a = d.constant(0)
	}
	if m.space == Param && !m.args {
		m.space = Local // parameters of device functions live beside the locals
	}
}

// vector takes .v2 or .v4 and the registers of o.
func (d *decoder) vector(o *operand, m *memOp, dst bool) {
	n := 1
	if v := d.one("v2", "v4", "v8"); v != "" {
		n = int(v[1] - '0')
	}
	m.typ = d.typ()
	elems := []operand{*o}
	if o.kind == opVec {
		elems = o.elems
	}
	if len(elems) != n {
		d.fail("%s has %d registers for %d elements", d.s, len(elems), n)
	}
	m.size, m.signed = uint64(m.typ.Bytes()), m.typ.Signed()
	m.total = m.size * uint64(n)
	if m.total > 32 || m.typ == Pred || m.typ == B128 {
		d.fail("unsupported size of %s", d.s)
	}
	for i := range elems {
		width := m.typ.mask()
		if e := &elems[i]; e.kind == opReg {
			width = d.f.regs[e.reg].mask()
		}
		if m.widths = append(m.widths, width); dst {
			m.vec = append(m.vec, d.dst(&elems[i], m.typ, true))
		} else {
			m.vec = append(m.vec, d.src(&elems[i], m.typ, true))
		}
	}
}

func decodeLoad(d *decoder) {
	m := &memOp{}
	d.modifiers(m)
	o := d.args(2)
	d.vector(&o[0], m, true)
	d.place(&o[1], m)
	d.in.mem = m
	if d.in.run = execLoad; m.args {
		d.in.run = execLoadParam
	}
}

func decodeStore(d *decoder) {
	m := &memOp{}
	d.modifiers(m)
	o := d.args(2)
	d.vector(&o[1], m, false)
	d.place(&o[0], m)
	if m.args || m.space == Const {
		d.fail("%s: this memory cannot be written", d.s)
	}
	d.in.mem = m
	d.in.run = execStore
}

// execLoadParam reads kernel parameters: the same for all lanes.
func execLoadParam(w *warp, in *inst, m uint32) uint32 {
	mem, args := in.mem, region{data: w.l.args}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		a := w.r[in.a][i] + uint64(in.imm)
		if a+mem.total > uint64(len(w.l.args)) {
			w.fault(OutOfBounds, i, "the kernel has %d bytes of parameters, offset %d was read", len(w.l.args), a)
		}
		for j, s := range mem.vec {
			w.r[s][i] = mem.typ.extend(args.get(a+uint64(j)*mem.size, int(mem.size))) & mem.widths[j]
		}
	}
	return m
}

// locate returns the region and the offset of n bytes at address a for a lane.
func (w *warp) locate(in *inst, space Space, a, n uint64, lane int) (*region, uint64) {
	if space == Generic {
		switch a & windowMask {
		case sharedWindow:
			space, a = Shared, a&^windowMask
		case localWindow:
			space, a = Local, a&^windowMask
		}
	}
	var r *region
	var o uint64
	switch space {
	case Shared:
		r, o = w.block.shared, a
		if o >= r.size || n > r.size-o || len(r.holes) > 0 && r.inHole(o) {
			w.outside(Shared, r, a, n, lane)
		}
	case Local:
		size := uint64(w.k.localSize)
		if r = &w.local; a >= size || n > size-a {
			w.outside(Local, r, a, n, lane)
		}
		o = uint64(lane)*size + a
	default:
		r = in.mem.cache
		if r == nil || a-r.base >= uint64(len(r.data)) || n > uint64(len(r.data))-(a-r.base) {
			var kind Kind
			var text string
			if r, kind, text = w.l.c.memory.find(a, n); r == nil {
				f := w.newFault(kind, lane, "")
				f.Address, f.Space, f.Memory = a, Global, text
				panic(f)
			}
			in.mem.cache = r
		}
		o = a - r.base
	}
	if a&(n-1) != 0 {
		f := w.newFault(Misaligned, lane, fmt.Sprintf("%d bytes must start at a multiple of %d", n, n))
		w.place(f, r, o)
		panic(f)
	}
	return r, o
}

func (r *region) inHole(o uint64) bool {
	for _, h := range r.holes {
		if o >= h.from && o < h.to {
			return true
		}
	}
	return false
}

// outside reports an address beyond shared or local memory or between variables.
func (w *warp) outside(space Space, r *region, a, n uint64, lane int) {
	f := w.newFault(OutOfBounds, lane, "")
	f.Address, f.Space = a, space
	f.Memory = fmt.Sprintf("beyond the %d bytes there are", r.size)
	if space == Local {
		f.Memory = fmt.Sprintf("beyond the %d bytes of the thread", w.k.localSize)
	}
	for _, v := range r.vars {
		if end := uint64(v.offset + v.bytes); a >= end {
			f.Memory = fmt.Sprintf("%d bytes past the end of %q (%d bytes)", a-end, v.name, v.bytes)
		}
	}
	panic(f)
}

// place names the memory at offset o of r in a fault.
func (w *warp) place(f *Fault, r *region, o uint64) {
	f.Address, f.Space = r.base+o, r.space
	name, at := r.name, o
	if r.space == Shared {
		name = "dynamic shared memory"
		if at -= uint64(w.k.dynamic); o < uint64(w.k.dynamic) || w.k.dynamic == 0 && len(r.vars) > 0 {
			at = o
		}
	}
	for _, v := range r.vars {
		if o >= uint64(v.offset) && o < uint64(v.offset+v.bytes) {
			name, at = v.name, o-uint64(v.offset)
		}
	}
	if r.space == Local {
		name, at = "local memory", o%uint64(max(1, w.k.localSize))
		f.Address = at
	}
	f.Memory = fmt.Sprintf("offset %d of %q", at, name)
}

// uninitialised reports a read of bytes that were never written.
func (w *warp) uninitialised(r *region, o, n uint64, lane int) {
	for n > 0 && r.defined(o, 1) {
		o, n = o+1, n-1
	}
	f := w.newFault(Uninitialised, lane, "nothing was written there")
	w.place(f, r, o)
	panic(f)
}

func execLoad(w *warp, in *inst, m uint32) uint32 {
	mem := in.mem
	addr := &w.r[in.a]
	first := bits.TrailingZeros32(m)
	one := addr[first]
	uniform := mem.space != Local && mem.space != Generic
	for k := m & (m - 1); k != 0 && uniform; k &= k - 1 {
		uniform = addr[bits.TrailingZeros32(k)] == one
	}
	if uniform {
		// All lanes read the same: look once.
		who := w.who(first)
		if m&(m-1) != 0 {
			who |= manyLanes
		}
		r, o := w.load(in, first, one+uint64(in.imm), who, uint64(bits.OnesCount32(m)))
		for j, s := range mem.vec {
			v := mem.value(r, o, j)
			for k := m; k != 0; k &= k - 1 {
				w.r[s][bits.TrailingZeros32(k)] = v
			}
		}
	} else {
		who := w.who(0)
		for k := m; k != 0; k &= k - 1 {
			i := bits.TrailingZeros32(k)
			r, o := w.load(in, i, addr[i]+uint64(in.imm), who|uint64(i)<<2, 1)
			for j, s := range mem.vec {
				w.r[s][i] = mem.value(r, o, j)
			}
		}
	}
	if mem.acquire {
		w.fence()
	}
	if mem.strong {
		w.yield()
	}
	return m
}

// load checks and counts the read of address a by who, lanes times, and returns
// where it is.
func (w *warp) load(in *inst, lane int, a, who, lanes uint64) (*region, uint64) {
	mem := in.mem
	r, o := w.locate(in, mem.space, a, mem.total, lane)
	r.loaded += mem.total * lanes
	w.l.stats.Loaded[r.space] += mem.total * lanes
	if !w.l.checks {
		return r, o
	}
	if r.undef > 0 && !r.defined(o, mem.total) {
		w.uninitialised(r, o, mem.total, lane)
	}
	if r.space != Local && !r.readOnly {
		r.checkRead(w, in, o, mem.total, lane, who, mem.strong)
	}
	if r.reads != nil {
		for b := o; b < o+mem.total; b++ {
			r.reads[b] += uint32(lanes)
		}
	}
	if mem.strong && r.space == Global {
		w.observe(r.base + o)
	}
	return r, o
}

// value is element j of a load, as wide as its register.
func (mem *memOp) value(r *region, o uint64, j int) uint64 {
	v := r.get(o+uint64(j)*mem.size, int(mem.size))
	if mem.signed {
		v = mem.typ.extend(v)
	}
	return v & mem.widths[j]
}

// yield lets other warps run: what is read may be what they write.
func (w *warp) yield() {
	if w.l.rand.Uint64()&1 == 0 {
		w.state = yielded
	}
}

func execStore(w *warp, in *inst, m uint32) uint32 {
	mem := in.mem
	checks := w.l.checks
	addr := &w.r[in.a]
	if mem.release {
		w.fence()
	}
	for k := m; k != 0; k &= k - 1 {
		i := bits.TrailingZeros32(k)
		r, o := w.locate(in, mem.space, addr[i]+uint64(in.imm), mem.total, i)
		if r.readOnly {
			f := w.newFault(ReadOnly, i, "")
			w.place(f, r, o)
			panic(f)
		}
		r.stored += mem.total
		w.l.stats.Stored[r.space] += mem.total
		if checks {
			if r.space != Local {
				same := r.undef == 0 || r.defined(o, mem.total)
				for j, s := range mem.vec {
					same = same && r.get(o+uint64(j)*mem.size, int(mem.size)) == w.r[s][i]&mem.typ.mask()
				}
				r.checkWrite(w, in, o, mem.total, i, mem.strong, same)
			}
			if mem.strong && r.space == Global {
				w.release(r.base + o)
			}
		}
		if r.undef > 0 {
			r.define(o, mem.total)
		}
		for j, s := range mem.vec {
			r.put(o+uint64(j)*mem.size, int(mem.size), w.r[s][i])
		}
	}
	if mem.strong {
		w.yield()
	}
	return m
}

// updates are the operations of atom and red.
func updates(op string, t Type) func(old, b, c uint64) uint64 {
	k := t.mask()
	if t.Float() {
		// Global float32 atomics flush subnormals; add.noftz and shared ones do not.
		// The caller sets ftz where it applies.
		switch op {
		case "min", "max", "add":
			return nil
		}
	}
	switch op {
	case "exch":
		return func(_, b, _ uint64) uint64 { return b }
	case "cas":
		return func(old, b, c uint64) uint64 {
			if old == b {
				return c
			}
			return old
		}
	case "add":
		return func(old, b, _ uint64) uint64 { return (old + b) & k }
	case "and":
		return func(old, b, _ uint64) uint64 { return old & b }
	case "or":
		return func(old, b, _ uint64) uint64 { return old | b }
	case "xor":
		return func(old, b, _ uint64) uint64 { return old ^ b }
	case "inc":
		return func(old, b, _ uint64) uint64 {
			if old >= b {
				return 0
			}
			return old + 1
		}
	case "dec":
		return func(old, b, _ uint64) uint64 {
			if old == 0 || old > b {
				return b
			}
			return old - 1
		}
	case "min":
		less := lessThan(t)
		return func(old, b, _ uint64) uint64 {
			if less(b, old) {
				return b
			}
			return old
		}
	case "max":
		less := lessThan(t)
		return func(old, b, _ uint64) uint64 {
			if less(old, b) {
				return b
			}
			return old
		}
	}
	return nil
}

func decodeAtomic(d *decoder) {
	m := &memOp{strong: true}
	red := d.s.op == "red"
	d.modifiers(m)
	m.strong = true
	op := d.one("exch", "cas", "add", "and", "or", "xor", "inc", "dec", "min", "max")
	noftz := d.take("noftz")
	if d.one("v2", "v4", "v8") != "" {
		d.fail("vector atomics are not supported")
	}
	m.typ = d.typ()
	if m.update = updates(op, m.typ); m.typ.Float() && op == "add" {
		a := arithmetic{op: "add", t: m.typ, ftz: m.typ == F32 && !noftz && m.space != Shared}
		pair := m.typ == F16x2 || m.typ == BF16x2
		if m.typ == F16x2 {
			a.t = F16
		} else if m.typ == BF16x2 {
			a.t = BF16
		}
		f := a.binary()
		m.update = func(old, b, _ uint64) uint64 {
			if pair {
				return f(old&0xffff, b&0xffff) | f(old>>16, b>>16)<<16
			}
			return f(old, b)
		}
	}
	if m.update == nil || m.typ.Bits() < 16 || m.typ.Bits() > 64 {
		d.fail("unsupported form of %s", d.s)
	}
	m.size = uint64(m.typ.Bytes())
	m.total = m.size
	o := d.s.args
	n := 3
	if op == "cas" {
		n = 4
	}
	if red {
		n--
	}
	if len(o) != n {
		d.fail("%s has %d operands", d.s, len(o))
	}
	if !red {
		if o[0].kind != opSink {
			d.in.d = d.dst(&o[0], m.typ)
		}
		o = o[1:]
	}
	d.place(&o[0], m)
	d.in.b = d.src(&o[1], m.typ)
	if d.in.c = d.in.b; op == "cas" {
		d.in.c = d.src(&o[2], m.typ)
	}
	d.in.mem = m
	d.in.run = execAtomic
}

// execAtomic updates lane after lane, from a random lane on: the order is not
// defined, and a kernel must not rely on one.
func execAtomic(w *warp, in *inst, m uint32) uint32 {
	mem := in.mem
	if mem.release {
		w.fence()
	}
	first := int(w.l.rand.Uint64() & 31)
	for j := 0; j < 32; j++ {
		i := (first + j) & 31
		if m>>i&1 == 0 {
			continue
		}
		r, o := w.locate(in, mem.space, w.r[in.a][i]+uint64(in.imm), mem.total, i)
		if r.readOnly || r.space == Local {
			f := w.newFault(ReadOnly, i, "atomics need global or shared memory")
			w.place(f, r, o)
			panic(f)
		}
		if w.l.checks {
			if r.undef > 0 && !r.defined(o, mem.total) {
				w.uninitialised(r, o, mem.total, i)
			}
			r.checkWrite(w, in, o, mem.total, i, true, false)
			if r.space == Global {
				w.observe(r.base + o)
				w.release(r.base + o)
			}
		}
		old := r.get(o, int(mem.size))
		r.put(o, int(mem.size), mem.update(old, w.r[in.b][i], w.r[in.c][i]))
		if in.d >= 0 {
			w.r[in.d][i] = old
		}
		r.loaded += mem.total
		r.stored += mem.total
		w.l.stats.Loaded[r.space] += mem.total
		w.l.stats.Stored[r.space] += mem.total
		w.l.stats.Atomics++
	}
	if mem.acquire {
		w.fence()
	}
	w.yield()
	return m
}

// decodePrefetch accepts hints and does nothing.
func decodePrefetch(d *decoder) {
	d.mods = nil
	d.in.run = func(_ *warp, _ *inst, m uint32) uint32 { return m }
}

func decodeFence(d *decoder) {
	d.take("sc", "acq_rel", "acquire", "release", "proxy", "async", "mbarrier_init")
	scope := d.one("cta", "cluster", "gl", "gpu", "sys")
	d.take("cta", "cluster", "gl", "gpu", "sys")
	d.args(0)
	wide := scope != "cta"
	d.k.fences = d.k.fences || wide
	d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
		if wide {
			w.fence()
		}
		return m
	}
}
