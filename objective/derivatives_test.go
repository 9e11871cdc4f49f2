package objective_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/objective"
)

var ctx = context.Background()

// plain is the objective of DESIGN section 3, written down from its definition in the
// user's units: C sum s loss + penalty.
func plain(p problem, opts objective.Options, coef [][]float64, intercept []float64) float64 {
	sum := 0.0
	for i, x := range p.x {
		z := make([]float64, len(coef))
		for k := range coef {
			z[k] = floats.Dot(x, coef[k]) + intercept[k]
			if p.offsets != nil {
				z[k] += p.offsets[i]
			}
		}
		s := 1.0
		if p.weights != nil {
			s = p.weights[i]
		}
		if len(z) == 1 {
			z = []float64{0, z[0]}
		}
		sum += s * (floats.LogSumExp(z) - z[p.y[i]])
	}
	sum *= opts.C
	if opts.Penalty == objective.None {
		return sum
	}
	dev := deviations(p)
	for _, row := range coef {
		for j, b := range row {
			f := 1.0
			if opts.Factors != nil {
				f = opts.Factors[j]
			}
			if opts.Standardize {
				b *= dev[j]
			}
			sum += f * b * b / 2
		}
	}
	return sum
}

func deviations(p problem) []float64 {
	dev := make([]float64, len(p.x[0]))
	for j := range dev {
		mean := 0.0
		for _, x := range p.x {
			mean += (x[j] - p.x[0][j]) / float64(len(p.x)) // exactly 0 for constant columns
		}
		for _, x := range p.x {
			off := x[j] - p.x[0][j] - mean
			dev[j] += off * off / float64(len(p.x))
		}
		if dev[j] = math.Sqrt(dev[j]); dev[j] == 0 {
			dev[j] = 1
		}
	}
	return dev
}

func (p problem) totalWeight() float64 {
	if p.weights == nil {
		return float64(len(p.x))
	}
	return floats.Sum(p.weights)
}

// around draws a point at which no row is far out.
func around(t *rapid.T, dim int, name string) []float64 {
	return rapid.SliceOfN(rapid.Float64Range(-1, 1), dim, dim).Draw(t, name)
}

// The value in any coordinates is the definition's at the mapped coefficients, to
// rounding (columns lie up to 60 deviations from 0, so z loses two digits).
func TestFit_ValueIsTheDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawOptions(t, p)
		o := p.objective(t, opts)
		theta := around(t, o.Dim(), "theta")
		if opts.Coordinates == objective.User { // keep z in range
			floats.Scale(1e-3, theta)
		}
		value, err := o.Eval(ctx, theta, make([]float64, o.Dim()))
		require.NoError(t, err)
		f := o.Fit(theta, value)
		want := plain(p, opts, f.Coef, f.Intercept)
		require.InEpsilon(t, want, f.Objective, 1e-10)
		penalty := want - plain(p, objective.Options{C: opts.C, Penalty: objective.None}, f.Coef, f.Intercept)
		require.InEpsilon(t, (want-penalty)/(opts.C*p.totalWeight()), f.Loss, 1e-10)

		back, err := o.Theta(f.Coef, f.Intercept)
		require.NoError(t, err)
		again := o.Fit(back, value)
		require.LessOrEqual(t, gap(f.Coef, again.Coef), 1e-12*largest(f.Coef...))
	})
}

// Central differences lose half the digits and truncate at h^2: 1e-6 of the gradient's
// scale is P1's.
func TestEval_P1_Gradient(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawOptions(t, p)
		opts.Coordinates = objective.Scaled // so that one h fits all
		o := p.objective(t, opts)
		n := o.Dim()
		theta, g, scratch := around(t, n, "theta"), make([]float64, n), make([]float64, n)
		_, err := o.Eval(ctx, theta, g)
		require.NoError(t, err)
		for i := range n {
			at := func(h float64) float64 {
				x := append([]float64(nil), theta...)
				x[i] += h
				v, err := o.Eval(ctx, x, scratch)
				require.NoError(t, err)
				return v
			}
			const h = 1e-5
			require.InDelta(t, (at(h)-at(-h))/(2*h), g[i], 1e-6*(1+largest(g)))
		}
	})
}

func TestHessian_P2_GradientDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawOptions(t, p)
		opts.Coordinates = objective.Scaled
		o := p.objective(t, opts)
		n := o.Dim()
		theta, v := around(t, n, "theta"), around(t, n, "v")
		g, h := make([]float64, n), mat.NewSymDense(n, nil)
		value, err := o.EvalHessian(ctx, theta, g, h)
		require.NoError(t, err)

		plainG := make([]float64, n)
		plainValue, err := o.Eval(ctx, theta, plainG)
		require.NoError(t, err)
		require.InEpsilon(t, plainValue, value, 1e-12)
		require.InDeltaSlice(t, plainG, g, 1e-12)

		hv, product := make([]float64, n), mat.NewVecDense(n, nil)
		require.NoError(t, o.HessVec(ctx, theta, v, hv))
		product.MulVec(h, mat.NewVecDense(n, v))
		size := 1 + largest(hv)
		require.InDeltaSlice(t, hv, product.RawVector().Data, 1e-11*size)

		const step = 1e-5
		up, down := make([]float64, n), make([]float64, n)
		x := make([]float64, n)
		_, err = o.Eval(ctx, floats.AddScaledTo(x, theta, step, v), up)
		require.NoError(t, err)
		_, err = o.Eval(ctx, floats.AddScaledTo(x, theta, -step, v), down)
		require.NoError(t, err)
		floats.Sub(up, down)
		floats.Scale(1/(2*step), up)
		require.InDeltaSlice(t, up, hv, 1e-6*size)
	})
}

func TestLine_IsEvalAlongTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		o := p.objective(t, drawOptions(t, p))
		n := o.Dim()
		theta, dir := around(t, n, "theta"), around(t, n, "dir")
		l, err := o.Line(ctx, theta, dir)
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		before := o.Passes()
		ts := []float64{0, 0.25, 1, -2}
		value, slope, err := l.At(ctx, ts)
		require.NoError(t, err)
		require.Equal(t, before, o.Passes())
		x, g := make([]float64, n), make([]float64, n)
		for i, s := range ts {
			want, err := o.Eval(ctx, floats.AddScaledTo(x, theta, s, dir), g)
			require.NoError(t, err)
			// z of unscaled columns reaches 1e4, of which rounding takes 1e-12.
			require.InDelta(t, want, value[i], 1e-10*(1+math.Abs(want)))
			size := 1 + math.Abs(floats.Norm(g, 2)*floats.Norm(dir, 2))
			require.InDelta(t, floats.Dot(g, dir), slope[i], 1e-10*size)
		}
	})
}

// Batches that cut up the rows evenly average to the whole, weights and penalty too.
func TestBatch_AveragesToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		n := len(p.x) / 4 * 4
		p.x, p.y = p.x[:n], p.y[:n]
		if p.weights != nil {
			p.weights = p.weights[:n]
		}
		if p.offsets != nil {
			p.offsets = p.offsets[:n]
		}
		opts := drawOptions(t, p)
		opts.Coordinates = objective.Scaled
		o := p.objective(t, opts)
		dim := o.Dim()
		theta, g := around(t, dim, "theta"), make([]float64, dim)
		want, err := o.Eval(ctx, theta, g)
		require.NoError(t, err)
		before := o.Passes()
		sum, part, mean := 0.0, make([]float64, dim), make([]float64, dim)
		for lo := 0; lo < n; lo += n / 4 {
			rows := make([]int, n/4)
			for i := range rows {
				rows[i] = lo + i
			}
			b, release, err := o.Batch(ctx, rows)
			require.NoError(t, err)
			v, err := b.Eval(ctx, theta, part)
			require.NoError(t, err)
			require.NoError(t, release())
			sum += v / 4
			floats.AddScaled(mean, 0.25, part)
		}
		require.InEpsilon(t, want, sum, 1e-12)
		require.InDeltaSlice(t, g, mean, 1e-12*(1+largest(g)))
		require.InDelta(t, before+2, o.Passes(), 1e-12) // gathered once, evaluated once
	})
}
