package bench

import (
	"context"
	"fmt"
	"math"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// fits adds a row for each data set and backend.
func (r *Report) fits(ctx context.Context, backends []string, o Options) error {
	small, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	if err != nil {
		return err
	}
	standardise(small.X.Data().([]float64), 30)
	sets := []struct {
		name string
		make func() (*dataset.Dataset, error)
		runs int
	}{
		{"breast_cancer, standardised", func() (*dataset.Dataset, error) { return small, nil }, 200},
		{"generated", func() (*dataset.Dataset, error) { return generated(o.Bytes/512, 28) }, o.Rounds},
		{"generated", func() (*dataset.Dataset, error) { return generated(o.Bytes/2048, 128) }, o.Rounds},
	}
	for _, set := range sets {
		ds, err := set.make()
		if err != nil {
			return err
		}
		for _, name := range backends {
			row, err := fitRow(ctx, ds, name, set.runs, o)
			if err != nil {
				return err
			}
			row.Data = set.name
			r.Fit = append(r.Fit, row)
		}
	}
	return nil
}

func fitRow(ctx context.Context, ds *dataset.Dataset, name string, runs int, o Options) (row FitRow, err error) {
	opts := logreg.DefaultOptions()
	opts.Backend, opts.Threads = name, o.Threads
	var total, load []float64
	for range runs {
		var fit *logreg.Result
		seconds, err := clock(func() (err error) { fit, err = logreg.Fit(ctx, ds, opts); return err })
		if err != nil {
			return row, err
		}
		if err := ctx.Err(); err != nil { // Fit has returned the best point so far
			return row, err
		}
		total, load = append(total, seconds), append(load, fit.Load.Seconds())
		row.Solver, row.Passes, row.Status = fit.Model.Training.Solver, fit.Passes, string(fit.Status)
	}
	row.Rows, row.Cols = ds.Shape()
	row.Backend, row.Seconds, row.Load = name, median(total), median(load)
	return row, nil
}

// generated is a set whose labels follow a logistic model of logits with deviation 2.
func generated(rows, cols int) (*dataset.Dataset, error) {
	x := numbers[float32](rows*cols, 2)
	chance := numbers[float64](rows, 3)
	labels := make([]int, rows)
	for i := range labels {
		z := 0.0
		for j, v := range x[i*cols : (i+1)*cols] {
			z += float64(v) * float64(j%5-2)
		}
		z *= math.Sqrt(2 / float64(cols)) // the weights' mean square is 2
		// The normal distribution of chance as uniform numbers, by its logistic likeness.
		if 1/(1+math.Exp(-1.702*chance[i])) < 1/(1+math.Exp(-z)) {
			labels[i] = 1
		}
	}
	ds, err := dataset.New(x, rows, cols, labels)
	if err != nil {
		return nil, fmt.Errorf("generated data: %w", err)
	}
	return ds, nil
}

// standardise gives each column mean 0 and deviation 1.
func standardise(x []float64, cols int) {
	rows := float64(len(x) / cols)
	for j := range cols {
		mean, square := 0.0, 0.0
		for i := j; i < len(x); i += cols {
			mean += x[i] / rows
		}
		for i := j; i < len(x); i += cols {
			square += (x[i] - mean) * (x[i] - mean) / rows
		}
		for i := j; i < len(x); i += cols {
			x[i] = (x[i] - mean) / math.Sqrt(square)
		}
	}
}
