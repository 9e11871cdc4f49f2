package dataset

import (
	"context"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"gorgonia.org/tensor"
)

// parquetGroupNumbers is about how many numbers a row group holds: enough for long pages,
// few enough that groups are read side by side and written from little memory.
const parquetGroupNumbers = 1 << 23

// writeParquet writes columns of float32 or float64, as X is, packed with Zstandard;
// labels are float64 or text.
func writeParquet(ctx context.Context, to io.Writer, d *Dataset) error {
	rows, cols := d.Shape()
	if d.Dtype() == tensor.Float32 {
		return writeParquetOf(ctx, to, d, rows, cols, parquet.FloatType, func(v float32) parquet.Value { return parquet.FloatValue(v) })
	}
	return writeParquetOf(ctx, to, d, rows, cols, parquet.DoubleType, func(v float64) parquet.Value { return parquet.DoubleValue(v) })
}

func writeParquetOf[T float32 | float64](ctx context.Context, to io.Writer, d *Dataset, rows, cols int, number parquet.Type, value func(T) parquet.Value) error {
	names := d.outNames()
	types := slices.Repeat([]parquet.Node{parquet.Leaf(number)}, cols)
	var sides []func(row int) parquet.Value
	doubles := func(v []float64) {
		types = append(types, parquet.Leaf(parquet.DoubleType))
		sides = append(sides, func(i int) parquet.Value { return parquet.DoubleValue(v[i]) })
	}
	if d.Weights != nil {
		doubles(d.Weights)
	}
	if d.Offsets != nil {
		doubles(d.Offsets)
	}
	switch {
	case d.Labels == nil:
	case d.Classes.Numeric:
		v, err := d.labelNumbers()
		if err != nil {
			return err
		}
		doubles(v)
	default:
		types = append(types, parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
		texts := make([][]byte, len(d.Classes.Names))
		for k, n := range d.Classes.Names {
			texts[k] = []byte(n)
		}
		sides = append(sides, func(i int) parquet.Value { return parquet.ByteArrayValue(texts[d.Labels[i]]) })
	}
	schema := inOrder{parquet.Group{}, map[string]int{}}
	for j, name := range names {
		schema.Group[name] = parquet.Compressed(types[j], &parquet.Zstd)
		schema.order[name] = j
	}
	out := parquet.NewGenericWriter[any](to, parquet.NewSchema("table", schema))

	step := min(rows, max(1, parquetGroupNumbers/cols))
	x := make([]T, step*cols)
	values := make([]parquet.Value, 0, step)
	for first := 0; first < rows; first += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, rows-first)
		if err := fillRows(d, first, x[:n*cols]); err != nil {
			return err
		}
		for j, column := range out.ColumnWriters() {
			values = values[:0]
			for i := range n {
				v := parquet.Value{}
				if j < cols {
					v = value(x[i*cols+j])
				} else {
					v = sides[j-cols](first + i)
				}
				values = append(values, v.Level(0, 0, j))
			}
			if _, err := column.WriteRowValues(values); err != nil {
				return err
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return out.Close()
}

// inOrder is a group whose fields keep their order; parquet.Group sorts them by name.
type inOrder struct {
	parquet.Group
	order map[string]int
}

func (g inOrder) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return g.order[a.Name()] - g.order[b.Name()] })
	return fields
}
