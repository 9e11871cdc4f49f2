package objective_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// capable is a Data with all abilities.
type capable interface {
	backend.Data
	backend.HessVec
	backend.Gram
	backend.ColumnGram
	backend.Sampler
	backend.LineSearcher
}

// rated is a Data that says other rates than its own.
type rated struct {
	capable
	rates backend.Rates
}

func (d rated) Rates() backend.Rates { return d.rates }

func withRates(d backend.Data, r backend.Rates) backend.Data { return rated{d.(capable), r} }

// Where products are dear beside a read of X, a metric is made of 2 rows a column instead
// of 8, and there are no stages. The optimum is the same.
func TestStaged_P4_PlansFollowTheRates(t *testing.T) {
	p := large(8000, 250, 2, 31)
	data, m := p.load(t, "cpu", backend.Float64)
	usual := backend.Rates{Read: 25e9, Flops: 400e9, Link: 1e-9, Entry: 1e-9, Product: 0.5e-9}
	dear := usual
	dear.Flops /= 1000
	values := map[backend.Rates]float64{}
	for rates, plan := range map[backend.Rates]string{usual: "stages of [2008] of 8000 rows", dear: "one of 2000 of 8000 rows at the start, and no stages"} {
		o, err := objective.New(ctx, withRates(data, rates), m, objective.Options{C: 1, Labels: p.y})
		require.NoError(t, err)
		var said []string
		r, _ := solve(t, "staged", o, solver.Options{Log: func(s string) { said = append(said, s) }})
		require.Equal(t, solver.Converged, r.Status)
		require.Contains(t, strings.Join(said, "\n"), plan)
		values[rates] = r.Value
	}
	// Both ends are within 1e-9 of the minimum's value by their own estimate.
	require.InEpsilon(t, values[usual], values[dear], 1e-8)
}

// Rates decide by their ratios alone, and samples are priced as the whole is.
func TestCurvaturePrice_FollowsTheRates(t *testing.T) {
	p := large(6000, 10, 3, 37)
	data, m := p.load(t, "cpu", backend.Float64)
	usual := backend.Rates{Read: 25e9, Flops: 400e9, Link: 1e-9, Entry: 1e-9, Product: 0.5e-9}
	price := func(r backend.Rates) (whole, sample float64) {
		o, err := objective.New(ctx, withRates(data, r), m, objective.Options{C: 1, Labels: p.y})
		require.NoError(t, err)
		s, err := o.Sample(ctx, 2000, 0)
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		whole, _ = o.CurvaturePrice(o.Hot())
		sample, _ = s.Objective.(solver.Curved).CurvaturePrice(o.Hot())
		return whole, sample
	}
	whole, sample := price(usual)
	require.Equal(t, whole, sample)

	double, _ := price(backend.Rates{Read: 50e9, Flops: 800e9, Link: 0.5e-9, Entry: 0.5e-9, Product: 0.25e-9})
	require.InEpsilon(t, whole, double, 1e-12) // the same quotient but for rounding

	slow := usual
	slow.Flops /= 2
	dearer, _ := price(slow)
	require.Greater(t, dearer, whole)
	linked := usual
	linked.Link *= 2
	cheaper, _ := price(linked)
	require.Less(t, cheaper, whole)
}
