package ptx

import "math/bits"

func init() {
	register(decodeShuffle, "shfl")
	register(decodeVote, "vote")
	register(decodeMatch, "match")
	register(decodeRedux, "redux")
	register(decodeActive, "activemask")
	register(decodeElect, "elect")
}

// sync insists on the .sync form: the older one means nothing on sm_70 and later.
func (d *decoder) sync() {
	if !d.take("sync") {
		d.fail("%s without .sync is not supported by sm_70 and later", d.s.op)
	}
}

func decodeShuffle(d *decoder) {
	d.sync()
	mode := d.one("up", "down", "bfly", "idx")
	d.typeIn(B32)
	o := d.args(5)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], B32), d.src(&o[2], B32), d.src(&o[3], B32)
	mask := d.src(&o[4], B32)
	d.in.d = d.dst(&o[0], B32)
	d.in.p = d.dstPred(o[0].pair)
	d.in.reads = []int32{d.in.b, d.in.c, mask}
	d.in.writes = nil
	if mode == "" {
		d.fail("shfl needs a mode")
	}
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.members(in, mask, m); m == 0 {
			return 0
		}
		src := w.r[in.a]
		var inside, defined uint32
		for k := m; k != 0; k &= k - 1 {
			lane := bits.TrailingZeros32(k)
			b, c := int(w.r[in.b][lane]&31), int(w.r[in.c][lane])
			segment := c >> 8 & 31
			last := lane&segment | c&31&^segment
			var j int
			var ok bool
			switch mode {
			case "up":
				j = lane - b
				ok = j >= last
			case "down":
				j = lane + b
				ok = j <= last
			case "bfly":
				j = lane ^ b
				ok = j <= last
			case "idx":
				j = lane&segment | b&^segment
				ok = j <= last
			}
			if ok {
				inside |= 1 << lane
			} else {
				j = lane
			}
			// What a lane outside the operation holds is undefined to the reader.
			defined |= w.def[in.a] & m >> j & 1 << lane
			w.r[in.d][lane] = src[j]
		}
		w.def[in.d] = w.def[in.d]&^m | defined
		if in.p >= 0 {
			w.p[in.p] = w.p[in.p]&^m | inside
		}
		return m
	}
}

func decodeVote(d *decoder) {
	d.sync()
	mode := d.one("all", "any", "uni", "ballot")
	t := d.typeIn(Pred, B32)
	o := d.args(3)
	d.in.pa = d.pred(&o[1])
	d.in.b = d.src(&o[2], B32)
	not := o[1].not
	if ballot := mode == "ballot"; ballot != (t == B32) || mode == "" {
		d.fail("unsupported form of %s", d.s)
	} else if ballot {
		d.in.d = d.dst(&o[0], t)
	} else {
		d.in.p = d.dstPred(o[0].reg)
	}
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.members(in, in.b, m); m == 0 {
			return 0
		}
		if lost := m &^ w.pdef[in.pa]; lost != 0 && w.l.checks {
			w.undefined(lost)
		}
		p := w.p[in.pa]
		if not {
			p = ^p
		}
		p &= m
		var yes bool
		switch mode {
		case "ballot":
			lanesOf(m, func(i int) { w.r[in.d][i] = uint64(p) })
			return m
		case "all":
			yes = p == m
		case "any":
			yes = p != 0
		case "uni":
			yes = p == m || p == 0
		}
		if w.p[in.p] &^= m; yes {
			w.p[in.p] |= m
		}
		return m
	}
}

func decodeMatch(d *decoder) {
	all := d.one("any", "all") == "all"
	d.sync()
	t := d.typeIn(B32, B64)
	o := d.args(3)
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], B32)
	d.in.d = d.dst(&o[0], B32)
	d.in.p = d.dstPred(o[0].pair)
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.members(in, in.b, m); m == 0 {
			return 0
		}
		w.needDefined(in.a, m)
		var same uint32
		lanesOf(m, func(i int) {
			var r uint32
			lanesOf(m, func(j int) {
				if w.r[in.a][i] == w.r[in.a][j] {
					r |= 1 << j
				}
			})
			if r == m {
				same |= 1 << i
			} else if all {
				r = 0
			}
			w.r[in.d][i] = uint64(r)
		})
		if in.p >= 0 {
			w.p[in.p] = w.p[in.p]&^m | same
		}
		return m
	}
}

// needDefined checks a source again after other lanes have joined.
func (w *warp) needDefined(slot int32, m uint32) {
	if lost := m &^ w.def[slot]; lost != 0 && w.l.checks {
		w.undefined(lost)
	}
}

func decodeRedux(d *decoder) {
	d.sync()
	op := d.one("add", "min", "max", "and", "or", "xor")
	t := d.typeIn(U32, S32, B32)
	f := updates(op, t)
	if f == nil {
		d.fail("unsupported form of %s", d.s)
	}
	d.needs(80, 70)
	o := d.args(3)
	d.in.a, d.in.b = d.src(&o[1], t), d.src(&o[2], B32)
	d.in.d = d.dst(&o[0], t)
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.members(in, in.b, m); m == 0 {
			return 0
		}
		w.needDefined(in.a, m)
		r := w.r[in.a][bits.TrailingZeros32(m)]
		for k := m & (m - 1); k != 0; k &= k - 1 {
			r = f(r, w.r[in.a][bits.TrailingZeros32(k)], 0)
		}
		lanesOf(m, func(i int) { w.r[in.d][i] = r })
		return m
	}
}

func decodeActive(d *decoder) {
	d.typeIn(B32)
	d.in.d = d.dst(&d.args(1)[0], B32)
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		lanesOf(m, func(i int) { w.r[in.d][i] = uint64(m) })
		return m
	}
}

func decodeElect(d *decoder) {
	d.sync()
	d.needs(90, 80)
	o := d.args(2)
	d.in.a = d.src(&o[1], B32)
	d.in.d = d.dst(&o[0], B32)
	d.in.p = d.dstPred(o[0].pair)
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		if m = w.members(in, in.a, m); m == 0 {
			return 0
		}
		first := bits.TrailingZeros32(m)
		lanesOf(m, func(i int) { w.r[in.d][i] = uint64(first) })
		if in.p >= 0 {
			w.p[in.p] = w.p[in.p]&^m | 1<<first
		}
		return m
	}
}
