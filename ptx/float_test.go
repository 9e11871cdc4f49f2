package ptx

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The reference for float arithmetic: exact rationals, rounded by integer division.
// It shares nothing with the emulator's way through float64.

// ieee is a binary format: significand bits and the exponents of its normal numbers.
type ieee struct{ precision, emin, emax int }

var formats = map[Type]ieee{F64: {53, -1022, 1023}, F32: {24, -126, 127}, F16: {11, -14, 15}, BF16: {8, -126, 127}, TF32: {11, -126, 127}}

// round rounds the rational x to the format; the result is exact as a float64.
func (f ieee) round(x *big.Rat, mode rounding) float64 {
	if x.Sign() == 0 {
		return 0
	}
	neg := x.Sign() < 0
	a := new(big.Rat).Abs(x)
	// 2^e <= a < 2^(e+1)
	e := a.Num().BitLen() - a.Denom().BitLen()
	if a.Cmp(power(e)) < 0 {
		e--
	}
	unit := max(e, f.emin) - f.precision + 1
	q := new(big.Rat).Quo(a, power(unit))
	n, rest := new(big.Int).QuoRem(q.Num(), q.Denom(), new(big.Int))
	if rest.Sign() != 0 {
		twice := new(big.Int).Lsh(rest, 1).Cmp(q.Denom())
		if mode == rn && (twice > 0 || twice == 0 && n.Bit(0) == 1) || mode == rna && twice >= 0 ||
			mode == rp && !neg || mode == rm && neg {
			n.Add(n, big.NewInt(1))
		}
	}
	y := new(big.Rat).Mul(new(big.Rat).SetInt(n), power(unit))
	sign := 1
	if neg {
		sign = -1
	}
	if y.Cmp(power(f.emax+1)) >= 0 {
		if mode == rz || mode == rm && !neg || mode == rp && neg {
			y.Sub(power(f.emax+1), power(f.emax-f.precision+1))
		} else {
			return math.Inf(sign)
		}
	}
	g, exact := y.Float64()
	if !exact {
		panic("the reference is not exact")
	}
	return math.Copysign(g, float64(sign))
}

func power(e int) *big.Rat {
	p := new(big.Int).Lsh(big.NewInt(1), uint(max(e, -e)))
	if e < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), p)
	}
	return new(big.Rat).SetInt(p)
}

// value and cell convert between register cells and numbers, by the formats' layout.
func value(v uint64, t Type) float64 {
	switch t {
	case F64:
		return math.Float64frombits(v)
	case F32, TF32:
		return float64(math.Float32frombits(uint32(v)))
	case BF16:
		return float64(math.Float32frombits(uint32(v << 16)))
	}
	sign, e, m := 1-2*float64(v>>15), int(v>>10&31), float64(v&1023)
	switch {
	case e == 31 && m != 0:
		return math.NaN()
	case e == 31:
		return sign * math.Inf(1)
	case e == 0:
		return sign * math.Ldexp(m, -24)
	}
	return sign * math.Ldexp(1024+m, e-25)
}

// same tells whether the cell v of type t holds x, zeros with their sign; NaN is NaN.
func same(v uint64, t Type, x float64) bool {
	y := value(v, t)
	if x != x {
		return y != y
	}
	return y == x && math.Signbit(y) == math.Signbit(x)
}

// reference computes op exactly and rounds once. IEEE's rules for NaN, infinity and
// the signs of zero are taken from Go's float64 arithmetic, which obeys them and for
// which no rounding matters in those cases.
func reference(op string, x []float64, f ieee, mode rounding) float64 {
	var special float64
	switch op {
	case "add":
		special = x[0] + x[1]
	case "sub":
		special = x[0] - x[1]
	case "mul":
		special = x[0] * x[1]
	case "div":
		special = x[0] / x[1]
	case "fma":
		special = math.FMA(x[0], x[1], x[2])
	case "sqrt":
		special = math.Sqrt(x[0])
	case "rcp":
		special = 1 / x[0]
	}
	for _, v := range x {
		if v != v || math.IsInf(v, 0) {
			return special
		}
	}
	r := func(v float64) *big.Rat { return new(big.Rat).SetFloat64(v) }
	var y *big.Rat
	var sign bool // of an exact zero
	switch op {
	case "add", "sub":
		b := x[1]
		if op == "sub" {
			b = -b
		}
		y = new(big.Rat).Add(r(x[0]), r(b))
		sign = x[0] == 0 && b == 0 && math.Signbit(x[0]) && math.Signbit(b) ||
			mode == rm && !(x[0] == 0 && b == 0 && math.Signbit(x[0]) == math.Signbit(b))
	case "mul":
		y = new(big.Rat).Mul(r(x[0]), r(x[1]))
		sign = math.Signbit(x[0]) != math.Signbit(x[1])
	case "fma":
		y = new(big.Rat).Mul(r(x[0]), r(x[1]))
		product := math.Signbit(x[0]) != math.Signbit(x[1])
		zero := y.Sign() == 0 && x[2] == 0 && product == math.Signbit(x[2])
		sign = zero && product || mode == rm && !zero
		y.Add(y, r(x[2]))
	case "div", "rcp":
		a, b := 1.0, x[0]
		if op == "div" {
			a, b = x[0], x[1]
		}
		if b == 0 {
			return special
		}
		y = new(big.Rat).Quo(r(a), r(b))
		sign = math.Signbit(a) != math.Signbit(b)
	case "sqrt":
		if x[0] <= 0 {
			return special
		}
		return rootReference(r(x[0]), f, mode)
	}
	if y.Sign() == 0 {
		if sign {
			return math.Copysign(0, -1)
		}
		return 0
	}
	return f.round(y, mode)
}

// rootReference takes the integer square root with 300 bits and a sticky one.
func rootReference(x *big.Rat, f ieee, mode rounding) float64 {
	n := new(big.Int).Quo(new(big.Int).Lsh(x.Num(), 3000), x.Denom())
	root := new(big.Int).Sqrt(n)
	y := new(big.Rat).SetFrac(root, new(big.Int).Lsh(big.NewInt(1), 1500))
	if new(big.Rat).Mul(y, y).Cmp(x) != 0 {
		y.Add(y, power(-1501))
	}
	return f.round(y, mode)
}

var modeNames = map[rounding]string{rn: "rn", rz: "rz", rm: "rm", rp: "rp"}

func operands(op string) int {
	switch op {
	case "fma":
		return 3
	case "sqrt", "rcp":
		return 1
	}
	return 2
}

// Every rounding mode of every arithmetic instruction equals the exact result,
// rounded once, over values chosen to be awkward.
func TestFloat_RoundingModesAreExact(t *testing.T) {
	for _, ty := range []Type{F32, F64} {
		for _, op := range []string{"add", "sub", "mul", "div", "fma", "sqrt", "rcp"} {
			for mode, name := range modeNames {
				n := operands(op)
				lists := [][]uint64{valuesOf(ty), valuesOf(ty), valuesOf(ty)}[:n]
				rows := combinations(1500, lists...)
				text := fmt.Sprintf("%s.%s%s %%d, %s;", op, name, ty, []string{"%a", "%a, %b", "%a, %b, %c"}[n-1])
				types := []Type{ty, ty, ty, ty}[:n+1]
				for i, g := range instruction(t, text, types, rows)[:len(rows)] {
					x := make([]float64, n)
					for j := range x {
						x[j] = value(rows[i][j], ty)
					}
					want := reference(op, x, formats[ty], mode)
					require.True(t, same(g, ty, want), "%s %v: got %v, want %v", text, x, value(g, ty), want)
				}
			}
		}
	}
}

// The arithmetic behind the instructions, on random bit patterns.
func TestFloat_RandomBits(t *testing.T) {
	ops := []string{"add", "sub", "mul", "div", "fma", "sqrt", "rcp"}
	rapid.Check(t, func(t *rapid.T) {
		ty := rapid.SampledFrom([]Type{F32, F64}).Draw(t, "type")
		op := rapid.SampledFrom(ops).Draw(t, "op")
		mode := rapid.SampledFrom([]rounding{rn, rz, rm, rp}).Draw(t, "mode")
		cells, x := make([]uint64, operands(op)), make([]float64, operands(op))
		for i := range cells {
			cells[i] = rapid.Uint64Range(0, ty.mask()).Draw(t, "bits")
			if i > 0 && rapid.Bool().Draw(t, "near") { // a similar exponent: cancellation and ties
				m := uint(typeInfo[ty].bytes*8 - formats[ty].precision/2)
				cells[i] = cells[0]&^(1<<m-1)&ty.mask() | cells[i]&(1<<m-1)&ty.mask()
			}
			x[i] = value(cells[i], ty)
		}
		a := arithmetic{op: op, t: ty, mode: mode}
		var got uint64
		switch operands(op) {
		case 1:
			got = a.unary()(cells[0])
		case 2:
			got = a.binary()(cells[0], cells[1])
		default:
			got = a.ternary()(cells[0], cells[1], cells[2])
			if ty == F32 && mode == rn {
				fast := bits32(fma32(f32(cells[0]), f32(cells[1]), f32(cells[2])))
				if fast != got {
					t.Fatalf("fma32 %#x: fast %#x, slow %#x", cells, fast, got)
				}
			}
		}
		if want := reference(op, x, formats[ty], mode); !same(got, ty, want) {
			t.Fatalf("%s.%s%s %v: got %v, want %v", op, modeNames[mode], ty, x, value(got, ty), want)
		}
	})
}

// fma.rn.f32 through a float64 sum would round twice here: the sum lies just beside
// a tie of float32, on it after the first rounding.
func TestFloat_FmaDoesNotRoundTwice(t *testing.T) {
	for _, c := range [][3]float32{
		{0x1.000002p0, 0x1.000002p0, 0x1p-60}, {0x1.000002p0, 0x1.000002p0, -0x1p-60},
		{0x1p-75, 0x1p-75, 0x1p-149}, {1, 0x1.000001p0, 0x1p-80}, {0x1.8p-75, 0x1p-75, 0x1p-149},
		{0x1.fffffep127, 2, -0x1.fffffep127}, {0x1.800002p-100, 0x1p-49, 0x1p-126},
		{0x1.000001p12, 0x1p12, 0x1p-40}, {4097, 4097, 0x1p-40}, {8193, 8193, -0x1p-40},
	} {
		row := []uint64{bits32(c[0]), bits32(c[1]), bits32(c[2])}
		got := instruction(t, "fma.rn.f32 %d, %a, %b, %c;", []Type{F32, F32, F32, F32}, [][]uint64{row})[0]
		want := reference("fma", []float64{float64(c[0]), float64(c[1]), float64(c[2])}, formats[F32], rn)
		require.True(t, same(got, F32, want), "%v: got %v, want %v", c, value(got, F32), want)
	}
}

func flushed(x float64, f ieee) float64 {
	if math.Abs(x) < math.Ldexp(1, f.emin) {
		return math.Copysign(0, x)
	}
	return x
}

// .ftz flushes subnormal inputs and results to zero of their sign; .sat clamps to
// [0, 1] and turns NaN into 0.
func TestFloat_FlushAndSaturate(t *testing.T) {
	f := formats[F32]
	for _, op := range []string{"add", "mul", "fma", "sub"} {
		for mode, name := range modeNames {
			n := operands(op)
			rows := combinations(1200, [][]uint64{values32, values32, values32}[:n]...)
			args := []string{"%a", "%a, %b", "%a, %b, %c"}[n-1]
			types := []Type{F32, F32, F32, F32}[:n+1]
			ftz := instruction(t, fmt.Sprintf("%s.%s.ftz.f32 %%d, %s;", op, name, args), types, rows)
			sat := instruction(t, fmt.Sprintf("%s.%s.sat.f32 %%d, %s;", op, name, args), types, rows)
			for i, r := range rows {
				x, y := make([]float64, n), make([]float64, n)
				for j := range x {
					x[j] = value(r[j], F32)
					y[j] = flushed(x[j], f)
				}
				want := flushed(reference(op, y, f, mode), f)
				require.True(t, same(ftz[i], F32, want), "%s.ftz %v: got %v want %v", op, x, value(ftz[i], F32), want)
				want = reference(op, x, f, mode)
				if !(want > 0) {
					want = 0
				}
				require.True(t, same(sat[i], F32, min(want, 1)), "%s.sat %v", op, x)
			}
		}
	}
}

// Half-precision arithmetic: one rounding, packed pairs independent of each other.
func TestFloat_Halves(t *testing.T) {
	for _, ty := range []Type{F16, BF16} {
		packed := map[Type]Type{F16: F16x2, BF16: BF16x2}[ty]
		for _, op := range []string{"add", "sub", "mul", "fma"} {
			n := operands(op)
			rows := combinations(2000, [][]uint64{values16, values16, values16}[:n]...)
			args := []string{"%a", "%a, %b", "%a, %b, %c"}[n-1]
			one := instruction(t, fmt.Sprintf("%s.rn%s %%d, %s;", op, ty, args), []Type{ty, ty, ty, ty}[:n+1], rows)
			pairs := make([][]uint64, len(rows))
			for i, r := range rows {
				for j, v := range r {
					pairs[i] = append(pairs[i], v<<16|rows[len(rows)-1-i][j])
				}
			}
			two := instruction(t, fmt.Sprintf("%s.rn%s %%d, %s;", op, packed, args), []Type{packed, packed, packed, packed}[:n+1], pairs)
			for i, r := range rows {
				x := make([]float64, n)
				for j := range x {
					x[j] = value(r[j], ty)
				}
				want := reference(op, x, formats[ty], rn)
				require.True(t, same(one[i], ty, want), "%s%s %v: got %v want %v", op, ty, x, value(one[i], ty), want)
				require.Equal(t, one[i]<<16|one[len(rows)-1-i], two[i])
			}
		}
	}
}

// min and max return the number where one operand is NaN, NaN with .NaN, and order
// the zeros; abs, neg and copysign change only the sign.
func TestFloat_MinMaxSign(t *testing.T) {
	for _, ty := range []Type{F32, F64, F16, BF16} {
		values := valuesOf(ty)
		rows := combinations(1200, values, values)
		types := []Type{ty, ty, ty}
		low, high := instruction(t, fmt.Sprintf("min%s %%d, %%a, %%b;", ty), types, rows), instruction(t, fmt.Sprintf("max%s %%d, %%a, %%b;", ty), types, rows)
		for i, r := range rows {
			x, y := value(r[0], ty), value(r[1], ty)
			lo, hi := math.Min(x, y), math.Max(x, y)
			if x != x {
				lo, hi = y, y
			} else if y != y {
				lo, hi = x, x
			}
			require.True(t, same(low[i], ty, lo), "min %v %v", x, y)
			require.True(t, same(high[i], ty, hi), "max %v %v", x, y)
		}
		if ty == F64 {
			continue
		}
		for i, g := range instruction(t, fmt.Sprintf("max.NaN%s %%d, %%a, %%b;", ty), types, rows)[:len(rows)] {
			x, y := value(rows[i][0], ty), value(rows[i][1], ty)
			require.True(t, same(g, ty, math.Max(x, y)) || (x != x || y != y) && value(g, ty) != value(g, ty))
		}
	}
	for _, ty := range []Type{F32, F64} {
		sign := uint64(1) << (ty.Bits() - 1)
		rows := combinations(200, valuesOf(ty))
		for i, g := range instruction(t, fmt.Sprintf("abs%s %%d, %%a;", ty), []Type{ty, ty}, rows)[:len(rows)] {
			require.Equal(t, rows[i][0]&^sign, g)
		}
		for i, g := range instruction(t, fmt.Sprintf("neg%s %%d, %%a;", ty), []Type{ty, ty}, rows)[:len(rows)] {
			require.Equal(t, rows[i][0]^sign, g)
		}
		rows = combinations(300, valuesOf(ty), valuesOf(ty))
		for i, g := range instruction(t, fmt.Sprintf("copysign%s %%d, %%a, %%b;", ty), []Type{ty, ty, ty}, rows)[:len(rows)] {
			require.Equal(t, rows[i][0]&sign|rows[i][1]&^sign, g)
		}
	}
}

// Approximate functions stay within the error that the PTX ISA documents, and have
// its values at the edges.
func TestFloat_Approximations(t *testing.T) {
	x := make([][]uint64, 0, 2000)
	for i := range 2000 {
		x = append(x, []uint64{bits32(float32(i-1000)/37 + 0.001)})
	}
	for _, c := range []struct {
		text string
		f    func(float64) float64
		rel  float64 // of the result
		abs  float64
	}{
		{"ex2.approx.f32", math.Exp2, 0x1p-22, 0}, // 2 ulp
		{"ex2.approx.ftz.f32", math.Exp2, 0x1p-22, 0},
		{"lg2.approx.f32", math.Log2, 0x1p-22, 0x1p-22},
		{"rcp.approx.f32", func(x float64) float64 { return 1 / x }, 0x1p-23, 0},
		{"rsqrt.approx.f32", func(x float64) float64 { return 1 / math.Sqrt(x) }, 0x1p-22, 0},
		{"sqrt.approx.f32", math.Sqrt, 0x1p-22, 0},
		{"tanh.approx.f32", math.Tanh, 0x1p-11, 0},
		{"sin.approx.f32", math.Sin, 0, 0x1p-20},
		{"cos.approx.f32", math.Cos, 0, 0x1p-20},
	} {
		for i, g := range instruction(t, c.text+" %d, %a;", []Type{F32, F32}, x)[:len(x)] {
			in := value(x[i][0], F32)
			want, got := c.f(in), value(g, F32)
			if want != want {
				require.True(t, got != got, "%s %v", c.text, in)
				continue
			}
			require.InDelta(t, want, got, c.rel*math.Abs(want)+c.abs, "%s %v", c.text, in)
		}
	}
	inf, zero := uint64(0x7f800000), uint64(0x80000000)
	for _, c := range []struct {
		text     string
		in, want uint64
	}{
		{"ex2.approx.f32", inf | zero, 0}, {"ex2.approx.f32", inf, inf}, {"ex2.approx.f32", zero, 0x3f800000},
		{"lg2.approx.f32", 0, inf | zero}, {"lg2.approx.f32", inf, inf}, {"lg2.approx.f32", 0xbf800000, nan32},
		{"rcp.approx.f32", zero, inf | zero}, {"rcp.approx.f32", inf, 0}, {"rsqrt.approx.f32", zero, inf | zero},
		{"ex2.approx.ftz.f32", bits32(-130), 0}, {"rcp.approx.ftz.f32", 1, inf}, {"sqrt.rn.f32", zero, zero},
		{"sqrt.rn.f32", 0xbf800000, nan32}, {"tanh.approx.f32", inf, 0x3f800000},
	} {
		require.Equal(t, c.want, instruction(t, c.text+" %d, %a;", []Type{F32, F32}, [][]uint64{{c.in}})[0], "%s %#x", c.text, c.in)
	}
}

func TestFloat_Testp(t *testing.T) {
	for property, holds := range map[string]func(x float64) bool{
		"finite":   func(x float64) bool { return x == x && !math.IsInf(x, 0) },
		"infinite": func(x float64) bool { return math.IsInf(x, 0) },
		"number":   func(x float64) bool { return x == x }, "notanumber": func(x float64) bool { return x != x },
		"normal":    func(x float64) bool { return math.Abs(x) >= 0x1p-126 && !math.IsInf(x, 0) },
		"subnormal": func(x float64) bool { return x != 0 && math.Abs(x) < 0x1p-126 },
	} {
		rows := combinations(200, values32)
		for i, g := range instruction(t, "testp."+property+".f32 %d, %a;", []Type{Pred, F32}, rows)[:len(rows)] {
			require.Equal(t, holds(value(rows[i][0], F32)), g == 1, "%s %#x", property, rows[i])
		}
	}
}
