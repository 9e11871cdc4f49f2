package backend

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// Affine maps the source's columns to the stored ones: xs = (x - Center) / Scale,
// computed in float64 and then rounded to the storage. Scale holds powers of two,
// so that only the subtraction and the final rounding lose digits. The zero value
// is the identity.
type Affine struct {
	Center, Scale []float64 // nil, or one a column
}

// Identity tells whether the stored columns are the source's.
func (a Affine) Identity() bool { return a.Center == nil }

// Map returns the stored value of x in column j, before rounding.
func (a Affine) Map(j int, x float64) float64 {
	if a.Center == nil {
		return x
	}
	return (x - a.Center[j]) / a.Scale[j]
}

const (
	// affineRows is how many rows ChooseAffine looks at, spread evenly over all.
	affineRows = 4096

	// farFromZero is the |mean| / deviation beyond which float32 input is centred
	// too: there the mean takes more than 4 of its 24 bits.
	farFromZero = 16
)

// ChooseAffine chooses the map for src from a few thousand rows. Any affine map would
// do, since the objective maps coefficients back exactly; this one keeps the digits
// of columns with a large mean when they are rounded to the storage, and the Gram
// matrix well scaled. float64 sources are always mapped; float32 sources only where
// some column lies far from zero, since they were rounded before we saw them. It fails
// where rows cannot be read.
func ChooseAffine(src *Source) (Affine, error) {
	if src.Sparse != nil || src.SparseRows != nil { // centring would fill it
		return Affine{}, nil
	}
	rows, cols := src.Shape()
	m := min(rows, affineRows)
	var mean, dev []float64
	if src.Rows != nil {
		var err error
		if mean, dev, err = readMoments(src.Rows, m); err != nil {
			return Affine{}, err
		}
	} else {
		switch x := src.X.Data().(type) {
		case []float32:
			mean, dev = columnMoments(x, rows, m, cols)
		case []float64:
			mean, dev = columnMoments(x, rows, m, cols)
		}
	}
	if src.dtype() == tensor.Float32 && !anyFar(mean, dev) {
		return Affine{}, nil
	}
	a := Affine{Center: mean, Scale: dev}
	for j := range mean {
		a.Scale[j] = powerOfTwo(dev[j])
		if math.Abs(mean[j]) <= dev[j] { // centring would only cost digits
			a.Center[j] = 0
		}
	}
	return a, nil
}

// readMoments is columnMoments of rows that have to be read: the same ones.
func readMoments(r RowReader, m int) (mean, dev []float64, err error) {
	if r.Dtype() == tensor.Float32 {
		return sampledMoments(r, r.ReadRows32, m)
	}
	return sampledMoments(r, r.ReadRows64, m)
}

func sampledMoments[T float32 | float64](r RowReader, read func(int, []T) error, m int) (mean, dev []float64, err error) {
	rows, cols := r.Shape()
	x := make([]T, m*cols)
	for i := range m {
		if err := read(i*rows/m, x[i*cols:(i+1)*cols]); err != nil {
			return nil, nil, fmt.Errorf("reading row %d: %w", i*rows/m, err)
		}
	}
	mean, dev = columnMoments(x, m, m, cols)
	return mean, dev, nil
}

// columnMoments returns mean and deviation of m of the rows, each scaled by the
// column's largest magnitude, in powers of two, against overflow. Columns with a value
// that is not finite get zeros: Load reports them by row and column.
func columnMoments[T float32 | float64](x []T, rows, m, cols int) (mean, dev []float64) {
	row := func(i int) []T { return x[i*rows/m*cols : (i*rows/m+1)*cols] }
	scale, mean, dev := make([]float64, cols), make([]float64, cols), make([]float64, cols)
	for i := range m {
		for j, v := range row(i) {
			scale[j] = max(scale[j], math.Abs(float64(v)))
		}
	}
	for j, high := range scale {
		_, e := math.Frexp(high)
		scale[j] = math.Ldexp(1, -min(max(e, -1022), 1022))
	}
	for i := range m {
		for j, v := range row(i) {
			mean[j] += float64(float64(v) * scale[j])
		}
	}
	for j := range mean {
		mean[j] /= float64(m)
	}
	for i := range m {
		for j, v := range row(i) {
			d := float64(float64(v)*scale[j]) - mean[j]
			dev[j] += float64(d * d)
		}
	}
	for j, by := range scale {
		mean[j], dev[j] = mean[j]/by, math.Sqrt(dev[j]/float64(m))/by
		if dev[j]-dev[j] != 0 {
			mean[j], dev[j] = 0, 0
		}
	}
	return mean, dev
}

func anyFar(mean, dev []float64) bool {
	for j := range mean {
		if math.Abs(mean[j]) > farFromZero*dev[j] && mean[j] != 0 {
			return true
		}
	}
	return false
}

// powerOfTwo is the power of two next below x, or 1 where x is no ordinary size.
func powerOfTwo(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return 1
	}
	_, e := math.Frexp(x)
	return math.Ldexp(1, e-1)
}
