package dataset_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

func TestDetach(t *testing.T) {
	for name, at := range map[string]int{"x0": 0, "x1": 1, "x2": 2} {
		d, err := dataset.New([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 3, []int{0, 1, 1})
		require.NoError(t, err)
		values, err := d.Detach(name)
		require.NoError(t, err)
		var rest []float32
		for i := range 3 {
			require.Equal(t, float64(3*i+at+1), values[i])
			for j := range 3 {
				if j != at {
					rest = append(rest, float32(3*i+j+1))
				}
			}
		}
		require.Equal(t, rest, d.X.Data())
		require.NotContains(t, d.FeatureNames, name)
		require.NoError(t, d.Check())
	}
	d, err := dataset.New([]float64{1, 2}, 2, 1, []int{0, 1})
	require.NoError(t, err)
	_, err = d.Detach("age")
	require.EqualError(t, err, `: there is no feature "age"; the features are "x0"`)
	_, err = d.Detach("x0")
	require.ErrorContains(t, err, "there is no other feature")
}
