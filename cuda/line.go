package cuda

import (
	"context"
	"errors"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// lineSteps is how many steps of a model one launch takes.
const lineSteps = 4

// line is z = X coef and s = X dir on the device, a column of N real numbers an output.
type line struct {
	d      *data
	models []backend.Model
	memory
	z, s   driver.Ptr
	closed bool
}

// Direction implements backend.LineSearcher.
func (d *data) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	l := &line{d: d, models: append([]backend.Model(nil), models...), memory: memory{g: d.g, spaces: map[string]*space{}}}
	err := d.run(ctx, func(c *call) error {
		if err := c.columns.CheckModels(models, coef, dir); err != nil {
			return err
		}
		outputs := backend.Outputs(models)
		r := &request{d: d}
		w := r.coef(append(append([]float64(nil), coef...), dir...))
		base, err := r.send()
		if err != nil {
			return err
		}
		size := outputs * c.columns.Rows * c.realSize
		if l.z, err = l.alloc("logits and their slopes", 2*int64(size)); err != nil {
			return err
		}
		l.s = l.z + driver.Ptr(size)
		err = c.logits(0, c.columns.Rows, w.in(base), 2*outputs, l.z)
		if err == nil {
			err = c.g.context.Synchronize() // errors of the launch belong to this call
		}
		if err != nil {
			_ = c.g.context.Synchronize()
			err = errors.Join(err, l.free())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (l *line) Close() error {
	if l.closed {
		return errClosed
	}
	l.closed = true
	return l.g.do(l.free)
}

// At implements backend.Line.
func (l *line) At(ctx context.Context, t, loss, slope [][]float64) error {
	if l.closed {
		return errClosed
	}
	return l.d.run(ctx, func(c *call) error {
		if err := backend.CheckSteps(l.models, t, loss, slope); err != nil {
			return err
		}
		most := 0
		for k := range t {
			most = max(most, len(t[k]))
		}
		for first := 0; first < most; first += lineSteps {
			if err := l.at(c, t, loss, slope, first, min(lineSteps, most-first)); err != nil {
				return err
			}
		}
		return nil
	})
}

// at takes steps first .. first+steps of every model that has them.
func (l *line) at(c *call, t, loss, slope [][]float64, first, steps int) error {
	models, n := l.models, c.columns.Rows
	padded := make([]float64, len(models)*steps)
	for k := range t {
		copy(padded[k*steps:(k+1)*steps], t[k][min(first, len(t[k])):min(first+steps, len(t[k]))])
	}
	r := &request{d: c.data}
	at, out := r.doubles(padded...), r.outputs(models, 0)
	base, err := r.send()
	if err != nil {
		return err
	}
	width := len(models) * steps * 2
	blocks := min(blocksOf(n, 1), 1024) // whatever the models
	part, err := c.work("partial losses", int64(blocks)*int64(width)*8)
	if err != nil {
		return err
	}
	results, err := c.work("results", int64(width)*8)
	if err != nil {
		return err
	}
	output := 0
	for k := 0; k < len(models); {
		run := 1 // models of one output beside each other share a launch
		for models[k].Classes == 0 && k+run < len(models) && models[k+run].Classes == 0 {
			run++
		}
		z := driver.Ptr(output * n * c.realSize)
		o := out.in(base) + driver.Ptr(output*outputBytes)
		if models[k].Classes == 0 {
			err = c.launch("line_logistic", c.real, shape{work: blocks, y: run},
				driver.PtrArg(l.z+z), driver.PtrArg(l.s+z), driver.Int64(int64(n)), driver.PtrArg(o), driver.PtrArg(c.folds),
				driver.PtrArg(at.in(base)), driver.Int32(int32(steps)), driver.Int32(int32(k)), driver.Int32(int32(len(models))),
				driver.Int32(int32(blocks)), driver.PtrArg(part))
		} else {
			err = c.launch("line_softmax", c.real, shape{work: blocks},
				driver.PtrArg(l.z+z), driver.PtrArg(l.s+z), driver.Int64(int64(n)), driver.Int32(int32(models[k].Classes)),
				driver.PtrArg(o), driver.PtrArg(c.folds), driver.PtrArg(at.in(base)), driver.Int32(int32(steps)),
				driver.Int32(int32(k)), driver.Int32(int32(len(models))), driver.Int32(int32(blocks)), driver.PtrArg(part))
		}
		if err != nil {
			return err
		}
		for range run {
			output += models[k].Outputs()
			k++
		}
	}
	if err := c.combine("f64", part, blocks, width, false, results); err != nil {
		return err
	}
	sum := make([]float64, width)
	if err := c.fetch(results, sum); err != nil {
		return err
	}
	for k := range models {
		unit := c.weightsOf(models[k]).unit
		for j := first; j < min(first+steps, len(t[k])); j++ {
			loss[k][j] = unit * sum[(k*steps+j-first)*2]
			slope[k][j] = unit * sum[(k*steps+j-first)*2+1]
		}
	}
	return nil
}
