package logreg

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
)

// Prediction is what a model says of N rows, over its K classes.
type Prediction struct {
	Proba   []float64 // the probability of every class, N x K row-major
	Classes []int32   // the most probable class of every row; of equals, the first
}

// PredictOptions say where predictions are computed. The zero value is as good as any.
type PredictOptions struct {
	// Backend is one of backend.Drivers, or "auto" or empty for model.Model's own
	// loop: a prediction reads X once, so that moving X to a device never pays.
	Backend string

	// Threads bounds the CPU threads of a backend asked for by name; 0 is all. It
	// never changes a result.
	Threads int

	// MaxMemory bounds the memory of a backend asked for by name that is for features
	// which stay on disk, half of it for these; 0 is no bound.
	MaxMemory int64
}

// Predict applies m to ds, whose columns must be the model's, in its order; labels and
// weights play no part, offsets are added. X is held in float64, so that backends
// differ by rounding alone. It reads X once.
func Predict(ctx context.Context, m *model.Model, ds *dataset.Dataset, opts PredictOptions) (*Prediction, error) {
	if opts.Backend == "" || opts.Backend == backend.AutoName {
		z, err := m.DecisionFunction(ctx, ds)
		if err != nil {
			return nil, err
		}
		return &Prediction{Proba: m.Probabilities(z), Classes: m.Decide(z)}, nil
	}
	if err := m.CheckFeatures(ds); err != nil {
		return nil, err
	}
	b, _, err := backend.Open(opts.Backend, backend.Options{Threads: opts.Threads, Memory: opts.MaxMemory / 2})
	if err != nil {
		return nil, err
	}
	defer b.Close()
	source := ds.Source()
	source.Labels, source.Weights = nil, nil
	data, err := b.Load(ctx, source, backend.Float64)
	if err != nil {
		return nil, named(ds, err)
	}
	defer data.Close()

	p := make([]float64, data.Rows()*m.Outputs())
	if err := data.Predict(ctx, shapes(m, ds.Offsets != nil), stored(m, data.Affine()), p); err != nil {
		return nil, named(ds, err)
	}
	for i, v := range p {
		if math.IsNaN(v) {
			return nil, &model.FeatureError{Data: ds.Name, Reason: fmt.Sprintf("row %d is so large that its logit overflows", i/m.Outputs())}
		}
	}
	switch {
	case m.Outputs() == 1:
		p = bothClasses(p)
	case m.MultiClass == model.OneVsRest:
		toSumOne(p, m.Outputs())
	}
	return &Prediction{Proba: p, Classes: mostProbable(p, len(m.Classes.Names))}, nil
}

// shapes are the backend's models of m: one, or one a class.
func shapes(m *model.Model, offset bool) []backend.Model {
	shape := backend.Binary()
	if offset {
		shape.Offset = 0
	}
	switch {
	case m.Outputs() == 1:
		return []backend.Model{shape}
	case m.MultiClass == model.OneVsRest:
		return slices.Repeat([]backend.Model{shape}, m.Outputs())
	}
	shape.Classes, shape.Class = m.Outputs(), 0
	return []backend.Model{shape}
}

// toSumOne divides the probabilities of each row of k by their sum; rows in which all
// of them vanish become even.
func toSumOne(p []float64, k int) {
	for row := range slices.Chunk(p, k) {
		sum := 0.0
		for _, v := range row {
			sum += v
		}
		for c := range row {
			if sum > 0 {
				row[c] /= sum
			} else {
				row[c] = 1 / float64(k)
			}
		}
	}
}

// stored is the model's coefficients in the units of the stored columns, in the layout
// of a coefficient vector: with x = Center + Scale xs, w.x + b = (w Scale).xs + (b + w.Center).
func stored(m *model.Model, a backend.Affine) (coef []float64) {
	for k, row := range m.Coef {
		b := m.Intercept[k]
		for j, w := range row {
			if !a.Identity() {
				b += float64(w * a.Center[j])
				w *= a.Scale[j] // a power of two
			}
			coef = append(coef, w)
		}
		coef = append(coef, b)
	}
	return coef
}

// bothClasses makes N x 2 probabilities of those of the second class.
func bothClasses(second []float64) []float64 {
	p := make([]float64, 0, 2*len(second))
	for _, v := range second {
		p = append(p, 1-v, v)
	}
	return p
}

func mostProbable(p []float64, k int) []int32 {
	classes := make([]int32, len(p)/k)
	for i := range classes {
		for c, v := range p[i*k : (i+1)*k] {
			if v > p[i*k+int(classes[i])] {
				classes[i] = int32(c)
			}
		}
	}
	return classes
}
