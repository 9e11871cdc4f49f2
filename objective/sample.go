package objective

import (
	"context"
	"errors"
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Sampler = (*Objective)(nil)

// halvings bounds how often a sample that does not fit is halved: rows drawn may be as
// many times as long as others by a power of 2.
const halvings = 4

// fitting is sample of m rows or, where those drawn take more memory than is allowed, of
// half as many, and so on. What MostSampled counts with is the average row: of sparse X the
// rows of a class, or those in doubt, may be longer.
func fitting[S any](m int, sample func(m int) (S, error)) (s S, err error) {
	for range halvings + 1 {
		if s, err = sample(m); !errors.As(err, new(*backend.MemoryLimitError)) {
			return s, err
		}
		m /= 2
	}
	return s, err
}

// Sample is the objective of about m of the rows (lots), or fewer where they do not fit.
// Samples are nested where the largest is drawn first. It reads the rows drawn twice: to
// gather them, and for the statistics of their columns.
func (o *Objective) Sample(ctx context.Context, m int, seed uint64) (*solver.Sample, error) {
	return fitting(m, func(m int) (*solver.Sample, error) { return o.sample(ctx, m, seed) })
}

func (o *Objective) sample(ctx context.Context, m int, seed uint64) (*solver.Sample, error) {
	sampler, ok := o.data.(backend.Sampler)
	if !ok {
		return nil, backend.ErrUnsupported
	}
	rows, factor, effective := o.lotsOf(seed).draw(m)
	data, err := sampler.Sample(ctx, rows, factor)
	if err != nil {
		return nil, err
	}
	b := o.part(data, float64(len(rows))/float64(o.Rows()))
	*o.passes += b.share
	if err := b.measure(ctx); err != nil {
		return nil, errors.Join(err, data.Close())
	}
	return &solver.Sample{Objective: b, Rows: effective, Close: data.Close}, nil
}

// lotsOf are the lots of a seed.
func (o *Objective) lotsOf(seed uint64) *lots {
	if o.lots == nil || o.lots.seed != seed {
		weights := o.opts.Weights
		if o.models[0].Weight == backend.None || o.opts.Labels == nil {
			weights = nil
		}
		o.lots = newLots(o.Rows(), o.models[0], o.opts.Labels, weights, seed, o.opts.threads())
	}
	return o.lots
}

// part is o over data that holds a share of its rows.
func (o *Objective) part(data backend.Data, share float64) *Objective {
	b := *o
	b.data, b.share = data, o.share*share
	b.ev, b.hessian, b.lots = backend.Evaluation{}, hessianSpace{}, nil
	b.coef, b.other = make([]float64, len(o.coef)), make([]float64, len(o.other))
	return &b
}

// measure finds the mean squares of the coordinates over a sample.
func (o *Objective) measure(ctx context.Context) error {
	st, err := o.data.Stats(ctx, o.models[0].Weight)
	if err != nil {
		return err
	}
	*o.passes += o.share
	o.squares, o.counts = o.coords.sampleSquares(o.data.Affine(), st), st.NonZero
	return nil
}

// sampleSquares is meanSquares of a sample. Its weights are in Weighted also for models
// without a weight column.
func (c *coordinates) sampleSquares(a backend.Affine, st *backend.Stats) []float64 {
	weighted := st.Weighted.Sum > 0
	return c.squaresOf(func(j int) (mean, variance float64) {
		mean, variance, _ = userMoments(a, st, weighted, j)
		return mean, variance
	})
}

// meanSquares are those of the coordinates of one output over rows with the given
// statistics: of theta's columns (x - mean) unit, and 1 for the intercept.
func (c *coordinates) meanSquares(u columns) []float64 {
	return c.squaresOf(func(j int) (mean, variance float64) { return u.mean[j], u.variance[j] })
}

func (c *coordinates) squaresOf(moments func(j int) (mean, variance float64)) []float64 {
	s := make([]float64, c.dim())
	pieces.Each(c.cols, c.threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			if c.gain[j] != 0 {
				mean, variance := moments(j)
				off := mean - c.mean[j]
				s[j] = (variance + float64(off*off)) * c.unit[j] * c.unit[j]
			}
		}
	})
	if c.intercept {
		s[c.cols] = 1
	}
	return s
}

// Start has intercepts that give each class its share of the weight, and nothing
// else; without an intercept or the labels it is the origin, and offsets are not
// looked at.
func (o *Objective) Start() []float64 {
	theta := make([]float64, o.Dim())
	if o.lots == nil || len(o.lots.mass) == 1 || !o.coords.intercept || o.models[0].Offset != backend.None {
		return theta
	}
	mass, p := o.lots.mass, o.coords.dim()
	if len(mass) == 2 {
		if mass[0] > 0 && mass[1] > 0 {
			theta[p-1] = math.Log(mass[1] / mass[0])
		}
		return theta
	}
	for k, m := range mass {
		// A class of no row is as rare as half a row.
		theta[(k+1)*p-1] = math.Log(max(m/o.sum, 0.5/float64(o.Rows())))
	}
	o.recentre(theta)
	return theta
}
