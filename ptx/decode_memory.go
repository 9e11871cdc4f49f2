package ptx

func init() {
	register(decodeLoad, "ld", "ldu")
	register(decodeStore, "st")
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
	for d.take("ca", "cg", "cs", "lu", "cv", "wb", "wt") {
	}
	if d.take("nc") && (d.s.op != "ld" || m.space != Global) {
		d.fail("%s: .nc is for ld.global", d.s)
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
		if t.Float() || t.Bits() < 64 && (m.space == Global || m.space == Generic) {
			d.fail("%s register where %s wants a 64-bit address", t, d.s)
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
	if scope == "" && d.s.op == "membar" {
		d.fail("membar needs .cta, .gl or .sys")
	}
	wide := scope != "cta"
	d.k.fences = d.k.fences || wide
	d.in.run = func(w *warp, _ *inst, m uint32) uint32 {
		if wide {
			w.fence()
		}
		return m
	}
}
