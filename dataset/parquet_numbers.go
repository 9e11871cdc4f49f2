package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/internal/checks"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// errNotPlain says that a file which promised numbers has missing or infinite ones: a
// Table then knows what to do, or what to say.
var errNotPlain = errors.New("not all cells are finite numbers")

// parquetTileBytes is how much of X is filled at a time from the pages of all its
// columns: it stays in the cache of a core while each of them writes its share of every
// row.
const parquetTileBytes = 64 << 10

// readParquetNumbers decodes the features straight into X.
func readParquetNumbers[T float32 | float64](ctx context.Context, p *parquetFile, c *columns, o *ReadOptions) (*Dataset, error) {
	cols := len(c.features)
	if err := p.checkSize(cols, sizeOf[T]()); err != nil {
		return nil, err
	}
	features := make([]*parquetColumn, cols)
	for i, role := range c.role {
		if role >= 0 {
			features[role] = &p.columns[i]
		}
	}
	t, tasks, err := p.columnTasks(ctx, func(i int) bool { return c.role[i] < 0 && c.role[i] != roleIgnored })
	if err != nil {
		return nil, err
	}
	d := &Dataset{FeatureNames: c.features}
	workers := o.workers()
	if o.streams(int64(p.rows) * int64(cols) * int64(sizeOf[T]())) {
		if err := run(ctx, workers, tasks); err != nil {
			return nil, err
		}
		if err := d.sideColumns(t, c, o); err != nil {
			return nil, err
		}
		r, err := spillParquet[T](ctx, p, features, o)
		if err != nil {
			return nil, err
		}
		d.Stream = r
		return d, nil
	}
	x := make([]T, p.rows*cols)
	hugepages.Want(x)
	if err := run(ctx, workers, append(tasks, parquetTasks(ctx, p, features, x, workers)...)); err != nil {
		return nil, err
	}
	d.X = tensor.New(tensor.WithShape(p.rows, cols), tensor.WithBacking(x))
	return d, d.sideColumns(t, c, o)
}

// run does the tasks side by side.
func run(ctx context.Context, workers int, tasks []func() error) error {
	return inParallel(ctx, workers, len(tasks), func(_, i int) error { return tasks[i]() })
}

// parquetTasks decode the features to x. Row groups are read side by side; where there are
// fewer of them than workers, so are shares of their columns.
func parquetTasks[T float32 | float64](ctx context.Context, p *parquetFile, features []*parquetColumn, x []T, workers int) (tasks []func() error) {
	cols := len(features)
	groups := p.RowGroups()
	shares := min(cols, max(1, (workers+len(groups)-1)/len(groups)))
	first := 0
	for _, g := range groups {
		x := x[first*cols:]
		for s := range shares {
			from, to := cols*s/shares, cols*(s+1)/shares
			tasks = append(tasks, func() error {
				return readParquetGroup(ctx, g, features[from:to], x, from, cols)
			})
		}
		first += int(g.NumRows())
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

// parquetRatio bounds what a file may grow to: a page of equal numbers packs a million
// of them into a few bytes.
const parquetRatio = 10000

// checkSize refuses counts of rows that the file can hardly hold.
func (p *parquetFile) checkSize(cols, size int) error {
	if cols == 0 {
		return nil
	}
	if most := p.size * parquetRatio; int64(p.rows) > most/int64(cols*size) {
		return parquetDamage(fmt.Sprintf("%d bytes cannot hold %d rows", p.size, p.rows))
	}
	return nil
}

// readParquetGroup decodes columns of a row group to X, of which x begins with the
// group's rows. from is the place of the first of the columns in a row.
func readParquetGroup[T float32 | float64](ctx context.Context, g parquet.RowGroup, columns []*parquetColumn, x []T, from, cols int) (err error) {
	defer damagedParquet(&err)
	open := openColumns[T](g, columns, cols)
	defer open.close()
	rows := int(g.NumRows())
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

// openPagesOf are the open pages of neighbouring columns of a row group.
type openPagesOf[T float32 | float64] struct {
	pages   []*pages
	step    int   // rows of a tile
	cells   [][]T // those of each column in a tile
	decoded []T   // where they are decoded to
}

func openColumns[T float32 | float64](g parquet.RowGroup, columns []*parquetColumn, cols int) *openPagesOf[T] {
	o := &openPagesOf[T]{pages: make([]*pages, len(columns)), step: max(64, parquetTileBytes/(cols*sizeOf[T]()))}
	for j, c := range columns {
		o.pages[j] = openPages(g, c)
	}
	o.cells, o.decoded = make([][]T, len(columns)), make([]T, o.step*len(columns))
	return o
}

func (o *openPagesOf[T]) close() {
	for _, s := range o.pages {
		s.close()
	}
}

// fill decodes the next n rows of the columns to x, whose rows are cols numbers apart.
func (o *openPagesOf[T]) fill(x []T, n, cols int) error {
	for at := 0; at < n; at += o.step {
		k := min(o.step, n-at)
		for j, s := range o.pages {
			cells, err := nextNumbers(s, o.decoded[j*o.step:j*o.step+k])
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

// nextNumbers returns the next len(buf) cells: where they are in their page, if they are
// numbers of that type, else decoded to buf.
func nextNumbers[T float32 | float64](s *pages, buf []T) ([]T, error) {
	for done := 0; done < len(buf); {
		left, err := s.ready()
		if err != nil {
			return nil, err
		}
		if s.missing != nil {
			return nil, errNotPlain
		}
		n := min(left, len(buf)-done)
		at := s.next
		s.at += n
		s.next += n
		if same, ok := s.values.([]T); ok && n == len(buf) {
			return same[at : at+n], nil
		}
		to := buf[done : done+n]
		numbersOf(s.values, at, to, s.entries)
		if s.column.divisor != 1 && !s.coded {
			for i := range to {
				to[i] = T(float64(to[i]) / s.column.divisor)
			}
		}
		done += n
	}
	return buf, nil
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
