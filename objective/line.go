package objective

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Liner = (*Objective)(nil)

// line adds the quadratic c + b t + a t^2 / 2 to the data's line.
type line struct {
	data    backend.Line
	sum     float64
	a, b, c float64
}

// Line prepares theta + t dir.
func (o *Objective) Line(ctx context.Context, theta, dir []float64) (solver.Line, error) {
	data, ok := o.data.(backend.LineSearcher)
	if !ok {
		return nil, backend.ErrUnsupported
	}
	o.toStored(theta, o.coef)
	o.toStored(dir, o.other)
	l, err := data.Direction(ctx, o.models, o.coef, o.other)
	if err != nil {
		return nil, err
	}
	*o.passes += o.share
	return &line{l, o.sum, o.quad.along(dir, dir), o.quad.along(theta, dir), o.quad.at(theta, nil)}, nil
}

func (l *line) At(ctx context.Context, t []float64) (value, slope []float64, err error) {
	value, slope = make([]float64, len(t)), make([]float64, len(t))
	if err := l.data.At(ctx, [][]float64{t}, [][]float64{value}, [][]float64{slope}); err != nil {
		return nil, nil, err
	}
	for i, t := range t {
		value[i] = value[i]/l.sum + l.c + float64(t*(l.b+float64(l.a*t/2)))
		slope[i] = slope[i]/l.sum + l.b + float64(l.a*t)
	}
	return value, slope, nil
}

func (l *line) Close() error { return l.data.Close() }
