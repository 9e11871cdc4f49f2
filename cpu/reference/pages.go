package reference

import (
	"context"
	"math"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// pages is an X of which blockRows rows at a time are in memory.
type pages struct {
	reader backend.RowReader
	data   *data
	round  func(float64) float64

	first, end int // rows of the page that lies open
	x          []float64
	x32        []float32
}

// openPages takes X from r and reads it once, to check it.
func (d *data) openPages(ctx context.Context, r backend.RowReader, round func(float64) float64) error {
	d.pages = &pages{reader: r, data: d, round: round}
	for i := range d.Rows() {
		if err := d.begin(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (p *pages) row(i int) []float64 {
	cols := p.data.Cols()
	return p.x[(i-p.first)*cols : (i-p.first+1)*cols]
}

// turnTo opens the page of row i.
func (p *pages) turnTo(i int) error {
	if i >= p.first && i < p.end {
		return nil
	}
	cols := p.data.Cols()
	first := i / blockRows * blockRows
	p.first, p.end = first, first // nothing, until it has been read
	end := min(first+blockRows, p.data.Rows())
	p.x = append(p.x[:0], make([]float64, (end-first)*cols)...)
	if p.reader.Dtype() == tensor.Float32 {
		p.x32 = append(p.x32[:0], make([]float32, len(p.x))...)
		if err := p.reader.ReadRows32(first, p.x32); err != nil {
			return err
		}
		for at, v := range p.x32 {
			p.x[at] = float64(v)
		}
	} else if err := p.reader.ReadRows64(first, p.x); err != nil {
		return err
	}
	for at, v := range p.x {
		row, col := first+at/cols, at%cols
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &backend.NotFiniteError{Row: row, Col: col, Value: v}
		}
		if p.x[at] = p.round(p.data.affine.Map(col, v)); math.IsInf(p.x[at], 0) {
			return &backend.RangeError{Row: row, Col: col, Value: v, Storage: p.data.storage}
		}
	}
	p.end = end
	return nil
}
