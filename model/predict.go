package model

import (
	"context"
	"fmt"
	"math"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// FeatureError is data whose features are not those of the model.
type FeatureError struct {
	Data   string // the dataset's name
	Reason string
}

func (e *FeatureError) Error() string {
	if e.Data == "" {
		return e.Reason
	}
	return e.Data + ": " + e.Reason
}

// DecisionFunction returns the logits z = x.coef + intercept + offset of every row:
// one number a row for two classes, K a row (row-major) for more. The columns of ds
// must be the model's, in its order. It reads X once.
func (m *Model) DecisionFunction(ctx context.Context, ds *dataset.Dataset) ([]float64, error) {
	if err := m.CheckFeatures(ds); err != nil {
		return nil, err
	}
	return logits(ctx, m, ds)
}

// PredictProba returns the probability of every class, N x K row-major; each row
// sums to 1 within rounding.
func (m *Model) PredictProba(ctx context.Context, ds *dataset.Dataset) ([]float64, error) {
	z, err := m.DecisionFunction(ctx, ds)
	if err != nil {
		return nil, err
	}
	return m.Probabilities(z), nil
}

// Predict returns the most probable class of every row, as an index into Classes.
func (m *Model) Predict(ctx context.Context, ds *dataset.Dataset) ([]int32, error) {
	z, err := m.DecisionFunction(ctx, ds)
	if err != nil {
		return nil, err
	}
	return m.Decide(z), nil
}

// Probabilities turns logits (as DecisionFunction gives them) into probabilities,
// N x K row-major. For two classes the first is sigmoid(-z), not 1 - sigmoid(z): it
// keeps its digits where it is tiny.
func (m *Model) Probabilities(z []float64) []float64 {
	k := m.Outputs()
	if k == 1 {
		p := make([]float64, 2*len(z))
		for i, v := range z {
			p[2*i], p[2*i+1] = sigmoid(-v), sigmoid(v)
		}
		return p
	}
	p := make([]float64, len(z))
	link := softmax
	if m.MultiClass == OneVsRest {
		link = oneVsRest
	}
	for i := 0; i < len(z); i += k {
		link(z[i:i+k], p[i:i+k])
	}
	return p
}

// Decide turns logits into the index of the most probable class: the first of those
// that tie, so that z = 0 decides for the first of two classes.
func (m *Model) Decide(z []float64) []int32 {
	k := m.Outputs()
	out := make([]int32, len(z)/k)
	for i := range out {
		if k == 1 {
			if z[i] > 0 {
				out[i] = 1
			}
			continue
		}
		row := z[i*k : (i+1)*k]
		for c, v := range row {
			if v > row[out[i]] {
				out[i] = int32(c)
			}
		}
	}
	return out
}

// CheckFeatures reports columns of ds that are not the model's, in its order, as a
// *FeatureError. Names are compared where both sides have real ones; a table without a
// header has x0, x1, ... It does not read X.
func (m *Model) CheckFeatures(ds *dataset.Dataset) error {
	rows, cols := ds.Shape()
	if cols != m.Cols() {
		return &FeatureError{ds.Name, fmt.Sprintf("there are %d features where the model has %d", cols, m.Cols())}
	}
	if ds.X != nil && (ds.X.RequiresIterator() || ds.X.DataOrder().IsColMajor()) {
		return &FeatureError{ds.Name, "X is a view or column-major; it must be contiguous and row-major"}
	}
	if ds.Offsets != nil && len(ds.Offsets) != rows {
		return &FeatureError{ds.Name, fmt.Sprintf("there are %d offsets for %d rows", len(ds.Offsets), rows)}
	}
	if len(ds.FeatureNames) != cols || dataset.AutoNamed(ds.FeatureNames) || dataset.AutoNamed(m.FeatureNames) {
		return nil
	}
	for j, name := range ds.FeatureNames {
		if name != m.FeatureNames[j] {
			return &FeatureError{ds.Name, fmt.Sprintf("feature %d is %q where the model has %q; select the model's features by name", j, name, m.FeatureNames[j])}
		}
	}
	return nil
}

// sigmoid is 1 / (1 + exp(-z)), by the exponential that cannot overflow.
func sigmoid(z float64) float64 {
	if z >= 0 {
		return 1 / (1 + math.Exp(-z))
	}
	e := math.Exp(z)
	return e / (1 + e)
}

// softmax sets p to exp(z) / sum exp(z), shifted by the largest z.
func softmax(z, p []float64) {
	high := math.Inf(-1)
	for _, v := range z {
		high = max(high, v)
	}
	sum := 0.0
	for c, v := range z {
		p[c] = math.Exp(v - high)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}

// oneVsRest sets p to sigmoid(z) / sum sigmoid(z). Where all of them vanish, sigmoid is
// exp, and the ratios are those of softmax.
func oneVsRest(z, p []float64) {
	sum := 0.0
	for c, v := range z {
		p[c] = sigmoid(v)
		sum += p[c]
	}
	if sum < 0x1p-1000 {
		softmax(z, p)
		return
	}
	for c := range p {
		p[c] /= sum
	}
}
