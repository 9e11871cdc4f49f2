package model

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/backend"
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
	switch x := ds.X.Data().(type) {
	case []float64:
		return logits(ctx, m, ds, x)
	case []float32:
		return logits(ctx, m, ds, x)
	default:
		return nil, &FeatureError{ds.Name, fmt.Sprintf("X holds %v; it must hold float32 or float64", ds.X.Dtype())}
	}
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
	if ds.X.RequiresIterator() || ds.X.DataOrder().IsColMajor() {
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

// predictRows is the number of rows that one goroutine takes at a time.
const predictRows = 1024

// logits computes every row on its own, by the same sums in the same order: the
// number of goroutines cannot change a bit.
func logits[T float32 | float64](ctx context.Context, m *Model, ds *dataset.Dataset, x []T) ([]float64, error) {
	rows, cols := ds.Shape()
	k := m.Outputs()
	out := make([]float64, rows*k)
	blocks := (rows + predictRows - 1) / predictRows
	errs := make([]error, blocks)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(blocks, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for ctx.Err() == nil {
				b := int(next.Add(1)) - 1
				if b >= blocks {
					return
				}
				first, end := b*predictRows, min((b+1)*predictRows, rows)
				for i := first; i < end && errs[b] == nil; i++ {
					errs[b] = rowLogits(m, ds, i, x[i*cols:(i+1)*cols], out[i*k:(i+1)*k])
				}
			}
		})
	}
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rowLogits[T float32 | float64](m *Model, ds *dataset.Dataset, i int, x []T, out []float64) error {
	for c, w := range m.Coef {
		z := dot(x, w) + m.Intercept[c]
		if ds.Offsets != nil {
			z += ds.Offsets[i]
		}
		if math.IsNaN(z) || math.IsInf(z, 0) {
			return notFinite(ds, i, x)
		}
		out[c] = z
	}
	return nil
}

// dot is the sum of x_j w_j over four interleaved partial sums, which a processor
// can add at the same time. Products are rounded before they are added on every
// machine, also where Go would fuse the two.
func dot[T float32 | float64](x []T, w []float64) float64 {
	var s0, s1, s2, s3 float64
	j := 0
	for ; j+4 <= len(x); j += 4 {
		s0 += float64(float64(x[j]) * w[j])
		s1 += float64(float64(x[j+1]) * w[j+1])
		s2 += float64(float64(x[j+2]) * w[j+2])
		s3 += float64(float64(x[j+3]) * w[j+3])
	}
	for ; j < len(x); j++ {
		s0 += float64(float64(x[j]) * w[j])
	}
	return (s0 + s1) + (s2 + s3)
}

// notFinite finds out why row i has no logit.
func notFinite[T float32 | float64](ds *dataset.Dataset, i int, x []T) error {
	for j, v := range x {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return &backend.NotFiniteError{Row: i, Col: j, Value: v}
		}
	}
	return &FeatureError{ds.Name, fmt.Sprintf("row %d is so large that its logit overflows", i)}
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
