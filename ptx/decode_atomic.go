package ptx

func init() { register(decodeAtomic, "atom", "red") }

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
