package ptx

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// matrices holds A (m x k), B (k x n) and C (m x n), row-major.
type matrices struct{ a, b, c []float64 }

// runMMA stores A, B and C where the PTX ISA's fragment layouts say, by formulas
// written down here anew, runs one mma and returns D.
func runMMA(t *testing.T, config Config, op string, m, n, k int, in Type, x matrices) []float64 {
	t.Helper()
	g := func(l int) int { return l / 4 }
	q := func(l int) int { return l % 4 }
	encode := func(f float64) uint64 {
		switch in {
		case F16:
			return toHalf(f, rn)
		case BF16:
			return toBfloat(f, rn)
		case F64:
			return math.Float64bits(f)
		}
		return uint64(math.Float32bits(float32(f)))
	}
	pair := func(lo, hi float64) uint64 { return encode(hi)<<16 | encode(lo) }
	A := func(r, c int) float64 { return x.a[r*k+c] }
	B := func(r, c int) float64 { return x.b[r*n+c] }
	var aCells, bCells, cCells func(l int) []uint64
	cCells = func(l int) []uint64 {
		var list []uint64
		for i := 0; i < 4; i++ {
			list = append(list, bits32(float32(x.c[(g(l)+8*(i/2))*n+2*q(l)+i%2])))
		}
		return list
	}
	switch {
	case in == TF32:
		aCells = func(l int) (list []uint64) {
			for i := 0; i < k/2; i++ {
				list = append(list, encode(A(g(l)+8*(i%2), q(l)+4*(i/2))))
			}
			return
		}
		bCells = func(l int) (list []uint64) {
			for i := 0; i < k/4; i++ {
				list = append(list, encode(B(q(l)+4*i, g(l))))
			}
			return
		}
	case in == F64:
		aCells = func(l int) []uint64 { return []uint64{encode(A(g(l), q(l)))} }
		bCells = func(l int) []uint64 { return []uint64{encode(B(q(l), g(l)))} }
		cCells = func(l int) []uint64 {
			return []uint64{math.Float64bits(x.c[g(l)*n+2*q(l)]), math.Float64bits(x.c[g(l)*n+2*q(l)+1])}
		}
	default:
		aCells = func(l int) (list []uint64) {
			for i := 0; i < k/4; i++ {
				r, c := g(l)+8*(i%2), 2*q(l)+8*(i/2)
				list = append(list, pair(A(r, c), A(r, c+1)))
			}
			return
		}
		bCells = func(l int) (list []uint64) {
			for i := 0; i < k/8; i++ {
				r := 2*q(l) + 8*i
				list = append(list, pair(B(r, g(l)), B(r+1, g(l))))
			}
			return
		}
	}
	width := 4
	ab, cd := "b32", "f32"
	if in == F64 {
		width, ab, cd = 8, "f64", "f64"
	}
	na, nb, nc := len(aCells(0)), len(bCells(0)), len(cCells(0))
	names := func(c string, n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("%%%s%d", c, i))
		}
		return "{" + strings.Join(list, ", ") + "}"
	}
	var body strings.Builder
	fmt.Fprintf(&body, ".reg .%s %%a<%d>, %%b<%d>; .reg .%s %%c<%d>, %%d<%d>; .reg .b64 %%in, %%out; .reg .b32 %%lane;\n", ab, na, nb, cd, nc, nc)
	fmt.Fprintf(&body, "mov.u32 %%lane, %%tid.x; ld.param.u64 %%in, [p0]; ld.param.u64 %%out, [p1]; mad.wide.u32 %%in, %%lane, %d, %%in; mad.wide.u32 %%out, %%lane, %d, %%out;\n", width*(na+nb+nc), width*nc)
	at := 0
	for _, f := range []struct {
		c string
		n int
		t string
	}{{"a", na, ab}, {"b", nb, ab}, {"c", nc, cd}} {
		for i := range f.n {
			fmt.Fprintf(&body, "ld.global.%s %%%s%d, [%%in+%d];\n", f.t, f.c, i, at)
			at += width
		}
	}
	fmt.Fprintf(&body, "%s %s, %s, %s, %s;\n", op, names("d", nc), names("a", na), names("b", nb), names("c", nc))
	for i := range nc {
		fmt.Fprintf(&body, "st.global.%s [%%out+%d], %%d%d;\n", cd, width*i, i)
	}
	v := open(t, config)
	mod, err := v.c.Load("mma", []byte(program("7.0", "sm_80", 2, body.String())))
	require.NoError(t, err, body.String())
	var cells []uint64
	for l := range 32 {
		cells = append(cells, aCells(l)...)
		cells = append(cells, bCells(l)...)
		cells = append(cells, cCells(l)...)
	}
	var data any = cells
	if width == 4 {
		narrow := make([]uint32, len(cells))
		for i, c := range cells {
			narrow[i] = uint32(c)
		}
		data = narrow
	}
	input, out := v.buffer("in", data), v.buffer("out", 32*width*nc)
	require.NoError(t, v.c.Launch(v.function(mod, "k"), driver.Grid1(1, 32, 0, nil), driver.PtrArg(input), driver.PtrArg(out)))
	d := make([]float64, m*n)
	get := func(l, i int, f float64) { d[(g(l)+8*(i/2))*n+2*q(l)+i%2] = f }
	if in == F64 {
		got := make([]float64, 32*nc)
		v.read(out, got)
		for i, f := range got {
			get(i/nc, i%nc, f)
		}
		return d
	}
	got := make([]float32, 32*nc)
	v.read(out, got)
	for i, f := range got {
		get(i/nc, i%nc, float64(f))
	}
	return d
}

var mmaForms = []struct {
	op      string
	m, n, k int
	in      Type
}{
	{"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 16, 8, 8, TF32},
	{"mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", 16, 8, 4, TF32},
	{"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 16, 8, 16, BF16},
	{"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32", 16, 8, 8, BF16},
	{"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16, 8, 16, F16},
	{"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", 16, 8, 8, F16},
	{"mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64", 8, 8, 4, F64},
}

// Small integers are exact in every order and rounding: this shows the layouts.
func TestMMA_LayoutsExactOnIntegers(t *testing.T) {
	for _, f := range mmaForms {
		r := rand.New(rand.NewPCG(1, 2))
		fill := func(n int) []float64 {
			x := make([]float64, n)
			for i := range x {
				x[i] = float64(r.IntN(17) - 8)
			}
			return x
		}
		x := matrices{fill(f.m * f.k), fill(f.k * f.n), fill(f.m * f.n)}
		d := runMMA(t, Config{}, f.op, f.m, f.n, f.k, f.in, x)
		for i := range f.m {
			for j := range f.n {
				s := x.c[i*f.n+j]
				for k := range f.k {
					s += x.a[i*f.k+k] * x.b[k*f.n+j]
				}
				require.Equal(t, s, d[i*f.n+j], "%s (%d,%d)", f.op, i, j)
			}
		}
	}
}

// Real numbers are within the bound that kernels must allow, on every generation:
// (k+1) * 2^-23 of the sum of sizes; and the generations do differ.
func TestMMA_ErrorBound(t *testing.T) {
	for _, f := range mmaForms[:6] {
		results := map[int][]float64{}
		for _, major := range []int{8, 9} {
			r := rand.New(rand.NewPCG(3, 4))
			fill := func(n int) []float64 {
				x := make([]float64, n)
				for i := range x {
					x[i] = math.Ldexp(r.Float64()*2-1, r.IntN(12)-6)
					if f.in == TF32 {
						x[i] = tfloat32.round(x[i], rn)
					} else if f.in == BF16 {
						x[i] = bfloat.round(x[i], rn)
					} else {
						x[i] = half.round(x[i], rn)
					}
				}
				return x
			}
			x := matrices{fill(f.m * f.k), fill(f.k * f.n), fill(f.m * f.n)}
			for i := range x.c {
				x.c[i] = float64(float32(x.c[i]))
			}
			d := runMMA(t, Config{Major: major}, f.op, f.m, f.n, f.k, f.in, x)
			results[major] = d
			for i := range f.m {
				for j := range f.n {
					s, size := x.c[i*f.n+j], math.Abs(x.c[i*f.n+j])
					for k := range f.k {
						s += x.a[i*f.k+k] * x.b[k*f.n+j]
						size += math.Abs(x.a[i*f.k+k] * x.b[k*f.n+j])
					}
					require.InDelta(t, s, d[i*f.n+j], float64(f.k+1)*0x1p-23*size, f.op)
				}
			}
		}
		require.NotEqual(t, results[8], results[9], "%s", f.op)
	}
}

// tf32 operands lose their low 13 bits.
func TestMMA_TF32IgnoresLowBits(t *testing.T) {
	x := matrices{make([]float64, 128), make([]float64, 64), make([]float64, 128)}
	x.a[0], x.b[0] = float64(math.Float32frombits(0x3f801fff)), 1
	d := runMMA(t, Config{}, mmaForms[0].op, 16, 8, 8, TF32, x)
	require.Equal(t, 1.0, d[0])
}

// ldmatrix gives thread l elements (l/4, 2*(l%4)) and its neighbour of each matrix,
// or of its transpose.
func TestLoadMatrix(t *testing.T) {
	for _, trans := range []string{"", ".trans"} {
		body := `.shared .align 16 .b8 s[512];
mov.u32 %x, s;
shl.b32 %y, %lane, 4; add.u32 %x, %x, %y; // row: 16 bytes a lane, eight numbers lane*8 ...
mul.lo.u32 %z, %lane, 8; shl.b32 %y, %z, 16; or.b32 %y, %y, %z; add.u32 %y, %y, 65536;
st.shared.u32 [%x], %y; add.u32 %y, %y, 0x20002; st.shared.u32 [%x+4], %y;
add.u32 %y, %y, 0x20002; st.shared.u32 [%x+8], %y; add.u32 %y, %y, 0x20002; st.shared.u32 [%x+12], %y;
bar.warp.sync -1;
.reg .b32 %m<4>;
ldmatrix.sync.aligned.m8n8.x4` + trans + `.shared.b16 {%m0, %m1, %m2, %m3}, [%x];
`
		for j := range 4 {
			for l, g := range lanewise(t, body+fmt.Sprintf("mov.b32 %%d, %%m%d;", j)) {
				at := func(r, c int) uint32 { return uint32(64*j + 8*r + c) }
				lo, hi := at(l/4, 2*(l%4)), at(l/4, 2*(l%4)+1)
				if trans != "" {
					lo, hi = at(2*(l%4), l/4), at(2*(l%4)+1, l/4)
				}
				require.Equal(t, hi<<16|lo, g, "matrix %d lane %d%s", j, l, trans)
			}
		}
	}
}

// asyncProgram is a kernel that copies through shared memory with cp.async.
func asyncProgram(wait string) string {
	return program("7.0", "sm_80", 2, `.shared .align 16 .b8 s[1024]; .reg .b64 %in, %out; .reg .b32 %t, %a, %b, %v; .reg .f32 %f<4>;
ld.param.u64 %in, [p0]; ld.param.u64 %out, [p1]; mov.u32 %t, %tid.x;
mad.wide.u32 %in, %t, 16, %in; mad.wide.u32 %out, %t, 16, %out;
mov.u32 %a, s; mad.lo.u32 %a, %t, 16, %a;
cp.async.cg.shared.global [%a], [%in], 16;
cp.async.commit_group;
cp.async.ca.shared.global [%a+512], [%in], 4, 2;
cp.async.commit_group;
`+wait+`
ld.shared.v4.f32 {%f0, %f1, %f2, %f3}, [%a];
st.global.v4.f32 [%out], {%f0, %f1, %f2, %f3};
cp.async.wait_all;
ld.shared.u32 %v, [%a+512];
st.global.u32 [%out+12], %v;`)
}

// Copies arrive at the wait and no earlier, so that a missing one is found; a short
// source is filled up with zeros.
func TestAsyncCopy(t *testing.T) {
	run := func(wait string) ([]float32, error) {
		v := open(t, Config{})
		m, err := v.c.Load("async", []byte(asyncProgram(wait)))
		require.NoError(t, err)
		in, out := v.buffer("in", floats(128, func(i int) float32 { return float32(i + 1) })), v.buffer("out", 512)
		if err := v.c.Launch(v.function(m, "k"), driver.Grid1(1, 32, 0, nil), driver.PtrArg(in), driver.PtrArg(out)); err != nil {
			return nil, err
		}
		require.Equal(t, uint64(512+64), v.d.Allocations("in")[0].Loaded)
		got := make([]float32, 128)
		v.read(out, got)
		return got, nil
	}
	for _, wait := range []string{"cp.async.wait_group 1;", "cp.async.wait_group 0;", "cp.async.wait_all;"} {
		got, err := run(wait)
		require.NoError(t, err)
		for i, g := range got {
			want := float32(i + 1)
			if i%4 == 3 { // the low two bytes of the row's first number
				want = math.Float32frombits(math.Float32bits(float32(i-2)) & 0xffff)
			}
			require.Equal(t, want, g, wait)
		}
	}
	for _, wait := range []string{"", "cp.async.wait_group 2;"} {
		_, err := run(wait)
		var f *Fault
		require.ErrorAs(t, err, &f)
		require.Equal(t, Uninitialised, f.Kind)
	}
}
