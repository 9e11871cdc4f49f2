package objective_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// descending are the solvers that find optima; sgd is no more than a descent that has
// to end.
var descending = named(func(s solver.Solver) bool { return s.Name != "sgd" })

// noisy is n rows of d independent normal columns with labels that follow the first
// columns half of the time, so that a finite optimum exists.
func noisy(n, d, classes int, seed uint64) problem {
	r := rand.New(rand.NewPCG(seed, 1))
	p := problem{classes: classes}
	for i := range n {
		row := make([]float64, d)
		for j := range row {
			row[j] = r.NormFloat64()
		}
		y := int32(r.IntN(classes))
		if i%2 == 0 && row[0] > 0 {
			y = int32(classes - 1)
		}
		p.x, p.y = append(p.x, row), append(p.y, y)
	}
	return p
}

// mapped is p with column j turned into place_j + scale_j x.
func (p problem) mapped(place, scale []float64) problem {
	q := p
	q.x = make([][]float64, len(p.x))
	for i, x := range p.x {
		q.x[i] = make([]float64, len(x))
		for j, v := range x {
			q.x[i][j] = place[j] + scale[j]*v
		}
	}
	return q
}

// The gradient in the user's units, computed from its definition at the rounded
// coefficients: what scikit-learn's tol is compared with.
func TestSolve_P3_GradientVanishesInUsersUnits(t *testing.T) {
	p := readCSV(t, "../dataset/builtin/breast_cancer.csv")
	for _, name := range descending {
		for _, c := range []struct {
			standardize bool
			iterations  int
		}{{false, 0}, {true, 0}, {false, 2}, {true, 2}} { // to the end, and on the way
			o := p.objective(t, objective.Options{Standardize: c.standardize})
			r, f := solve(t, name, o, solver.Options{MaxIter: c.iterations})
			require.Equal(t, c.iterations == 0, r.Status == solver.Converged)
			judged, coef := p, f.Coef[0] // in the columns that the penalty sees
			if c.standardize {
				judged, coef = p.standardised(), f.CoefStandardized[0]
			}
			grad := append(append([]float64(nil), coef...), 0)
			for i, x := range judged.x {
				e := 1/(1+math.Exp(-floats.Dot(p.x[i], f.Coef[0])-f.Intercept[0])) - float64(p.y[i])
				floats.AddScaled(grad[:len(x)], e, x)
				grad[len(x)] += e
			}
			floats.Scale(1/float64(len(p.x)), grad)
			// Columns of size 1e3 round z and sums to 1e-12 of that.
			require.InDelta(t, largest(grad), r.MaxAbsGradient, 1e-9*(1+largest(grad)))
			if r.Status == solver.Converged {
				require.LessOrEqual(t, r.MaxAbsGradient, 1e-6)
			}
		}
	}
}

// One row of its class, under a weak penalty: the gradient is within the tolerance
// when the value is still 10 % above its minimum.
func TestSolve_P4_SmallGradientIsNotTheEnd(t *testing.T) {
	for seed := range uint64(5) {
		p := noisy(180, 9, 2, seed)
		clear(p.y)
		p.y[7] = 1
		o := p.objective(t, objective.Options{C: 1e5})
		best, _ := solve(t, "newton", o, solver.Options{Tol: 1e-14})
		for _, name := range []string{"newton", "newton-cg", "staged", "prox-newton"} {
			r, _ := solve(t, name, o, solver.Options{})
			require.Equal(t, solver.Converged, r.Status, name)
			// What solvers take for the end, 1e-9 of the value, with a digit to spare.
			require.InEpsilon(t, best.Value, r.Value, 1e-8, name)
		}
	}
}

// The optimum is the same by any solver, in any coordinates.
func TestSolve_P4_SolversAndCoordinatesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawOptions(t, p)
		opts.Penalty, opts.Factors = objective.L2, nil
		opts.C = min(opts.C, 1) // few rows: beyond, some problems are nearly separable
		opts.Coordinates = objective.Scaled
		o := p.objective(t, opts)
		_, want := solve(t, "newton", o, solver.Options{Tol: 1e-10})
		_, lbfgs := solve(t, "lbfgs", o, solver.Options{Tol: 1e-10})
		opts.Coordinates = objective.User
		_, user := solve(t, "newton", p.objective(t, opts), solver.Options{Tol: 1e-10})
		for _, got := range []objective.Fit{lbfgs, user} {
			require.InEpsilon(t, want.Objective, got.Objective, 1e-8)
			// Compared by the effect on z, column by column: coefficients of columns far
			// from 0 are penalised as strongly as others but move z more.
			require.LessOrEqual(t, gap(want.CoefStandardized, got.CoefStandardized), 1e-5*(1+largest(want.CoefStandardized...)))
		}
	})
}

func TestSolve_P7_IntegerWeightsAreRepeatedRows(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(80, 3, classes, 3)
		repeated := problem{classes: classes}
		p.weights = make([]float64, len(p.x))
		for i := range p.x {
			p.weights[i] = float64(i % 4)
			for range i % 4 {
				repeated.x, repeated.y = append(repeated.x, p.x[i]), append(repeated.y, p.y[i])
			}
		}
		for _, name := range descending {
			_, a := solve(t, name, p.objective(t, objective.Options{}), solver.Options{Tol: 1e-10})
			_, b := solve(t, name, repeated.objective(t, objective.Options{}), solver.Options{Tol: 1e-10})
			require.InEpsilon(t, a.Objective, b.Objective, 1e-12)
			require.LessOrEqual(t, gap(a.Coef, b.Coef), 1e-8)
		}
	}
}

func TestSolve_P12_InterceptIsAnUnpenalisedColumnOfOnes(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(150, 3, classes, 5).mapped([]float64{3, -40, 0}, []float64{1, 5, 0.1})
		ones := p
		ones.x = nil
		for _, x := range p.x {
			ones.x = append(ones.x, append(append([]float64(nil), x...), 1))
		}
		for _, name := range descending {
			_, a := solve(t, name, p.objective(t, objective.Options{}), solver.Options{Tol: 1e-10})
			_, b := solve(t, name, ones.objective(t, objective.Options{NoIntercept: true, Factors: []float64{1, 1, 1, 0}}), solver.Options{Tol: 1e-10})
			require.InEpsilon(t, a.Objective, b.Objective, 1e-11)
			for k := range a.Coef {
				// tol 1e-10 over curvatures of 1e-2 and columns of size 40
				require.InDeltaSlice(t, a.Coef[k], b.Coef[k][:3], 1e-6)
				require.InDelta(t, a.Intercept[k], b.Coef[k][3], 1e-6)
				require.Zero(t, b.Intercept[k])
			}
		}
	}
}

// Penalising standardised coefficients is fitting standardised columns, also where
// the mean is 1e6 deviations away and where columns do not vary. Such means cost 6 of
// the 16 digits of X itself.
func TestSolve_P13_StandardizeIsFittingStandardisedColumns(t *testing.T) {
	for _, weighted := range []bool{false, true} {
		p := noisy(200, 5, 2, 7)
		if weighted {
			p.weights = make([]float64, len(p.x))
			for i := range p.weights {
				p.weights[i] = float64(i % 3)
			}
		}
		p = p.mapped([]float64{1e6, 0, -3, 0.1, 0}, []float64{1, 100, 0.01, 0, 0}) // the last two constant
		s := p.standardised()
		for _, name := range descending {
			r, a := solve(t, name, p.objective(t, objective.Options{Standardize: true}), solver.Options{Tol: 1e-9})
			require.Equal(t, solver.Converged, r.Status)
			_, b := solve(t, name, s.objective(t, objective.Options{}), solver.Options{Tol: 1e-9})
			require.InEpsilon(t, b.Objective, a.Objective, 1e-10)
			require.LessOrEqual(t, gap(b.Coef, a.CoefStandardized), 1e-7)
			require.Equal(t, []float64{0, 0}, a.Coef[0][3:])
		}
	}
}

func TestSolve_P13_LargeMeansInRawUnits(t *testing.T) {
	p := noisy(200, 2, 2, 9)
	far := p.mapped([]float64{1e6, -1e6}, []float64{1, 1})
	for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
		for _, name := range descending {
			_, near := solve(t, name, p.objective(t, objective.Options{}), solver.Options{Tol: 1e-9})
			data, m := far.load(t, "cpu-reference", storage)
			o, err := objective.New(ctx, data, m, objective.Options{C: 1})
			require.NoError(t, err)
			_, got := solve(t, name, o, solver.Options{})
			// X keeps 1e-10 of its deviation in float64; the map keeps float32's 1e-7.
			require.LessOrEqual(t, gap(near.Coef, got.Coef), 1e-5)
		}
	}
}

func TestSolve_P16_WarmStartIsAtOnceDone(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(150, 3, classes, 11).mapped([]float64{3, -40, 0}, []float64{1, 5, 0.1})
		for _, opts := range []objective.Options{{}, {NoIntercept: true}, {Standardize: true}, {Penalty: objective.None}} {
			for _, name := range descending {
				o := p.objective(t, opts)
				_, first := solve(t, name, o, solver.Options{Tol: 1e-9})
				x0, err := o.Theta(first.Coef, first.Intercept)
				require.NoError(t, err)
				r, again := solve(t, name, o, solver.Options{X0: x0, Tol: 1e-8})
				require.Equal(t, solver.Converged, r.Status)
				require.LessOrEqual(t, r.Iterations, 1) // newton's confirmation without a penalty
				require.InEpsilon(t, first.Objective, again.Objective, 1e-12)
			}
		}
	}
}

// From coefficients that put z at 1e5 and all probabilities at 0 or 1, where most
// curvatures underflow.
func TestSolve_P19_SaturatedStart(t *testing.T) {
	for _, p := range []problem{
		readCSV(t, "../dataset/builtin/breast_cancer.csv"), readCSV(t, "../dataset/builtin/iris.csv"),
		noisy(100, 3, 2, 1), noisy(100, 3, 4, 1),
	} {
		_, want := solve(t, "newton", p.objective(t, objective.Options{}), solver.Options{Tol: 1e-9})
		for _, name := range descending {
			for _, far := range []float64{1e3, -1e3, 1e5} {
				o := p.objective(t, objective.Options{})
				x0 := make([]float64, o.Dim())
				for i := range x0 {
					x0[i] = far * float64(i%3+1)
				}
				r, got := solve(t, name, o, solver.Options{X0: x0})
				require.Equal(t, solver.Converged, r.Status, "%s: %s", name, r.Advice)
				require.InEpsilon(t, want.Objective, got.Objective, 1e-6)
			}
		}
	}
}

// Offsets of 1e4 put most rows where probabilities are 0 or 1 from the start.
func TestSolve_P19_ExtremeOffsets(t *testing.T) {
	for _, classes := range []int{2, 3} {
		p := noisy(100, 3, classes, 1)
		p.offsets = make([]float64, len(p.x))
		for i := range p.offsets {
			p.offsets[i] = 1e4 * float64(i%3-1)
		}
		for _, all := range []bool{false, true} { // a third of the rows without offset, then none
			for i := 1; all && i < len(p.offsets); i += 3 {
				p.offsets[i] = 5e3
			}
			o := p.objective(t, objective.Options{})
			var fits []objective.Fit
			for _, name := range descending {
				r, f := solve(t, name, o, solver.Options{MaxIter: 500})
				t.Log(r.Status, r.Iterations, r.Passes, f.Objective, r.MaxAbsGradient)
				require.Equal(t, solver.Converged, r.Status)
				fits = append(fits, f)
			}
			require.InEpsilon(t, fits[0].Objective, fits[1].Objective, 1e-7)
		}
	}
}

func TestTheta_WhatDoesNotFitIsAnError(t *testing.T) {
	o := noisy(10, 2, 2, 1).objective(t, objective.Options{NoIntercept: true})
	var bad *objective.OptionError
	for _, s := range []struct {
		coef      [][]float64
		intercept []float64
	}{
		{nil, nil}, {[][]float64{{1}}, nil}, {[][]float64{{1, 2}}, []float64{1, 2}}, {[][]float64{{1, 2}}, []float64{1}},
	} {
		_, err := o.Theta(s.coef, s.intercept)
		require.ErrorAs(t, err, &bad)
	}
	_, err := o.Theta([][]float64{{1, 2}}, nil)
	require.NoError(t, err)
}

func TestSolve_P18_SmallestAndOddShapes(t *testing.T) {
	for name, p := range map[string]problem{
		"one row":      {x: [][]float64{{2}}, y: []int32{1}, classes: 2},
		"two rows":     {x: [][]float64{{0}, {1}}, y: []int32{0, 1}, classes: 2},
		"wide":         noisy(6, 40, 2, 13),
		"wide softmax": noisy(9, 20, 3, 13),
		"zero columns": noisy(50, 4, 2, 13).mapped(make([]float64, 4), []float64{0, 1, 0, 1}),
		"all zero":     noisy(50, 3, 3, 13).mapped(make([]float64, 3), make([]float64, 3)),
		"twins": func() problem {
			p := noisy(60, 2, 2, 13)
			for i := range p.x {
				p.x[i][1] = p.x[i][0]
			}
			return p
		}(),
	} {
		for _, solverName := range descending {
			for _, opts := range []objective.Options{{}, {NoIntercept: true}, {Standardize: true}} {
				if name == "one row" && !opts.NoIntercept {
					continue // one class and a free intercept: no minimum
				}
				o := p.objective(t, opts)
				r, f := solve(t, solverName, o, solver.Options{Tol: 1e-9})
				require.Equal(t, solver.Converged, r.Status, "%s %s", name, solverName)
				for _, row := range f.Coef {
					for j, v := range row {
						require.False(t, math.IsNaN(v))
						if largest(column(p, j)) == 0 {
							require.Zero(t, v)
						}
					}
				}
			}
		}
	}
}

func column(p problem, j int) (col []float64) {
	for _, x := range p.x {
		col = append(col, x[j])
	}
	return col
}

// Without a penalty, columns that depend on each other leave the optimum's value
// alone; the intercept and rank-deficient directions stay finite.
func TestSolve_P18_DependentColumnsWithoutPenalty(t *testing.T) {
	p := noisy(120, 3, 2, 17)
	twins := p
	twins.x = nil
	for _, x := range p.x {
		twins.x = append(twins.x, append(append([]float64(nil), x...), x[0]+x[1], 7))
	}
	for _, name := range descending {
		_, a := solve(t, name, p.objective(t, objective.Options{Penalty: objective.None}), solver.Options{Tol: 1e-8})
		r, b := solve(t, name, twins.objective(t, objective.Options{Penalty: objective.None}), solver.Options{Tol: 1e-8})
		require.Equal(t, solver.Converged, r.Status)
		require.InEpsilon(t, a.Objective, b.Objective, 1e-12)
		require.Less(t, largest(b.Coef...), 10*largest(a.Coef...))
		require.Zero(t, b.Coef[0][4]) // the constant column
	}
}

func TestSolve_P22_SeparableClassesAreReported(t *testing.T) {
	iris := readCSV(t, "../dataset/builtin/iris.csv")
	setosa := iris
	setosa.classes, setosa.y = 2, append([]int32(nil), iris.y...)
	for i := range setosa.y {
		setosa.y[i] = min(setosa.y[i], 1)
	}
	// A column that is 1 in some rows of class 1 only; the rest is noise.
	leak := noisy(200, 2, 2, 19)
	for i := range leak.x {
		leak.x[i][1] = 0
		if i%10 == 0 {
			leak.x[i][1], leak.y[i] = 1, 1
		}
	}
	weighted := leak
	weighted.weights = make([]float64, 200)
	for i := range weighted.weights {
		weighted.weights[i] = 0.5 + float64(i%3)
	}
	for name, p := range map[string]problem{
		"complete": setosa, "one class of three": iris, "one column": leak, "weighted": weighted,
		"more columns than rows": noisy(6, 40, 2, 13), "softmax of few rows": noisy(9, 20, 3, 13),
		"cancer": readCSV(t, "../dataset/builtin/breast_cancer.csv"),
	} {
		for _, s := range descending {
			for _, tol := range []float64{1e-4, 1e-6, 1e-10} {
				r, f := solve(t, s, p.objective(t, objective.Options{Penalty: objective.None}), solver.Options{Tol: tol})
				require.Equal(t, solver.Separable, r.Status, "%s by %s to %g", name, s, tol)
				require.Contains(t, r.Advice, "--penalty l2")
				if s == "newton" && tol == 1e-4 { // soon after the gradient would pass for converged
					require.Less(t, r.Iterations, 30)
				}
				require.False(t, math.IsNaN(largest(f.Coef...)) || math.IsInf(largest(f.Coef...), 0))
			}
		}
	}
}

func TestSolve_P22_OverlappingClassesAreNot(t *testing.T) {
	for seed := range uint64(20) {
		p := noisy(100, 3, 2+int(seed%3), seed)
		for _, s := range descending {
			for _, tol := range []float64{1e-2, 1e-6, 1e-10} {
				r, _ := solve(t, s, p.objective(t, objective.Options{Penalty: objective.None}), solver.Options{Tol: tol})
				require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status)
			}
		}
	}
}

func TestSolve_P26_ValuesNeverRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		opts := drawOptions(t, p)
		data, m := p.load(t, "cpu-reference", rapid.SampledFrom([]backend.Storage{backend.Float64, backend.Float32}).Draw(t, "storage"))
		o, err := objective.New(ctx, data, m, opts)
		require.NoError(t, err)
		noise, _ := o.Rounding()
		for _, name := range descending {
			r, _ := solve(t, name, o, solver.Options{MaxIter: 200})
			require.NotEmpty(t, r.Status)
			for i, s := range r.Trace[1:] {
				before := r.Trace[i].Value
				require.LessOrEqual(t, s.Value, before+noise*math.Abs(before))
			}
		}
	})
}

// All weights times a, C divided by a: the same problem. cuML scales the two unlike.
func TestSolve_P29_WeightsAndCTradeExactly(t *testing.T) {
	p := noisy(100, 3, 2, 23)
	p.weights = make([]float64, len(p.x))
	for i := range p.weights {
		p.weights[i] = 1 + float64(i%5)
	}
	heavy := p
	heavy.weights = append([]float64(nil), p.weights...)
	floats.Scale(8, heavy.weights)
	for _, name := range descending {
		ra, a := solve(t, name, p.objective(t, objective.Options{C: 2}), solver.Options{})
		rb, b := solve(t, name, heavy.objective(t, objective.Options{C: 0.25}), solver.Options{})
		require.Equal(t, a.Coef, b.Coef) // bit-equal: 8 is a power of two
		require.Equal(t, ra.MaxAbsGradient, rb.MaxAbsGradient)
		require.Equal(t, a.Objective, b.Objective)
	}
}

// Without a penalty the units of the columns are no part of the problem.
func TestSolve_UnitsDoNotMatterWithoutPenalty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := noisy(100, 3, rapid.IntRange(2, 3).Draw(t, "classes"), rapid.Uint64().Draw(t, "seed"))
		place := rapid.SliceOfN(rapid.Float64Range(-100, 100), 3, 3).Draw(t, "place")
		scale := make([]float64, 3)
		for j := range scale {
			scale[j] = math.Pow(10, rapid.Float64Range(-3, 3).Draw(t, "log scale"))
			place[j] *= scale[j]
		}
		none := objective.Options{Penalty: objective.None}
		for _, name := range descending {
			_, a := solve(t, name, p.objective(t, none), solver.Options{Tol: 1e-9})
			_, b := solve(t, name, p.mapped(place, scale).objective(t, none), solver.Options{Tol: 1e-9 * min(1, floats.Min(scale))})
			require.InEpsilon(t, a.Objective, b.Objective, 1e-10)
			// Half of the objective's digits at least.
			require.LessOrEqual(t, gap(a.CoefStandardized, b.CoefStandardized), 1e-5*largest(a.CoefStandardized...))
		}
	})
}

func TestFit_SoftmaxSumsToZero(t *testing.T) {
	p := noisy(150, 3, 4, 29).mapped([]float64{5, 0, -2}, []float64{2, 1, 0.3})
	for _, opts := range []objective.Options{{}, {Penalty: objective.None}, {Factors: []float64{0, 1, 1}}} {
		for _, name := range descending {
			_, f := solve(t, name, p.objective(t, opts), solver.Options{Tol: 1e-9})
			require.InDelta(t, 0, floats.Sum(f.Intercept), 1e-13)
			for j := range 3 {
				sum := 0.0
				for k := range f.Coef {
					sum += f.Coef[k][j]
				}
				// Penalised ones to tol over the penalty, 1/150.
				require.InDelta(t, 0, sum, 1e-6)
			}
		}
	}
}

func TestNew_BadOptionsAreErrors(t *testing.T) {
	data, m := noisy(10, 2, 2, 1).load(t, "cpu-reference", backend.Float64)
	var option *objective.OptionError
	for _, opts := range []objective.Options{
		{}, {C: -1}, {C: math.NaN()}, {C: math.Inf(1)}, {C: 1, Penalty: "l3"}, {C: 1, Coordinates: "polar"},
		{C: 1, Factors: []float64{1}}, {C: 1, Factors: []float64{1, -1}},
	} {
		_, err := objective.New(ctx, data, m, opts)
		require.ErrorAs(t, err, &option)
	}
	_, err := objective.ParsePenalty("l3")
	require.ErrorAs(t, err, &option)

	zero := noisy(10, 2, 2, 1)
	zero.weights = make([]float64, 10)
	data, m = zero.load(t, "cpu-reference", backend.Float64)
	var weight *objective.WeightError
	_, err = objective.New(ctx, data, m, objective.Options{C: 1})
	require.ErrorAs(t, err, &weight)
}

func TestHint_NamesTheColumnThatTakesAnIntercept(t *testing.T) {
	p := noisy(50, 3, 2, 1).mapped([]float64{0, 1e6, 0}, []float64{1, 1, 10})
	names := []string{"age", "year", "rooms"}
	require.Regexp(t, `column "year" varies by .* around 1e\+06`, p.objective(t, objective.Options{Names: names, NoIntercept: true}).Hint())
	require.Empty(t, p.objective(t, objective.Options{Names: names}).Hint())
}

func TestHint_NamesTheColumnToScale(t *testing.T) {
	p := noisy(50, 3, 2, 1).mapped(make([]float64, 3), []float64{1, 1e5, 10})
	o := p.objective(t, objective.Options{Names: []string{"age", "income", "rooms"}})
	r, _ := solve(t, "lbfgs", o, solver.Options{MaxIter: 1})
	require.Regexp(t, `raise --max-iter or --tol; column "income" varies .* times as much as "age": use --standardize$`, r.Advice)
	require.Empty(t, p.objective(t, objective.Options{Standardize: true}).Hint())
}
