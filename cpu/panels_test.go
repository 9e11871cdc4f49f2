package cpu_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/cpu/internal/simd"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// wideSource has 530 columns, more than the parity suite's: one beyond four panels, two
// logical blocks of rows, weights that span a thousand, and folds.
func wideSource() *backend.Source {
	const rows, cols = 1070, 530
	r := rand.New(rand.NewPCG(3, 4))
	x, labels, weights, folds := make([]float32, rows*cols), make([]int32, rows), make([]float64, rows), make([]int32, rows)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i], folds[i] = int32(r.IntN(3)), int32(r.IntN(3))
		weights[i] = math.Pow(10, 3*r.Float64()) * float64(min(1, r.IntN(5)))
	}
	return &backend.Source{
		X:      tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
		Labels: [][]int32{labels}, Weights: [][]float64{weights}, Folds: folds,
	}
}

// gramOf is some blocks of a softmax of three classes and of a binary model, with the
// evaluation from the same read.
func gramOf(t *testing.T, b backend.Backend, src *backend.Source, storage backend.Storage) (out [][]float64, ev backend.Evaluation) {
	ctx := context.Background()
	d, err := b.Load(ctx, src, storage)
	require.NoError(t, err)
	defer d.Close()
	models := []backend.Model{backend.Softmax(3), backend.Binary()}
	models[0].Weight, models[0].Fold = 0, 1
	side := d.Cols() + 1
	coef := make([]float64, 4*side)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range coef {
		coef[i] = r.NormFloat64() / 20
	}
	blocks := []backend.GramBlock{{Row: 1, Col: 1}, {Row: 2, Col: 1}, {Model: 1}}
	for range blocks {
		out = append(out, make([]float64, side*side))
	}
	require.NoError(t, d.(backend.Gram).Gram(ctx, models, coef, blocks, out, &ev))
	alone := make([]float64, side*side)
	require.NoError(t, d.(backend.Gram).Gram(ctx, models, coef, blocks[:1], [][]float64{alone}, nil))
	requireNear(t, out[0], alone, storage, "alone")
	return out, ev
}

// requireNear demands what the roundings of sums of some hundred products allow, of
// matrices whose numbers are as large as the diagonal's.
func requireNear(t *testing.T, want, got []float64, storage backend.Storage, what string) {
	t.Helper()
	high, off := 0.0, 0.0
	for i, v := range want {
		high, off = max(high, math.Abs(v)), max(off, math.Abs(v-got[i]))
	}
	tolerance := 1e-5
	if storage == backend.Float64 {
		tolerance = 1e-13
	}
	require.LessOrEqual(t, off, tolerance*high, what)
}

func TestGram_P5_WideMatricesAreTheReferences(t *testing.T) {
	src := wideSource()
	for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
		want, wantEv := gramOf(t, reference.New(), src, storage)
		for _, set := range simd.Sets() {
			func() {
				defer simd.Use(set)()
				what := fmt.Sprintf("%v in %v", storage, set)
				one, oneEv := gramOf(t, cpu.New(backend.Options{Threads: 1}), src, storage)
				for b := range want {
					requireNear(t, want[b], one[b], storage, fmt.Sprintf("%s, block %d", what, b))
				}
				requireNear(t, wantEv.Grad, oneEv.Grad, storage, what)
				many, manyEv := gramOf(t, cpu.New(backend.Options{Threads: 3}), src, storage)
				require.Equal(t, one, many, "%s: the number of threads shows", what)
				require.Equal(t, oneEv, manyEv, "%s: the number of threads shows", what)
			}()
		}
	}
}
