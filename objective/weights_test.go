package objective_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/objective"
)

// rowWeights is class factors and sample weights put together.
func rowWeights(labels []int32, sample []float64, classes int, by objective.ClassWeights) ([]float64, error) {
	factors, err := by.Factors(labels, sample, classes)
	if err != nil {
		return nil, err
	}
	return objective.RowWeights(labels, sample, factors)
}

func TestRowWeights_BalancedCountsWeights(t *testing.T) {
	labels := []int32{0, 0, 0, 1}
	none, err := rowWeights(labels, nil, 2, objective.ClassWeights{})
	require.NoError(t, err)
	require.Nil(t, none)

	// n / (K n_k): 4 / (2*3) and 4 / (2*1)
	w, err := rowWeights(labels, nil, 2, objective.ClassWeights{Balanced: true})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{2. / 3, 2. / 3, 2. / 3, 2}, w, 1e-15)

	// With sample weights both classes sum to 5: they are balanced as they are.
	sample := []float64{1, 1, 3, 5}
	w, err = rowWeights(labels, sample, 2, objective.ClassWeights{Balanced: true})
	require.NoError(t, err)
	require.InDeltaSlice(t, sample, w, 1e-15)
	require.Equal(t, []float64{1, 1, 3, 5}, sample)

	// A class that only rows of weight 0 have does not count as one.
	w, err = rowWeights([]int32{0, 0, 1, 2}, []float64{1, 1, 2, 0}, 3, objective.ClassWeights{Balanced: true})
	require.NoError(t, err)
	require.InDeltaSlice(t, []float64{1, 1, 2, 0}, w, 1e-15)
}

func TestRowWeights_ExplicitMultipliesSampleWeights(t *testing.T) {
	w, err := rowWeights([]int32{1, 0, 1}, []float64{1, 2, 3}, 2, objective.ClassWeights{Explicit: []float64{10, 0.5}})
	require.NoError(t, err)
	require.Equal(t, []float64{0.5, 20, 1.5}, w)
}

func TestRowWeights_P18_WhatCannotBeFitted(t *testing.T) {
	two := []int32{0, 1}
	var one *objective.OneClassError
	_, err := rowWeights([]int32{1, 1}, nil, 2, objective.ClassWeights{})
	require.ErrorAs(t, err, &one)
	require.Equal(t, int32(1), one.Class)
	_, err = rowWeights(two, []float64{0, 2}, 2, objective.ClassWeights{})
	require.ErrorAs(t, err, &one)

	var weight *objective.WeightError
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		_, err = rowWeights(two, []float64{1, bad}, 2, objective.ClassWeights{})
		require.ErrorAs(t, err, &weight)
		require.Equal(t, 1, weight.Row)
	}
	_, err = rowWeights(two, []float64{0, 0}, 2, objective.ClassWeights{})
	require.EqualError(t, err, "all weights are zero; at least two rows must count")

	var option *objective.OptionError
	for _, by := range []objective.ClassWeights{
		{Explicit: []float64{1}}, {Explicit: []float64{1, -1}}, {Explicit: []float64{1, 1}, Balanced: true},
	} {
		_, err = rowWeights(two, nil, 2, by)
		require.ErrorAs(t, err, &option)
	}
	_, err = rowWeights(two, []float64{1}, 2, objective.ClassWeights{})
	require.ErrorAs(t, err, &option)
}
