package bench

import (
	"context"
	"math"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// evalShapes are the numbers of columns and the formats of the table.
var evalShapes = []struct {
	storage backend.Storage
	cols    []int
}{
	{backend.Float32, []int{18, 28, 64, 128, 1024, 2000}},
	{backend.Float64, []int{28, 128}},
}

// evaluate adds a row a shape, in backend b.
func (r *Report) evaluate(ctx context.Context, b backend.Backend, name string, o Options) error {
	for _, shape := range evalShapes {
		var err error
		if shape.storage == backend.Float64 {
			err = evaluate[float64](ctx, r, b, name, o, shape.storage, shape.cols)
		} else {
			err = evaluate[float32](ctx, r, b, name, o, shape.storage, shape.cols)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func evaluate[T float32 | float64](ctx context.Context, r *Report, b backend.Backend, name string, o Options, storage backend.Storage, widths []int) error {
	x := numbers[T](o.Bytes/storage.Bytes(), 1)
	for _, cols := range widths {
		row, read, err := evalRow(ctx, b, x, cols, o, storage)
		if err != nil {
			return err
		}
		row.Backend = name
		if name == "cpu" {
			row.Share = read / row.Seconds
			r.ReadGBs = max(r.ReadGBs, float64(row.Rows*cols*storage.Bytes())/read/1e9)
		}
		r.Eval = append(r.Eval, row)
	}
	return nil
}

// evalRow times reads of x as rows of cols numbers: a plain one and an evaluation by
// turns, so that what else the machine does meets both.
func evalRow[T float32 | float64](ctx context.Context, b backend.Backend, x []T, cols int, o Options, storage backend.Storage) (row EvalRow, read float64, err error) {
	rows := len(x) / cols
	x = x[:rows*cols]
	labels := make([]int32, rows)
	for i := range labels {
		labels[i] = int32(i & 1)
	}
	coef := make([]float64, cols+1)
	for j := range coef {
		coef[j] = float64(j%7-3) / float64(cols)
	}
	d, err := b.Load(ctx, &backend.Source{
		X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), Lend: true,
		Labels: [][]int32{labels},
	}, storage)
	if err != nil {
		return row, 0, err
	}
	defer d.Close()
	models, out := []backend.Model{backend.Binary()}, new(backend.Evaluation)
	if err := d.Eval(ctx, models, coef, out); err != nil { // what is only done once
		return row, 0, err
	}
	var reads, evals []float64
	for range o.Rounds {
		plain, _ := clock(func() error { cpu.Read(x, o.Threads); return nil })
		eval, err := clock(func() error { return d.Eval(ctx, models, coef, out) })
		if err != nil {
			return row, 0, err
		}
		reads, evals = append(reads, plain), append(evals, eval)
	}
	row = EvalRow{Storage: storage.String(), Rows: rows, Cols: cols, Seconds: median(evals)}
	row.GBs = float64(rows*cols*storage.Bytes()) / row.Seconds / 1e9
	return row, median(reads), nil
}

// numbers are n draws, near enough to normal, from a small generator.
func numbers[T float32 | float64](n int, seed uint64) []T {
	x := make([]T, n)
	hugepages.Want(x)
	state := seed
	for i := range x {
		// The sum of four 16-bit numbers, to mean 0 and deviation 1.
		state = state*6364136223846793005 + 1442695040888963407
		z := state ^ state>>32
		sum := z&0xffff + z>>16&0xffff + state>>16&0xffff + state>>48
		x[i] = T((float64(sum) - 2*0xffff) / (0xffff / math.Sqrt(3)))
	}
	return x
}
