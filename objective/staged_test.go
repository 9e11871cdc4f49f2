package objective_test

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// large is n rows, enough for samples, of columns that depend on each other, with
// labels of a logistic model.
func large(n, d, classes int, seed uint64) problem {
	r := rand.New(rand.NewPCG(seed, 2))
	w := make([][]float64, classes)
	for k := range w {
		for range d {
			w[k] = append(w[k], r.NormFloat64())
		}
	}
	p := problem{classes: classes}
	for range n {
		row := make([]float64, d)
		common := r.NormFloat64()
		for j := range row {
			row[j] = r.NormFloat64() + common
		}
		best, label := math.Inf(-1), 0
		for k := range w { // the largest of z + Gumbel noise: softmax
			z := -math.Log(-math.Log(r.Float64()))
			for j, v := range row {
				z += w[k][j] * v
			}
			if z > best {
				best, label = z, k
			}
		}
		p.x, p.y = append(p.x, row), append(p.y, int32(label))
	}
	return p
}

// reordered is p with its rows in the order of a key.
func (p problem) reordered(key func(i int) float64) problem {
	order := make([]int, len(p.x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key(a), key(b)) })
	q := p
	q.x, q.y = nil, nil
	for _, i := range order {
		q.x, q.y = append(q.x, p.x[i]), append(q.y, p.y[i])
	}
	return q
}

// with is p with every row changed by f.
func (p problem) with(f func(i int, row []float64) []float64) problem {
	q := p
	q.x = make([][]float64, len(p.x))
	for i, row := range p.x {
		q.x[i] = f(i, slices.Clone(row))
	}
	return q
}

// fast makes p's objective on the fast CPU backend, as Fit does.
func (p problem) fast(t fatal, storage backend.Storage, threads int, opts objective.Options) *objective.Objective {
	t.Helper()
	n, d := len(p.x), len(p.x[0])
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(n, d), tensor.WithBacking(slices.Concat(p.x...))),
		Labels: [][]int32{p.y},
	}
	m := backend.Binary()
	if p.classes > 2 {
		m = backend.Softmax(p.classes)
	}
	if p.weights != nil {
		src.Weights, m.Weight = [][]float64{p.weights}, 0
	}
	if p.offsets != nil {
		src.Offsets, m.Offset = [][]float64{p.offsets}, 0
	}
	b, _, err := backend.Open("cpu", backend.Options{Threads: threads})
	require.NoError(t, err)
	data, err := b.Load(ctx, src, storage)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, data.Close()); require.NoError(t, b.Close()) })
	if opts.C == 0 {
		opts.C = 1
	}
	opts.Labels, opts.Weights = p.y, p.weights
	o, err := objective.New(ctx, data, m, opts)
	require.NoError(t, err)
	return o
}

// staged solves by samples, and makes sure of that.
func staged(t fatal, o *objective.Objective, opts solver.Options) (*solver.Result, objective.Fit) {
	t.Helper()
	sampled := false
	opts.Log = func(s string) { sampled = sampled || strings.Contains(s, "stages of") }
	r, f := solve(t, "staged", o, opts)
	require.True(t, sampled)
	return r, f
}

const many = 20000 // rows: a stage of 2500

// awkward are the problems that samples could go wrong on.
func awkward() map[string]problem {
	base := large(many, 5, 2, 1)
	rare := large(many, 5, 2, 2)
	for i := range rare.y {
		rare.y[i] = 0
		if i%2000 == 0 {
			rare.y[i] = 1
		}
	}
	spread := large(many, 5, 2, 3)
	spread.weights = make([]float64, many)
	for i := range spread.weights {
		spread.weights[i] = math.Pow(10, float64(i%1000)/111-4.5)
	}
	heavy := large(many, 5, 2, 4)
	heavy.weights = make([]float64, many)
	for i := range heavy.weights {
		heavy.weights[i] = 1e-3
		if i%4000 == 7 {
			heavy.weights[i] = 1e6
		}
	}
	zeros := large(many, 5, 3, 5)
	zeros.weights = make([]float64, many)
	for i := range zeros.weights {
		zeros.weights[i] = float64(i % 3 / 2)
	}
	single := large(many, 5, 4, 6)
	for i := range single.y {
		single.y[i] = min(single.y[i], 2)
	}
	single.y[many/2] = 3
	offsets := large(many, 5, 2, 7)
	offsets.offsets = make([]float64, many)
	for i := range offsets.offsets {
		offsets.offsets[i] = 3 * math.Sin(float64(i))
	}
	return map[string]problem{
		"plain":           base,
		"three classes":   large(many, 5, 3, 8),
		"sorted by label": base.reordered(func(i int) float64 { return float64(base.y[i]) }),
		"sorted by time":  base.reordered(func(i int) float64 { return base.x[i][0] }),
		"constant and duplicate columns": base.with(func(i int, x []float64) []float64 {
			x[1], x[2], x[3] = 7, x[0], 0
			return x
		}),
		"scales from 1e-12 to 1e12": base.mapped(make([]float64, 5), []float64{1e-12, 1e-6, 1, 1e6, 1e12}),
		"far from zero":             base.mapped([]float64{1e6, -1e6, 0, 1e6, 0}, []float64{1, 1, 1, 1, 1}),
		"one-hot levels, some in few rows": base.with(func(i int, x []float64) []float64 {
			for j := range x {
				x[j] = 0
			}
			switch {
			case i%5000 == 0:
				x[0] = 1
			case i%500 == 1:
				x[1] = 1
			default:
				x[2+i%3] = 1
			}
			return x
		}),
		"ten rows of a class":       rare,
		"weights over nine decades": spread,
		"five rows of all weight":   heavy,
		"weights of zero":           zeros,
		"a class of one row":        single,
		"offsets":                   offsets,
		"separable": base.with(func(i int, x []float64) []float64 {
			x[4] = float64(2*base.y[i]) - 1
			return x
		}),
	}
}

// The optimum is newton's, on all that samples could stumble over.
func TestStaged_P4_SameOptimumAsNewton(t *testing.T) {
	for name, p := range awkward() {
		for _, opts := range []objective.Options{{}, {C: 1e4}, {C: 1e-4}, {NoIntercept: true}, {Standardize: true}, {Penalty: objective.None}} {
			o := p.fast(t, backend.Float64, 2, opts)
			_, want := solve(t, "newton", o, solver.Options{Tol: 1e-10})
			before := o.Passes()
			r, got := staged(t, o, solver.Options{Tol: 1e-9})
			t.Logf("%s %+v: %s after %d steps, %.3g passes, %.2g above newton", name, opts.Penalty, r.Status, r.Iterations, o.Passes()-before, got.Objective/want.Objective-1)
			if r.Status == solver.Separable {
				require.Equal(t, objective.None, opts.Penalty)
				require.Contains(t, []string{"separable", "a class of one row", "one-hot levels, some in few rows", "five rows of all weight"}, name)
				continue
			}
			require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status, "%s: %s", name, r.Advice)
			// 1e-9 of the value is what staged stops at, by the estimate of its metric; a
			// mean loss of 1e-6, where five rows count and are told apart, is known to 1e-10.
			slack := max(1e-8*want.Objective, 1e-10*want.Objective/want.Loss)
			require.LessOrEqual(t, got.Objective, want.Objective+slack, "%s %+v", name, opts.Penalty)
		}
	}
}

// On data as the theory has them, stages of samples leave all rows a few steps.
func TestStaged_FewPasses(t *testing.T) {
	for classes, steps := range map[int]int{2: 5, 3: 7, 4: 8, 20: 16} {
		p := large(70000, 8, classes, 11)
		for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
			for _, c := range []float64{1, 100} {
				o := p.fast(t, storage, 2, objective.Options{C: c})
				r, _ := staged(t, o, solver.Options{})
				require.Equal(t, solver.Converged, r.Status)
				t.Logf("%d classes, C = %g, %v: %d steps, %.3g passes", classes, c, storage, r.Iterations, r.Passes)
				require.LessOrEqual(t, r.Iterations, steps)
				// The samples are drawn, measured and solved within the passes they save.
				require.Less(t, r.Passes, float64(steps)+6)
			}
		}
	}
}

func TestStaged_P9_SameBitsForAnyThreads(t *testing.T) {
	p := large(many, 6, 2, 13)
	p.weights = make([]float64, many)
	for i := range p.weights {
		p.weights[i] = 1 + float64(i%7)
	}
	for _, weights := range [][]float64{nil, p.weights} {
		p.weights = weights
		var first *solver.Result
		for _, threads := range []int{1, 2, 3, 1} {
			r, _ := staged(t, p.fast(t, backend.Float32, threads, objective.Options{}), solver.Options{Seed: 5})
			if first == nil {
				first = r
			}
			require.Equal(t, first.X, r.X)
			require.Equal(t, first.Passes, r.Passes)
		}
		for seed := range uint64(4) {
			r, _ := staged(t, p.fast(t, backend.Float32, 2, objective.Options{}), solver.Options{Seed: seed})
			// Both ends are within 1e-9 of the minimum's value by their own estimate.
			require.InEpsilon(t, first.Value, r.Value, 1e-8)
		}
	}
}

func TestStaged_P16_WarmStart(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := large(many, 5, classes, 17)
		o := p.fast(t, backend.Float64, 2, objective.Options{})
		cold, _ := staged(t, o, solver.Options{})
		warm, _ := staged(t, o, solver.Options{X0: cold.X})
		require.Equal(t, solver.Converged, warm.Status)
		require.Zero(t, warm.Iterations)
		require.Equal(t, cold.Value, warm.Value)

		near := slices.Clone(cold.X) // as the next C of a path
		for i := range near {
			near[i] *= 1.01
		}
		r, _ := staged(t, o, solver.Options{X0: near})
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, cold.Value, r.Value, 1e-8)

		far := make([]float64, len(near)) // probabilities of 0 and 1 everywhere
		for i := range far {
			far[i] = 1e5 * float64(i%3+1)
		}
		r, _ = staged(t, o, solver.Options{X0: far})
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, cold.Value, r.Value, 1e-8)
	}
}

func TestStaged_P22_SeparableWithoutPenaltyIsReported(t *testing.T) {
	p := awkward()["separable"]
	r, _ := staged(t, p.fast(t, backend.Float64, 2, objective.Options{Penalty: objective.None}), solver.Options{})
	require.Equal(t, solver.Separable, r.Status)
	r, _ = staged(t, p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{})
	require.Equal(t, solver.Converged, r.Status)
}

func TestStaged_P26_ValuesNeverRise(t *testing.T) {
	for name, p := range awkward() {
		o := p.fast(t, backend.Float32, 2, objective.Options{C: 100})
		noise, _ := o.Rounding()
		r, _ := staged(t, o, solver.Options{})
		for i, s := range r.Trace[1:] {
			before := r.Trace[i].Value
			require.LessOrEqual(t, s.Value, before+noise*math.Abs(before), name)
		}
	}
}

func TestStaged_P17_LimitsAndInterruption(t *testing.T) {
	p := large(many, 5, 2, 19)
	r, err := solver.Solve(ctx, "staged", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{MaxIter: solver.NoIterations})
	require.NoError(t, err)
	require.Equal(t, solver.MaxIter, r.Status)
	require.Equal(t, 1.0, r.Passes)
	require.InDelta(t, math.Ln2, r.Value, 1e-12)

	r, _ = staged(t, p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{MaxIter: 1, Tol: 1e-12})
	require.Equal(t, solver.MaxIter, r.Status)
	require.Equal(t, 1, r.Iterations)

	stoppable, cancel := context.WithCancel(ctx)
	r, err = solver.Solve(stoppable, "staged", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{
		Tol: 1e-12, Progress: func(s solver.Step) { cancel() },
	})
	require.NoError(t, err)
	require.Equal(t, solver.Interrupted, r.Status)
	require.Less(t, r.Value, math.Ln2)

	_, err = solver.Solve(stoppable, "staged", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// Fewer rows than columns leave no room for samples; auto and staged fit all the same.
func TestStaged_FewerRowsThanColumns(t *testing.T) {
	p := noisy(60, 1100, 2, 23) // beyond newton's columns
	_, want := solve(t, "newton", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{Tol: 1e-10})
	for _, name := range []string{"staged", "auto", "newton-cg"} {
		r, got := solve(t, name, p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{})
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, want.Objective, got.Objective, 1e-8)
	}
}

// A sample's value and gradient are the whole's but for the error of sampling.
func TestSample_EstimatesTheWhole(t *testing.T) {
	for name, p := range awkward() {
		o := p.fast(t, backend.Float64, 2, objective.Options{})
		s, err := o.Sample(ctx, 2500, 1)
		require.NoError(t, err)
		theta := o.Start() // known once the rows have been counted
		g, gs := make([]float64, o.Dim()), make([]float64, o.Dim())
		f, err := o.Eval(ctx, theta, g)
		require.NoError(t, err)
		fs, err := s.Eval(ctx, theta, gs)
		require.NoError(t, err)
		if p.offsets == nil { // classes have their full weight, and rows of a class lose alike
			require.InEpsilon(t, f, fs, 1e-9, name)
		}
		for i := range g {
			// Coordinates have unit curvature and residuals at most 1: 6 deviations of a
			// mean over the rows that count.
			require.InDelta(t, g[i], gs[i], 6*2/math.Sqrt(s.Rows), name)
		}
		require.NoError(t, s.Close())
	}
}

// Very many outputs share one block of curvature: more steps, the same end.
func TestStaged_SharedCurvature(t *testing.T) {
	p := large(many, 5, 6, 29)
	_, want := solve(t, "newton", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{Tol: 1e-10})
	defer objective.ShareBlocks()()
	o := p.fast(t, backend.Float64, 2, objective.Options{})
	c, err := o.Curvature(ctx, make([]float64, o.Dim()), o.Hot())
	require.NoError(t, err)
	require.Len(t, c, 6)
	require.Same(t, c[0], c[5])
	r, got := staged(t, o, solver.Options{})
	require.Equal(t, solver.Converged, r.Status)
	require.InEpsilon(t, want.Objective, got.Objective, 1e-8)
}

// Steps in the metric of a softmax keep coefficients summing to zero over the classes:
// what is left of them is nothing but rounding.
func TestStaged_SoftmaxStaysCentred(t *testing.T) {
	p := large(many, 5, 4, 31)
	o := p.fast(t, backend.Float64, 2, objective.Options{})
	r, _ := staged(t, o, solver.Options{})
	for d := range 6 {
		sum := 0.0
		for i := d; i < len(r.X); i += 6 {
			sum += r.X[i]
		}
		require.InDelta(t, 0, sum, 1e-12)
	}
}

// The Hessian's diagonal blocks, but for the correction that samples get, seen by steps
// that sum to zero over the outputs: there the gauge is zero.
func TestCurvature_IsTheHessiansDiagonal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		o := p.objective(t, drawOptions(t, p))
		theta, g := around(t, o.Dim(), "theta"), make([]float64, o.Dim())
		floats.Scale(1e-2, theta)
		h := mat.NewSymDense(o.Dim(), nil)
		_, err := o.EvalHessian(ctx, theta, g, h)
		require.NoError(t, err)
		c, err := o.Curvature(ctx, theta, o.Hot())
		require.NoError(t, err)
		require.Len(t, c, o.Blocks())
		n := o.Dim() / o.Blocks()
		gauge := o.Gauge()
		for k, block := range c {
			for i := range n {
				for j := range n {
					want := h.At(k*n+i, k*n+j)
					if i == j {
						want -= gauge[i] / float64(o.Blocks())
					}
					size := math.Sqrt(h.At(k*n+i, k*n+i) * h.At(k*n+j, k*n+j))
					require.InDelta(t, want, block.At(i, j), 1e-12*(1+size))
				}
			}
		}
	})
}
