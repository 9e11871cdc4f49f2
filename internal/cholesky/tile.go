package cholesky

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

const (
	// block is the side of the tiles that a matrix is cut into: two of them and one of
	// the matrix stay in the second-level cache.
	block = 128

	// strip is how many rows of a tile are worked on before the rest of the tile is
	// brought up to date by one subtraction.
	strip = 16
)

// tile is some rows and columns of a matrix, copied to where they lie close together:
// rows of side numbers.
type tile struct {
	vals       []float64
	side       int
	rows, cols int
}

func (t *tile) row(i int) []float64 { return t.vals[i*t.side : i*t.side+t.cols] }

// load copies rows from i and columns from j of a. Of a tile on the diagonal the upper
// triangle matters.
func (t *tile) load(a []float64, stride, i, j, rows, cols int) {
	t.rows, t.cols = rows, cols
	for r := range rows {
		copy(t.row(r), a[(i+r)*stride+j:])
	}
}

// store copies the tile back, its upper triangle alone where it lies on the diagonal.
func (t *tile) store(a []float64, stride, i, j int) {
	for r := range t.rows {
		from := 0
		if i == j {
			from = r
		}
		copy(a[(i+r)*stride+j+from:], t.row(r)[from:])
	}
}

// factorise replaces a tile on the diagonal by its factor and tells whether it is
// positive definite.
func (t *tile) factorise(s subtraction) bool {
	n := t.rows
	for first := 0; first < n; first += strip {
		end := min(first+strip, n)
		for i := first; i < end; i++ {
			row := t.row(i)
			p := row[i]
			if !(p > 0 && p <= math.MaxFloat64) {
				return false
			}
			p = math.Sqrt(p)
			row[i] = p
			floats.Scale(1/p, row[i+1:n])
			for k := i + 1; k < end; k++ {
				floats.AddScaled(t.row(k)[k:n], -row[k], row[k:n])
			}
		}
		if end < n {
			from := t.vals[first*t.side+end:]
			s.subtract(t.vals[end*t.side+end:], t.side, from, from, n-end, n-end, end-first, t.side, true)
		}
	}
	return true
}

// forward replaces b by the solution x of u'x = b, where u is the factor of the tile on
// the diagonal of b's rows.
func (u *tile) forward(s subtraction, b *tile) {
	n := u.rows
	for first := 0; first < n; first += strip {
		end := min(first+strip, n)
		for i := first; i < end; i++ {
			row, by := b.row(i), u.row(i)
			floats.Scale(1/by[i], row)
			for k := i + 1; k < end; k++ {
				floats.AddScaled(b.row(k), -by[k], row)
			}
		}
		s.subtract(b.vals[end*b.side:], b.side, u.vals[first*u.side+end:], b.vals[first*b.side:], n-end, b.cols, end-first, u.side, false)
	}
}
