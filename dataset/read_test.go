package dataset

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRead_Builtins(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
		classes    []string
		first      []float64
		label      string
	}{
		{"breast_cancer", 569, 30, []string{"0", "1"}, []float64{17.99, 10.38}, "label"},
		{"iris", 150, 4, []string{"0", "1", "2"}, []float64{5.1, 3.5, 1.4, 0.2}, "label"},
		{"tutorial", 100, 1, []string{"0", "1"}, []float64{0.3745401188473625}, "y"},
	} {
		d, err := Read(context.Background(), "builtin:"+c.name, ReadOptions{})
		require.NoError(t, err)
		rows, cols := d.Shape()
		require.Equal(t, []int{c.rows, c.cols}, []int{rows, cols})
		require.Equal(t, Classes{Names: c.classes, Numeric: true}, d.Classes)
		require.Equal(t, c.first, d.X.Data().([]float64)[:len(c.first)])
		require.Equal(t, c.label, d.LabelName)
		require.Equal(t, "builtin:"+c.name, d.Name)
		require.Len(t, d.FeatureNames, cols)
		require.NoError(t, d.Source().Check())
	}
	_, err := Read(context.Background(), "builtin:mnist", ReadOptions{})
	require.EqualError(t, err, "builtin:mnist: there is no such built-in data set; use one of breast_cancer, iris, tutorial")
}
