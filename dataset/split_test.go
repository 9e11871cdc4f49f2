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

// No group is split, no fold is empty, and folds are as even as a greedy deal can make
// them: two folds never differ by more rows than the largest group has - else the last
// group that went to the fuller one would have gone to the other - where there is one class.
func TestFolds_GroupedKeepGroupsTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels := drawLabels(t)
		groups := make([]int32, len(labels))
		size := map[int32]int{}
		for i := range groups {
			groups[i] = int32(rapid.IntRange(-2, 12).Draw(t, "group"))
			size[groups[i]]++
		}
		k := rapid.IntRange(2, min(len(labels), 10)).Draw(t, "k")
		seed := rapid.Uint64().Draw(t, "seed")
		folds, err := FoldsGrouped(groups, labels, k, seed)
		if len(size) < k {
			require.ErrorContains(t, err, "groups, which are not to be split; use fewer folds")
			return
		}
		require.NoError(t, err)
		again, err := FoldsGrouped(groups, labels, k, seed)
		require.NoError(t, err)
		require.Equal(t, folds, again)
		of, total := map[int32]int32{}, make([]int, k)
		for i, f := range folds {
			if was, known := of[groups[i]]; known {
				require.Equal(t, was, f)
			}
			of[groups[i]] = f
			total[f]++
		}
		require.NotContains(t, total, 0)

		folds, err = FoldsGrouped(groups, make([]int32, len(groups)), k, seed)
		require.NoError(t, err)
		largest := 0
		for _, n := range size {
			largest = max(largest, n)
		}
		clear(total)
		for _, f := range folds {
			total[f]++
		}
		require.LessOrEqual(t, slices.Max(total)-slices.Min(total), largest)
	})
}

// Groups of one class each: dealt by size alone, all of one class could come together.
func TestFolds_GroupedAreStratified(t *testing.T) {
	var groups, labels []int32
	for g := range 40 {
		for range 5 {
			groups, labels = append(groups, int32(g)), append(labels, int32(g/30)) // a quarter of class 1
		}
	}
	folds, err := FoldsGrouped(groups, labels, 5, 0)
	require.NoError(t, err)
	count := [2][5]int{}
	for i, f := range folds {
		count[labels[i]][f]++
	}
	require.Equal(t, [2][5]int{{30, 30, 30, 30, 30}, {10, 10, 10, 10, 10}}, count)
	other, err := FoldsGrouped(groups, labels, 5, 1)
	require.NoError(t, err)
	require.NotEqual(t, folds, other)
}
