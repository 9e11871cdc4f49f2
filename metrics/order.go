package metrics

import (
	"cmp"
	"math"
	"slices"
)

// scored is a row by its score.
type scored struct {
	key uint64 // falls as the score rises
	row int
}

// byScore returns the rows of positive weight, highest score first, equals in row order.
func byScore(score, w []float64) []scored {
	rows := make([]scored, 0, len(score))
	for i, s := range score {
		if weightOf(w, i) > 0 {
			rows = append(rows, scored{^rising(s), i})
		}
	}
	if len(rows) < fewForRadix {
		slices.SortStableFunc(rows, func(a, b scored) int { return cmp.Compare(a.key, b.key) })
		return rows
	}
	return radix(rows)
}

// rising is an integer that rises with v; both zeros are one.
func rising(v float64) uint64 {
	b := math.Float64bits(v + 0)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

const (
	digitBits = 11
	digits    = (64 + digitBits - 1) / digitBits

	// fewForRadix is the number of rows below which counting digits takes longer than
	// comparisons.
	fewForRadix = 2048
)

// radix sorts rows by key, digit after digit, the lowest first. It may use the memory of
// rows.
func radix(rows []scored) []scored {
	var count [digits][1 << digitBits]int
	for _, r := range rows {
		for d := range count {
			count[d][r.key>>(d*digitBits)&(1<<digitBits-1)]++
		}
	}
	to := make([]scored, len(rows))
	for d := range count {
		start := &count[d]
		if start[rows[0].key>>(d*digitBits)&(1<<digitBits-1)] == len(rows) {
			continue // all have the same
		}
		sum := 0
		for v, n := range start {
			start[v] = sum
			sum += n
		}
		for _, r := range rows {
			v := r.key >> (d * digitBits) & (1<<digitBits - 1)
			to[start[v]] = r
			start[v]++
		}
		rows, to = to, rows
	}
	return rows
}
