package cpu

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// conversion stores numbers of a source as an X holds them.
type conversion struct {
	affine  backend.Affine
	inverse []float64 // of the scales, which are powers of two; nil where one overflows
	storage backend.Storage
}

func newConversion(affine backend.Affine, storage backend.Storage) *conversion {
	c := &conversion{affine: affine, storage: storage}
	for _, scale := range affine.Scale {
		if math.IsInf(1/scale, 0) {
			c.inverse = nil
			break
		}
		c.inverse = append(c.inverse, 1/scale)
	}
	return c
}

// store puts whole rows of src, which begins with row first of X, into x from row at on,
// and reports the first value that is not finite or too large.
func store[S, T number](c *conversion, src []S, first int, x *matrix[T], at int) error {
	cols := x.cols
	for i := range len(src) / cols {
		row, to := src[i*cols:(i+1)*cols], (at+i)*cols
		ok := true
		switch {
		case x.narrow == nil && c.affine.Identity():
			ok = storeSame(row, x.vals[to:to+cols])
		case x.narrow == nil && c.inverse != nil:
			ok = storeMapped(row, x.vals[to:to+cols], c.affine.Center, c.inverse)
		default:
			for j, s := range row {
				ok = x.put(to+j, c.affine.Map(j, float64(s))) && ok
			}
		}
		if !ok {
			return bad(c, first+i, row, x, to)
		}
	}
	return nil
}

// bad names the first number of a row that cannot be stored.
func bad[S, T number](c *conversion, i int, row []S, x *matrix[T], to int) error {
	for j, s := range row {
		v := float64(s)
		if v-v != 0 {
			return &backend.NotFiniteError{Row: i, Col: j, Value: v}
		}
		if !x.put(to+j, c.affine.Map(j, v)) {
			return &backend.RangeError{Row: i, Col: j, Value: v, Storage: c.storage}
		}
	}
	panic("cpu: a row that could not be stored has no number that cannot")
}

// storeSame rounds a row and tells whether all numbers are finite then.
func storeSame[S, T number](row []S, to []T) bool {
	var bad T
	for j, s := range row {
		v := T(s)
		to[j] = v
		bad += v - v
	}
	return bad == 0
}

// storeMapped is storeSame of (x - center) / scale: times the inverse of a power of two,
// it has the same bits.
func storeMapped[S, T number](row []S, to []T, center, inverse []float64) bool {
	center, inverse = center[:len(row)], inverse[:len(row)]
	var bad T
	for j, s := range row {
		v := T((float64(s) - center[j]) * inverse[j])
		to[j] = v
		bad += v - v
	}
	return bad == 0
}
