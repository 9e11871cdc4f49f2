package ptx

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// device is an open emulator with shorthands for tests.
type device struct {
	t testing.TB
	d *Driver
	c driver.Context
}

func open(t testing.TB, config Config) *device {
	d := NewDriver(config)
	c, err := d.Open(0)
	require.NoError(t, err)
	return &device{t, d, c}
}

func (v *device) load(file string) driver.Module {
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(v.t, err)
	m, err := v.c.Load(file, text)
	require.NoError(v.t, err)
	return m
}

func (v *device) function(m driver.Module, name string) driver.Function {
	f, err := m.Function(name)
	require.NoError(v.t, err)
	return f
}

// buffer allocates memory and fills it with data, []float32 and the like; an int is
// that many bytes, not written.
func (v *device) buffer(name string, data any) driver.Ptr {
	if n, ok := data.(int); ok {
		p, err := v.c.Alloc(name, int64(n))
		require.NoError(v.t, err)
		return p
	}
	b, err := binary.Append(nil, binary.LittleEndian, data)
	require.NoError(v.t, err)
	p, err := v.c.Alloc(name, int64(len(b)))
	require.NoError(v.t, err)
	require.NoError(v.t, v.c.CopyIn(p, b))
	return p
}

// read copies memory into data, a slice.
func (v *device) read(p driver.Ptr, data any) {
	b := make([]byte, binary.Size(data))
	require.NoError(v.t, v.c.CopyOut(b, p))
	_, err := binary.Decode(b, binary.LittleEndian, data)
	require.NoError(v.t, err)
}

func floats(n int, f func(i int) float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = f(i)
	}
	return x
}

func iota32(i int) float32 { return float32(i) }

// program is the text of a kernel `k` with 64-bit parameters p0, p1, ... and a body.
func program(version, target string, params int, body string) string {
	var list []string
	for i := 0; i < params; i++ {
		list = append(list, fmt.Sprintf(".param .u64 p%d", i))
	}
	return fmt.Sprintf(".version %s\n.target %s\n.address_size 64\n.visible .entry k(%s)\n{\n%s\nret;\n}\n",
		version, target, strings.Join(list, ", "), body)
}

// registerType is the type of a register that holds a t.
func registerType(t Type) string {
	if t == Pred {
		return "pred"
	}
	return fmt.Sprintf("b%d", t.Bits())
}

// instruction runs `op d, a, b, ...;` once for each row of inputs, one row a thread,
// and returns the results. The types are those of d and of the sources.
func instruction(t *testing.T, text string, types []Type, rows [][]uint64) []uint64 {
	t.Helper()
	v := open(t, Config{})
	sources := len(types) - 1
	var b strings.Builder
	fmt.Fprintf(&b, ".reg .b64 %%addr, %%row, %%base, %%out, %%wide;\n.reg .b32 %%t;\n.reg .pred %%n;\n.reg .pred %%q;\n")
	for i, ty := range types {
		fmt.Fprintf(&b, ".reg .%s %%%c;\n", registerType(ty), "dabc"[i])
	}
	fmt.Fprintf(&b, ".reg .b32 %%cta, %%size;\nmov.u32 %%cta, %%ctaid.x;\nmov.u32 %%size, %%ntid.x;\nmov.u32 %%t, %%tid.x;\nmad.lo.u32 %%t, %%cta, %%size, %%t;\ncvt.u64.u32 %%row, %%t;\n")
	fmt.Fprintf(&b, "ld.param.u64 %%base, [p0];\nld.param.u64 %%out, [p1];\nmad.lo.u64 %%addr, %%row, %d, %%base;\n", 8*max(1, sources))
	for i := 0; i < sources; i++ {
		r := "abc"[i]
		if types[i+1] == Pred {
			fmt.Fprintf(&b, "ld.global.u64 %%wide, [%%addr+%d];\nsetp.ne.u64 %%%c, %%wide, 0;\n", 8*i, r)
		} else {
			fmt.Fprintf(&b, "ld.global.%s %%%c, [%%addr+%d];\n", registerType(types[i+1]), r, 8*i)
		}
	}
	fmt.Fprintf(&b, "%s\nmad.lo.u64 %%out, %%row, 8, %%out;\n", text)
	if types[0] == Pred {
		fmt.Fprintf(&b, "selp.u64 %%wide, 1, 0, %%d;\nst.global.u64 [%%out], %%wide;\n")
	} else {
		fmt.Fprintf(&b, "st.global.%s [%%out], %%d;\n", registerType(types[0]))
	}
	m, err := v.c.Load("instruction", []byte(program("8.4", "sm_90", 2, b.String())))
	require.NoError(t, err, text)
	const threads = 64
	rows = slices.Clone(rows)
	for len(rows)%threads != 0 {
		rows = append(rows, rows[0])
	}
	in, out := v.buffer("in", slices.Concat(rows...)), v.buffer("out", make([]uint64, len(rows)))
	require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(len(rows)/threads, threads, 0, nil), driver.PtrArg(in), driver.PtrArg(out)), text)
	got := make([]uint64, len(rows))
	v.read(out, got)
	return got
}

// Values that find mistakes: zeros, subnormals, ties, extremes, infinities, NaN.
var values32 = func() []uint64 {
	var list []uint64
	for _, f := range []float32{0, 1, 1.5, 2, 3, 0.1, 1.0 / 3, 16777216, 16777215, 8388609, 1e10, 1e-10, 3e38,
		math.MaxFloat32, math.SmallestNonzeroFloat32, 0x1p-126, 0x1.fffffcp-127, 0x1p-130, 0x1.000002p0,
		0x1.fffffep0, 0x1p-24, 0x1.8p-25, 0.5, 2.5, 127.5, 2147483648, 4294967296, 9.3e18, 1.9e19, float32(math.Inf(1))} {
		list = append(list, uint64(math.Float32bits(f)), uint64(math.Float32bits(-f)))
	}
	return append(list, nan32, 0xffc00001, 0x7f800001)
}()

var values64 = func() []uint64 {
	var list []uint64
	for _, f := range []float64{0, 1, 1.5, 2, 3, 0.1, 1.0 / 3, 0x1p53, 0x1p53 - 1, 1e300, 1e-300, math.MaxFloat64,
		math.SmallestNonzeroFloat64, 0x1p-1022, 0x1p-1060, 0x1.0000000000001p0, 0x1.fffffffffffffp0, 0x1p-53, 0.5, 2.5,
		2147483648, 4294967296, 9.3e18, 1.9e19, 0x1p-537, 0x1.8p-538, math.Inf(1)} {
		list = append(list, math.Float64bits(f), math.Float64bits(-f))
	}
	return append(list, nan64)
}()

var values16 = []uint64{0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x3c00, 0xbc00, 0x3c01, 0x3555, 0x4000, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7fff, 0x1400, 0x5640, 0x1ab3, 0x68d1}

var integers32 = []uint64{0, 1, 2, 3, 7, 31, 32, 33, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0xdeadbeef}

var integers64 = []uint64{0, 1, 2, 3, 63, 64, 65, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x123456789abcdef0, 1<<63 - 1, 1 << 63, 1<<63 + 1, ^uint64(0), ^uint64(1), 0xdeadbeefcafebabe}

var integers16 = []uint64{0, 1, 2, 3, 15, 16, 0xff, 0x100, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x1234}

func valuesOf(t Type) []uint64 {
	switch t {
	case F64:
		return values64
	case F32, TF32:
		return values32
	case F16, BF16:
		return values16
	}
	switch t.Bits() {
	case 64:
		return integers64
	case 32:
		return integers32
	case 16:
		return integers16
	}
	return []uint64{0, 1, 0x7f, 0x80, 0xff}
}

// combinations lists all combinations of the values, about limit of them spread evenly.
func combinations(limit int, lists ...[]uint64) [][]uint64 {
	total := 1
	for _, l := range lists {
		total *= len(l)
	}
	step := 1
	if total > limit {
		step = total/limit | 1
	}
	var rows [][]uint64
	for n := 0; n < total; n += step {
		row, m := make([]uint64, len(lists)), n
		for i, l := range lists {
			row[i] = l[m%len(l)]
			m /= len(l)
		}
		rows = append(rows, row)
	}
	return rows
}
