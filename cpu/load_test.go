package cpu_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
)

// lentSource is 1000 x 7 numbers near zero, which float32 stores as they are.
func lentSource() (x []float32, src *backend.Source) {
	x = make([]float32, 7000)
	for i := range x {
		x[i] = float32(math.Sin(float64(i * i)))
	}
	labels := make([]int32, 1000)
	for i := range labels {
		labels[i] = int32(i * i % 2)
	}
	return x, &backend.Source{X: tensor.New(tensor.WithShape(1000, 7), tensor.WithBacking(x)), Labels: [][]int32{labels}}
}

func TestLoad_LentXGivesTheSameBitsAndStaysAsItIs(t *testing.T) {
	x, src := lentSource()
	before := slices.Clone(x)
	coef := []float64{1, -2, 3, -4, 5, -6, 7, -8}
	var evs [2]backend.Evaluation
	for i, lend := range []bool{false, true} {
		src.Lend = lend
		d, err := cpu.New(backend.Options{}).Load(t.Context(), src, backend.Float32)
		require.NoError(t, err)
		require.NoError(t, d.Eval(t.Context(), []backend.Model{backend.Binary()}, coef, &evs[i]))
		require.NoError(t, d.Close())
	}
	require.Equal(t, evs[0], evs[1])
	require.Equal(t, before, x)
}

func TestLoad_P20_LentXNamesTheFirstNonFiniteNumber(t *testing.T) {
	x, src := lentSource()
	src.Lend = true
	x[3*7+2], x[900*7] = float32(math.Inf(-1)), float32(math.NaN())
	_, err := cpu.New(backend.Options{}).Load(t.Context(), src, backend.Float32)
	require.Equal(t, &backend.NotFiniteError{Row: 3, Col: 2, Value: math.Inf(-1)}, err)
}
