package backendtest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// A case is one level of every axis. Which levels go together is chosen so that
// every pair of levels of two axes meets in some case.
type caseOf struct {
	seed           uint64
	rows, cols     int
	data           string
	models         string
	weights, folds string
	offset         bool
	coef           string
	storage        backend.Storage
	from           tensor.Dtype
	form           string // of X; "" is dense
}

func (c caseOf) String() string {
	return fmt.Sprintf("%dx%d_%s_%s_%s_w-%s_f-%s_offset-%v_coef-%s_%v-from-%v_seed-%d",
		c.rows, c.cols, c.form, c.data, c.models, c.weights, c.folds, c.offset, c.coef, c.storage, c.from, c.seed)
}

// shapes: one row, one column, not a multiple of 4, 32 or a block, fewer rows than
// columns, fewer than a block, several logical blocks.
var shapes = [][2]int{
	{1, 1}, {1, 6}, {5, 1}, {7, 3}, {33, 4}, {64, 32}, {130, 31}, {257, 33}, {20, 100},
	{1025, 18}, {300, 129}, {24, 1030}, {2100, 65}, {9000, 9},
}

var (
	dataKinds   = []string{"normal", "zeros", "far", "heavy", "onehot"}
	modelKinds  = []string{"binary", "softmax3", "softmax7", "ovr", "several"}
	weightKinds = []string{"none", "random", "integer", "tiny", "huge"}
	foldKinds   = []string{"none", "one"}
	coefKinds   = []string{"zero", "modest", "large"}
)

// cases returns one covering set.
func cases(o Options, seed uint64) []caseOf {
	storages, forms := o.storages(), o.forms()
	sizes := []int{len(shapes), len(dataKinds), len(modelKinds), len(weightKinds), len(foldKinds), 2, len(coefKinds), len(storages), 2}
	if len(forms) > 1 {
		sizes = append(sizes, len(forms))
	}
	var all []caseOf
	for i, l := range pairwise(sizes, rand.New(rand.NewPCG(seed, 0))) {
		c := caseOf{
			seed: seed*1000 + uint64(i),
			rows: shapes[l[0]][0], cols: shapes[l[0]][1],
			data: dataKinds[l[1]], models: modelKinds[l[2]], weights: weightKinds[l[3]], folds: foldKinds[l[4]],
			offset: l[5] == 1, coef: coefKinds[l[6]], storage: storages[l[7]],
			from: []tensor.Dtype{tensor.Float32, tensor.Float64}[l[8]], form: "dense",
		}
		if len(forms) > 1 {
			c.form = forms[l[9]]
		}
		if c.form != "dense" && !wide(c.storage) {
			c.storage = backend.Float32
		}
		if o.MaxNumbers > 0 {
			c.cols = min(c.cols, o.MaxNumbers)
			c.rows = max(1, min(c.rows, o.MaxNumbers/c.cols))
		}
		all = append(all, c)
	}
	if o.MaxCases > 0 {
		all = all[:min(o.MaxCases, len(all))]
	}
	return all
}

// pairwise returns rows of levels such that every two levels of two axes meet in one:
// each new row is the best of some random ones, by the number of pairs not yet met.
func pairwise(sizes []int, rng *rand.Rand) (rows [][]int) {
	type pair struct{ a, la, b, lb int }
	open := map[pair]bool{}
	for a := range sizes {
		for b := range a {
			for la := range sizes[a] {
				for lb := range sizes[b] {
					open[pair{a, la, b, lb}] = true
				}
			}
		}
	}
	meets := func(row []int) (met []pair) {
		for a := range row {
			for b := range a {
				if p := (pair{a, row[a], b, row[b]}); open[p] {
					met = append(met, p)
				}
			}
		}
		return met
	}
	for len(open) > 0 {
		var best []int
		var bestMet []pair
		for range 50 {
			row := make([]int, len(sizes))
			for a := range row {
				row[a] = rng.IntN(sizes[a])
			}
			if met := meets(row); len(met) > len(bestMet) {
				best, bestMet = row, met
			}
		}
		for _, p := range bestMet {
			delete(open, p)
		}
		if best != nil {
			rows = append(rows, best)
		}
	}
	return rows
}

// classes of the two label columns of every source.
const (
	twoClasses  = 2
	manyClasses = 7
)

// source makes the case's data, models and coefficients.
func (c caseOf) source() (src *backend.Source, models []backend.Model, coef []float64, rng *rand.Rand) {
	rng = rand.New(rand.NewPCG(c.seed, 1))
	x := c.features(rng)
	src = &backend.Source{
		Labels:  [][]int32{classes(rng, c.rows, twoClasses), classes(rng, c.rows, manyClasses), classes(rng, c.rows, 3)},
		Weights: [][]float64{c.weightColumn(rng), c.weightColumn(rng)},
		Offsets: [][]float64{normals(rng, c.rows, 1)},
		Folds:   classes(rng, c.rows, 3),
	}
	c.setX(src, x)
	models = c.modelSet()
	scale := map[string]float64{"zero": 0, "modest": 1, "large": 30}[c.coef] / math.Sqrt(float64(c.cols))
	coef = normals(rng, backend.Outputs(models)*(c.cols+1), scale)
	return src, models, coef, rng
}

// features makes X. All values are in the range of float16, which raw float32 columns
// may be stored in.
func (c caseOf) features(rng *rand.Rand) []float64 {
	x := normals(rng, c.rows*c.cols, 1)
	for i := range c.rows {
		for j := range c.cols {
			v := &x[i*c.cols+j]
			switch c.data {
			case "zeros": // rows and columns of zeros, among few others
				if i%3 == 0 || j%4 == 1 || rng.IntN(2) == 0 {
					*v = 0
				}
			case "far": // a large mean in every second column
				*v += float64(j % 2 * 1000)
			case "heavy":
				*v = *v * *v * *v * math.Ldexp(1, j%9-4)
			case "onehot":
				*v = 0
				if i%c.cols == j {
					*v = 1
				}
			}
		}
	}
	return x
}

func (c caseOf) weightColumn(rng *rand.Rand) []float64 {
	w := make([]float64, c.rows)
	for i := range w {
		switch c.weights {
		case "integer": // zeros among them
			w[i] = float64(rng.IntN(4))
		case "tiny": // below the range of float32
			w[i] = 1e-60 * rng.Float64()
		case "huge":
			w[i] = 1e60 * rng.Float64()
		default:
			w[i] = 2 * rng.Float64()
		}
	}
	return w
}

// modelSet returns the case's models over the label columns of source.
func (c caseOf) modelSet() (models []backend.Model) {
	switch c.models {
	case "binary":
		models = []backend.Model{backend.Binary()}
	case "softmax3":
		models = []backend.Model{{Label: 2, Classes: 3}}
	case "softmax7":
		models = []backend.Model{{Label: 1, Classes: manyClasses}}
	case "ovr":
		for class := range int32(manyClasses) {
			models = append(models, backend.Model{Label: 1, Class: class})
		}
	case "several":
		models = []backend.Model{{Class: 1}, {Label: 1, Class: 5}, {Label: 2, Classes: 4}, {Class: 0}, {Label: 1, Classes: manyClasses}}
	}
	for k := range models {
		m := &models[k]
		m.Weight, m.Offset, m.Fold = backend.None, backend.None, backend.None
		if c.weights != "none" {
			m.Weight = k % 2
		}
		if c.offset {
			m.Offset = 0
		}
		if c.folds == "one" {
			m.Fold = k % 4 // fold 3 is empty
		}
		if c.models == "several" && k == 3 { // one plain model among the others
			m.Weight, m.Offset, m.Fold = backend.None, backend.None, backend.None
		}
	}
	return models
}

func normals(rng *rand.Rand, n int, scale float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = scale * rng.NormFloat64()
	}
	return v
}

func classes(rng *rand.Rand, n int, k int32) []int32 {
	v := make([]int32, n)
	for i := range v {
		v[i] = rng.Int32N(k)
	}
	return v
}

// tiny is a source for checks in which the numbers do not matter.
func tiny() *backend.Source { return tinyOf("dense") }

func tinyOf(form string) *backend.Source {
	src, _, _, _ := caseOf{seed: 1, rows: 6, cols: 3, data: "normal", models: "binary", weights: "random", coef: "zero", from: tensor.Float32, form: form}.source()
	return src
}
