package dataset

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawLabels(t *rapid.T) []int32 {
	return rapid.SliceOfN(rapid.Map(rapid.SampledFrom([]int{0, 0, 0, 0, 1, 1, 3}), func(i int) int32 { return int32(i) }), 2, 60).Draw(t, "labels")
}

func TestFolds_StratifiedAreBalancedAndSeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := drawLabels(t)
		k := rapid.IntRange(2, min(len(labels), 10)).Draw(t, "k")
		seed := rapid.Uint64().Draw(t, "seed")
		folds, err := FoldsStratified(labels, k, seed)
		require.NoError(t, err)
		again, err := FoldsStratified(labels, k, seed)
		require.NoError(t, err)
		require.Equal(t, folds, again)

		total := make([]int, k)
		counts := map[int32][]int{}
		for i, f := range folds {
			if counts[labels[i]] == nil {
				counts[labels[i]] = make([]int, k)
			}
			counts[labels[i]][f]++
			total[f]++
		}
		require.LessOrEqual(t, slices.Max(total)-slices.Min(total), 1)
		for class, c := range counts {
			require.LessOrEqual(t, slices.Max(c)-slices.Min(c), 1, "class %d", class)
		}
	})
}

func TestFolds_SeedsDiffer(t *testing.T) {
	labels := make([]int32, 100)
	a, err := FoldsStratified(labels, 5, 1)
	require.NoError(t, err)
	b, err := FoldsStratified(labels, 5, 2)
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

// The folds of a seed are part of what makes results repeatable across versions.
func TestFolds_GoldenSeed(t *testing.T) {
	folds, err := FoldsStratified([]int32{0, 1, 0, 1, 0, 1, 0, 1, 0, 0}, 3, 42)
	require.NoError(t, err)
	require.Equal(t, []int32{2, 1, 1, 0, 0, 2, 0, 0, 1, 2}, folds)
}

func TestFolds_Modulo(t *testing.T) {
	folds, err := FoldsModulo(7, 3)
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1, 2, 0, 1, 2, 0}, folds)
	for _, k := range []int{-1, 0, 1, 8} {
		_, err := FoldsModulo(7, k)
		require.ErrorContains(t, err, "folds of 7 rows; there must be at least 2 and at most one a row")
		_, err = FoldsStratified(make([]int32, 7), k, 0)
		require.Error(t, err)
	}
}

func TestSplit_PartitionsAndStratifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := drawLabels(t)
		fraction := rapid.Float64Range(0.01, 0.99).Draw(t, "fraction")
		seed := rapid.Uint64().Draw(t, "seed")
		train, test, err := Split(labels, fraction, seed)
		if err != nil { // every class has one row and all of them fall to one side
			require.ErrorContains(t, err, "leaves one part empty")
			return
		}
		trainAgain, testAgain, err := Split(labels, fraction, seed)
		require.NoError(t, err)
		require.Equal(t, train, trainAgain)
		require.Equal(t, test, testAgain)
		require.True(t, slices.IsSorted(train) && slices.IsSorted(test))
		all := slices.Concat(train, test)
		slices.Sort(all)
		require.Len(t, all, len(labels))
		for i, row := range all {
			require.Equal(t, i, row)
		}
		count := func(rows []int, class int32) (n int) {
			for _, i := range rows {
				if labels[i] == class {
					n++
				}
			}
			return n
		}
		for class := range int32(4) {
			n, m := count(all, class), count(test, class)
			if n > 1 {
				require.True(t, 0 < m && m < n, "class %d has %d of %d rows in the test part", class, m, n)
				// one row of rounding, one carried from other classes, one to keep both parts
				require.InDelta(t, fraction*float64(n), m, 3)
			}
		}
	})
}

func TestSplit_BadArguments(t *testing.T) {
	for _, fraction := range []float64{0, 1, -0.5, 2} {
		_, _, err := Split(make([]int32, 10), fraction, 0)
		require.ErrorContains(t, err, "it must lie between 0 and 1")
	}
	_, _, err := Split([]int32{0}, 0.5, 0)
	require.EqualError(t, err, "cannot split 1 rows; at least 2 are needed")
}
