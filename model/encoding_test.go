package model

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// encodedModel is binaryModel over columns with missing cells, categories and a cross.
func encodedModel() *Model {
	m := binaryModel()
	mean := 40.5
	m.Preprocessing.Encoding = &dataset.Encoding{
		Missing: dataset.MissingIndicator,
		Columns: []dataset.EncodedColumn{
			{Name: "age", Mean: &mean, Indicator: true},
			{Name: "sex", Categorical: true, Levels: []string{"f", "m"}},
			{Name: "ward", Categorical: true, Numeric: true, Levels: []string{"7", "<other>"}},
		},
		Crosses: []dataset.EncodedColumn{{Name: "sex:ward", Of: []string{"sex", "ward"}, Categorical: true, Levels: []string{"f:7", "<other>"}}},
	}
	m.FeatureNames = m.Preprocessing.Encoding.FeatureNames()
	m.Coef, m.CoefStandardized, m.Preprocessing.Standardize = [][]float64{{1, 2, 3, 4, 5, 6, 7, 8}}, nil, nil
	return m
}

func TestFile_P28_EncodingRoundTripIsExact(t *testing.T) {
	m := encodedModel()
	text := encode(t, m)
	require.Contains(t, text, `"version": 3,`)
	require.Contains(t, text, `"features": ["age", "age=<missing>", "sex=f", "sex=m", "ward=7", "ward=<other>", "sex:ward=f:7", "sex:ward=<other>"],`)
	back, err := Decode(strings.NewReader(text), "test")
	require.NoError(t, err)
	require.Equal(t, m, back)
	require.Equal(t, text, encode(t, back))
}

func TestLoad_RefusesADamagedEncoding(t *testing.T) {
	good := encode(t, encodedModel())
	for _, c := range []struct{ old, new, says string }{
		{`"mean": 40.5,`, ``, `encoding is damaged: column "age" must have a mean exactly where missing cells are filled in`},
		{`"mean": 40.5,`, `"mean": "x",`, `holds a string`},
		{`"missing": "indicator"`, `"missing": "guess"`, `encoding is damaged: missing is "guess"`},
		{`"missing": "indicator"`, `"missing": "mean"`, `column "age" has an indicator`},
		{`"levels": ["f", "m"]`, `"levels": ["f"]`, `encoding makes other features than the model has`},
		{`"levels": ["f", "m"]`, `"levels": ["m", "f"]`, `encoding makes other features than the model has`},
		{`"levels": ["f", "m"]`, `"levels": ["f", "f"]`, `column "sex" has the level "f" twice`},
		{`"levels": ["f", "m"]`, `"levels": ["f", "m"], "fold": 1`, `unknown field "fold"`},
		{`"of": ["sex", "ward"]`, `"of": ["sex", "age"]`, `column "sex:ward" is of "age", which is no categorical column`},
		{`"missing": "indicator",`, `"missing": "indicator", "hash_bits": 24,`, `encoding is damaged`},
		{`"name": "ward"`, `"name": "sex"`, `there are two columns "sex"`},
	} {
		require.Equal(t, 1, strings.Count(good, c.old), c.old)
		_, err := Decode(strings.NewReader(strings.Replace(good, c.old, c.new, 1)), "cut.json")
		require.ErrorIs(t, err, ErrDamaged)
		require.ErrorContains(t, err, c.says)
	}
}
