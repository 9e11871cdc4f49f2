package objective

import (
	"math"
	"slices"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/draw"
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
// Only rows with u_i below the highest rate of interest are ever looked at twice.
type lots struct {
	rows    int
	model   backend.Model
	labels  []int32   // nil: one class
	weights []float64 // nil: ones
	count   []int     // of the rows of positive weight in each stratum
	mass    []float64 // their weights
	seed    uint64
	threads int

	kept lot // the rows below the highest rates asked for
	last lot // those below the rates asked for last
}

// lot is the rows below some rates, in order; no rates: none have been drawn.
type lot struct {
	rate []float64
	rows []int
}

// holds tells whether the lot has all rows below the given rates.
func (l lot) holds(rate []float64) bool {
	for k, r := range l.rate {
		if rate[k] > r {
			return false
		}
	}
	return l.rate != nil
}

// newLots counts the classes that the model tells apart.
func newLots(rows int, m backend.Model, labels []int32, weights []float64, seed uint64, threads int) *lots {
	l := &lots{rows: rows, model: m, labels: labels, weights: weights, threads: threads}
	l.seed = seed ^ 0x5a4d504c45
	l.seed = draw.Pair(l.seed, 1) // seeds next to each other are to have nothing in common
	strata := 1
	if labels != nil {
		strata = max(m.Classes, 2)
	}
	l.count, l.mass = make([]int, strata), make([]float64, strata)
	if weights == nil {
		if labels != nil && m.Classes == 0 {
			each := make([]int, l.parts())
			l.inParts(func(p, lo, hi int) { each[p] = occurrences(labels[lo:hi], m.Class) })
			for _, n := range each {
				l.count[1] += n
			}
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
func occurrences(labels []int32, class int32) int {
	others := uint32(0)
	for _, l := range labels {
		differs := uint32(l ^ class)
		others += (differs | -differs) >> 31 // 1 where any bit is set
	}
	return len(labels) - int(others)
}

// stratum is the class of row i that the model sees.
func (l *lots) stratum(i int) int {
	if l.labels == nil {
		return 0
	}
	k := int(l.labels[i])
	if l.model.Classes == 0 { // without a branch by the label, which chance would make costly
		own := 0
		if k == int(l.model.Class) {
			own = 1
		}
		k = own
	}
	return k
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
// (sum s)^2 / sum s^2. The rows are not to be changed.
func (l *lots) draw(m int) (rows []int, factor []float64, effective float64) {
	rate := l.rates(m)
	rows = l.below(rate)
	factor = make([]float64, len(rows))
	total := make([]float64, len(rate)) // of s_i / pi_i
	sum, squares := 0.0, 0.0
	if l.weights == nil { // the rows of a stratum are all alike
		for _, r := range rows {
			total[l.stratum(r)]++
		}
		for k, n := range total {
			if n > 0 {
				sum += l.mass[k]
				squares += float64(l.mass[k] * l.mass[k] / n)
				total[k] = l.mass[k] / n
			}
		}
		for i, r := range rows {
			factor[i] = total[l.stratum(r)]
		}
		return rows, factor, sum * sum / squares
	}
	for i, r := range rows {
		k := l.stratum(r)
		pi := l.chance(r, rate[k])
		factor[i] = 1 / pi
		total[k] += l.weights[r] / pi
	}
	for i, r := range rows {
		k := l.stratum(r)
		factor[i] *= l.mass[k] / total[k]
		s := l.weights[r] * factor[i]
		sum += s
		squares += float64(s * s)
	}
	return rows, factor, sum * sum / squares
}

// chance is that of row i of a weighted source.
func (l *lots) chance(i int, rate float64) float64 {
	s := l.weights[i]
	if s == 0 {
		return 0
	}
	return min(1, rate*s)
}

// below are the rows below the given rates.
func (l *lots) below(rate []float64) []int {
	if !l.kept.holds(rate) {
		l.kept = lot{rate, l.search(rate)}
		l.last = l.kept
		return l.kept.rows
	}
	from := l.kept
	if l.last.holds(rate) {
		from = l.last
	}
	rows, n := make([]int, len(from.rows)), 0
	for _, i := range from.rows {
		rows[n] = i
		n += draw.Less(draw.Number(l.seed, i), l.limit(i, rate))
	}
	l.last = lot{rate, rows[:n]}
	return l.last.rows
}

// limit is what the number of row i is to be below.
func (l *lots) limit(i int, rate []float64) uint64 {
	r := rate[l.stratum(i)]
	if l.weights != nil {
		r = l.chance(i, r)
	}
	return draw.Limit(r)
}

// search finds the rows below the given rates among all of them.
func (l *lots) search(rate []float64) []int {
	found := make([][]int, l.parts())
	l.inParts(func(p, lo, hi int) { found[p] = l.searchPart(rate, lo, hi) })
	if len(found) == 1 {
		return found[0]
	}
	return slices.Concat(found...)
}

// parts is into how many parts rows are cut to be gone through side by side.
func (l *lots) parts() int { return min(l.threads, l.rows/fewestToShare+1) }

// inParts has do go through the rows from lo, which is even, to hi of each part.
func (l *lots) inParts(do func(part, lo, hi int)) {
	parts := l.parts()
	bound := func(p int) int {
		if p == parts {
			return l.rows
		}
		return l.rows * p / parts &^ 1
	}
	var done sync.WaitGroup
	for p := range parts {
		done.Go(func() { do(p, bound(p), bound(p+1)) })
	}
	done.Wait()
}

// fewestToShare is how many rows are worth a goroutine.
const fewestToShare = 1 << 16

func (l *lots) searchPart(rate []float64, lo, hi int) (rows []int) {
	if l.weights != nil || l.labels == nil || l.model.Classes > 0 {
		for i := lo; i < hi; i++ {
			if draw.Number(l.seed, i) < l.limit(i, rate) {
				rows = append(rows, i)
			}
		}
		return rows
	}
	expected := 0.0
	for k, r := range rate {
		expected += min(1, r) * float64(l.count[k])
	}
	rows = make([]int, 0, int(1.05*expected*float64(hi-lo)/float64(l.rows))+fewest)
	return draw.Below(rows, l.seed, lo, l.labels[lo:hi], draw.Limits{Class: l.model.Class, Own: draw.Limit(rate[1]), Others: draw.Limit(rate[0])})
}
