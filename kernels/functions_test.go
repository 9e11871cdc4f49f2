package kernels_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// The functions of include/exp_log1p.h are within 2 ulp in float32; in float64 within 3
// of Go's, which are themselves within 1.
func TestFunctions_Ulp(t *testing.T) {
	text, err := os.ReadFile("testdata/functions.ptx")
	require.NoError(t, err)
	d := ptx.NewDriver(ptx.Config{Unchecked: true})
	c, err := d.Open(0)
	require.NoError(t, err)
	m, err := c.Load("functions", text)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range []struct {
		name      string
		reference func(float64) float64
		low, high float64 // of the argument; half of them are drawn by their logarithm
		edges     []float64
	}{
		{"exp_neg", func(x float64) float64 { return math.Exp(-x) }, 1e-30, 120, []float64{0, 87.3, 88, 103.9, 104, 1e4, math.Inf(1)}},
		{"exp_neg", func(x float64) float64 { return math.Exp(-x) }, 1e-3, 800, []float64{707, 745, 746}},
		{"log1p", math.Log1p, 1e-40, 1, []float64{0, 1}},
		{"log", math.Log, 1, 1e6, []float64{1, 2, 3, 4}},
	} {
		for suffix, limit := range map[string]float64{"f32": 2, "f64": 3} {
			x := f.edges
			for i := len(x); i < 40000; i++ {
				v := f.low + (f.high-f.low)*rng.Float64()
				if i%2 == 0 {
					v = f.low * math.Pow(f.high/f.low, rng.Float64())
				}
				x = append(x, v)
			}
			worst, at := 0.0, 0.0
			for i, y := range apply(t, c, m, f.name+"_"+suffix, x, suffix == "f32") {
				arg := x[i]
				if suffix == "f32" {
					arg = float64(float32(arg))
				}
				want := f.reference(arg)
				if ulps := math.Abs(y-want) / unitInLastPlace(want, suffix == "f32"); !(ulps <= worst) {
					worst, at = ulps, arg
				}
			}
			t.Logf("%s_%s: at most %.3f ulp, at %v", f.name, suffix, worst, at)
			require.LessOrEqual(t, worst, limit, "%s_%s at %v", f.name, suffix, at)
		}
	}
	require.NoError(t, c.Close())
}

// unitInLastPlace is the distance of neighbours at x in the format; that of the
// subnormals below.
func unitInLastPlace(x float64, narrow bool) float64 {
	if x == 0 {
		x = math.SmallestNonzeroFloat64
	}
	_, e := math.Frexp(x)
	if narrow {
		return math.Ldexp(1, max(e-24, -149))
	}
	return math.Ldexp(1, max(e-53, -1074))
}

// apply runs a probe kernel over x.
func apply(t *testing.T, c driver.Context, m driver.Module, entry string, x []float64, narrow bool) []float64 {
	f, err := m.Function(entry)
	require.NoError(t, err)
	var in []byte
	size := 8
	for _, v := range x {
		if narrow {
			size = 4
			in = binary.LittleEndian.AppendUint32(in, math.Float32bits(float32(v)))
		} else {
			in = binary.LittleEndian.AppendUint64(in, math.Float64bits(v))
		}
	}
	from, err := c.Alloc("x", int64(len(in)))
	require.NoError(t, err)
	to, err := c.Alloc("y", int64(len(in)))
	require.NoError(t, err)
	require.NoError(t, c.CopyIn(from, in))
	require.NoError(t, c.Launch(f, driver.Grid1((len(x)+255)/256, 256, 0, nil), driver.PtrArg(from), driver.PtrArg(to), driver.Uint32(uint32(len(x)))))
	require.NoError(t, c.CopyOut(in, to))
	require.NoError(t, c.Free(from))
	require.NoError(t, c.Free(to))
	y := make([]float64, len(x))
	for i := range y {
		if narrow {
			y[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(in[i*size:])))
		} else {
			y[i] = math.Float64frombits(binary.LittleEndian.Uint64(in[i*size:]))
		}
	}
	return y
}
