package objective

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func drawRows(t *rapid.T) (labels []int32, weights []float64, m backend.Model) {
	n := rapid.IntRange(50, 3000).Draw(t, "rows")
	classes := rapid.IntRange(2, 5).Draw(t, "classes")
	m = backend.Binary()
	if classes > 2 {
		m = backend.Softmax(classes)
	}
	rare := rapid.IntRange(1, 100).Draw(t, "rare")
	for i := range n {
		k := int32(0)
		if i%rare == 0 {
			k = int32(i / rare % classes)
		}
		labels = append(labels, k)
	}
	if rapid.Bool().Draw(t, "weighted") {
		decades := rapid.Float64Range(0, 9).Draw(t, "decades")
		for i := range n {
			weights = append(weights, math.Pow(10, decades*float64(i%17)/17))
			if i%5 == 4 {
				weights[i] = 0
			}
		}
	}
	return labels, weights, m
}

// Every class keeps its weight, rows are in order and of positive weight, and larger
// samples of a seed hold the smaller.
func TestLots_ClassesKeepTheirWeight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels, weights, m := drawRows(t)
		l := newLots(len(labels), m, labels, weights, rapid.Uint64().Draw(t, "seed"), 2)
		size := rapid.IntRange(40, len(labels)).Draw(t, "size")
		var before map[int]bool
		for _, size := range []int{size, size / 2, size / 4} {
			rows, factor, effective := l.draw(size)
			mass := make([]float64, len(l.mass))
			held := map[int]bool{}
			for i, r := range rows {
				if i > 0 {
					require.Less(t, rows[i-1], r)
				}
				weight := 1.0
				if weights != nil {
					weight = weights[r]
				}
				require.Positive(t, weight)
				require.True(t, before == nil || before[r])
				held[r] = true
				mass[l.stratum(r)] += weight * factor[i]
			}
			before = held
			require.InDeltaSlice(t, l.mass, mass, 1e-9*(l.mass[0]+1))
			require.LessOrEqual(t, effective, float64(len(rows))*(1+1e-12))
		}
	})
}

// Samples are about as large as asked for, and of each class as far as it goes.
func TestLots_SharesOfTheClasses(t *testing.T) {
	labels := make([]int32, 100000)
	for i := range 200 {
		labels[i*499] = 1
	}
	l := newLots(len(labels), backend.Binary(), labels, nil, 1, 2)
	rows, _, _ := l.draw(4000)
	positives := 0
	for _, r := range rows {
		positives += int(labels[r])
	}
	require.Equal(t, 200, positives)
	require.InDelta(t, 4000, len(rows), 6*math.Sqrt(4000)) // six deviations
}

// Rows that outweigh the others are certain to be there.
func TestLots_HeavyRowsAreCertain(t *testing.T) {
	labels, weights := make([]int32, 50000), make([]float64, 50000)
	for i := range labels {
		labels[i], weights[i] = int32(i%2), 1
		if i%500 == 3 {
			weights[i] = 1e6
		}
	}
	l := newLots(len(labels), backend.Binary(), labels, weights, 1, 2)
	rows, factor, _ := l.draw(2000)
	heavy := 0
	for i, r := range rows {
		if weights[r] > 1 {
			heavy++
			// All but 1 in the weight of the 900 light rows of the class, of 2.5e-4 of all.
			require.InDelta(t, 1, factor[i], 6*2.5e-4/math.Sqrt(900))
		}
	}
	require.Equal(t, 100, heavy)
	require.InDelta(t, 2000, len(rows), 6*math.Sqrt(2000))
}

// Each row of a class is as likely as any other, wherever it lies.
func TestLots_EvenWithinAClass(t *testing.T) {
	const n, seeds = 2000, 400
	hits := make([]int, n)
	for seed := range uint64(seeds) {
		rows, _, _ := newLots(n, backend.Binary(), nil, nil, seed, 2).draw(n / 4)
		for _, r := range rows {
			hits[r]++
		}
	}
	for _, h := range hits { // binomial: mean 100, deviation 8.7
		require.InDelta(t, seeds/4, h, 6*8.7)
	}
}

// BenchmarkLots is the drawing for a fit to 2,000,000 rows.
func BenchmarkLots(b *testing.B) {
	labels := make([]int32, 2000000)
	for i := range labels {
		labels[i] = int32(i * 7919 % 1000 / 450)
	}
	for b.Loop() {
		l := newLots(len(labels), backend.Binary(), labels, nil, 1, 2)
		for m := len(labels) / 8; m > 3000; m /= 4 {
			l.draw(m)
		}
	}
}
