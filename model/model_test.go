package model

import (
	"math"
	"slices"
	"strconv"

	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// binaryModel is a small model with everything in it.
func binaryModel() *Model {
	return &Model{
		Classes:          dataset.Classes{Names: []string{"no", "yes"}},
		FeatureNames:     []string{"age", "weight<kg>"},
		LabelName:        "ill",
		Coef:             [][]float64{{0.5, -0.25}},
		Intercept:        []float64{1},
		CoefStandardized: [][]float64{{5, -2.5}},
		Preprocessing:    Preprocessing{Standardize: &Standardize{Mean: []float64{40, 70}, Deviation: []float64{10, 10}}},
		Training: Training{
			Program: "logreg-gpu test", Backend: "cpu", Solver: "newton", Storage: "float64", Rows: 10,
			Penalty: "l2", C: 1, ClassWeights: []float64{1, 2}, Tol: 1e-6, MaxIter: 100, Seed: math.MaxUint64,
			Status: "converged", Objective: 3, Loss: 2, MaxAbsGradient: 1e-9, Iterations: 5, Passes: 6,
		},
	}
}

// anyModel draws models whose numbers take every finite bit pattern.
var anyModel = rapid.Custom(func(t *rapid.T) *Model {
	finite := rapid.Uint64().Filter(func(b uint64) bool { return b>>52&0x7ff != 0x7ff })
	vector := func(n int, label string) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Float64frombits(finite.Draw(t, label))
		}
		return v
	}
	d := rapid.IntRange(1, 20).Draw(t, "features")
	m := &Model{
		FeatureNames: rapid.SliceOfNDistinct(rapid.String(), d, d, rapid.ID[string]).Draw(t, "names"),
		LabelName:    rapid.String().Draw(t, "label"),
	}
	k := rapid.IntRange(2, 5).Draw(t, "classes")
	if m.Classes.Numeric = rapid.Bool().Draw(t, "numeric"); m.Classes.Numeric {
		for c := range k {
			m.Classes.Names = append(m.Classes.Names, strconv.FormatFloat(float64(c)*rapid.SampledFrom([]float64{1, 0.1, 1e30}).Draw(t, "unit")+float64(c), 'g', -1, 64))
		}
	} else {
		m.Classes.Names = rapid.SliceOfNDistinct(rapid.String(), k, k, rapid.ID[string]).Draw(t, "class names")
		slices.Sort(m.Classes.Names)
	}
	m.Intercept = vector(m.Outputs(), "intercept")
	for range m.Outputs() {
		m.Coef = append(m.Coef, vector(d, "coef"))
	}
	m.Training.Objective = math.Float64frombits(finite.Draw(t, "objective"))
	m.Training.Seed = rapid.Uint64().Draw(t, "seed")
	return m
})

// dense is a dataset of float64 rows.
func dense(d int, x ...float64) *dataset.Dataset {
	return &dataset.Dataset{Name: "test", X: tensor.New(tensor.WithShape(len(x)/d, d), tensor.WithBacking(x))}
}
