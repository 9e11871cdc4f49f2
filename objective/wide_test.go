package objective_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// The metric of wide data is the Hessian between the hot coordinates and its diagonal,
// whichever are hot, for every block (TestCurvature_IsTheHessiansDiagonal). Diagonals
// lose the digits that lie between a column's place and its deviation, here up to three.
func TestCurvature_WideIsAPartOfTheHessian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		defer objective.WideFrom(rapid.IntRange(2, 6).Draw(t, "wide from"))()
		opts := drawOptions(t, p)
		opts.Entries = int64(len(p.x) * len(p.x[0]))
		o := p.objective(t, opts)
		n := o.Dim() / o.Blocks()
		theta, g := around(t, o.Dim(), "theta"), make([]float64, o.Dim())
		floats.Scale(1e-2, theta)
		h := mat.NewSymDense(o.Dim(), nil)
		_, err := o.EvalHessian(ctx, theta, g, h)
		require.NoError(t, err)
		c, err := o.Curvature(ctx, theta, rapid.IntRange(0, o.Hot()).Draw(t, "hot"))
		require.NoError(t, err)
		require.Len(t, c, o.Blocks())
		gauge := o.Gauge()
		for k, block := range c {
			if block.Diagonal == nil {
				t.Skip("not wide")
			}
			require.True(t, slices.IsSorted(block.Hot))
			want := func(i, j int) float64 {
				v := h.At(k*n+i, k*n+j)
				if i == j {
					v -= gauge[i] / float64(o.Blocks())
				}
				return v
			}
			for a, i := range block.Hot {
				for b, j := range block.Hot {
					size := math.Sqrt(h.At(k*n+i, k*n+i) * h.At(k*n+j, k*n+j))
					require.InDelta(t, want(i, j), block.At(a, b), 1e-12*(1+size))
				}
			}
			for i, v := range block.Diagonal {
				require.InDelta(t, want(i, i), v, 1e-9*(1+want(i, i)))
			}
		}
	})
}

// sparseProblem is a problem of sparse X.
type sparseProblem struct {
	x backend.CSR
	y []int32
}

// popular is rows of one entry in each of some fields, a Zipf choice of columns each, with
// labels of a logistic model.
func popular(rows, fields, each int) (p sparseProblem) {
	r := rand.New(rand.NewPCG(1, 2))
	share := make([]float64, each)
	for j := range share {
		share[j] = math.Pow(float64(j+1), -1.1)
		if j > 0 {
			share[j] += share[j-1]
		}
	}
	w := make([]float64, fields*each)
	for j := range w {
		w[j] = 2 * r.NormFloat64()
	}
	p.x = backend.CSR{Rows: rows, Cols: fields * each, RowPtr: []int64{0}}
	for range rows {
		z := 0.0
		for f := range fields {
			j, _ := slices.BinarySearch(share, r.Float64()*share[each-1])
			j += f * each
			v := (1 + 0.3*r.NormFloat64()) / math.Sqrt(float64(fields))
			z += w[j] * v
			p.x.Col, p.x.Val64 = append(p.x.Col, uint32(j)), append(p.x.Val64, v)
		}
		p.x.RowPtr = append(p.x.RowPtr, int64(len(p.x.Col)))
		label := int32(0)
		if r.Float64() < 1/(1+math.Exp(-z)) {
			label = 1
		}
		p.y = append(p.y, label)
	}
	return p
}

// dense has the zeros too.
func (p sparseProblem) dense() problem {
	q := problem{y: p.y, classes: 2}
	for i := range p.x.Rows {
		row := make([]float64, p.x.Cols)
		for e := p.x.RowPtr[i]; e < p.x.RowPtr[i+1]; e++ {
			row[p.x.Col[e]] = p.x.Value(e)
		}
		q.x = append(q.x, row)
	}
	return q
}

func (p sparseProblem) fast(t fatal, threads int, opts objective.Options) *objective.Objective {
	t.Helper()
	b, _, err := backend.Open("cpu", backend.Options{Threads: threads})
	require.NoError(t, err)
	m := backend.Binary()
	data, err := b.Load(ctx, &backend.Source{Sparse: &p.x, Labels: [][]int32{p.y}}, backend.Float64)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, data.Close()); require.NoError(t, b.Close()) })
	opts.C, opts.Labels, opts.Entries = 1, p.y, p.x.Entries()
	o, err := objective.New(ctx, data, m, opts)
	require.NoError(t, err)
	return o
}

// evaluations is how many evaluations of all rows a run took to come within a share of
// the least value.
func evaluations(r *solver.Result, least, share float64) int {
	return 1 + slices.IndexFunc(r.Trace, func(s solver.Step) bool { return s.Value <= least*(1+share) })
}

// 20,000 rows of 5,000 columns: 7 evaluations of all rows to 1e-6 instead of 10, and
// of samples less than two.
func TestStaged_WideTakesFewPasses(t *testing.T) {
	p := popular(20000, 20, 250)
	exact, _ := solve(t, "lbfgs", p.fast(t, 2, objective.Options{}), solver.Options{Tol: 1e-10})
	plain, _ := solve(t, "lbfgs", p.fast(t, 2, objective.Options{}), solver.Options{})
	said := ""
	r, _ := solve(t, "auto", p.fast(t, 2, objective.Options{}), solver.Options{Log: func(s string) { said += s }})
	t.Logf("evaluations to 1e-6 and to the end: %d, %d; of lbfgs %d, %d", evaluations(r, exact.Value, 1e-6), len(r.Trace), evaluations(plain, exact.Value, 1e-6), len(plain.Trace))
	require.Equal(t, "staged", r.Solver)
	require.Contains(t, said, "hottest")
	require.Equal(t, solver.Converged, r.Status)
	require.InEpsilon(t, exact.Value, r.Value, 1e-9)
	require.LessOrEqual(t, evaluations(r, exact.Value, 1e-6), 7)
	require.LessOrEqual(t, len(r.Trace), 11)
	require.Less(t, r.Passes-float64(len(r.Trace)), 2.)
	require.Greater(t, evaluations(plain, exact.Value, 1e-6), 8)
}

// Sparse and dense X give the same metric, and so the same steps.
func TestStaged_P6_Wide(t *testing.T) {
	defer objective.WideFrom(20)()
	p := popular(20000, 5, 20)
	opts := solver.Options{MaxIter: 4, Tol: 1e-12}
	sparse, _ := solve(t, "staged", p.fast(t, 2, objective.Options{}), opts)
	dense, _ := solve(t, "staged", p.dense().fast(t, backend.Float64, 2, objective.Options{Entries: p.x.Entries()}), opts)
	require.Len(t, dense.Trace, len(sparse.Trace))
	for i, s := range sparse.Trace {
		require.InEpsilon(t, dense.Trace[i].Value, s.Value, 1e-9)
		require.InEpsilon(t, dense.Trace[i].Passes, s.Passes, 1e-9)
	}
}

func TestStaged_P9_WideSameBitsForAnyThreads(t *testing.T) {
	p := popular(16000, 20, 250)
	want, _ := solve(t, "staged", p.fast(t, 1, objective.Options{Threads: 1}), solver.Options{Threads: 1})
	for _, threads := range []int{2, 5} {
		got, _ := solve(t, "staged", p.fast(t, threads, objective.Options{Threads: threads}), solver.Options{Threads: threads})
		require.Equal(t, want.Value, got.Value)
		require.Equal(t, want.X, got.X)
	}
}

// A sample's block is what its whole Hessian would be between the hot coordinates, and the
// diagonal is near that of all rows: within a half, where a column has hundreds of values.
func TestSample_WideCurvature(t *testing.T) {
	p := popular(20000, 5, 20)
	theta := make([]float64, 101)
	metric := func(m int, hot int) (b *solver.Block) {
		o := p.fast(t, 2, objective.Options{})
		var of solver.Curved = o
		if m > 0 {
			s, err := o.Sample(ctx, m, 1)
			require.NoError(t, err)
			defer s.Close()
			of = s.Objective.(solver.Curved)
		}
		c, err := of.Curvature(ctx, theta, min(hot, of.Hot()))
		require.NoError(t, err)
		return c[0]
	}
	whole, all := metric(4000, 101), metric(0, 101)
	defer objective.WideFrom(20)()
	part := metric(4000, 15)
	require.Len(t, part.Hot, 15)
	for a, i := range part.Hot {
		for b, j := range part.Hot {
			require.InDelta(t, whole.At(i, j), part.At(a, b), 1e-12)
		}
	}
	for j, v := range part.Diagonal {
		require.InEpsilon(t, all.At(j, j), v, 0.5)
	}
}

// Softmax has a block of its own for each class as long as there is room, then one for all.
func TestStaged_WideSoftmax(t *testing.T) {
	p := large(many, 12, 3, 5)
	_, want := solve(t, "newton", p.fast(t, backend.Float64, 2, objective.Options{}), solver.Options{Tol: 1e-10})
	defer objective.WideFrom(8)()
	opts := objective.Options{Entries: int64(many * 12)}
	for _, shared := range []bool{false, true} {
		if shared {
			defer objective.ShareBlocks()()
		}
		o := p.fast(t, backend.Float64, 2, opts)
		c, err := o.Curvature(ctx, make([]float64, o.Dim()), 5)
		require.NoError(t, err)
		require.Equal(t, shared, c[0] == c[2])
		var said []string
		r, got := solve(t, "staged", o, solver.Options{Log: func(s string) { said = append(said, s) }})
		require.Contains(t, strings.Join(said, "\n"), "hottest")
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, want.Objective, got.Objective, 1e-8)
	}
}
