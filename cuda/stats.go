package cuda

import (
	"context"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// statFields are the numbers of a column in the results of the stats kernel.
const statFields = 8

// Stats implements backend.Data.
func (d *data) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	var s *backend.Stats
	err := d.run(ctx, func(c *call) (err error) {
		if weight < backend.None || weight >= len(c.weights) {
			return &backend.SourceError{Part: "stats", Reason: fmt.Sprintf("asks for weight column %d of %d", weight, len(c.weights))}
		}
		s, err = c.stats(weight)
		return err
	})
	return s, err
}

func (c *call) stats(weight int) (*backend.Stats, error) {
	n, d := c.columns.Rows, c.columns.Cols
	w := c.weightsOf(backend.Model{Weight: weight}) // of rows drawn with factors, also without a column
	weighted := w.host != nil
	measure := c.denseStats
	if c.sparse != nil {
		measure = c.sparseStats
	}
	columns, err := measure(w)
	if err != nil {
		return nil, err
	}
	s := &backend.Stats{Moments: moments(d), Min: make([]float64, d), Max: make([]float64, d), NonZero: make([]int64, d)}
	s.Sum = float64(n)
	if weighted {
		s.Weighted = moments(d)
		for _, v := range w.host {
			s.Weighted.Sum += v
		}
	}
	for j := range d {
		v := columns[j*statFields:]
		s.Mean[j], s.Var[j] = v[0], v[1]/float64(n)
		s.Min[j], s.Max[j], s.NonZero[j] = v[5], v[6], int64(v[7])
		if weighted && v[2] > 0 { // v[2] is the sum in units of the weights
			s.Weighted.Mean[j], s.Weighted.Var[j] = v[3], v[4]/v[2]
		}
	}
	return s, nil
}

// denseStats returns the statFields numbers of every column.
func (c *call) denseStats(w weights) ([]float64, error) {
	n, d := c.columns.Rows, c.columns.Cols
	blocks := min(blocksOf(n, d), 512) // their combination is sequential
	part, err := c.work("partial stats", int64(blocks)*int64(d)*statFields*8)
	if err != nil {
		return nil, err
	}
	results, err := c.work("results", int64(d)*statFields*8)
	if err != nil {
		return nil, err
	}
	_, log := narrowArgs(min(d, 256), 1)
	err = c.launch("stats", "", shape{work: blocks, y: (d + 255) / 256},
		driver.PtrArg(c.x), driver.Int64(int64(n)), driver.Int32(int32(d)), driver.Int32(int32(c.ld)), driver.Int32(log),
		driver.PtrArg(w.ptr), driver.Int32(int32(blocks)), driver.PtrArg(part))
	if err != nil {
		return nil, err
	}
	f, err := c.g.kernel("combine_stats", c.suffix)
	if err != nil {
		return nil, err
	}
	err = c.g.context.Launch(f.Function, driver.Grid1((d+255)/256, 256, 0, nil),
		driver.PtrArg(part), driver.Int64(int64(n)), driver.Int32(int32(d)), driver.Int32(int32(blocks)), driver.PtrArg(results))
	if err != nil {
		return nil, fmt.Errorf("launching combine_stats: %w", err)
	}
	columns := make([]float64, d*statFields)
	return columns, c.fetch(results, columns)
}

func moments(d int) backend.Moments {
	return backend.Moments{Mean: make([]float64, d), Var: make([]float64, d)}
}
