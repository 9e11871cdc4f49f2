package objective

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Batcher = (*Objective)(nil)

// Rows is the number of rows of X.
func (o *Objective) Rows() int { return o.data.Rows() }

// MostSampled implements solver.Limited.
func (o *Objective) MostSampled() int { return backend.MostSampled(o.data) }

// Batch is the objective of the given rows in the same coordinates. Their weighted
// losses count N/m for one, against the whole's sum of weights, so that batches drawn
// evenly are right on average whatever the weights; the penalty counts in full.
func (o *Objective) Batch(ctx context.Context, rows []int) (solver.Objective, func() error, error) {
	sampler, ok := o.data.(backend.Sampler)
	if !ok {
		return nil, nil, backend.ErrUnsupported
	}
	data, err := sampler.Sample(ctx, rows, nil)
	if err != nil {
		return nil, nil, err
	}
	part := float64(len(rows)) / float64(o.data.Rows())
	b := o.part(data, part)
	b.sum = o.sum * part
	*o.passes += b.share
	return b, data.Close, nil
}
