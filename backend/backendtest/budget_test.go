package backendtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// recorder is a test whose failure is what is asked for.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }

func evaluate(t testing.TB, src *backend.Source, s backend.Storage, models []backend.Model, coef []float64) *backend.Evaluation {
	d := mustLoad(t, reference.New(), src, s)
	defer close(t, d)
	ev := new(backend.Evaluation)
	require.NoError(t, d.Eval(t.Context(), models, coef, ev))
	return ev
}

// mistakes are evaluations that a faulty backend could give, each of some case.
func TestBudget_SeesMistakes(t *testing.T) {
	c := caseOf{seed: 1, rows: 900, cols: 20, data: "normal", models: "several", weights: "random", folds: "one", offset: true, coef: "modest", from: tensor.Float32}
	for _, s := range []backend.Storage{backend.Float64, backend.Float32, backend.BFloat16, backend.Float16} {
		for name, spoil := range map[string]func(ev *backend.Evaluation, src *backend.Source, models []backend.Model, coef []float64) *backend.Evaluation{
			"nothing": func(ev *backend.Evaluation, _ *backend.Source, _ []backend.Model, _ []float64) *backend.Evaluation {
				return ev
			},
			"the last row is missing": func(_ *backend.Evaluation, src *backend.Source, models []backend.Model, coef []float64) *backend.Evaluation {
				src.Weights[0][c.rows-1], src.Weights[1][c.rows-1] = 0, 0
				return evaluate(t, src, s, models, coef)
			},
			"the fold is not left out": func(_ *backend.Evaluation, src *backend.Source, models []backend.Model, coef []float64) *backend.Evaluation {
				models = append([]backend.Model(nil), models...)
				models[0].Fold = backend.None
				return evaluate(t, src, s, models, coef)
			},
			"coefficients in bfloat16": func(_ *backend.Evaluation, src *backend.Source, models []backend.Model, coef []float64) *backend.Evaluation {
				rounded := append([]float64(nil), coef...)
				for i := range rounded {
					rounded[i] = float64(math.Float32frombits(math.Float32bits(float32(coef[i])) &^ 0xffff))
				}
				return evaluate(t, src, s, models, rounded)
			},
			"one gradient off by 1e-5 of its terms": func(ev *backend.Evaluation, _ *backend.Source, _ []backend.Model, _ []float64) *backend.Evaluation {
				ev.Grad[7] += 1e-5 * float64(c.rows)
				return ev
			},
			"a NaN": func(ev *backend.Evaluation, _ *backend.Source, _ []backend.Model, _ []float64) *backend.Evaluation {
				ev.Loss[1] = math.NaN()
				return ev
			},
		} {
			src, models, coef, _ := c.source()
			want := evaluate(t, src, s, models, coef)
			v := &trial{r: &report{slack: 1, worst: map[string]finding{}}, budget: newBudget(copyOf(src), s, affineOf(t, src)), models: models, coef: coef}
			got := spoil(evaluate(t, src, s, models, coef), src, models, coef)
			r := &recorder{TB: t}
			v.compareEval(r, Eval, got, want)
			require.Equal(t, name != "nothing", r.failures > 0, "%s, %v", name, s)
		}
	}
}

// float32 arithmetic must not pass for float64.
func TestBudget_Float64IsFloat64(t *testing.T) {
	c := caseOf{seed: 2, rows: 300, cols: 10, data: "normal", models: "binary", weights: "none", folds: "none", coef: "modest", from: tensor.Float64}
	src, models, coef, _ := c.source()
	want := evaluate(t, src, backend.Float64, models, coef)
	got := evaluate(t, src, backend.Float32, models, coef)
	v := &trial{r: &report{slack: 1, worst: map[string]finding{}}, budget: newBudget(src, backend.Float64, affineOf(t, src)), models: models, coef: coef}
	r := &recorder{TB: t}
	v.compareEval(r, Eval, got, want)
	require.Equal(t, 2, r.failures, "loss and gradient")
}

func TestPairwise_EveryPairOfLevelsMeets(t *testing.T) {
	sizes := []int{5, 3, 2, 4}
	rows := pairwise(sizes, rand.New(rand.NewPCG(1, 2)))
	require.Less(t, len(rows), 40) // of 120; 20 are needed
	for a := range sizes {
		for b := range a {
			met := map[[2]int]bool{}
			for _, row := range rows {
				met[[2]int{row[a], row[b]}] = true
			}
			require.Len(t, met, sizes[a]*sizes[b])
		}
	}
}

func affineOf(t *testing.T, src *backend.Source) backend.Affine {
	a, err := backend.ChooseAffine(src)
	require.NoError(t, err)
	return a
}
