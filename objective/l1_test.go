package objective_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// sparsing are the solvers that minimise absolute values.
var sparsing = named(func(s solver.Solver) bool { return s.Lasso })

// named are the solvers for which a predicate holds.
func named(holds func(solver.Solver) bool) (names []string) {
	for _, s := range solver.Solvers() {
		if holds(s) {
			names = append(names, s.Name)
		}
	}
	return names
}

// l1Case is one optimum of testdata/l1_reference.json.
type l1Case struct {
	referenceCase
	L1Ratio float64 `json:"l1_ratio"`
	Unique  bool
}

func l1Cases(t *testing.T) []l1Case {
	t.Helper()
	raw, err := os.ReadFile("../testdata/l1_reference.json")
	require.NoError(t, err)
	var r struct{ Cases []l1Case }
	require.NoError(t, json.Unmarshal(raw, &r))
	require.NotEmpty(t, r.Cases)
	return r.Cases
}

// The optima were computed in 80-bit floats by another program on the support that
// scikit-learn's saga finds. float64 must reach 1e-8 of the objective, 1e-5 of the
// coefficients and the very same zeros.
func TestSolve_P4_L1ReferenceOptima(t *testing.T) {
	for _, c := range l1Cases(t) {
		p := c.problem(t)
		for _, by := range sparsing {
			t.Run(c.ID+"/"+by, func(t *testing.T) {
				opts := objective.Options{C: c.C, Penalty: objective.ElasticNet, L1Ratio: c.L1Ratio}
				if c.L1Ratio == 1 {
					opts.Penalty = objective.L1
				}
				r, fit := solve(t, by, p.objective(t, opts), solver.Options{Tol: 1e-9})
				t.Logf("%s: %d iterations, %.3g passes, max|subgradient| %.2g; off by %.1g of the objective, %.1g of the coefficients",
					r.Status, r.Iterations, r.Passes, r.MaxAbsGradient, fit.Objective/c.Objective-1, gap(fit.Coef, c.Coef)/largest(c.Coef...))
				require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status)
				require.InEpsilon(t, c.Objective, fit.Objective, 1e-8)
				if c.Unique {
					require.LessOrEqual(t, gap(fit.Coef, c.Coef), 1e-5*largest(c.Coef...))
					require.Equal(t, zeros(c.Coef), zeros(fit.Coef))
				}
			})
		}
	}
}

// zeros lists which coefficients are exactly zero.
func zeros(coef [][]float64) (z []bool) {
	for _, row := range coef {
		for _, v := range row {
			z = append(z, v == 0)
		}
	}
	return z
}

// drawL1Options draws a penalty that is not smooth.
func drawL1Options(t *rapid.T, p problem) objective.Options {
	o := drawOptions(t, p)
	o.Penalty = rapid.SampledFrom([]objective.Penalty{objective.L1, objective.ElasticNet}).Draw(t, "penalty with absolute values")
	o.L1Ratio = rapid.Float64Range(0.05, 1).Draw(t, "l1 ratio")
	o.Coordinates = objective.Scaled
	for j, f := range o.Factors { // few rows: unpenalised columns may separate them
		o.Factors[j] = max(f, 0.1)
	}
	return o
}

// The conditions of optimality, computed from their definition in the user's terms:
// the derivative of the smooth part is minus lambda times the sign of a coefficient
// that is not zero, and no larger than lambda where it is.
func TestSolve_P3_KarushKuhnTucker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawL1Options(t, p)
		o := p.objective(t, opts)
		for _, name := range sparsing {
			r, f := solve(t, name, o, solver.Options{})
			judged, coef := p, f.Coef // in the columns that the penalty sees
			if opts.Standardize {
				judged, coef = p.standardised(), f.CoefStandardized
				if opts.NoIntercept {
					judged = p.divided()
				}
			}
			worst := 0.0
			sum := p.totalWeight()
			grad := p.gradient(judged, f)
			for k, row := range grad {
				for j, g := range row {
					if j == len(row)-1 {
						if !opts.NoIntercept {
							worst = max(worst, math.Abs(g))
						}
						continue
					}
					ratio, factor := 1.0, 1.0
					if opts.Penalty == objective.ElasticNet {
						ratio = opts.L1Ratio
					}
					if opts.Factors != nil {
						factor = opts.Factors[j]
					}
					g += (1 - ratio) * factor * coef[k][j] / (opts.C * sum)
					lambda := ratio * factor / (opts.C * sum)
					switch b := coef[k][j]; {
					case b > 0:
						worst = max(worst, math.Abs(g+lambda))
					case b < 0:
						worst = max(worst, math.Abs(g-lambda))
					default:
						worst = max(worst, math.Abs(g)-lambda)
					}
				}
			}
			// Columns of size 3e3 round z and sums to 1e-12 of that. For softmax Fit
			// shifts what is not penalised to sum to zero, which costs a little more.
			if p.classes == 2 {
				require.InDelta(t, worst, r.MaxAbsGradient, 1e-8, name)
			}
			require.LessOrEqual(t, worst, 2e-6, name)
			require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status, "%s: %s", name, r.Advice)
		}
	})
}

// gradient is that of the mean loss at f by the coefficients of the columns of judged,
// intercept last, from its definition.
func (p problem) gradient(judged problem, f objective.Fit) [][]float64 {
	grad := make([][]float64, len(f.Coef))
	for k := range grad {
		grad[k] = make([]float64, len(p.x[0])+1)
	}
	sum := p.totalWeight()
	z := make([]float64, len(f.Coef))
	for i, x := range p.x {
		s, offset := 1/sum, 0.0
		if p.weights != nil {
			s *= p.weights[i]
		}
		if p.offsets != nil {
			offset = p.offsets[i]
		}
		for k := range z {
			z[k] = floats.Dot(x, f.Coef[k]) + f.Intercept[k] + offset
		}
		all := 0.0
		if len(z) > 1 {
			all = floats.LogSumExp(z)
		}
		for k := range z {
			e := math.Exp(z[k] - all)
			if len(z) == 1 {
				e = 1/(1+math.Exp(-z[0])) - float64(p.y[i])
			} else if int(p.y[i]) == k {
				e--
			}
			floats.AddScaled(grad[k][:len(x)], s*e, judged.x[i])
			grad[k][len(x)] += s * e
		}
	}
	return grad
}

// divided is standardised without the centring.
func (p problem) divided() problem {
	q := p.standardised()
	for j := range p.x[0] {
		lo, hi := 0, 0
		for i := range p.x {
			if p.x[i][j] < p.x[lo][j] {
				lo = i
			}
			if p.x[i][j] > p.x[hi][j] {
				hi = i
			}
		}
		dev := 1.0
		if span := q.x[hi][j] - q.x[lo][j]; span > 0 {
			dev = (p.x[hi][j] - p.x[lo][j]) / span
		}
		for i := range p.x {
			q.x[i][j] = p.x[i][j] / dev
		}
	}
	return q
}

// The optimum is the same by any solver, and no other point near it is lower.
func TestSolve_P4_L1SolversAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawL1Options(t, p)
		o := p.objective(t, opts)
		_, a := solve(t, "prox-newton", o, solver.Options{Tol: 1e-9})
		_, b := solve(t, "owlqn", o, solver.Options{Tol: 1e-9})
		require.InEpsilon(t, a.Objective, b.Objective, 1e-8)
	})
}

// l1_ratio 0 is l2, 1 is l1.
func TestSolve_P14_ElasticNetLimits(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(150, 4, classes, 31).mapped([]float64{3, -40, 0, 0}, []float64{1, 5, 0.1, 2})
		for _, base := range []objective.Options{{}, {Standardize: true}, {NoIntercept: true}, {Factors: []float64{1, 0, 2, 0.5}}} {
			with := func(penalty objective.Penalty, ratio float64, by string) objective.Fit {
				opts := base
				opts.Penalty, opts.L1Ratio = penalty, ratio
				r, f := solve(t, by, p.objective(t, opts), solver.Options{Tol: 1e-10})
				require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status)
				return f
			}
			l2 := with(objective.L2, 0.3, "newton")
			l1 := with(objective.L1, 0.3, "prox-newton")
			for _, by := range sparsing {
				for _, ends := range [][2]objective.Fit{
					{l2, with(objective.ElasticNet, 0, by)}, {l2, with(objective.L2, 1, by)}, {l1, with(objective.ElasticNet, 1, by)},
				} {
					require.InEpsilon(t, ends[0].Objective, ends[1].Objective, 1e-10)
					require.LessOrEqual(t, gap(ends[0].Coef, ends[1].Coef), 1e-6*largest(ends[0].Coef...))
				}
				// In between the optimum's value is: at most the mean of those of the ends
				// at any point, and at least as concave in the ratio.
				between := with(objective.ElasticNet, 0.5, by)
				require.Greater(t, between.Objective, (l1.Objective+l2.Objective)/2)
			}
		}
	}
}

// Below the C at which the largest derivative at zero reaches lambda, every
// coefficient is exactly zero, and the intercept is the log-odds; above, some is not.
func TestSolve_P14_AllZerosAtTheThreshold(t *testing.T) {
	for _, classes := range []int{2, 3} {
		for _, weighted := range []bool{false, true} {
			p := noisy(150, 4, classes, 37).mapped([]float64{3, -40, 0, 0}, []float64{1, 5, 0.1, 2})
			if weighted {
				for i := range p.x {
					p.weights = append(p.weights, 0.5+float64(i%3))
				}
			}
			for _, ratio := range []float64{1, 0.25} {
				null := objective.Fit{Coef: make([][]float64, outputs(classes)), Intercept: p.logOdds()}
				for k := range null.Coef {
					null.Coef[k] = make([]float64, 4)
				}
				steepest := 0.0
				for _, row := range p.gradient(p, null) {
					steepest = max(steepest, largest(row[:4]))
				}
				threshold := ratio / (steepest * p.totalWeight())
				for _, by := range sparsing {
					at := func(c float64) objective.Fit {
						opts := objective.Options{C: c, Penalty: objective.ElasticNet, L1Ratio: ratio}
						_, f := solve(t, by, p.objective(t, opts), solver.Options{Tol: 1e-9})
						return f
					}
					below := at(threshold * (1 - 1e-6))
					require.NotContains(t, zeros(below.Coef), false)
					require.InDeltaSlice(t, null.Intercept, below.Intercept, 1e-6)
					for _, v := range slices.Concat(below.Coef...) {
						require.False(t, math.Signbit(v), "no negative zero")
					}
					require.Contains(t, zeros(at(threshold*(1+1e-3)).Coef), false)
				}
			}
		}
	}
}

func outputs(classes int) int {
	if classes == 2 {
		return 1
	}
	return classes
}

// logOdds are the intercepts of the model without coefficients.
func (p problem) logOdds() []float64 {
	count := make([]float64, p.classes)
	for i, y := range p.y {
		if p.weights == nil {
			count[y]++
		} else {
			count[y] += p.weights[i]
		}
	}
	for k, c := range count {
		count[k] = math.Log(c)
	}
	if p.classes == 2 {
		return []float64{count[1] - count[0]}
	}
	floats.AddConst(-floats.Sum(count)/float64(p.classes), count)
	return count
}

func TestSolve_P16_L1WarmStartIsAtOnceDone(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(150, 3, classes, 11).mapped([]float64{3, -40, 0}, []float64{1, 5, 0.1})
		for _, opts := range []objective.Options{{}, {NoIntercept: true}, {Standardize: true}} {
			opts.Penalty = objective.L1
			for _, name := range sparsing {
				o := p.objective(t, opts)
				_, first := solve(t, name, o, solver.Options{Tol: 1e-9})
				x0, err := o.Theta(first.Coef, first.Intercept)
				require.NoError(t, err)
				r, again := solve(t, name, o, solver.Options{X0: x0, Tol: 1e-8})
				require.Equal(t, solver.Converged, r.Status)
				require.Zero(t, r.Iterations)
				require.InEpsilon(t, first.Objective, again.Objective, 1e-12)
				require.Equal(t, zeros(first.Coef), zeros(again.Coef))
			}
		}
	}
}

// Factors of 0 leave columns unpenalised, as an intercept of their own would be, and
// the others as they were.
func TestSolve_FactorsOfZeroUnpenalise(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(150, 3, classes, 5).mapped([]float64{3, -40, 0}, []float64{1, 5, 0.1})
		ones := p
		ones.x = nil
		for _, x := range p.x {
			ones.x = append(ones.x, append(append([]float64(nil), x...), 1))
		}
		for _, name := range sparsing {
			l1 := objective.Options{Penalty: objective.L1, C: 0.3}
			_, a := solve(t, name, p.objective(t, l1), solver.Options{Tol: 1e-10})
			l1.NoIntercept, l1.Factors = true, []float64{1, 1, 1, 0}
			_, b := solve(t, name, ones.objective(t, l1), solver.Options{Tol: 1e-10})
			require.InEpsilon(t, a.Objective, b.Objective, 1e-10)
			for k := range a.Coef {
				require.InDeltaSlice(t, a.Coef[k], b.Coef[k][:3], 1e-6)
				require.InDelta(t, a.Intercept[k], b.Coef[k][3], 1e-5)
			}
			// All of them zero is no penalty at all.
			_, c := solve(t, name, p.objective(t, objective.Options{Penalty: objective.L1, Factors: make([]float64, 3)}), solver.Options{Tol: 1e-8})
			_, none := solve(t, "newton", p.objective(t, objective.Options{Penalty: objective.None}), solver.Options{Tol: 1e-8})
			require.InEpsilon(t, none.Objective, c.Objective, 1e-10)
			require.LessOrEqual(t, gap(none.Coef, c.Coef), 1e-4*largest(none.Coef...))
		}
	}
}

// Duplicates share one coefficient in any proportion, so only the value is unique;
// constant and empty columns get none.
func TestSolve_P18_L1DuplicatesConstantsAndOddShapes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawL1Options(t, p)
		opts.Factors, opts.NoIntercept = nil, false
		_, want := solve(t, "prox-newton", p.objective(t, opts), solver.Options{Tol: 1e-9})
		q := p
		q.x = nil
		d := len(p.x[0])
		for _, x := range p.x {
			q.x = append(q.x, append(append([]float64(nil), x...), x[0], 7, 0))
		}
		for _, name := range sparsing {
			r, got := solve(t, name, q.objective(t, opts), solver.Options{Tol: 1e-9})
			require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status)
			if opts.Penalty == objective.L1 {
				require.InEpsilon(t, want.Objective, got.Objective, 1e-8)
			} else { // sharing lowers the squares
				require.LessOrEqual(t, got.Objective, want.Objective*(1+1e-8))
			}
			for _, row := range got.Coef {
				require.Equal(t, []float64{0, 0}, row[d+1:])
			}
		}
	})
	for name, p := range map[string]problem{
		"two rows":     {x: [][]float64{{0}, {1}}, y: []int32{0, 1}, classes: 2},
		"wide":         noisy(6, 40, 2, 13),
		"wide softmax": noisy(9, 20, 3, 13),
		"all zero":     noisy(50, 3, 3, 13).mapped(make([]float64, 3), make([]float64, 3)),
	} {
		for _, by := range sparsing {
			for _, c := range []float64{1, 1e4} {
				r, f := solve(t, by, p.objective(t, objective.Options{Penalty: objective.L1, C: c}), solver.Options{})
				require.Equal(t, solver.Converged, r.Status, "%s by %s: %s", name, by, r.Advice)
				require.False(t, math.IsNaN(largest(f.Coef...)))
			}
		}
	}
}

// A penalty bounds separable classes; a column that it leaves out does not.
func TestSolve_P22_L1SeparableClasses(t *testing.T) {
	leak := noisy(200, 2, 2, 19)
	for i := range leak.x {
		leak.x[i][1] = 0
		if i%10 == 0 {
			leak.x[i][1], leak.y[i] = 1, 1
		}
	}
	for _, name := range sparsing {
		r, f := solve(t, name, leak.objective(t, objective.Options{Penalty: objective.L1}), solver.Options{})
		require.Equal(t, solver.Converged, r.Status)
		require.Positive(t, f.Coef[0][1])
		for _, tol := range []float64{1e-4, 1e-6} {
			r, _ = solve(t, name, leak.objective(t, objective.Options{Penalty: objective.L1, Factors: []float64{1, 0}}), solver.Options{Tol: tol})
			require.Equal(t, solver.Separable, r.Status, name)
			r, _ = solve(t, name, leak.objective(t, objective.Options{Penalty: objective.L1, Factors: []float64{0, 1}}), solver.Options{Tol: tol})
			require.Equal(t, solver.Converged, r.Status, name)
		}
	}
}

func TestSolve_P26_L1ValuesNeverRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawL1Options(t, p)
		data, m := p.load(t, "cpu-reference", rapid.SampledFrom([]backend.Storage{backend.Float64, backend.Float32}).Draw(t, "storage"))
		o, err := objective.New(ctx, data, m, opts)
		require.NoError(t, err)
		noise, _ := o.Rounding()
		for _, name := range sparsing {
			x0 := make([]float64, o.Dim())
			far := rapid.SampledFrom([]float64{0, 0, 1, 100}).Draw(t, "start")
			for i := range x0 {
				x0[i] = far * float64(i%3-1)
			}
			r, _ := solve(t, name, o, solver.Options{MaxIter: 200, X0: x0})
			require.NotEmpty(t, r.Status)
			for i, s := range r.Trace[1:] {
				before := r.Trace[i].Value
				require.LessOrEqual(t, s.Value, before+noise*math.Abs(before))
			}
		}
	})
}

func TestNew_BadL1OptionsAreErrors(t *testing.T) {
	data, m := noisy(10, 2, 2, 1).load(t, "cpu-reference", backend.Float64)
	var option *objective.OptionError
	for _, ratio := range []float64{-0.1, 1.1, math.NaN()} {
		_, err := objective.New(ctx, data, m, objective.Options{C: 1, Penalty: objective.ElasticNet, L1Ratio: ratio})
		require.ErrorAs(t, err, &option)
		require.Equal(t, "l1-ratio", option.Option)
	}
	for _, name := range []string{"l1", "l2", "elasticnet", "none"} {
		p, err := objective.ParsePenalty(name)
		require.NoError(t, err)
		require.Equal(t, name, p.String())
	}
}

// Rows enough for samples, columns of which some are noise, rare, duplicates and
// constant: by samples the same optimum is found in fewer reads, zeros included.
func TestStaged_L1IsTheOptimumInFewReads(t *testing.T) {
	for _, classes := range []int{2, 3} {
		for _, weighted := range []bool{false, true} {
			p := noisy(20000, 8, classes, 43).mapped([]float64{3, -40, 0, 0, 0, 0, 0, 0}, []float64{1, 5, 0.1, 2, 1, 1, 1, 0})
			for i, x := range p.x {
				x[5] = x[4]
				x[6] = 0
				if i%700 == 0 {
					x[6] = 1
				}
				if weighted {
					p.weights = append(p.weights, 0.5+float64(i%3))
				}
			}
			data, m := p.load(t, "cpu", backend.Float64)
			for _, opts := range []objective.Options{
				{C: 1, Penalty: objective.L1}, {C: 0.01, Penalty: objective.L1}, {C: 0.01, Penalty: objective.ElasticNet, L1Ratio: 0.7},
				{C: 0.01, Penalty: objective.L1, Standardize: true, Factors: []float64{1, 0, 1, 1, 1, 1, 1, 1}},
			} {
				opts.Labels = p.y
				if weighted {
					opts.Weights = p.weights
				}
				o, err := objective.New(ctx, data, m, opts)
				require.NoError(t, err)
				chosen, err := solver.Choose(solver.AutoName, o)
				require.NoError(t, err)
				require.Equal(t, "staged", chosen.Name)
				exact, want := solve(t, "prox-newton", o, solver.Options{Tol: 1e-10})
				r, got := solve(t, "staged", o, solver.Options{Tol: 1e-9})
				t.Logf("%s, %d iterations, %.3g passes; prox-newton %.3g", r.Status, r.Iterations, r.Passes, exact.Passes)
				require.Equal(t, solver.Converged, r.Status)
				require.InEpsilon(t, want.Objective, got.Objective, 1e-10)
				require.Less(t, r.Trace[0].Value, 1.01*r.Value) // the stages came near
				if opts.Penalty == objective.ElasticNet {       // duplicates share their part evenly
					require.Equal(t, zeros(want.Coef), zeros(got.Coef))
					require.LessOrEqual(t, gap(want.Coef, got.Coef), 1e-5*largest(want.Coef...))
				}
				for i, s := range r.Trace[1:] {
					require.LessOrEqual(t, s.Value, r.Trace[i].Value*(1+0x1p-47))
				}

				warm, again := solve(t, "staged", o, solver.Options{Tol: 1e-8, X0: r.X})
				require.Equal(t, solver.Converged, warm.Status)
				require.Zero(t, warm.Iterations)
				require.InEpsilon(t, got.Objective, again.Objective, 1e-14) // Theta and back

				limited, _ := solve(t, "staged", o, solver.Options{MaxIter: solver.NoIterations})
				require.Equal(t, solver.MaxIter, limited.Status)
				require.Equal(t, make([]float64, o.Dim()), limited.X)
			}
		}
	}
}

// Samples in which a rare column tells the classes apart drive its coefficient far
// out; all rows know better.
func TestStaged_L1SeparableSamples(t *testing.T) {
	p := noisy(30000, 3, 2, 47)
	for i, x := range p.x {
		x[1], x[2] = 0, 0
		if i%3000 == 0 {
			x[1] = 1
		}
		if i%100 == 0 && p.y[i] == 1 {
			x[2] = 1
		}
	}
	data, m := p.load(t, "cpu", backend.Float32)
	for _, c := range []float64{0.1, 1, 1000} {
		o, err := objective.New(ctx, data, m, objective.Options{C: c, Penalty: objective.L1, Labels: p.y})
		require.NoError(t, err)
		_, want := solve(t, "prox-newton", o, solver.Options{})
		r, got := solve(t, "staged", o, solver.Options{})
		require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status, r.Advice)
		require.InEpsilon(t, want.Objective, got.Objective, 1e-6)
	}
	o, err := objective.New(ctx, data, m, objective.Options{C: 1, Penalty: objective.L1, Factors: []float64{1, 1, 0}, Labels: p.y})
	require.NoError(t, err)
	r, _ := solve(t, "staged", o, solver.Options{})
	require.Equal(t, solver.Separable, r.Status)
}
