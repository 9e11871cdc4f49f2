package simd

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// precision is that of the sums in math/big below: twice float64 and more.
const precision = 140

// bigExp is exp(x) for |x| < 800 by the series of exp(x/2^40), squared forty times.
func bigExp(x float64) *big.Float {
	const halvings = 40
	r := new(big.Float).SetPrec(precision+halvings).SetMantExp(big.NewFloat(x), -halvings)
	sum, term := big.NewFloat(1).SetPrec(precision+halvings), big.NewFloat(1).SetPrec(precision+halvings)
	for n := 1; n < 12; n++ {
		term.Mul(term, r)
		term.Quo(term, big.NewFloat(float64(n)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLog1p is log(1+e) for e in [0, 1]: two steps of Newton's method from package
// math's, each doubling its digits.
func bigLog1p(e float64) *big.Float {
	y := new(big.Float).SetPrec(precision).SetFloat64(math.Log1p(e))
	one := new(big.Float).SetPrec(precision).Add(big.NewFloat(1), big.NewFloat(e))
	for range 2 { // y += (1+e) exp(-y) - 1
		hi, _ := y.Float64()
		lo, _ := new(big.Float).Sub(y, big.NewFloat(hi)).Float64()
		step := new(big.Float).SetPrec(precision).Mul(bigExp(-hi), bigExp(-lo))
		step.Mul(step, one)
		step.Sub(step, big.NewFloat(1))
		y.Add(y, step)
	}
	return y
}

// ulps is the error of got in units of the last place of a format of so many bits at
// want, with the smallest exponent of that format.
func ulps(got float64, want *big.Float, bits, least int) float64 {
	unit := math.Ldexp(1, max(want.MantExp(nil)-bits, least))
	off, _ := new(big.Float).Sub(new(big.Float).SetPrec(precision).SetFloat64(got), want).Float64()
	return math.Abs(off) / unit
}

func worst[T Number](t *testing.T, name string, in []T, f func(dst, a []T), exact func(float64) *big.Float, limit float64) {
	bits, least := 24, -149
	if size[T]() == 8 {
		bits, least = 53, -1074
	}
	out := make([]T, len(in))
	f(out, in)
	most, at := 0.0, T(0)
	for i, v := range in {
		if u := ulps(float64(out[i]), exact(float64(v)), bits, least); u > most {
			most, at = u, v
		}
	}
	t.Logf("%s: at most %.3f ulp, at %v", name, most, at)
	require.LessOrEqual(t, most, limit, name)
}

// TestExp_WithinTwoUlps: exp, log1p and the sigmoid against math/big.
func TestExp_WithinTwoUlps(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testUlps[float32](t, 103) })
	t.Run("float64", func(t *testing.T) { testUlps[float64](t, 744) })
}

func testUlps[T Number](t *testing.T, high float64) {
	r := rand.New(rand.NewPCG(19, 20))
	a, e, z := make([]T, 3000), make([]T, 3000), make([]T, 3000)
	for i := range a {
		a[i] = T(r.Float64() * high)
		e[i] = T(math.Exp2(-30 * r.Float64() * r.Float64()))
		z[i] = T((r.Float64()*2 - 1) * 80)
	}
	k := Of[T]()
	worst(t, "exp(-a)", a, k.ExpNeg, func(v float64) *big.Float { return bigExp(-v) }, 2)
	worst(t, "log(1+e)", e, k.Log1p, bigLog1p, 2)
	sigmoid := func(dst, z []T) {
		copy(dst, z)
		k.Link(make([]int32, len(z)), 1, dst, make([]T, len(z)))
	}
	worst(t, "sigmoid", z, sigmoid, func(v float64) *big.Float {
		down := new(big.Float).SetPrec(precision).Add(big.NewFloat(1), bigExp(-v))
		return new(big.Float).SetPrec(precision).Quo(big.NewFloat(1), down)
	}, 2)
}
