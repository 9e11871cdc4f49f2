package objective_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// The optima were computed in 80-bit floats by another program. 1e-8 and 1e-5 are what
// float64 must reach at tol 1e-10 on a raw data set whose scaled Hessian has a
// condition number of about 1e4; float32 rounds z to 6e-8 and gets the square root
// of the objective's 1e-5 in the coefficients.
func TestSolve_P4_ReferenceOptima(t *testing.T) {
	for _, c := range references(t) {
		p := c.problem(t)
		for _, s := range []struct {
			storage         backend.Storage
			objective, coef float64
		}{{backend.Float64, 1e-8, 1e-5}, {backend.Float32, 1e-5, 1e-3}} {
			for _, name := range []string{"cpu-reference", "cpu"} {
				data, model := p.load(t, name, s.storage)
				for _, by := range descending {
					t.Run(strings.Join([]string{c.ID, s.storage.String(), name, by}, "/"), func(t *testing.T) {
						o, err := objective.New(ctx, data, model, objective.Options{C: c.C})
						require.NoError(t, err)
						r, fit := solve(t, by, o, solver.Options{Tol: 1e-10})
						t.Logf("%s: %d iterations, %.3g passes, max|gradient| %.2g; off by %.1g of the objective, %.1g of the coefficients",
							r.Status, r.Iterations, r.Passes, r.MaxAbsGradient, fit.Objective/c.Objective-1, gap(fit.Coef, c.Coef)/largest(c.Coef...))
						require.Contains(t, []solver.Status{solver.Converged, solver.Precision}, r.Status)
						require.InEpsilon(t, c.Objective, fit.Objective, s.objective)
						require.LessOrEqual(t, gap(fit.Coef, c.Coef), s.coef*largest(c.Coef...))
						scale := largest(append(c.Coef, c.Intercept)...)
						require.LessOrEqual(t, gap([][]float64{fit.Intercept}, [][]float64{c.Intercept}), s.coef*scale)
					})
				}
			}
		}
	}
}
