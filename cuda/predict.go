package cuda

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Predict implements backend.Data, chunk by chunk of rows.
func (d *data) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	return d.run(ctx, func(c *call) error {
		if err := c.columns.CheckPredict(models, coef, out); err != nil {
			return err
		}
		width := backend.Outputs(models)
		step := min(max(c.g.chunks.predicted/(8*width), 1), c.columns.Rows)
		r := &request{d: d}
		w := r.coef(coef)
		var offsets []part // of each chunk's descriptors
		for at := 0; at < c.columns.Rows; at += step {
			offsets = append(offsets, r.outputs(models, at))
		}
		base, err := r.send()
		if err != nil {
			return err
		}
		z, err := c.work("logits", int64(width)*int64(step)*int64(c.realSize))
		if err != nil {
			return err
		}
		p, err := c.work("probabilities", int64(width)*int64(step)*8)
		if err != nil {
			return err
		}
		for i, at := 0, 0; at < c.columns.Rows; i, at = i+1, at+step {
			n := min(step, c.columns.Rows-at)
			if err := c.logits(at, n, w.in(base), width, z); err != nil {
				return err
			}
			if err := c.probabilities(models, offsets[i].in(base), n, z, p, width); err != nil {
				return err
			}
			if err := c.fetch(p, out[at*width:(at+n)*width]); err != nil {
				return err
			}
		}
		return nil
	})
}

// probabilities turns the logits of n rows into rows of width probabilities.
func (c *call) probabilities(models []backend.Model, outputs driver.Ptr, n int, z, p driver.Ptr, width int) error {
	first := 0
	for k := 0; k < len(models); {
		run := 1
		for models[k].Classes == 0 && k+run < len(models) && models[k+run].Classes == 0 {
			run++
		}
		zk := driver.PtrArg(z + driver.Ptr(first*n*c.realSize))
		var err error
		if models[k].Classes == 0 {
			err = c.launch("predict_logistic", c.real, shape{work: n/256 + 1, y: run},
				zk, driver.Int64(int64(n)), driver.PtrArg(outputs+driver.Ptr(first*outputBytes)),
				driver.Int32(int32(width)), driver.Int32(int32(first)), driver.PtrArg(p))
		} else {
			err = c.launch("predict_softmax", c.real, shape{work: n/256 + 1},
				zk, driver.Int64(int64(n)), driver.Int32(int32(models[k].Classes)),
				driver.Int32(int32(width)), driver.Int32(int32(first)), driver.PtrArg(p))
		}
		if err != nil {
			return err
		}
		for range run {
			first += models[k].Outputs()
			k++
		}
	}
	return nil
}
