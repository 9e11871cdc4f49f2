package dataset

import (
	"context"
	"errors"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/internal/checks"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// errNotPlain says that a file which promised numbers has missing or infinite ones: a
// Table then knows what to do, or what to say.
var errNotPlain = errors.New("not all cells are finite numbers")

// tileBytes is how much of X is filled at a time from the cells of all its columns: it
// stays in the cache of a core while each of them writes its share of every row.
const tileBytes = 64 << 10

// readColumnarNumbers decodes the features straight into X.
func readColumnarNumbers[T float32 | float64](ctx context.Context, f *columnar, c *columns, o *ReadOptions) (*Dataset, error) {
	cols := len(c.features)
	if err := f.checkSize(cols, sizeOf[T]()); err != nil {
		return nil, err
	}
	features := make([]int, cols)
	for i, role := range c.role {
		if role >= 0 {
			features[role] = i
		}
	}
	t, tasks, err := f.columnTasks(ctx, func(i int) bool { return c.role[i] < 0 && c.role[i] != roleIgnored })
	if err != nil {
		return nil, err
	}
	d := &Dataset{FeatureNames: c.features}
	workers := o.workers()
	if o.streams(int64(f.rows) * int64(cols) * int64(sizeOf[T]())) {
		if err := run(ctx, workers, tasks); err != nil {
			return nil, err
		}
		if err := d.sideColumns(t, c, o); err != nil {
			return nil, err
		}
		r, err := spillColumnar[T](ctx, f, features, o)
		if err != nil {
			return nil, err
		}
		d.Stream = r
		return d, nil
	}
	if bytes := int64(f.rows) * int64(cols) * int64(sizeOf[T]()); bytes > doubtedBytes && bytes/doubtedRatio > f.size {
		if err := run(ctx, workers, f.tryOut(ctx, features)); err != nil {
			return nil, err
		}
	}
	x := make([]T, f.rows*cols)
	hugepages.Want(x)
	if err := run(ctx, workers, append(tasks, groupTasks(ctx, f, features, x, workers)...)); err != nil {
		return nil, err
	}
	d.X = tensor.New(tensor.WithShape(f.rows, cols), tensor.WithBacking(x))
	return d, d.sideColumns(t, c, o)
}

// run does the tasks side by side.
func run(ctx context.Context, workers int, tasks []func() error) error {
	return inParallel(ctx, workers, len(tasks), func(_, i int) error { return tasks[i]() })
}

// An X of so many bytes, and so many for each of the file's, is not believed before all of
// its cells have been unpacked once: the memory for it might be more than there is.
const (
	doubtedBytes = 256 << 20
	doubtedRatio = 64
)

// tryOut reads the features to nowhere, each in a task.
func (f *columnar) tryOut(ctx context.Context, features []int) (tasks []func() error) {
	for _, i := range features {
		tasks = append(tasks, func() error {
			return f.eachGroup(ctx, i, func(r cellReader, n int) error {
				var piece [pieceCells]float64
				for ; n > 0; n -= pieceCells {
					if _, err := r.Next64(piece[:min(n, pieceCells)]); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
	return tasks
}

// columnsAtATime is about how many columns are open at once, where there are more: each
// has buffers, and perhaps what unpacks it.
const columnsAtATime = 256

// groupTasks decode the features to x. Groups are read side by side; where there are
// fewer of them than workers, so are shares of their columns.
func groupTasks[T float32 | float64](ctx context.Context, f *columnar, features []int, x []T, workers int) (tasks []func() error) {
	cols := len(features)
	shares := min(cols, max(1, (workers+len(f.groups)-1)/len(f.groups), cols/columnsAtATime))
	first := 0
	for _, g := range f.groups {
		x := x[first*cols:]
		for s := range shares {
			from, to := cols*s/shares, cols*(s+1)/shares
			tasks = append(tasks, func() error {
				return readGroup(ctx, f, g, features[from:to], x, from, cols)
			})
		}
		first += g.numRows()
	}
	return tasks
}

func sizeOf[T float32 | float64]() int {
	var v T
	if _, ok := any(v).(float32); ok {
		return 4
	}
	return 8
}

// readGroup decodes columns of a group to X, of which x begins with the group's rows.
// from is the place of the first of the columns in a row.
func readGroup[T float32 | float64](ctx context.Context, f *columnar, g columnGroup, columns []int, x []T, from, cols int) (err error) {
	defer f.damaged(&err)
	open, err := openAll[T](g, columns, cols)
	if err != nil {
		return err
	}
	defer open.close()
	rows := g.numRows()
	for at := 0; at < rows; at += open.step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(open.step, rows-at)
		if err := open.fill(x[at*cols+from:], n, cols); err != nil {
			return err
		}
	}
	return nil
}

// openColumns are open columns of a group that are neighbours in X.
type openColumns[T float32 | float64] struct {
	readers []cellReader
	step    int   // rows of a tile
	cells   [][]T // those of each column in a tile
	decoded []T   // where they are decoded to
}

func openAll[T float32 | float64](g columnGroup, columns []int, cols int) (*openColumns[T], error) {
	o := &openColumns[T]{step: max(64, tileBytes/(cols*sizeOf[T]()))}
	for _, c := range columns {
		r, err := g.open(c)
		if err != nil {
			o.close()
			return nil, err
		}
		o.readers = append(o.readers, r)
	}
	o.cells, o.decoded = make([][]T, len(columns)), make([]T, o.step*len(columns))
	return o, nil
}

func (o *openColumns[T]) close() {
	for _, r := range o.readers {
		r.Close()
	}
}

// fill decodes the next n rows of the columns to x, whose rows are cols numbers apart.
func (o *openColumns[T]) fill(x []T, n, cols int) error {
	for at := 0; at < n; at += o.step {
		k := min(o.step, n-at)
		for j, r := range o.readers {
			cells, err := nextNumbers(r, o.decoded[j*o.step:j*o.step+k])
			if err != nil {
				return err
			}
			if !checks.Finite(cells) {
				return errNotPlain
			}
			o.cells[j] = cells
		}
		interleave(x[at*cols:], o.cells, k, cols)
	}
	return nil
}

// interleave writes n cells of each column to the rows of x, cols numbers apart: four
// columns at a time, since a line of x that is written to has to come from a farther cache
// each time.
func interleave[T float32 | float64](x []T, columns [][]T, n, cols int) {
	from := 0
	for ; from+4 <= len(columns); from += 4 {
		a, b, c, d := columns[from][:n], columns[from+1][:n], columns[from+2][:n], columns[from+3][:n]
		for i, to := 0, x[from:]; i < n; i++ {
			row := (*[4]T)(to)
			row[0], row[1], row[2], row[3] = a[i], b[i], c[i], d[i]
			if i+1 < n {
				to = to[cols:]
			}
		}
	}
	for ; from < len(columns); from++ {
		for i, v := range columns[from][:n] {
			x[i*cols+from] = v
		}
	}
}
