package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// Sample implements backend.Sampler. The rows are gathered from one part after another;
// those of a sample that jumps between them are put in order afterwards.
func (p *pieces) Sample(ctx context.Context, rows []int, factor []float64) (_ backend.Data, err error) {
	if p.closed {
		return nil, errClosed
	}
	if err := columns.CheckRows(rows, factor, p.columns.Rows); err != nil {
		return nil, err
	}
	if len(rows) > p.most {
		return nil, &backend.MemoryLimitError{What: fmt.Sprintf("the order of %d rows of sparse X", len(rows)), Needs: p.g.memory / int64(p.most+1) * int64(len(rows)), Allowed: p.g.memory}
	}
	if !slices.IsSorted(rows) {
		return p.sampleInAnyOrder(ctx, rows, factor)
	}
	s := p.parts[0].sampleOf(len(rows))
	defer func() {
		if err != nil {
			err = errors.Join(err, p.g.do(s.free))
		}
	}()
	// Its memory is taken before anything is sent, from parts that are resident.
	if err := s.run(ctx, func(c *call) error { return c.reserve(p.parts, p.first, rows) }); err != nil {
		return nil, err
	}
	at := 0
	err = p.each(ctx, func(i int, d *data) error {
		end, _ := slices.BinarySearch(rows[at:], p.first[i+1])
		mine := rows[at : at+end]
		if len(mine) == 0 {
			return nil
		}
		err := d.run(ctx, func(c *call) error { return c.gatherInto(s, at, mine, p.first[i]) })
		if err == nil {
			at += end
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.run(ctx, func(c *call) error { return c.complete(p.host, nil, rows, factor) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// sampleInAnyOrder draws the rows in order, and from these the rows as asked.
func (p *pieces) sampleInAnyOrder(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	place := make([]int, len(rows)) // of each row asked, among those in order
	order := make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rows[a] - rows[b] })
	sorted := make([]int, len(rows))
	for k, i := range order {
		sorted[k], place[i] = rows[i], k
	}
	s, err := p.Sample(ctx, sorted, nil)
	if err != nil {
		return nil, err
	}
	asked, err := s.(*data).Sample(ctx, place, factor)
	return asked, errors.Join(err, s.Close())
}
