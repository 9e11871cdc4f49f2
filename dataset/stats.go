package dataset

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
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
func (d *Dataset) Stats(weighted bool) *Stats {
	weights := d.Weights
	if !weighted {
		weights = nil
	}
	rows, cols := d.Shape()
	switch x := d.X.Data().(type) {
	case []float32:
		return columnStats(x, rows, cols, weights)
	default:
		return columnStats(x.([]float64), rows, cols, weights)
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
	for j := range all.Var {
		if all.Weight > 0 {
			all.Var[j] /= all.Weight
		}
	}
	return all
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
