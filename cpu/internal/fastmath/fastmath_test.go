package fastmath

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// ulps32 is the error of got in units of the last place of float32 at want.
func ulps32(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e-24, -149))
}

func ulps64(got, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(got-want) / math.Ldexp(1, max(e-53, -1074))
}

func TestExpNeg32_WithinTwoUlps(t *testing.T) {
	worst, at := 0.0, float32(0)
	var a, e []float32
	for b := uint32(0); b < math.Float32bits(130); b += 997 { // every 997th float32 to 130
		a = append(a, math.Float32frombits(b))
	}
	e = make([]float32, len(a))
	ExpNeg32(e, a)
	for i := range a {
		if u := ulps32(e[i], math.Exp(-float64(a[i]))); u > worst {
			worst, at = u, a[i]
		}
	}
	t.Logf("worst %.3f ulp at %v", worst, at)
	require.LessOrEqual(t, worst, 2.0)
}

func TestLog1p32_WithinTwoUlps(t *testing.T) {
	worst, at := 0.0, float32(0)
	var e []float32
	for b := uint32(0); b < math.Float32bits(1); b += 997 {
		e = append(e, math.Float32frombits(b))
	}
	e = append(e, 1)
	l := make([]float32, len(e))
	Log1p32(l, e)
	for i := range e {
		if u := ulps32(l[i], math.Log1p(float64(e[i]))); u > worst {
			worst, at = u, e[i]
		}
	}
	t.Logf("worst %.3f ulp at %v", worst, at)
	require.LessOrEqual(t, worst, 2.0)
}

// The float64 functions of package math are themselves only within 1 ulp, hence 3.
func TestFloat64_WithinTwoUlps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := []float64{rapid.Float64Range(0, 800).Draw(t, "a")}
		e := []float64{0}
		ExpNeg64(e, a)
		require.LessOrEqual(t, ulps64(e[0], math.Exp(-a[0])), 3.0)
		f := []float64{rapid.Float64Range(0, 1).Draw(t, "f")}
		l := []float64{0}
		Log1p64(l, f)
		require.LessOrEqual(t, ulps64(l[0], math.Log1p(f[0])), 3.0)
	})
}

func TestEnds(t *testing.T) {
	inf := math.Inf(1)
	e32, e64 := []float32{0, 1e4, float32(inf)}, []float64{0, 1e4, inf}
	ExpNeg32(e32, e32)
	ExpNeg64(e64, e64)
	require.Equal(t, []float32{1, 0, 0}, e32)
	require.Equal(t, []float64{1, 0, 0}, e64)
	Log1p32(e32, e32)
	Log1p64(e64, e64)
	require.Equal(t, []float32{math.Ln2, 0, 0}, e32)
	require.InDelta(t, math.Ln2, e64[0], 2e-16)
	require.Zero(t, e64[1])
}

func TestCoefficients_AreTheKernels(t *testing.T) {
	header, err := os.ReadFile("../../../kernels/include/exp_log1p.h")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(header), "\\\n", " ")
	table := func(name string) (v []float64) {
		line := regexp.MustCompile(`#define ` + name + ` (.*)`).FindStringSubmatch(text)
		require.NotNil(t, line, name)
		for _, field := range strings.Split(line[1], ",") {
			c, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(field), "f"), 64)
			require.NoError(t, err)
			v = append(v, c)
		}
		return v
	}
	widened := func(c []float32) (v []float64) {
		for _, x := range c {
			v = append(v, float64(x))
		}
		return v
	}
	require.Equal(t, widened(expF32[:]), table("EXP_F32"))
	require.Equal(t, widened(log1pF32[:]), table("LOG1P_F32"))
	require.Equal(t, expF64[:], table("EXP_F64"))
	require.Equal(t, log1pF64[:], table("LOG1P_F64"))
}
