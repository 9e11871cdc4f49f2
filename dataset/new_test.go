package dataset

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func TestNew_P18_LabelsOfAnyKind(t *testing.T) {
	x := []float32{1, 2, 3, 4, 5, 6}
	d, err := New(x, 3, 2, []int{7, -1, 7})
	require.NoError(t, err)
	require.Equal(t, Classes{Names: []string{"-1", "7"}, Numeric: true}, d.Classes)
	require.Equal(t, []int32{1, 0, 1}, d.Labels)
	require.Equal(t, []string{"x0", "x1"}, d.FeatureNames)
	require.Equal(t, tensor.Shape{3, 2}, d.X.Shape())
	require.Same(t, &x[0], &d.X.Data().([]float32)[0], "x is not copied")
	require.NoError(t, d.Check())

	d, err = New(x, 3, 2, []float64{0.5, math.Copysign(0, -1), 10})
	require.NoError(t, err)
	require.Equal(t, []string{"0", "0.5", "10"}, d.Classes.Names)
	require.Equal(t, []int32{1, 0, 2}, d.Labels)

	d, err = New(x, 3, 2, []int{1234567, 10000000, -20000000})
	require.NoError(t, err)
	require.Equal(t, []string{"-20000000", "1234567", "10000000"}, d.Classes.Names, "as they were written")

	d, err = New(x, 3, 2, []float64{1e300, 1.5e-7, 0.5})
	require.NoError(t, err)
	require.Equal(t, []string{"1.5e-07", "0.5", "1e+300"}, d.Classes.Names)

	d, err = New(x, 3, 2, []string{"b", "B", "a"})
	require.NoError(t, err)
	require.Equal(t, Classes{Names: []string{"B", "a", "b"}}, d.Classes)
	require.Equal(t, []int32{2, 0, 1}, d.Labels)

	d, err = New(x, 3, 2, []string{"10", "9", "9.0"})
	require.NoError(t, err)
	require.Equal(t, Classes{Names: []string{"9", "10"}, Numeric: true}, d.Classes)
	require.Equal(t, []int32{1, 0, 0}, d.Labels)

	d, err = New[float64, int]([]float64{1}, 1, 1, nil)
	require.NoError(t, err)
	require.Nil(t, d.Labels)
	require.NoError(t, d.Check())
}

func TestNew_P20_BadInputIsNamed(t *testing.T) {
	_, err := New([]float64{1, 2, 3, math.NaN()}, 2, 2, []int{0, 1})
	var notFinite *backend.NotFiniteError
	require.ErrorAs(t, err, &notFinite)
	require.Equal(t, 1, notFinite.Row)
	require.Equal(t, 1, notFinite.Col)
	_, err = New([]float32{1, float32(math.Inf(-1))}, 1, 2, []int{0})
	require.ErrorIs(t, err, backend.ErrNotFinite)

	for want, make := range map[string]func() error{
		"x has 3 numbers for 2 x 2":                     func() error { _, err := New([]float64{1, 2, 3}, 2, 2, []int{0, 1}); return err },
		"x is 0 x 2; it must be at least 1 x 1":         func() error { _, err := New([]float64{}, 0, 2, []int{}); return err },
		"there are 1 labels for 2 rows":                 func() error { _, err := New([]float64{1, 2}, 2, 1, []int{0}); return err },
		"label 1 is NaN; every row needs a label":       func() error { _, err := New([]float64{1, 2}, 2, 1, []float64{0, math.NaN()}); return err },
		"a label is +Inf; labels must be finite":        func() error { _, err := New([]float64{1}, 1, 1, []float64{math.Inf(1)}); return err },
		`a label is ""; labels must be non-empty UTF-8`: func() error { _, err := New([]float64{1}, 1, 1, []string{""}); return err },
	} {
		require.EqualError(t, make(), want)
	}
}

func TestDataset_CheckNamesWhatDoesNotFit(t *testing.T) {
	for want, spoil := range map[string]func(*Dataset){
		"there are 1 feature names for 2 columns of X":                               func(d *Dataset) { d.FeatureNames = d.FeatureNames[:1] },
		"the label of row 1 is class 2 of 2":                                         func(d *Dataset) { d.Labels[1] = 2 },
		"weight column 0 has 1 entries for 2 rows of X":                              func(d *Dataset) { d.Weights = []float64{1} },
		"weight column 0 holds -1 in row 1; weights must be finite and not negative": func(d *Dataset) { d.Weights = []float64{1, -1} },
		"offset column 0 holds NaN in row 0; offsets must be finite":                 func(d *Dataset) { d.Offsets = []float64{math.NaN(), 0} },
	} {
		d, err := New([]float64{1, 2, 3, 4}, 2, 2, []int{0, 1})
		require.NoError(t, err)
		spoil(d)
		require.EqualError(t, d.Check(), want)
	}
}

func TestDataset_Take(t *testing.T) {
	d, err := readString("a,w,o,y\n1,1,5,no\n2,2,6,yes\n3,3,7,no\n", ReadOptions{Weight: "w", Offset: "o", Float: tensor.Float32})
	require.NoError(t, err)
	part := d.Take([]int{2, 0, 2})
	require.Equal(t, []float32{3, 1, 3}, part.X.Data())
	require.Equal(t, []int32{0, 0, 0}, part.Labels)
	require.Equal(t, []string{"no", "yes"}, part.Classes.Names, "classes stay")
	require.Equal(t, []float64{3, 1, 3}, part.Weights)
	require.Equal(t, []float64{7, 5, 7}, part.Offsets)
	require.NoError(t, part.Check())
	require.Equal(t, []float32{1, 2, 3}, d.X.Data(), "the source is not modified")
}
