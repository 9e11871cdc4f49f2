package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// errNotPlain says that a file which promised numbers has missing or infinite ones: a
// Table then knows what to do, or what to say.
var errNotPlain = errors.New("not all cells are finite numbers")

// parquetTileBytes is how much of X is filled at a time from the pages of all its
// columns: it stays in the cache of a core while each of them writes its share of every
// row.
const parquetTileBytes = 256 << 10

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
	t, err := p.table(ctx, o, func(i int) bool { return c.role[i] < 0 && c.role[i] != roleIgnored })
	if err != nil {
		return nil, err
	}
	d := &Dataset{FeatureNames: c.features}
	if err := d.sideColumns(t, c, o); err != nil {
		return nil, err
	}
	if o.streams(int64(p.rows) * int64(cols) * int64(sizeOf[T]())) {
		r, err := spillParquet[T](ctx, p, features, o)
		if err != nil {
			return nil, err
		}
		d.Stream = r
		return d, nil
	}
	x := make([]T, p.rows*cols)
	if err := fillParquet(ctx, p, features, x, o.workers()); err != nil {
		return nil, err
	}
	d.X = tensor.New(tensor.WithShape(p.rows, cols), tensor.WithBacking(x))
	return d, nil
}

// fillParquet decodes the features to x.
func fillParquet[T float32 | float64](ctx context.Context, p *parquetFile, features []*parquetColumn, x []T, workers int) error {
	hugepages.Want(x)
	cols := len(features)

	// Row groups are read side by side; where there are fewer of them than workers, so
	// are shares of their columns.
	groups := p.RowGroups()
	shares := min(cols, max(1, (workers+len(groups)-1)/len(groups)))
	var tasks []func() error
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
	return inParallel(ctx, workers, len(tasks), func(_, i int) error { return tasks[i]() })
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
	open := openColumns(g, columns)
	defer open.close()
	rows := int(g.NumRows())
	step := max(64, parquetTileBytes/(cols*sizeOf[T]()))
	for at := 0; at < rows; at += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, rows-at)
		tile := x[at*cols : (at+n)*cols]
		if err := fillTile(open, tile, n, from, cols); err != nil {
			return err
		}
	}
	return nil
}

// openPagesOf are the open pages of neighbouring columns of a row group.
type openPagesOf []*pages

func openColumns(g parquet.RowGroup, columns []*parquetColumn) openPagesOf {
	open := make(openPagesOf, len(columns))
	for j, c := range columns {
		open[j] = openPages(g, c)
	}
	return open
}

func (o openPagesOf) close() {
	for _, s := range o {
		s.close()
	}
}

// fillTile decodes the next n cells of each of the columns, of which the first is from.
func fillTile[T float32 | float64](open openPagesOf, tile []T, n, from, cols int) error {
	for j, s := range open {
		if err := fillColumn(s, tile[from+j:], n, cols); err != nil {
			return err
		}
	}
	if !finiteNumbers(tile, from, from+len(open), cols) {
		return errNotPlain
	}
	return nil
}

// fillColumn decodes n cells to every cols-th number of dst.
func fillColumn[T float32 | float64](s *pages, dst []T, n, cols int) error {
	for n > 0 {
		left, err := s.ready()
		if err != nil {
			return err
		}
		if s.missing != nil {
			return errNotPlain
		}
		k := min(left, n)
		numbersOf(s.values, s.next, dst, k, cols, s.numbers)
		if s.column.divisor != 1 && !s.coded {
			for i := range k {
				dst[i*cols] = T(float64(dst[i*cols]) / s.column.divisor)
			}
		}
		s.at += k
		s.next += k
		n -= k
		if n > 0 {
			dst = dst[k*cols:]
		}
	}
	return nil
}

// finiteNumbers looks at columns from to to of whole rows.
func finiteNumbers[T float32 | float64](rows []T, from, to, cols int) bool {
	var sum T
	for ; len(rows) > 0; rows = rows[cols:] {
		for _, v := range rows[from:to] {
			sum += v - v
		}
	}
	return sum == 0
}
