package reference

import (
	"context"
	"fmt"
	"math"

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
	s.Min, s.Max, s.NonZero = append([]float64(nil), d.row(0)...), append([]float64(nil), d.row(0)...), make([]int64, cols)
	for i := range d.Rows() {
		for j, v := range d.row(i) {
			s.Min[j], s.Max[j] = math.Min(s.Min[j], v), math.Max(s.Max[j], v)
			if v != 0 {
				s.NonZero[j]++
			}
		}
	}
	return s, nil
}

// moments are those of the rows with the given weights. Where the weights sum to
// zero, mean and variance are zero.
func (d *data) moments(ctx context.Context, weight func(i int) float64) (backend.Moments, error) {
	m := backend.Moments{Mean: make([]float64, d.Cols()), Var: make([]float64, d.Cols())}
	for i := range d.Rows() {
		m.Sum += weight(i)
	}
	if m.Sum == 0 {
		return m, nil
	}
	for i := range d.Rows() {
		if err := between(ctx, i); err != nil {
			return m, err
		}
		for j, v := range d.row(i) {
			m.Mean[j] += float64(weight(i) / m.Sum * v)
		}
	}
	for i := range d.Rows() {
		if err := between(ctx, i); err != nil {
			return m, err
		}
		for j, v := range d.row(i) {
			dev := v - m.Mean[j]
			m.Var[j] += float64(weight(i) / m.Sum * float64(dev*dev))
		}
	}
	return m, nil
}
