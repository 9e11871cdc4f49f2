package objective_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// A thousand classes, nine in ten with a single row: every solver of so many
// coefficients ends at the same minimum, and float32 sees its value to the same digits.
func TestSolve_P18_ThousandClasses(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute under the race detector")
	}
	const classes, rows = 1000, 1200
	r := rand.New(rand.NewPCG(1000, 1))
	p := table(r, rows, classes, 1, "normal")
	for i := range p.y {
		p.y[i] %= 100
		if i < classes {
			p.y[i] = int32(i)
		}
	}
	for _, penalty := range []objective.Penalty{objective.L2, objective.L1} {
		names := []string{"staged", "newton-cg"}
		if penalty == objective.L1 {
			names = []string{"owlqn"} // staged goes on as prox-newton, whose Hessian is 2000 x 2000
		}
		exact := math.NaN()
		for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
			for _, name := range names {
				data, m := p.load(t, "cpu", storage)
				o, err := objective.New(ctx, data, m, objective.Options{C: 0.1, Penalty: penalty})
				require.NoError(t, err)
				got, _ := solve(t, name, o, solver.Options{})
				require.Equal(t, solver.Converged, got.Status, "%s, %v, %v: %s", name, penalty, storage, got.Advice)
				if math.IsNaN(exact) {
					exact = got.Value
				}
				// What solvers take for the end is 1e-9 of the value; rounded logits and the
				// sum of a thousand exponentials in float32 are as good as that.
				require.InEpsilon(t, exact, got.Value, 1e-8, "%s, %v, %v", name, penalty, storage)
			}
		}
	}
}
