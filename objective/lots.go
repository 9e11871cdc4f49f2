package objective

import (
	"math"
	"math/rand/v2"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// lots decide which rows a sample holds. Row i of class c has its own number u_i,
// uniform on [0, 1) and the same for all samples, and is drawn where
//
//	u_i < pi_i = min(1, rate_c s_i)
//
// so that samples of growing rates are nested, rows that outweigh the others are
// certain to be there, and rows of weight zero never are. Classes share a sample
// equally as far as they have rows: a rare class is there with every row. A row
// drawn then weighs s_i / pi_i, scaled so that each class weighs what it does in the
// whole.
//
// Only rows with u_i below the highest rate of interest are ever looked at twice; in
// unweighted data the others are not looked at even once.
type lots struct {
	rows    int
	model   backend.Model
	labels  []int32   // nil: one class
	weights []float64 // nil: ones
	count   []int     // of the rows of positive weight in each stratum
	mass    []float64 // their weights
	seed    uint64

	kept  []ticket // the rows below the rates in top
	top   []float64
	drawn bool
}

type ticket struct {
	row int
	u   float64
}

// newLots counts the classes that the model tells apart.
func newLots(rows int, m backend.Model, labels []int32, weights []float64, seed uint64) *lots {
	l := &lots{rows: rows, model: m, labels: labels, weights: weights, seed: seed}
	strata := 1
	if labels != nil {
		strata = max(m.Classes, 2)
	}
	l.count, l.mass = make([]int, strata), make([]float64, strata)
	if weights == nil {
		if labels != nil && m.Classes == 0 {
			l.count[1] = occurrences(labels, m.Class)
			l.count[0] = rows - l.count[1]
		} else {
			for i := range rows {
				l.count[l.stratum(i)]++
			}
		}
		for k, n := range l.count {
			l.mass[k] = float64(n)
		}
		return l
	}
	for i, s := range weights {
		if s > 0 {
			k := l.stratum(i)
			l.count[k]++
			l.mass[k] += s
		}
	}
	return l
}

// occurrences counts without a branch, which labels in no order would make costly.
func occurrences(labels []int32, class int32) (n int) {
	for _, l := range labels {
		is := 0
		if l == class {
			is = 1
		}
		n += is
	}
	return n
}

// stratum is the class of row i that the model sees.
func (l *lots) stratum(i int) int {
	switch {
	case l.labels == nil:
		return 0
	case l.model.Classes > 0:
		return int(l.labels[i])
	case l.labels[i] == l.model.Class:
		return 1
	}
	return 0
}

// shares splits a sample of m rows among the strata: equally, as far as they go.
func (l *lots) shares(m int) []float64 {
	share := make([]float64, len(l.count))
	open, left := 0, float64(m)
	full := make([]bool, len(l.count))
	for k, n := range l.count {
		full[k] = n == 0
		if n > 0 {
			open++
		}
	}
	for open > 0 {
		each := max(left/float64(open), fewest)
		again := false
		for k, n := range l.count {
			if !full[k] && float64(n) <= each {
				share[k], full[k] = float64(n), true
				left -= float64(n)
				open--
				again = true
			}
		}
		if again {
			continue
		}
		for k := range share {
			if !full[k] {
				share[k] = each
			}
		}
		break
	}
	return share
}

const (
	// fewest is the least number of rows to draw of a class that has them: with it, a
	// class is missed once in 10^7 samples.
	fewest = 16

	// certainRounds bounds the search for the rows that are certain to be drawn.
	certainRounds = 6
)

// rates gives rate_c for a sample of about m rows: sum_i min(1, rate_c s_i) over the
// class is its share, or less where few rows hold nearly all of the weight.
func (l *lots) rates(m int) []float64 {
	rate := l.shares(m)
	if l.weights == nil {
		for k, n := range l.count {
			if n > 0 {
				rate[k] /= float64(n)
			}
		}
		return rate
	}
	share := append([]float64(nil), rate...)
	for k := range rate {
		if l.mass[k] > 0 {
			rate[k] = share[k] / l.mass[k]
		}
	}
	for range certainRounds {
		certain, mass := make([]float64, len(rate)), append([]float64(nil), l.mass...)
		for i, s := range l.weights {
			if k := l.stratum(i); s*rate[k] >= 1 {
				certain[k]++
				mass[k] -= s
			}
		}
		changed := false
		for k := range rate {
			next := math.Inf(1)
			if share[k] < float64(l.count[k]) {
				next = (share[k] - certain[k]) / mass[k]
			}
			// mass is a difference: where certain rows hold all but rounding errors of
			// the weight, there is nothing left to raise the rate for.
			if next > rate[k] && mass[k] > 1e-12*l.mass[k] {
				rate[k], changed = next, true
			}
		}
		if !changed {
			break
		}
	}
	return rate
}

// draw gives the rows of a sample of about m rows, in order, their factors
// (s_i / pi_i = factor s_i, scaled), and their number as far as weights count:
// (sum s)^2 / sum s^2.
func (l *lots) draw(m int) (rows []int, factor []float64, effective float64) {
	rate := l.rates(m)
	l.keep(rate)
	if l.weights == nil {
		return l.drawEven(m, rate)
	}
	total := make([]float64, len(rate)) // of s_i / pi_i
	rows, factor = make([]int, 0, m+m/8), make([]float64, 0, m+m/8)
	for _, t := range l.kept {
		k := l.stratum(t.row)
		if pi := l.chance(t.row, rate[k]); t.u < pi {
			rows, factor = append(rows, t.row), append(factor, 1/pi)
			total[k] += l.weight(t.row) / pi
		}
	}
	sum, squares := 0.0, 0.0
	for i, r := range rows {
		k := l.stratum(r)
		factor[i] *= l.mass[k] / total[k]
		s := l.weight(r) * factor[i]
		sum += s
		squares += float64(s * s)
	}
	return rows, factor, sum * sum / squares
}

// drawEven is draw of unweighted data, where the rows of a stratum are all alike.
func (l *lots) drawEven(m int, rate []float64) (rows []int, factor []float64, effective float64) {
	drawn, each := make([]int, len(rate)), make([]float64, len(rate))
	rows = make([]int, 0, m+m/8)
	for _, t := range l.kept {
		if k := l.stratum(t.row); t.u < rate[k] {
			rows = append(rows, t.row)
			drawn[k]++
		}
	}
	sum, squares := 0.0, 0.0
	for k, n := range drawn {
		if n > 0 {
			each[k] = l.mass[k] / float64(n)
			sum += l.mass[k]
			squares += float64(l.mass[k] * each[k])
		}
	}
	factor = make([]float64, len(rows))
	for i, r := range rows {
		factor[i] = each[l.stratum(r)]
	}
	return rows, factor, sum * sum / squares
}

func (l *lots) weight(i int) float64 {
	if l.weights == nil {
		return 1
	}
	return l.weights[i]
}

func (l *lots) chance(i int, rate float64) float64 {
	s := l.weight(i)
	if s == 0 {
		return 0
	}
	return min(1, rate*s)
}

// keep makes sure that kept holds the rows below the given rates. The numbers are a
// function of the seed and of the highest rate ever asked: the largest sample is to be
// drawn first.
func (l *lots) keep(rate []float64) {
	if l.drawn {
		enough := true
		for k := range rate {
			enough = enough && rate[k] <= l.top[k]
		}
		if enough {
			return
		}
	}
	l.kept, l.top, l.drawn = nil, append([]float64(nil), rate...), true
	rng := rand.New(rand.NewPCG(l.seed, 0x5a4d504c45))
	if l.weights != nil {
		for i := range l.rows {
			if u := rng.Float64(); u < l.chance(i, rate[l.stratum(i)]) {
				l.kept = append(l.kept, ticket{i, u})
			}
		}
		return
	}
	high := 0.0
	for _, r := range rate {
		high = max(high, min(1, r))
	}
	l.kept = make([]ticket, 0, int(1.05*high*float64(l.rows)))
	// Gaps between rows of u < high are geometric: exponential ones, rounded down.
	pace := -math.Log1p(-high)
	for i := 0; ; i++ {
		if high < 1 {
			gap := rng.ExpFloat64() / pace
			if gap >= float64(l.rows-i) {
				return
			}
			i += int(gap)
		}
		if i >= l.rows {
			return
		}
		if u := rng.Float64() * high; u < rate[l.stratum(i)] {
			l.kept = append(l.kept, ticket{i, u})
		}
	}
}
