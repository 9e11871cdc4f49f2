package model

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func encode(t require.TestingT, m *Model) string {
	var b bytes.Buffer
	require.NoError(t, m.Encode(&b))
	return b.String()
}

func TestFile_P28_RoundTripIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyModel.Draw(t, "model")
		text := encode(t, m)
		back, err := Decode(strings.NewReader(text), "test")
		require.NoError(t, err)
		require.Equal(t, m, back)
		for i, row := range m.Coef { // Equal takes -0 for 0
			for j, w := range row {
				require.Equal(t, math.Float64bits(w), math.Float64bits(back.Coef[i][j]))
			}
		}
		require.Equal(t, text, encode(t, back), "the same model gives the same bytes")
	})
}

func TestFile_IsReadableAndStable(t *testing.T) {
	m := binaryModel()
	require.Equal(t, `{
  "format": "logreg-gpu model",
  "version": 1,
  "label": "ill",
  "classes": ["no", "yes"],
  "features": ["age", "weight<kg>"],
  "intercept": [1],
  "coef": [
    [0.5, -0.25]
  ],
  "coef_standardized": [
    [5, -2.5]
  ],
  "preprocessing": {
    "standardize": {
      "mean": [40, 70],
      "deviation": [10, 10]
    }
  },
  "training": {
    "program": "logreg-gpu test",
    "backend": "cpu",
    "solver": "newton",
    "storage": "float64",
    "rows": 10,
    "penalty": "l2",
    "C": 1,
    "l1_ratio": 0,
    "class_weights": [1, 2],
    "tol": 0.000001,
    "max_iter": 100,
    "seed": 18446744073709551615,
    "status": "converged",
    "objective": 3,
    "loss": 2,
    "max_abs_gradient": 1e-9,
    "iterations": 5,
    "passes": 6
  }
}
`, encode(t, m))
}

func TestLayout_WrapsByCountAlone(t *testing.T) {
	require.Equal(t, "[1, 2, 3, 4, 5, 6, 7, 8]\n", string(layout([]byte("[1,2,3,4,5,6,7,8]"))))
	require.Equal(t, "[\n  1, 2, 3, 4, 5, 6, 7, 8,\n  9\n]\n", string(layout([]byte("[1,2,3,4,5,6,7,8,9]"))))
	require.Equal(t, `{}`+"\n", string(layout([]byte(`{}`))))
	require.Equal(t, "{\n  \"a\\\",]}\": \"[{,\\\\\"\n}\n", string(layout([]byte(`{"a\",]}":"[{,\\"}`))))
}

func TestSave_ReplacesTheOldModelOrLeavesIt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.json")
	m := binaryModel()
	require.NoError(t, m.Save(path))
	bad := binaryModel()
	bad.Coef[0][1] = math.NaN()
	var shape *ShapeError
	require.ErrorAs(t, bad.Save(path), &shape)
	back, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, m, back)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestLoad_RejectsWithOneLineThatNamesTheFile(t *testing.T) {
	good := encode(t, binaryModel())
	edit := func(old, new string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, new, 1)
	}
	cases := []struct {
		name, text string
		kind       error
		says       string
	}{
		{"empty", "", ErrNotModel, "not a logreg-gpu model"},
		{"text", "age,weight\n1,2\n", ErrNotModel, "not a logreg-gpu model"},
		{"array", "[1, 2]", ErrNotModel, "not a logreg-gpu model"},
		{"other JSON", `{"a": 1}`, ErrNotModel, `its "format" is ""`},
		{"other format", edit(FormatName, "onnx"), ErrNotModel, `its "format" is "onnx"`},
		{"truncated", good[:len(good)/2], ErrDamaged, "at byte"},
		{"trailing", good + "{}", ErrDamaged, "at byte"},
		{"newer", edit(`"version": 1`, `"version": 4`), ErrNewer, "format version is 4, this program reads up to 3; upgrade"},
		{"no version", edit(`"version": 1`, `"version": 0`), ErrDamaged, "version is 0"},
		{"short row", edit("[0.5, -0.25]", "[0.5]"), ErrDamaged, "coef row 0 has 1 numbers where 2 are needed"},
		{"extra row", edit("[0.5, -0.25]", "[0.5, -0.25], [1, 2]"), ErrDamaged, "coef has 2 rows; the classes need 1"},
		{"null", edit("[0.5, -0.25]", "[0.5, null]"), ErrDamaged, "coef holds null"},
		{"string", edit("[0.5, -0.25]", `[0.5, "a"]`), ErrDamaged, "coef holds a string, which does not belong there; train it again"},
		{"overflow", edit("[0.5, -0.25]", "[0.5, 1e999]"), ErrDamaged, "1e999"},
		{"no intercept", edit(`"intercept": [1]`, `"constant": [1]`), ErrDamaged, "intercept is missing"},
		{"feature twice", edit(`"weight<kg>"`, `"age"`), ErrDamaged, `features hold "age" twice`},
		{"class twice", edit(`"yes"`, `"no"`), ErrDamaged, `classes hold "no" twice`},
		{"one class", edit(`"no", `, ``), ErrDamaged, "classes are 1"},
		{"mixed classes", edit(`"yes"`, `1`), ErrDamaged, "classes mix numbers and strings"},
		{"odd class", edit(`"yes"`, `{}`), ErrDamaged, "a class is a number or a string"},
		{"unknown preprocessing", edit(`"standardize": {`, `"impute": 1, "standardize": {`), ErrDamaged, `unknown field "impute"`},
		{"short mean", edit(`[40, 70]`, `[40]`), ErrDamaged, "mean has 1 numbers"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "heart.json")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := Load(path)
			var fe *FileError
			require.ErrorAs(t, err, &fe)
			require.ErrorIs(t, err, c.kind)
			require.Contains(t, err.Error(), c.says)
			require.True(t, strings.HasPrefix(err.Error(), path+": "), err.Error())
			require.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := Load(filepath.Join(t.TempDir(), "none.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A model cut anywhere is refused: no prefix of a model is a model.
func TestLoad_RejectsEveryTruncation(t *testing.T) {
	good := strings.TrimSpace(encode(t, binaryModel()))
	for n := range len(good) {
		_, err := Decode(strings.NewReader(good[:n]), "cut")
		var fe *FileError
		require.ErrorAs(t, err, &fe, "cut at %d", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, binaryModel()))
	f.Add(encode(f, encodedModel()))
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := Decode(strings.NewReader(text), "fuzz"); err == nil {
			require.NoError(t, m.Check(), "what loads can be used")
			encode(t, m)
		}
	})
}
