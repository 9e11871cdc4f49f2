package ptx

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// Conversions among integers wrap, or clamp with .sat.
func TestConvert_Integers(t *testing.T) {
	types := []Type{U8, S8, U16, S16, U32, S32, U64, S64}
	for _, from := range types {
		for _, to := range types {
			// 8-bit values live in wider registers.
			rf, rt := from, to
			if from.Bits() == 8 {
				rf = U16
			}
			if to.Bits() == 8 {
				rt = U32
			}
			rows := combinations(100, valuesOf(from))
			plain := instruction(t, fmt.Sprintf("cvt%s%s %%d, %%a;", to, from), []Type{rt, rf}, rows)
			var sat []uint64 // only where values can be out of range
			if to.Bits() < from.Bits() || from.Signed() && !to.Signed() || to.Bits() == from.Bits() && from.Signed() != to.Signed() {
				sat = instruction(t, fmt.Sprintf("cvt.sat%s%s %%d, %%a;", to, from), []Type{rt, rf}, rows)
			}
			for i, r := range rows {
				n := number(r[0], from)
				require.Equal(t, wrap(number(wrap(n, to.Bits()), to), rt.Bits()), plain[i], "cvt%s%s %#x", to, from, r)
				if sat == nil {
					continue
				}
				low, high := big.NewInt(0), new(big.Int).SetUint64(to.mask())
				if to.Signed() {
					high.Rsh(high, 1)
					low.Not(high)
				}
				if n.Cmp(low) < 0 {
					n = low
				} else if n.Cmp(high) > 0 {
					n = high
				}
				require.Equal(t, wrap(n, rt.Bits()), sat[i], "cvt.sat%s%s %#x", to, from, r)
			}
		}
	}
}

// Integers become floats with one rounding in every mode.
func TestConvert_IntegerToFloat(t *testing.T) {
	for _, from := range []Type{U16, S16, U32, S32, U64, S64} {
		for _, to := range []Type{F16, F32, F64} {
			for mode, name := range modeNames {
				values := valuesOf(from)
				if from.Bits() == 64 {
					values = append([]uint64{1<<53 + 1, 1<<54 + 2, 1<<24 + 1, 1<<25 + 2, 1<<63 + 1<<39, 1<<63 + 1<<39 + 1, 1<<63 + 1024, 1<<63 + 1025}, values...)
				}
				rows := combinations(100, values)
				text := fmt.Sprintf("cvt.%s%s%s %%d, %%a;", name, to, from)
				for i, g := range instruction(t, text, []Type{to, from}, rows)[:len(rows)] {
					want := formats[to].round(new(big.Rat).SetInt(number(rows[i][0], from)), mode)
					require.True(t, same(g, to, want), "%s %#x: got %v want %v", text, rows[i], value(g, to), want)
				}
			}
		}
	}
}

// Floats become integers rounded in the mode and clamped to the range; NaN becomes
// zero, or the sign bit where 64 bits are involved.
func TestConvert_FloatToInteger(t *testing.T) {
	round := map[string]func(float64) float64{"rni": math.RoundToEven, "rzi": math.Trunc, "rmi": math.Floor, "rpi": math.Ceil}
	for _, from := range []Type{F16, F32, F64} {
		for _, to := range []Type{U16, S16, U32, S32, U64, S64} {
			for name, f := range round {
				rows := combinations(200, valuesOf(from))
				text := fmt.Sprintf("cvt.%s%s%s %%d, %%a;", name, to, from)
				for i, g := range instruction(t, text, []Type{to, from}, rows)[:len(rows)] {
					x := value(rows[i][0], from)
					var want uint64
					if x != x {
						if from == F64 || to.Bits() == 64 {
							want = 1 << (to.Bits() - 1)
						}
					} else {
						high := new(big.Float).SetInt(new(big.Int).SetUint64(to.mask()))
						low := new(big.Float)
						if to.Signed() {
							high = new(big.Float).SetInt64(1<<(to.Bits()-1) - 1)
							low = new(big.Float).SetInt64(-1 << (to.Bits() - 1))
						}
						y := new(big.Float).SetFloat64(f(x))
						if y.Cmp(low) < 0 {
							y = low
						} else if y.Cmp(high) > 0 {
							y = high
						}
						n, _ := y.Int(nil)
						want = wrap(n, to.Bits())
					}
					require.Equal(t, want, g, "%s %v", text, x)
				}
			}
		}
	}
}

// Floats narrow with one rounding in every mode, and widen exactly.
func TestConvert_FloatToFloat(t *testing.T) {
	for _, c := range []struct {
		to, from Type
		modes    []rounding
	}{
		{F32, F64, []rounding{rn, rz, rm, rp}}, {F16, F32, []rounding{rn, rz}}, {F16, F64, []rounding{rn, rz}},
		{BF16, F32, []rounding{rn, rz}},
	} {
		values := valuesOf(c.from)
		if c.from == F32 { // neighbours of ties of the half formats
			for _, v := range []uint64{0x3f808000, 0x3f808001, 0x3f807fff, 0x3f818000, 0x3f801000, 0x3f801001, 0x3f800fff, 0x3f803000, 0x33000000, 0x33000001, 0x33c00000, 0x477fe000, 0x477fefff, 0x477ff000, 0x7f7f8000, 0x7f7f7fff, 0x00008000, 0x00008001} {
				values = append(values, v, v|1<<31)
			}
		}
		rows := combinations(400, values)
		for _, mode := range c.modes {
			text := fmt.Sprintf("cvt.%s%s%s %%d, %%a;", modeNames[mode], c.to, c.from)
			for i, g := range instruction(t, text, []Type{c.to, c.from}, rows)[:len(rows)] {
				x := value(rows[i][0], c.from)
				want := x
				if x == x && !math.IsInf(x, 0) && x != 0 {
					want = formats[c.to].round(new(big.Rat).SetFloat64(x), mode)
				}
				require.True(t, same(g, c.to, want), "%s %v (%#x): got %v want %v", text, x, rows[i], value(g, c.to), want)
			}
		}
	}
	for _, c := range []struct{ to, from Type }{{F64, F32}, {F32, F16}, {F32, BF16}, {F64, F16}} {
		rows := combinations(200, valuesOf(c.from))
		for i, g := range instruction(t, fmt.Sprintf("cvt%s%s %%d, %%a;", c.to, c.from), []Type{c.to, c.from}, rows)[:len(rows)] {
			require.True(t, same(g, c.to, value(rows[i][0], c.from)), "%s from %s %#x", c.to, c.from, rows[i])
		}
	}
}

// Every float16 and every bfloat16 goes to float32 and back unchanged.
func TestConvert_HalvesRoundTrip(t *testing.T) {
	for v := uint64(0); v < 1<<16; v++ {
		if h := fromHalf(v); h == h {
			require.Equal(t, v, toHalf(h, rn))
		}
		if b := fromBfloat(v); b == b {
			require.Equal(t, v, toBfloat(b, rn))
		}
	}
}

func TestConvert_Forms(t *testing.T) {
	for _, c := range []struct {
		text  string
		types []Type
		in    []uint64
		want  uint64
	}{
		{"cvt.rn.f16x2.f32 %d, %a, %b;", []Type{B32, F32, F32}, []uint64{0x3f800000, 0x40000000}, 0x3c004000},
		{"cvt.rn.bf16x2.f32 %d, %a, %b;", []Type{B32, F32, F32}, []uint64{0x3f800000, 0x40000000}, 0x3f804000},
		{"cvt.rn.relu.bf16x2.f32 %d, %a, %b;", []Type{B32, F32, F32}, []uint64{0xbf800000, 0x40000000}, 0x4000},
		{"cvt.rna.tf32.f32 %d, %a;", []Type{B32, F32}, []uint64{0x3f801000}, 0x3f802000}, // a tie goes away from zero
		{"cvt.rna.tf32.f32 %d, %a;", []Type{B32, F32}, []uint64{0xbf800fff}, 0xbf800000},
		{"cvt.sat.f32.f32 %d, %a;", []Type{F32, F32}, []uint64{0xc0000000}, 0},
		{"cvt.sat.f32.f32 %d, %a;", []Type{F32, F32}, []uint64{nan32}, 0},
		{"cvt.rni.f32.f32 %d, %a;", []Type{F32, F32}, []uint64{0x40200000}, 0x40000000}, // 2.5 to 2
		{"cvt.rmi.f64.f64 %d, %a;", []Type{F64, F64}, []uint64{math.Float64bits(-0.5)}, math.Float64bits(-1)},
		{"cvt.rzi.f32.f32 %d, %a;", []Type{F32, F32}, []uint64{0xbf000000}, 0x80000000}, // -0.5 to -0
		{"cvt.rni.ftz.f32.f32 %d, %a;", []Type{F32, F32}, []uint64{0x80000001}, 0x80000000},
		{"cvt.ftz.f64.f32 %d, %a;", []Type{F64, F32}, []uint64{1}, 0},
		{"cvt.u32.u64 %d, %a;", []Type{U32, U64}, []uint64{0x123456789}, 0x23456789},
	} {
		got := instruction(t, c.text, c.types, [][]uint64{c.in})[0]
		require.Equal(t, c.want, got, "%s %#x: got %#x", c.text, c.in, got)
	}
}
