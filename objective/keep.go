package objective

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Keeper = (*Objective)(nil)

// Keep lets the data keep the outcome of work, if it can, and with it the passes that
// work takes.
func (o *Objective) Keep(ctx context.Context, what string, state [][]float64, work func() error) error {
	keeper, ok := o.data.(backend.Keeper)
	if !ok {
		return work()
	}
	passes := []float64{*o.passes}
	err := keeper.Keep(ctx, what, append(state[:len(state):len(state)], passes), func() error {
		err := work()
		passes[0] = *o.passes
		return err
	})
	*o.passes = passes[0]
	return err
}
