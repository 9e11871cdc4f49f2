package ptx

import "math/bits"

// Bit fields, permutations and searches.

func init() {
	register(decodeBits, "popc", "clz", "brev", "bfind", "bfe", "bfi", "fns", "prmt", "lop3", "shf", "bmsk", "szext")
}

func decodeBits(d *decoder) {
	op := d.s.op
	switch op {
	case "popc", "clz":
		t := d.typeIn(B32, B64)
		d.unary(t, U32, func(a uint64) uint64 { return uint64(bits.OnesCount64(a)) })
		if op == "clz" {
			n := 64 - t.Bits()
			d.in.f1 = func(a uint64) uint64 { return uint64(bits.LeadingZeros64(a) - n) }
		}
	case "brev":
		t := d.typeIn(B32, B64)
		n := 64 - t.Bits()
		d.op1(t, func(a uint64) uint64 { return bits.Reverse64(a) >> n })
	case "bfind":
		shift := d.take("shiftamt")
		t := d.typeIn(U32, U64, S32, S64)
		d.unary(t, U32, func(a uint64) uint64 {
			if t.Signed() && int64(t.extend(a)) < 0 {
				a = ^a & t.mask()
			}
			if a == 0 {
				return 0xffffffff
			}
			at := bits.Len64(a) - 1
			if shift {
				at = t.Bits() - 1 - at
			}
			return uint64(at)
		})
	case "bfe":
		t := d.typeIn(U32, U64, S32, S64)
		o := d.args(4)
		d.in.a, d.in.b, d.in.c = d.src(&o[1], t), d.src(&o[2], U32), d.src(&o[3], U32)
		d.in.d = d.dst(&o[0], t)
		d.in.f3, d.in.run = func(a, b, c uint64) uint64 { return extract(t, a, b&255, c&255) }, exec3
	case "bfi":
		decodeInsert(d)
	case "prmt":
		decodePermute(d)
	case "lop3":
		decodeLop3(d)
	case "shf":
		decodeFunnel(d)
	case "fns":
		d.typeIn(B32)
		d.op3(B32, findSet)
	case "bmsk":
		mode := d.one("clamp", "wrap")
		d.typeIn(B32)
		d.op2(B32, func(a, b uint64) uint64 {
			if mode == "wrap" {
				a, b = a&31, b&31
			}
			return (uint64(1)<<b - 1) << a & 0xffffffff
		})
	case "szext":
		wrap := d.one("clamp", "wrap") == "wrap"
		t := d.typeIn(U32, S32)
		d.op2(t, func(a, b uint64) uint64 {
			if wrap {
				b &= 31
			}
			if b >= 32 {
				return a
			}
			if b == 0 {
				return 0
			}
			if t == S32 {
				return uint64(uint32(int32(a<<(32-b)) >> (32 - b)))
			}
			return a & (1<<b - 1)
		})
	}
}

// unary decodes `op d, a` with different types.
func (d *decoder) unary(from, to Type, f func(a uint64) uint64) {
	o := d.args(2)
	d.in.a = d.src(&o[1], from)
	d.in.d = d.dst(&o[0], to)
	d.in.f1, d.in.run = f, exec1
}

// extract is bfe: length bits from pos, sign-extended from the last bit there is.
func extract(t Type, a, pos, length uint64) uint64 {
	msb := uint64(t.Bits() - 1)
	sign := uint64(0)
	if t.Signed() && length > 0 {
		sign = a >> min(pos+length-1, msb) & 1
	}
	v := a >> pos
	if length < 64 {
		v &= 1<<length - 1
	}
	if sign != 0 {
		n := min(length, msb+1)
		if pos < msb+1 {
			n = min(n, msb+1-pos)
		} else {
			n = 0
		}
		v |= ^(uint64(1)<<n - 1)
	}
	return v & t.mask()
}

func decodeInsert(d *decoder) {
	t := d.typeIn(B32, B64)
	o := d.args(5)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], t), d.src(&o[2], t), d.src(&o[3], U32)
	length := d.src(&o[4], U32)
	d.in.d = d.dst(&o[0], t)
	d.in.run = func(w *warp, in *inst, m uint32) uint32 {
		lanesOf(m, func(i int) {
			pos, n := w.r[in.c][i]&255, w.r[length][i]&255
			mask := ^uint64(0)
			if n < 64 {
				mask = 1<<n - 1
			}
			mask = mask << pos & t.mask()
			w.r[in.d][i] = w.r[in.b][i]&^mask | w.r[in.a][i]<<pos&mask
		})
		return m
	}
}

// decodePermute decodes prmt: four bytes picked from the eight of b:a.
func decodePermute(d *decoder) {
	mode := d.one("f4e", "b4e", "rc8", "ecl", "ecr", "rc16")
	d.typeIn(B32)
	o := d.args(4)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], B32), d.src(&o[2], B32), d.src(&o[3], B32)
	d.in.d = d.dst(&o[0], B32)
	d.in.run = exec3
	d.in.f3 = func(a, b, c uint64) uint64 {
		x := b<<32 | a
		var r uint64
		for i := uint64(0); i < 4; i++ {
			s := c & 3
			switch mode {
			case "":
				s = c >> (4 * i) & 15
			case "f4e":
				s += i
			case "b4e":
				s = (s - i) & 7
			case "rc8":
			case "ecl":
				s = max(s, i)
			case "ecr":
				s = min(s, i)
			case "rc16":
				s = c&1<<1 + i&1
			}
			v := x >> (8 * (s & 7)) & 255
			if mode == "" && s&8 != 0 { // replicate the sign
				v = v >> 7 * 255
			}
			r |= v << (8 * i)
		}
		return r
	}
}

// decodeLop3 decodes the logical function of three inputs given by a table.
func decodeLop3(d *decoder) {
	d.typeIn(B32)
	o := d.args(5)
	if o[4].kind != opImm {
		d.fail("the table of lop3 must be a constant")
	}
	lut := o[4].imm
	d.in.a, d.in.b, d.in.c = d.src(&o[1], B32), d.src(&o[2], B32), d.src(&o[3], B32)
	d.in.d = d.dst(&o[0], B32)
	d.in.run = exec3
	d.in.f3 = func(a, b, c uint64) uint64 {
		var r uint64
		for k := uint64(0); k < 8; k++ {
			if lut>>k&1 == 0 {
				continue
			}
			x, y, z := a, b, c
			if k&4 == 0 {
				x = ^a
			}
			if k&2 == 0 {
				y = ^b
			}
			if k&1 == 0 {
				z = ^c
			}
			r |= x & y & z
		}
		return r & 0xffffffff
	}
}

// decodeFunnel decodes shf: 32 bits of b:a, shifted.
func decodeFunnel(d *decoder) {
	left := d.one("l", "r") == "l"
	wrap := d.one("clamp", "wrap") == "wrap"
	d.typeIn(B32)
	o := d.args(4)
	d.in.a, d.in.b, d.in.c = d.src(&o[1], B32), d.src(&o[2], B32), d.src(&o[3], U32)
	d.in.d = d.dst(&o[0], B32)
	d.in.run = exec3
	d.in.f3 = func(a, b, c uint64) uint64 {
		n := min(c, 32)
		if wrap {
			n = c & 31
		}
		if left {
			return (b<<32 | a) << n >> 32 & 0xffffffff
		}
		return (b<<32 | a) >> n & 0xffffffff
	}
}

// findSet is fns: the position of the offset-th set bit of mask from base on.
func findSet(mask, base, offset uint64) uint64 {
	n, at, step := int32(offset), int(base&31), 1
	if n == 0 {
		if mask>>at&1 != 0 {
			return uint64(at)
		}
		return 0xffffffff
	}
	if n < 0 {
		n, step = -n, -1
	}
	for ; at >= 0 && at < 32; at += step {
		if mask>>at&1 != 0 {
			if n--; n == 0 {
				return uint64(at)
			}
		}
	}
	return 0xffffffff
}
