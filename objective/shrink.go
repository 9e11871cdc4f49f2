package objective

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

const (
	// wellKnown is the number of rows a column from which on a sample's Hessian is taken
	// as it is.
	wellKnown = 6

	// probed is how many coordinates speak for all: a factor of so few costs nothing.
	probed = 256
)

// shrink moves the Hessian h of a sample with few rows a column towards its diagonal.
//
// With gamma columns a row, the eigenvalues of a sample's covariance lie between
// (1 - sqrt gamma)^2 and (1 + sqrt gamma)^2 of the true one's where that is flat
// (Marchenko and Pastur 1967): steps along the smallest are many times too long. Large
// eigenvalues, of what columns have in common, are known well. So a part of the
// diagonal is added that lifts the smallest to about where they are in truth,
//
//	(1 - sqrt gamma)^2 + s = 1,
//
// times the level at which the spectrum is flat: the partial variance of columns. Adding
// as much as that for every sample would cost what large ones tell of columns that
// depend on each other.
func shrink(h *mat.SymDense, rows float64) {
	n := h.SymmetricDim()
	if float64(wellKnown*n) <= rows {
		return
	}
	gamma := min(1, float64(n)/rows)
	by := (2*math.Sqrt(gamma) - gamma) * partialVariance(h, rows)
	for i := range n {
		h.SetSym(i, i, h.At(i, i)*(1+by))
	}
}

// partialVariance is the median share of a column's mean square in h, of so many rows,
// that is left when a hundred or two of the others have explained what they can: in the
// pivots of a Cholesky factor of some columns, evenly spread, the second half of them. A
// row for each column that explains is lost.
func partialVariance(h *mat.SymDense, rows float64) float64 {
	n := h.SymmetricDim()
	k := max(1, min(n, probed, int(rows/2)))
	at := func(i int) int { return i * n / k }
	u := make([]float64, k*k)
	for i := range k {
		for j := i; j < k; j++ {
			if size := math.Sqrt(h.At(at(i), at(i)) * h.At(at(j), at(j))); size > 0 {
				u[i*k+j] = h.At(at(i), at(j)) / size
			}
		}
	}
	var left []float64
	for i := range k {
		row := u[i*k : (i+1)*k]
		pivot := max(0, row[i])
		if i >= k/2 {
			left = append(left, pivot*rows/(rows-float64(i)))
		}
		if pivot < dependent {
			continue
		}
		for j := i + 1; j < k; j++ {
			by, to := row[j]/pivot, u[j*k:(j+1)*k]
			for l := j; l < k; l++ {
				to[l] -= float64(by * row[l])
			}
		}
	}
	slices.Sort(left)
	return min(1, left[len(left)/2])
}

// dependent is the share of a column below which what is left of it is rounding.
const dependent = 1e-6
