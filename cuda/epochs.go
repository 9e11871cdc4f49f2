package cuda

import (
	"context"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// epochColumns is the widest X that the whole-descent kernel takes.
const epochColumns = 256

// Epochs runs full-batch gradient descent on the mean loss of one model of one output in
// a single launch: coef -= rate * gradient of (sum_i m_i l_i / sum_i m_i), `epochs` times.
// coef, of D+1 numbers, is updated; the losses before each update are returned. More than
// 256 columns, sparse X, or a model of several outputs or with a fold left out, are an error of
// kind backend.ErrUnsupported. It reads X once an epoch.
func (d *data) Epochs(ctx context.Context, m backend.Model, coef []float64, rate float64, epochs int) ([]float64, error) {
	losses := make([]float64, max(epochs, 0))
	err := d.run(ctx, func(c *call) error {
		if err := c.columns.CheckModels([]backend.Model{m}, coef); err != nil {
			return err
		}
		if c.sparse != nil {
			return unsupported("a descent in one launch over sparse X")
		}
		if m.Classes != 0 || m.Fold != backend.None || c.columns.Cols > epochColumns {
			return fmt.Errorf("%w: a descent in one launch over %d columns, %d outputs or folds", backend.ErrUnsupported, c.columns.Cols, m.Outputs())
		}
		if len(losses) == 0 {
			return nil
		}
		return c.epochs(m, coef, rate, losses)
	})
	return losses, err
}

func (c *call) epochs(m backend.Model, coef []float64, rate float64, losses []float64) error {
	w := c.weightsOf(m)
	total := 0.0
	if w.host == nil {
		total = float64(c.columns.Rows)
	}
	for _, v := range w.host {
		total += v / w.unit
	}
	d := c.columns.Cols
	r := &request{d: c.data}
	at, out := r.coef(coef), r.outputs([]backend.Model{m}, 0)
	base, err := r.send()
	if err != nil {
		return err
	}
	results, err := c.work("results", int64(len(losses))*8)
	if err != nil {
		return err
	}
	err = c.launch("sgd_epochs", "", shape{work: 1},
		driver.PtrArg(c.x), driver.Int64(int64(c.columns.Rows)), driver.Int32(int32(d)), driver.Int32(int32(c.ld)),
		driver.PtrArg(at.in(base)), driver.Int32(int32(c.ldw())), driver.PtrArg(out.in(base)), driver.PtrArg(c.folds),
		driver.Float64(total), driver.Float64(rate), driver.Int32(int32(len(losses))), driver.PtrArg(results))
	if err != nil {
		return err
	}
	if err := c.fetch(results, losses); err != nil {
		return err
	}
	if c.realSize == 8 {
		row := make([]float64, c.ldw())
		if err := c.g.context.CopyOut(bytesOf(row), at.in(base)); err != nil {
			return fmt.Errorf("copying coefficients: %w", err)
		}
		copy(coef, row[:d])
		coef[d] = row[len(row)-1]
		return nil
	}
	row := make([]float32, c.ldw())
	if err := c.g.context.CopyOut(bytesOf(row), at.in(base)); err != nil {
		return fmt.Errorf("copying coefficients: %w", err)
	}
	for j := range d {
		coef[j] = float64(row[j])
	}
	coef[d] = float64(row[len(row)-1])
	return nil
}
