package objective

import (
	"context"
	"errors"
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/draw"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Focused = (*Objective)(nil)

const (
	// rare is the share of the weight below which a class is so rare that most rows of
	// the other say nothing: they are surely of theirs.
	rare = 1. / 100

	// unsure is what every row is drawn for, as a share of the mean of what it is drawn
	// for by its residual: at the minimum that may be another.
	unsure = 0.25

	// mostAccurate bounds how much better than all rows a sample is said to know their
	// minimum: further, the residuals at another point do not tell.
	mostAccurate = 100
)

// Focuses tells whether one of two classes is rare, and the labels are known.
func (o *Objective) Focuses(seed uint64) bool {
	n, m := o.data.Rows(), o.models[0]
	if m.Outputs() != 1 || m.Fold != backend.None || o.opts.Labels == nil || o.squares != nil || o.wide != nil ||
		m.Weight != backend.None && o.opts.Weights == nil ||
		8*n > max(drawnBytes, n*o.coords.cols*o.data.Storage().Bytes()/4) || !backend.Can(o.data, backend.CanSample) {
		return false
	}
	mass := o.lotsOf(seed).mass
	return min(mass[0], mass[1]) < rare*(mass[0]+mass[1])
}

// SampleAt is Sample of rows drawn by their residuals at theta,
//
//	pi_i = min(1, rate s_i (|y_i - p_i| + unsure)),
//
// where unsure is a share of the mean residual: local case-control sampling (Fithian and
// Hastie 2014), with chances that are known. Of 500,000 rows with 252 of one class, an
// eighth drawn like this tell the minimum to 3e-5 of its value, where drawn evenly from
// both classes they tell it to 1e-2.
func (o *Objective) SampleAt(ctx context.Context, theta []float64, m int, seed uint64) (*solver.Sample, error) {
	n, lots := o.data.Rows(), o.lotsOf(seed)
	o.toStored(theta, o.coef)
	residual := make([]float64, n)
	if err := o.data.Predict(ctx, o.models, o.coef, residual); err != nil {
		return nil, err
	}
	*o.passes += o.share
	mean := 0.0
	for i, p := range residual {
		residual[i] = math.Abs(float64(lots.stratum(i)) - p)
		mean += residual[i] / float64(n)
	}
	part := make([]float64, n)
	for i, r := range residual {
		if part[i] = r + float64(unsure*mean); lots.weights != nil {
			part[i] *= lots.weights[i]
		}
	}
	return fitting(m, func(m int) (*solver.Sample, error) { return o.sampleByPart(ctx, m, seed, residual, part) })
}

// sampleByPart is a sample of rows drawn by their parts, whose residuals are known.
func (o *Objective) sampleByPart(ctx context.Context, m int, seed uint64, residual, part []float64) (*solver.Sample, error) {
	n, lots := o.data.Rows(), o.lotsOf(seed)
	// What the sample's gradient varies by, beside what all rows' does.
	_, rate := partRate(part, m)
	all, some := 0.0, 0.0
	for i, r := range residual {
		s := 1.0
		if lots.weights != nil {
			s = lots.weights[i]
		}
		all += s * r * r
		if pi := rate * part[i]; s > 0 && pi < 1 {
			some += s * r * (s * r) * (1/pi - 1)
		}
	}
	s := drawByPart(part, m, draw.Pair(seed, 0))
	if len(s.rows) == 0 || !(all > 0) { // no row is in doubt
		return o.sample(ctx, m, seed)
	}
	data, err := o.data.(backend.Sampler).Sample(ctx, s.rows, s.factor)
	if err != nil {
		return nil, err
	}
	b := o.part(data, float64(len(s.rows))/float64(n))
	*o.passes += b.share
	if err := b.measure(ctx); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return &solver.Sample{Objective: b, Rows: o.sum * min(mostAccurate, all/some), Close: data.Close}, nil
}
