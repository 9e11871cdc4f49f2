package ptx

import (
	"fmt"
	"math/big"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

// number is what the low bits of v stand for in type t.
func number(v uint64, t Type) *big.Int {
	n := new(big.Int).SetUint64(v & t.mask())
	if t.Signed() && v>>(t.Bits()-1)&1 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(t.Bits())))
	}
	return n
}

// wrap is n modulo 2^bits.
func wrap(n *big.Int, bits int) uint64 {
	m := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	return new(big.Int).Mod(n, m).Uint64()
}

func TestInteger_ArithmeticAgainstBig(t *testing.T) {
	for _, ty := range []Type{U16, S16, U32, S32, U64, S64} {
		n := ty.Bits()
		type op2 struct {
			name string
			out  Type
			f    func(a, b *big.Int) *big.Int
		}
		ops := []op2{
			{"add", ty, func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }},
			{"sub", ty, func(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }},
			{"mul.lo", ty, func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }},
			{"mul.hi", ty, func(a, b *big.Int) *big.Int { p := new(big.Int).Mul(a, b); return p.Rsh(p, uint(n)) }},
			{"div", ty, func(a, b *big.Int) *big.Int {
				if b.Sign() == 0 {
					return big.NewInt(-1) // undefined; all ones on hardware
				}
				return new(big.Int).Quo(a, b)
			}},
			{"rem", ty, func(a, b *big.Int) *big.Int {
				if b.Sign() == 0 {
					return a
				}
				return new(big.Int).Rem(a, b)
			}},
			{"min", ty, func(a, b *big.Int) *big.Int {
				if a.Cmp(b) < 0 {
					return a
				}
				return b
			}},
			{"max", ty, func(a, b *big.Int) *big.Int {
				if a.Cmp(b) > 0 {
					return a
				}
				return b
			}},
		}
		if n < 64 {
			ops = append(ops, op2{"mul.wide", wider(ty), func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }})
		}
		values := valuesOf(ty)
		rows := combinations(500, values, values)
		for _, o := range ops {
			text := fmt.Sprintf("%s%s %%d, %%a, %%b;", o.name, ty)
			got := instruction(t, text, []Type{o.out, ty, ty}, rows)
			for i, r := range rows {
				want := wrap(o.f(number(r[0], ty), number(r[1], ty)), o.out.Bits())
				require.Equal(t, want, got[i], "%s a=%#x b=%#x", text, r[0], r[1])
			}
		}
		rows = combinations(500, values, values, values)
		for _, part := range []string{"lo", "hi", "wide"} {
			if part == "wide" && n == 64 {
				continue
			}
			out := ty
			if part == "wide" {
				out = wider(ty)
			}
			text := fmt.Sprintf("mad.%s%s %%d, %%a, %%b, %%c;", part, ty)
			got := instruction(t, text, []Type{out, ty, ty, out}, rows)
			for i, r := range rows {
				p := new(big.Int).Mul(number(r[0], ty), number(r[1], ty))
				if part == "hi" {
					p.Rsh(p, uint(n))
				}
				p.Add(p, number(r[2], out))
				require.Equal(t, wrap(p, out.Bits()), got[i], "%s %#x", text, r)
			}
		}
		sad := fmt.Sprintf("sad%s %%d, %%a, %%b, %%c;", ty)
		for i, g := range instruction(t, sad, []Type{ty, ty, ty, ty}, rows)[:len(rows)] {
			diff := new(big.Int).Sub(number(rows[i][0], ty), number(rows[i][1], ty))
			want := wrap(diff.Add(diff.Abs(diff), number(rows[i][2], ty)), n)
			require.Equal(t, want, g, "%s %#x", sad, rows[i])
		}
	}
}

// Table of single results, each worked out by hand from the PTX ISA.
func TestInteger_Bits(t *testing.T) {
	const m = 0xffffffff
	for _, c := range []struct {
		text  string
		types []Type
		in    []uint64
		want  uint64
	}{
		{"and.b32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{0xf0f0, 0xff00}, 0xf000},
		{"or.b16 %d, %a, %b;", []Type{B16, B16, B16}, []uint64{0xf0f0, 0x0f00}, 0xfff0},
		{"xor.b64 %d, %a, %b;", []Type{B64, B64, B64}, []uint64{1 << 63, 1<<63 | 5}, 5},
		{"not.b16 %d, %a;", []Type{B16, B16}, []uint64{0x1234}, 0xedcb},
		{"cnot.b32 %d, %a;", []Type{B32, B32}, []uint64{0}, 1},
		{"cnot.b32 %d, %a;", []Type{B32, B32}, []uint64{9}, 0},
		{"shl.b32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{0x80000001, 1}, 2},
		{"shl.b32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{1, 32}, 0},
		{"shl.b64 %d, %a, %b;", []Type{B64, B64, B32}, []uint64{1, 63}, 1 << 63},
		{"shr.u32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{0x80000000, 31}, 1},
		{"shr.u32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{0x80000000, 32}, 0},
		{"shr.s32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{0x80000000, 4}, 0xf8000000},
		{"shr.s32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{0x80000000, 100}, m},
		{"shr.s16 %d, %a, %b;", []Type{B16, B16, B32}, []uint64{0x8000, 3}, 0xf000},
		{"abs.s32 %d, %a;", []Type{S32, S32}, []uint64{0xfffffffb}, 5},
		{"neg.s64 %d, %a;", []Type{S64, S64}, []uint64{5}, ^uint64(4)},
		{"add.sat.s32 %d, %a, %b;", []Type{S32, S32, S32}, []uint64{0x7fffffff, 5}, 0x7fffffff},
		{"sub.sat.s32 %d, %a, %b;", []Type{S32, S32, S32}, []uint64{0x80000000, 5}, 0x80000000},
		{"mul24.lo.u32 %d, %a, %b;", []Type{U32, U32, U32}, []uint64{0x1000003, 5}, 15},
		{"mul24.hi.s32 %d, %a, %b;", []Type{S32, S32, S32}, []uint64{0xffffff, 0x10000}, m}, // (-1 * 65536) >> 16
		{"popc.b64 %d, %a;", []Type{U32, B64}, []uint64{0xff00ff}, 16},
		{"clz.b32 %d, %a;", []Type{U32, B32}, []uint64{1}, 31},
		{"clz.b32 %d, %a;", []Type{U32, B32}, []uint64{0}, 32},
		{"clz.b64 %d, %a;", []Type{U32, B64}, []uint64{1}, 63},
		{"brev.b32 %d, %a;", []Type{B32, B32}, []uint64{0x12}, 0x48000000},
		{"bfind.u32 %d, %a;", []Type{U32, U32}, []uint64{0x900}, 11},
		{"bfind.shiftamt.u32 %d, %a;", []Type{U32, U32}, []uint64{0x900}, 20},
		{"bfind.s32 %d, %a;", []Type{U32, S32}, []uint64{0xfffffffe}, 0},
		{"bfind.s32 %d, %a;", []Type{U32, S32}, []uint64{m}, m},
		{"bfe.u32 %d, %a, %b, %c;", []Type{U32, U32, U32, U32}, []uint64{0xabcd1234, 8, 12}, 0xd12},
		{"bfe.s32 %d, %a, %b, %c;", []Type{S32, S32, U32, U32}, []uint64{0xabcd1234, 8, 8}, 0x12},
		{"bfe.s32 %d, %a, %b, %c;", []Type{S32, S32, U32, U32}, []uint64{0xabcd1234, 24, 8}, 0xffffffab},
		{"bfe.s32 %d, %a, %b, %c;", []Type{S32, S32, U32, U32}, []uint64{0xabcd1234, 28, 8}, 0xfffffffa},
		{"bfe.s32 %d, %a, %b, %c;", []Type{S32, S32, U32, U32}, []uint64{0xabcd1234, 40, 8}, m},
		{"bfe.s32 %d, %a, %b, %c;", []Type{S32, S32, U32, U32}, []uint64{0xabcd1234, 4, 0}, 0},
		{"bfe.u64 %d, %a, %b, %c;", []Type{U64, U64, U32, U32}, []uint64{^uint64(0), 0, 64}, ^uint64(0)},
		{"bfi.b32 %d, %a, %b, 8, 8;", []Type{B32, B32, B32}, []uint64{0xff, 0x12345678}, 0x1234ff78},
		{"bfi.b32 %d, %a, %b, 28, 8;", []Type{B32, B32, B32}, []uint64{0xff, 0}, 0xf0000000},
		{"prmt.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0x77665544, 0x7410}, 0x77441100},
		{"prmt.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x80221100, 0, 0xbbbb}, m},
		{"prmt.b32.f4e %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0x77665544, 1}, 0x44332211},
		{"prmt.b32.b4e %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0x77665544, 0}, 0x55667700},
		{"prmt.b32.rc8 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0, 2}, 0x22222222},
		{"prmt.b32.rc16 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0, 1}, 0x33223322},
		{"prmt.b32.ecl %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0, 2}, 0x33222222},
		{"prmt.b32.ecr %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x33221100, 0, 1}, 0x11111100},
		{"lop3.b32 %d, %a, %b, %c, 0x80;", []Type{B32, B32, B32, B32}, []uint64{0xff, 0xf0, 0x3c}, 0x30},
		{"lop3.b32 %d, %a, %b, %c, 0x96;", []Type{B32, B32, B32, B32}, []uint64{0xff, 0xf0, 0x3c}, 0xff ^ 0xf0 ^ 0x3c},
		{"lop3.b32 %d, %a, %b, %c, 0x1;", []Type{B32, B32, B32, B32}, []uint64{0xff, 0xf0, 0x3c}, 0xffffff00},
		{"shf.l.wrap.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x80000000, 1, 33}, 3},
		{"shf.r.wrap.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{2, 1, 1}, 0x80000001},
		{"shf.l.clamp.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x89abcdef, 1, 40}, 0x89abcdef},
		{"shf.r.clamp.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{2, 0x89abcdef, 40}, 0x89abcdef},
		{"fns.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0xaaaaaaaa, 3, 1}, 3},
		{"fns.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0xaaaaaaaa, 3, 3}, 7},
		{"fns.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0xaaaaaaaa, 3, m}, 3},
		{"fns.b32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0xaaaaaaaa, 2, 0}, m},
		{"bmsk.clamp.b32 %d, %a, %b;", []Type{B32, B32, B32}, []uint64{4, 8}, 0xff0},
		{"szext.clamp.s32 %d, %a, %b;", []Type{S32, S32, U32}, []uint64{0xff, 8}, m},
		{"szext.clamp.u32 %d, %a, %b;", []Type{U32, U32, U32}, []uint64{0xfff, 8}, 0xff},
		{"dp4a.s32.s32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x0102ff80, 0x01010101, 10}, 0xffffff8c},
		{"dp2a.lo.u32.u32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x00020003, 0x04030201, 5}, 5 + 3*1 + 2*2},
		{"dp2a.hi.u32.u32 %d, %a, %b, %c;", []Type{B32, B32, B32, B32}, []uint64{0x00020003, 0x04030201, 5}, 5 + 3*3 + 2*4},
		{"add.cc.u32 %d, %a, %b; addc.u32 %d, %d, 0;", []Type{U32, U32, U32}, []uint64{m, 2}, 2},
		{"sub.cc.u32 %d, %a, %b; subc.u32 %d, %d, 0;", []Type{U32, U32, U32}, []uint64{1, 2}, m - 1},
		{"sub.cc.u32 %d, %a, %b; subc.u32 %d, 5, 0;", []Type{U32, U32, U32}, []uint64{2, 1}, 5},
		{"mad.lo.cc.u32 %d, %a, %b, %c; madc.hi.u32 %d, %a, %b, 0;", []Type{U32, U32, U32, U32}, []uint64{0x10000, 0x1ffff, 0xffffffff}, 2},
		{"add.cc.u64 %d, %a, %b; addc.cc.u64 %d, 0, 0;", []Type{U64, U64, U64}, []uint64{1 << 63, 1 << 63}, 1},
		{"slct.b32.s32 %d, %a, %b, %c;", []Type{B32, B32, B32, S32}, []uint64{1, 2, 0x80000000}, 2},
		{"slct.b32.f32 %d, %a, %b, %c;", []Type{B32, B32, B32, F32}, []uint64{1, 2, 0x80000000}, 1}, // -0 >= 0
		{"slct.b32.f32 %d, %a, %b, %c;", []Type{B32, B32, B32, F32}, []uint64{1, 2, nan32}, 2},
		{"mov.b32 %d, {%a, %b};", []Type{B32, B16, B16}, []uint64{0x1234, 0xabcd}, 0xabcd1234},
		{"{.reg .b32 %x, %y; mov.b64 {%x, %y}, %a; mov.b64 %d, {%y, %x};}", []Type{B64, B64}, []uint64{0x1122334455667788}, 0x5566778811223344},
	} {
		got := instruction(t, c.text, c.types, [][]uint64{c.in})
		require.Equal(t, c.want, got[0], "%s %#x: got %#x", c.text, c.in, got[0])
	}
}

func TestInteger_HighProducts(t *testing.T) {
	rows := combinations(400, integers64, integers64)
	for i, g := range instruction(t, "mul.hi.u64 %d, %a, %b;", []Type{U64, U64, U64}, rows)[:len(rows)] {
		hi, _ := bits.Mul64(rows[i][0], rows[i][1])
		require.Equal(t, hi, g)
	}
}

func TestCompare_AllOperators(t *testing.T) {
	for _, ty := range []Type{U16, S16, U32, S32, U64, S64} {
		values := valuesOf(ty)
		rows := combinations(300, values, values)
		ops := map[string]func(c int) bool{
			"eq": func(c int) bool { return c == 0 }, "ne": func(c int) bool { return c != 0 },
			"lt": func(c int) bool { return c < 0 }, "le": func(c int) bool { return c <= 0 },
			"gt": func(c int) bool { return c > 0 }, "ge": func(c int) bool { return c >= 0 },
		}
		for op, holds := range ops {
			got := instruction(t, fmt.Sprintf("setp.%s%s %%d, %%a, %%b;", op, ty), []Type{Pred, ty, ty}, rows)
			for i, r := range rows {
				want := uint64(0)
				if holds(number(r[0], ty).Cmp(number(r[1], ty))) {
					want = 1
				}
				require.Equal(t, want, got[i], "%s %s %#x", op, ty, r)
			}
		}
	}
	for _, ty := range []Type{F32, F64, F16, BF16} {
		values := valuesOf(ty)
		in := arithmetic{t: ty}
		rows := combinations(1500, values, values)
		for op, holds := range map[string]func(x, y float64) bool{
			"eq": func(x, y float64) bool { return x == y }, "ne": func(x, y float64) bool { return x != y && x == x && y == y },
			"lt": func(x, y float64) bool { return x < y }, "geu": func(x, y float64) bool { return !(x < y) },
			"le": func(x, y float64) bool { return x <= y }, "gtu": func(x, y float64) bool { return !(x <= y) },
			"gt": func(x, y float64) bool { return x > y }, "leu": func(x, y float64) bool { return !(x > y) },
			"ge": func(x, y float64) bool { return x >= y }, "ltu": func(x, y float64) bool { return !(x >= y) },
			"equ": func(x, y float64) bool { return x == y || x != x || y != y }, "neu": func(x, y float64) bool { return x != y },
			"num": func(x, y float64) bool { return x == x && y == y }, "nan": func(x, y float64) bool { return x != x || y != y },
		} {
			got := instruction(t, fmt.Sprintf("setp.%s%s %%d, %%a, %%b;", op, ty), []Type{Pred, ty, ty}, rows)
			for i, r := range rows {
				require.Equal(t, holds(in.in(r[0]), in.in(r[1])), got[i] == 1, "%s %s %#x", op, ty, r)
			}
		}
	}
}

// Predicates: pairs, joined comparisons, logic, set.
func TestCompare_Predicates(t *testing.T) {
	for _, c := range []struct {
		text string
		want func(a, b uint64) bool
	}{
		{"setp.lt.u32 %q, %a, 5; setp.lt.and.u32 %d, %b, 5, %q;", func(a, b uint64) bool { return b < 5 && a < 5 }},
		{"setp.lt.u32 %q, %a, 5; setp.lt.or.u32 %d, %b, 5, !%q;", func(a, b uint64) bool { return b < 5 || a >= 5 }},
		{"setp.lt.u32 %q, %a, 5; setp.lt.xor.u32 %d, %b, 5, %q;", func(a, b uint64) bool { return (b < 5) != (a < 5) }},
		{"setp.lt.u32 %q|%d, %a, %b;", func(a, b uint64) bool { return a >= b }},
		{"setp.lt.u32 %q, %a, 5; setp.lt.u32 %d, %b, 5; and.pred %d, %d, %q;", func(a, b uint64) bool { return a < 5 && b < 5 }},
		{"setp.lt.u32 %q, %a, 5; setp.lt.u32 %d, %b, 5; xor.pred %d, %d, %q; not.pred %d, %d;", func(a, b uint64) bool { return (a < 5) == (b < 5) }},
		{"setp.lt.u32 %q, %a, 5; mov.pred %d, %q;", func(a, b uint64) bool { return a < 5 }},
		{"setp.lt.u32 %q, %a, %b; mov.pred %d, 0; @%q mov.pred %d, 1;", func(a, b uint64) bool { return a < b }},
		{"set.gt.u32.u32 %t, %a, %b; setp.eq.u32 %d, %t, 0xffffffff;", func(a, b uint64) bool { return a > b }},
		{"{.reg .f32 %f; set.gt.f32.u32 %f, %a, %b; setp.eq.f32 %d, %f, 0f3F800000;}", func(a, b uint64) bool { return a > b }},
	} {
		rows := combinations(400, integers32, integers32)
		got := instruction(t, c.text, []Type{Pred, U32, U32}, rows)
		for i, r := range rows {
			require.Equal(t, c.want(r[0], r[1]), got[i] == 1, "%s %#x", c.text, r)
		}
	}
}
