package objective_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Degenerate input: every solver, penalty and storage gives the right answer, or says by
// its status that it did not and what to do. Nothing is ever NaN or endless.

// kinds of columns, made of the ones before.
var columnKinds = []struct {
	name string
	make func(r *rand.Rand, before [][]float64, col []float64)
}{
	{"normal", func(r *rand.Rand, _ [][]float64, col []float64) { normal(r, col, 0, 1) }},
	{"scaled", func(r *rand.Rand, _ [][]float64, col []float64) {
		s := math.Pow(10, 24*r.Float64()-12)
		normal(r, col, 3*s*r.NormFloat64(), s)
	}},
	{"far", func(r *rand.Rand, _ [][]float64, col []float64) { normal(r, col, 1e6, 1) }},
	{"rare", func(r *rand.Rand, _ [][]float64, col []float64) { col[r.IntN(len(col))] = 1 }},
	{"binary", func(r *rand.Rand, _ [][]float64, col []float64) {
		for i := range col {
			col[i] = float64(r.IntN(2))
		}
	}},
	{"constant", func(r *rand.Rand, _ [][]float64, col []float64) { normal(r, col, 3, 0) }},
	{"zero", func(*rand.Rand, [][]float64, []float64) {}},
	{"duplicate", func(r *rand.Rand, before [][]float64, col []float64) {
		copy(col, before[r.IntN(len(before))])
	}},
	{"multiple", func(r *rand.Rand, before [][]float64, col []float64) {
		for i, v := range before[r.IntN(len(before))] {
			col[i] = 0x1p-10 * v // exactly: fits would exploit what rounding makes of other factors
		}
	}},
	{nearDuplicate, func(r *rand.Rand, before [][]float64, col []float64) { close(r, before, col, -6) }},
	{closeDuplicate, func(r *rand.Rand, before [][]float64, col []float64) { close(r, before, col, -2) }},
}

// A Gram matrix in float32 has 7 digits: of what columns differ by, it sees no less than
// some 3e-4, and of differences of differences a hundredth. Steps along smaller ones are
// lost in its rounding, and with them what a minimum gains there: of the kinds, float32
// gets closeDuplicate for nearDuplicate.
const (
	nearDuplicate  = "near duplicate"
	closeDuplicate = "close duplicate"
)

// close makes a duplicate that differs by 1e-2 to 10^least of the column's size.
func close(r *rand.Rand, before [][]float64, col []float64, least float64) {
	of := before[r.IntN(len(before))]
	by := math.Pow(10, -2+(least+2)*r.Float64()) * slices.Max(of)
	for i, v := range of {
		col[i] = v + by*r.NormFloat64()
	}
}

func normal(r *rand.Rand, col []float64, mean, deviation float64) {
	for i := range col {
		col[i] = mean + deviation*r.NormFloat64()
	}
}

// table makes columns of the given kinds and labels that depend on them, noise being the
// size of what does not. Every class has a row.
func table(r *rand.Rand, n, classes int, noise float64, kinds ...string) problem {
	p := problem{x: make([][]float64, n), y: make([]int32, n), classes: classes}
	logits := make([][]float64, n)
	for i := range n {
		p.x[i], logits[i] = make([]float64, len(kinds)), make([]float64, classes)
	}
	var cols [][]float64
	for j, kind := range kinds {
		col := make([]float64, n)
		for _, k := range columnKinds {
			if k.name == kind {
				k.make(r, cols, col)
			}
		}
		cols = append(cols, col)
		low, high := slices.Min(col), slices.Max(col)
		for c := range classes {
			slope := r.NormFloat64()
			for i, v := range col {
				p.x[i][j] = v
				if high > low {
					logits[i][c] += slope * (v - low) / (high - low) * 4
				}
			}
		}
	}
	for i, z := range logits {
		for c := range z {
			z[c] -= noise * math.Log(r.ExpFloat64()) // of an extreme value distribution
			if z[c] > z[p.y[i]] {
				p.y[i] = int32(c)
			}
		}
	}
	for c := range classes {
		p.y[c] = int32(c)
	}
	return p
}

// sorted puts the rows in the order of a key.
func (p problem) sorted(key func(i int) float64) problem {
	order := make([]int, len(p.x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case key(a) < key(b):
			return -1
		case key(a) > key(b):
			return 1
		}
		return 0
	})
	q := p
	q.x, q.y = make([][]float64, len(p.x)), make([]int32, len(p.x))
	for to, from := range order {
		q.x[to], q.y[to] = p.x[from], p.y[from]
	}
	return q
}

// degenerate are the tables by name.
func degenerate() map[string]problem {
	r := rand.New(rand.NewPCG(7, 7))
	ordinary := table(r, 60, 2, 1, "normal", "normal", "normal")
	three := table(r, 60, 3, 1, "normal", "normal", "binary")
	spanning := table(r, 60, 2, 1, "normal", "normal")
	for range spanning.x {
		spanning.weights = append(spanning.weights, math.Pow(10, 9*r.Float64()-4))
	}
	lonely := table(r, 60, 2, 1, "normal", "normal")
	clear(lonely.y)
	lonely.y[31] = 1
	classes := table(r, 40, 4, 0, "normal", "normal")
	clear(classes.y)
	classes.y[5], classes.y[17], classes.y[33] = 1, 2, 3
	return map[string]problem{
		"sorted by label":             three.sorted(func(i int) float64 { return float64(three.y[i]) }),
		"sorted by time":              ordinary.sorted(func(i int) float64 { return ordinary.x[i][0] }),
		"constant columns":            table(r, 60, 2, 1, "normal", "constant", "constant"),
		"duplicate columns":           table(r, 60, 3, 1, "normal", "duplicate", "multiple"),
		"nearly duplicate columns":    table(r, 60, 2, 1, "normal", nearDuplicate, "normal"),
		"fewer rows than columns":     table(r, 5, 2, 1, slices.Repeat([]string{"normal"}, 8)...),
		"zero columns":                table(r, 60, 3, 1, "zero", "normal", "zero"),
		"nothing but zeros":           table(r, 20, 2, 1, "zero", "zero"),
		"scales of 1e-12 to 1e12":     table(r, 60, 2, 1, "scaled", "scaled", "scaled", "scaled"),
		"mean 1e6, deviation 1":       table(r, 60, 2, 1, "far", "far", "normal"),
		"separable":                   table(r, 60, 2, 0, "normal", "normal"),
		"separable, three classes":    table(r, 30, 3, 0, "normal", "normal"),
		"separated by one rare level": table(r, 60, 2, 1, "normal", "rare"),
		"one row of a class":          lonely,
		"classes of one row":          classes,
		"weights that span 1e9":       spanning,
		"one column":                  table(r, 10, 2, 1, "normal"),
		"two rows":                    table(r, 2, 2, 1, "normal", "normal"),
	}
}

// judge tells whether solvers say what is true of a problem.
type judge struct {
	fatal
	p       problem
	opts    objective.Options
	storage backend.Storage
	fast    *objective.Objective // what is solved
	exact   *objective.Objective // of the same stored numbers, in the arithmetic of the reference
	words   string
}

func newJudge(t fatal, p problem, opts objective.Options, storage backend.Storage, words string) *judge {
	j := &judge{fatal: t, p: p, opts: opts, storage: storage, words: fmt.Sprintf("%s, %v, C=%.3g, %v", words, opts.Penalty, opts.C, storage)}
	for name, to := range map[string]**objective.Objective{"cpu": &j.fast, "cpu-reference": &j.exact} {
		data, m := p.load(t, name, storage)
		o, err := objective.New(context.Background(), data, m, opts)
		require.NoError(t, err)
		*to = o
	}
	return j
}

// value is the exact one of a fit.
func (j *judge) value(f objective.Fit) float64 {
	theta, err := j.exact.Theta(f.Coef, f.Intercept)
	require.NoError(j, err)
	v, err := j.exact.Eval(context.Background(), theta, make([]float64, len(theta)))
	require.NoError(j, err)
	for i, w := range j.exact.Lasso() {
		v += w * math.Abs(theta[i])
	}
	return v
}

// check runs the given solvers and holds what they say against the lowest value that
// anyone found.
func (j *judge) check(names []string) {
	j.Helper()
	type outcome struct {
		name  string
		run   *solver.Result
		value float64
	}
	var all []outcome
	least := math.Inf(1)
	for _, name := range []string{"newton", "prox-newton"} {
		if r, err := solver.Solve(context.Background(), name, j.exact, solver.Options{Tol: 1e-11}); err == nil {
			least = min(least, j.value(j.exact.Fit(r.X, r.Value)))
		}
	}
	for _, name := range names {
		words := name + ", " + j.words
		r, err := solver.Solve(context.Background(), name, j.fast, solver.Options{})
		require.NoError(j, err, words)
		f := j.fast.Fit(r.X, r.Value)
		for k, row := range f.Coef {
			for _, v := range append([]float64{f.Intercept[k], f.Objective, r.MaxAbsGradient}, row...) {
				require.False(j, math.IsNaN(v) || math.IsInf(v, 0), words)
			}
		}
		v := j.value(f)
		least = min(least, v)
		all = append(all, outcome{name, r, v})
	}
	for _, o := range all {
		words := fmt.Sprintf("%s, %s: %s after %d steps, %s", o.name, j.words, o.run.Status, o.run.Iterations, o.run.Advice)
		limit := 0
		for _, s := range solver.Solvers() {
			if s.Name == o.name {
				limit = s.MaxIter
			}
		}
		require.LessOrEqual(j, o.run.Iterations, limit, words)
		require.Equal(j, o.run.Status == solver.Converged, o.run.Advice == "", words)
		if o.run.Status != solver.Converged {
			continue
		}
		// Converged is 1e-9 of the value. In float32 coefficients are rounded to seven digits
		// too, and those of columns that depend on each other are large and cancel. What is
		// small beside the first value is lost in its rounding.
		near, lost := 1e-6, 1e-10
		if j.storage == backend.Float32 {
			near, lost = 1e-4, 2e-4
		}
		require.LessOrEqual(j, o.value-least, near*least+lost*math.Ln2, words)
	}
}

// solversFor are those that take a penalty; sgd in the solver's coordinates is no more
// than a descent that has to end.
func solversFor(penalty objective.Penalty) (names []string) {
	for _, s := range solver.Solvers() {
		if s.Lasso || penalty == objective.L2 || penalty == objective.None {
			names = append(names, s.Name)
		}
	}
	return names
}

var penalties = []objective.Penalty{objective.L2, objective.L1, objective.ElasticNet, objective.None}

func TestSolve_P18_DegenerateInput(t *testing.T) {
	for name, p := range degenerate() {
		t.Run(name, func(t *testing.T) {
			for _, penalty := range penalties {
				for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
					opts := objective.Options{C: 1, Penalty: penalty, L1Ratio: 0.5}
					newJudge(t, p, opts, storage, name).check(solversFor(penalty))
				}
			}
		})
	}
}

// Columns that nearly depend on each other, under hardly any penalty: the gradient is
// small, and so is the gain that pairs of steps expect, far from the minimum.
func TestSolve_P4_HardlyBentIsNotTheEnd(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		kinds := []string{"normal", nearDuplicate, "binary", nearDuplicate, "normal"}
		p := table(r, 60, 2+int(seed%2), 1, kinds...)
		for _, penalty := range []objective.Penalty{objective.L2, objective.L1} {
			o := p.objective(t, objective.Options{C: 1e6, Penalty: penalty})
			best, _ := solve(t, "prox-newton", o, solver.Options{Tol: 1e-11})
			for _, name := range solversFor(penalty) {
				if name == "sgd" {
					continue
				}
				got, _ := solve(t, name, o, solver.Options{})
				require.Equal(t, solver.Converged, got.Status, "%s, %v, seed %d: %s", name, penalty, seed, got.Advice)
				// What solvers take for the end, 1e-9 of the value, with a digit to spare.
				require.InEpsilon(t, best.Value, got.Value, 1e-8, "%s, %v, seed %d", name, penalty, seed)
			}
		}
	}
}

// With C from 1e-8 to 1e8 and columns of all kinds.
func TestSolve_P18_DegenerateInputOfAnyKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 1))
		storage := []backend.Storage{backend.Float64, backend.Float32}[r.IntN(2)]
		kinds := []string{"normal"}
		for range r.IntN(6) {
			kind := columnKinds[r.IntN(len(columnKinds))].name
			if kind == nearDuplicate && storage == backend.Float32 {
				kind = closeDuplicate
			}
			kinds = append(kinds, kind)
		}
		n := []int{4, 10, 40}[r.IntN(3)]
		p := table(r, n, 2+r.IntN(3), []float64{0, 1, 3}[r.IntN(3)], kinds...)
		if r.IntN(4) == 0 {
			for range n {
				p.weights = append(p.weights, math.Pow(10, 6*r.Float64()-3))
			}
		}
		opts := objective.Options{
			C: math.Pow(10, 16*r.Float64()-8), Penalty: penalties[r.IntN(4)], L1Ratio: r.Float64(),
			NoIntercept: r.IntN(4) == 0, Standardize: r.IntN(3) == 0,
		}
		words := fmt.Sprintf("%d rows of %v, no intercept %v, standardize %v", n, kinds, opts.NoIntercept, opts.Standardize)
		names := solversFor(opts.Penalty)
		names = slices.DeleteFunc(names, func(name string) bool { return name == "sgd" })
		newJudge(t, p, opts, storage, words).check(names)
	})
}
