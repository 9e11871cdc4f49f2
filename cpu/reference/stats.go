package reference

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Stats takes the mean first and the mean squared deviation from it in a second
// loop, which no mean can spoil.
func (d *data) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if weight < backend.None || weight >= d.columns.Weights {
		return nil, &backend.SourceError{Part: fmt.Sprintf("weight column %d", weight), Reason: fmt.Sprintf("does not exist; the source has %d", d.columns.Weights)}
	}
	one := func(int) float64 { return 1 }
	s := new(backend.Stats)
	var err error
	if s.Moments, err = d.moments(ctx, one); err != nil {
		return nil, err
	}
	if weights := d.columns.Masses(backend.Model{Weight: weight}); weights != nil {
		if s.Weighted, err = d.moments(ctx, func(i int) float64 { return weights[i] }); err != nil {
			return nil, err
		}
	}
	cols := d.Cols()
	s.Min, s.Max, s.NonZero = slices.Repeat([]float64{math.Inf(1)}, cols), slices.Repeat([]float64{math.Inf(-1)}, cols), make([]int64, cols)
	stored := make([]int, cols)
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return nil, err
		}
		x := d.row(i)
		for e, v := range x.val {
			j := x.column(e)
			s.Min[j], s.Max[j] = math.Min(s.Min[j], v), math.Max(s.Max[j], v)
			stored[j]++
			if v != 0 {
				s.NonZero[j]++
			}
		}
	}
	for j, n := range stored {
		if n < d.Rows() { // the others are 0
			s.Min[j], s.Max[j] = math.Min(s.Min[j], 0), math.Max(s.Max[j], 0)
		}
	}
	return s, nil
}

// moments are those of the rows with the given weights. Where the weights sum to
// zero, mean and variance are zero.
func (d *data) moments(ctx context.Context, weight func(i int) float64) (backend.Moments, error) {
	m := backend.Moments{Mean: make([]float64, d.Cols()), Var: make([]float64, d.Cols())}
	counted := 0
	for i := range d.Rows() {
		m.Sum += weight(i)
		if weight(i) > 0 {
			counted++
		}
	}
	if m.Sum == 0 {
		return m, nil
	}
	stored, share := make([]int, d.Cols()), make([]float64, d.Cols()) // of the counted rows, and of the weight
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return m, err
		}
		x := d.row(i)
		for e, v := range x.val {
			j := x.column(e)
			m.Mean[j] += float64(weight(i) / m.Sum * v)
			share[j] += weight(i) / m.Sum
			if weight(i) > 0 {
				stored[j]++
			}
		}
	}
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return m, err
		}
		x := d.row(i)
		for e, v := range x.val {
			j := x.column(e)
			dev := v - m.Mean[j]
			m.Var[j] += float64(weight(i) / m.Sum * float64(dev*dev))
		}
	}
	for j, n := range stored {
		if n < counted { // the others are 0, as far from the mean as the mean is
			m.Var[j] += float64(math.Max(0, 1-share[j]) * float64(m.Mean[j]*m.Mean[j]))
		}
	}
	return m, nil
}
