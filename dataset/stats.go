package dataset

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Stats are the statistics of the columns of X, computed in float64. All slices
// have one entry a column.
type Stats struct {
	Rows     int
	Weight   float64   // sum of the weights
	Mean     []float64 // weighted
	Var      []float64 // weighted mean of the squared deviations; not divided by N-1
	Min, Max []float64 // over all rows
	NonZero  []int64   // over all rows
}

// Stats reads X once, with the dataset's weights or, where weighted is false or
// there are none, with every row counted once.
//
// Rows are cut into blocks whose number depends on N alone, each summed by Welford's
// update, and combined in order by the formula of Chan, Golub and LeVeque (1983): the
// result is the same for any number of processors, and large means cost no digits.
//
// Only a Stream can fail to be read.
func (d *Dataset) Stats(weighted bool) (*Stats, error) {
	weights := d.Weights
	if !weighted {
		weights = nil
	}
	rows, cols := d.Shape()
	switch {
	case d.Sparse != nil:
		return sparseStats(d.Sparse, weights), nil
	case d.Stream != nil:
		return streamStats(d.Stream, weights)
	}
	switch x := d.X.Data().(type) {
	case []float32:
		return columnStats(x, rows, cols, weights), nil
	default:
		return columnStats(x.([]float64), rows, cols, weights), nil
	}
}

const statsRows = 4096 // rows a block

func columnStats[T float32 | float64](x []T, rows, cols int, weights []float64) *Stats {
	blocks := make([]*Stats, (rows+statsRows-1)/statsRows)
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(blocks)) {
		group.Go(func() {
			for {
				b := int(next.Add(1)) - 1
				if b >= len(blocks) {
					return
				}
				from, to := b*statsRows, min((b+1)*statsRows, rows)
				blocks[b] = newStats(cols)
				for i := from; i < to; i++ {
					w := 1.0
					if weights != nil {
						w = weights[i]
					}
					addRow(blocks[b], x[i*cols:(i+1)*cols], w)
				}
			}
		})
	}
	group.Wait()
	all := newStats(cols)
	for _, b := range blocks {
		all.merge(b)
	}
	return all.finished()
}

// finished turns sums of squares into variances.
func (s *Stats) finished() *Stats {
	for j := range s.Var {
		if s.Weight > 0 {
			s.Var[j] /= s.Weight
		}
	}
	return s
}

// streamStats has the blocks and bits of columnStats.
func streamStats(r backend.RowReader, weights []float64) (*Stats, error) {
	_, cols := r.Shape()
	all, block := newStats(cols), newStats(cols)
	err := eachPiece(r, func(first int, x []float64) {
		for i := range len(x) / cols {
			w := 1.0
			if weights != nil {
				w = weights[first+i]
			}
			addRow(block, x[i*cols:(i+1)*cols], w)
			if block.Rows == statsRows {
				all.merge(block)
				block = newStats(cols)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if block.Rows > 0 {
		all.merge(block)
	}
	return all.finished(), nil
}

// sparseStats goes through the entries once. Those of a column are summed by Welford's
// update as if they were all its rows; the zeros, whose sum and deviation are 0, are
// merged with them at the end.
func sparseStats(m *backend.CSR, weights []float64) *Stats {
	s := newStats(m.Cols)
	s.Rows = m.Rows
	stored := make([]int64, m.Cols)
	weight := make([]float64, m.Cols) // of the rows with an entry
	for i := range m.Rows {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		s.Weight += w
		for e := m.RowPtr[i]; e < m.RowPtr[i+1]; e++ {
			x, j := m.Value(e), m.Col[e]
			stored[j]++
			weight[j] += w
			share := 0.0
			if w > 0 {
				share = w / weight[j]
			}
			delta := x - s.Mean[j]
			s.Mean[j] += float64(delta * share)
			s.Var[j] += float64(float64(w*delta) * (x - s.Mean[j]))
			s.Min[j] = min(s.Min[j], x)
			s.Max[j] = max(s.Max[j], x)
			if x != 0 {
				s.NonZero[j]++
			}
		}
	}
	for j, n := range stored {
		if n == int64(m.Rows) {
			continue
		}
		s.Min[j], s.Max[j] = min(s.Min[j], 0), max(s.Max[j], 0)
		if s.Weight > 0 {
			mean, share := s.Mean[j], weight[j]/s.Weight
			s.Mean[j] = float64(mean * share)
			s.Var[j] += float64(float64(mean*mean) * float64(weight[j]*(1-share)))
		}
	}
	return s.finished()
}

func newStats(cols int) *Stats {
	s := &Stats{
		Mean: make([]float64, cols), Var: make([]float64, cols),
		Min: make([]float64, cols), Max: make([]float64, cols),
		NonZero: make([]int64, cols),
	}
	for j := range cols {
		s.Min[j], s.Max[j] = math.Inf(1), math.Inf(-1)
	}
	return s
}

// addRow adds a row of weight w. Until the end Var holds sums of squares.
func addRow[T float32 | float64](s *Stats, row []T, w float64) {
	s.Rows++
	s.Weight += w
	share := 0.0
	if w > 0 {
		share = w / s.Weight
	}
	for j, v := range row {
		x := float64(v)
		delta := x - s.Mean[j]
		s.Mean[j] += float64(delta * share)
		s.Var[j] += float64(float64(w*delta) * (x - s.Mean[j]))
		s.Min[j] = min(s.Min[j], x)
		s.Max[j] = max(s.Max[j], x)
		if x != 0 {
			s.NonZero[j]++
		}
	}
}

// merge adds the rows of o, which follow those of s.
func (s *Stats) merge(o *Stats) {
	total := s.Weight + o.Weight
	share := 0.0
	if o.Weight > 0 {
		share = o.Weight / total
	}
	for j := range s.Mean {
		delta := o.Mean[j] - s.Mean[j]
		s.Mean[j] += float64(delta * share)
		s.Var[j] += o.Var[j] + float64(float64(delta*delta)*float64(s.Weight*share))
		s.Min[j] = min(s.Min[j], o.Min[j])
		s.Max[j] = max(s.Max[j], o.Max[j])
		s.NonZero[j] += o.NonZero[j]
	}
	s.Rows += o.Rows
	s.Weight = total
}
