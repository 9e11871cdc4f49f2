package checkpoint

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// answer is where the numbers of an answer are: give collects them once they are there,
// take puts those of a record there and tells whether they fit.
type answer struct {
	give func() [][]float64
	take func(numbers []float64) bool
}

// into is an answer to slices of known lengths.
func into(parts ...[]float64) answer {
	return answer{
		give: func() [][]float64 { return parts },
		take: func(numbers []float64) bool { return fill(numbers, parts) },
	}
}

// fill deals numbers out to parts, which they must fill.
func fill(numbers []float64, parts [][]float64) bool {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n != len(numbers) {
		return false
	}
	for _, p := range parts {
		numbers = numbers[copy(p, numbers):]
	}
	return true
}

// intoEvaluation is an answer to ev, which takes the lengths that models need.
func intoEvaluation(ev *backend.Evaluation, models []backend.Model, cols int) answer {
	parts := func() [][]float64 { return [][]float64{ev.Loss, ev.Grad, ev.Held} }
	return answer{
		give: parts,
		take: func(numbers []float64) bool {
			ev.Reset(models, cols)
			return fill(numbers, parts())
		},
	}
}

// intoMatrices is an answer to square matrices of the given side, and to the rest.
// Matrices that are symmetric to the bit take one triangle.
func intoMatrices(side int, matrices [][]float64, rest answer) answer {
	return answer{
		give: func() (parts [][]float64) {
			half := symmetric(side, matrices)
			for _, m := range matrices {
				parts = append(parts, rowsOf(m, side, half)...)
			}
			return append(parts, rest.give()...)
		},
		take: func(numbers []float64) bool {
			whole, triangle := len(matrices)*side*side, len(matrices)*side*(side+1)/2
			// rest takes as many numbers either way, so that one of the two fits.
			for _, half := range []bool{true, false} {
				n := whole
				if half {
					n = triangle
				}
				if len(numbers) < n || !rest.take(numbers[n:]) {
					continue
				}
				for _, m := range matrices {
					for i, row := range rowsOf(m, side, half) {
						numbers = numbers[copy(row, numbers):]
						for j := i + 1; half && j < side; j++ {
							m[j*side+i] = m[i*side+j]
						}
					}
				}
				return true
			}
			return false
		},
	}
}

// rowsOf are the rows of a matrix, or those of its upper triangle.
func rowsOf(m []float64, side int, half bool) [][]float64 {
	rows := make([][]float64, side)
	for i := range rows {
		first := 0
		if half {
			first = i
		}
		rows[i] = m[i*side+first : (i+1)*side]
	}
	return rows
}

func symmetric(side int, matrices [][]float64) bool {
	for _, m := range matrices {
		for i := range side {
			for j := range i {
				if math.Float64bits(m[i*side+j]) != math.Float64bits(m[j*side+i]) {
					return false
				}
			}
		}
	}
	return true
}

// intoStats is an answer to st, over cols columns. Counts stay exact up to 2^53.
func intoStats(st *backend.Stats, cols int) answer {
	return answer{
		give: func() [][]float64 {
			counts := make([]float64, len(st.NonZero))
			for j, n := range st.NonZero {
				counts[j] = float64(n)
			}
			return [][]float64{{st.Sum}, st.Mean, st.Var, st.Min, st.Max, counts, {st.Weighted.Sum}, st.Weighted.Mean, st.Weighted.Var}
		},
		take: func(numbers []float64) bool {
			vector := func() []float64 { return make([]float64, cols) }
			*st = backend.Stats{Moments: backend.Moments{Mean: vector(), Var: vector()}, Min: vector(), Max: vector(), NonZero: make([]int64, cols)}
			if len(numbers) == 2+7*cols {
				st.Weighted = backend.Moments{Mean: vector(), Var: vector()}
			}
			counts := vector()
			sum, weighted := make([]float64, 1), make([]float64, 1)
			ok := fill(numbers, [][]float64{sum, st.Mean, st.Var, st.Min, st.Max, counts, weighted, st.Weighted.Mean, st.Weighted.Var})
			st.Sum, st.Weighted.Sum = sum[0], weighted[0]
			for j, n := range counts {
				st.NonZero[j] = int64(n)
			}
			return ok
		},
	}
}
