package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// timing times a backend's operations through its public contract: one call, from
// coefficients on the host to loss and gradient on the host, by the wall clock.
type timing struct {
	backend  backend.Backend
	elements int           // of X
	budget   time.Duration // for each row of the table
	numbers  []float32     // all X are made of these
}

// numbers are n draws from the standard normal distribution, a few million different
// ones: not zeros, which let a GPU clock higher than data does.
func numbers(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	drawn := min(n, 1<<22)
	for i := range drawn {
		x[i] = float32(rng.NormFloat64())
	}
	for have := drawn; have < n; have *= 2 {
		copy(x[have:], x[:have])
	}
	return x
}

// row times one point. What the backend does not offer, or has no memory for, is a
// row that says so.
func (t *timing) row(ctx context.Context, p point) (Row, error) {
	src := &backend.Source{}
	var bytes float64
	if isSparse(p) {
		src.Sparse = sparse(t.elements / sparseShare)
		p.cols = src.Sparse.Cols
		bytes = float64(len(src.Sparse.Col)) * float64(4+p.storage.Bytes())
	} else {
		rows := max(t.elements/p.cols, 1)
		src.X = tensor.New(tensor.WithShape(rows, p.cols), tensor.WithBacking(t.numbers[:rows*p.cols]))
		bytes = float64(rows) * float64(p.cols) * float64(p.storage.Bytes())
	}
	rows, _ := src.Shape()
	src.Labels = [][]int32{make([]int32, rows)}
	r := Row{Operation: p.operation, Rows: rows, Cols: p.cols, Storage: p.storage.String(), Models: p.models}
	for i := range src.Labels[0] {
		src.Labels[0][i] = int32(i * 7 % 11 % 2)
	}
	start := time.Now()
	data, err := t.backend.Load(ctx, src, p.storage)
	r.LoadSeconds = time.Since(start).Seconds()
	if err == nil {
		defer data.Close()
		r.Seconds, r.Calls, err = t.median(ctx, data, p)
	}
	var full *backend.OutOfMemoryError
	if errors.Is(err, backend.ErrUnsupported) || errors.As(err, &full) {
		r.Omitted, err = err.Error(), nil
	}
	if r.Seconds > 0 {
		r.GBs = bytes / r.Seconds / 1e9
	}
	return r, err
}

// median calls the operation for the budget, at least five times after two to warm up.
func (t *timing) median(ctx context.Context, data backend.Data, p point) (seconds float64, calls int, err error) {
	call, err := operation(ctx, data, p)
	if err != nil {
		return 0, 0, err
	}
	var times []float64
	for begin := time.Now(); len(times) < 7 || time.Since(begin) < t.budget; {
		start := time.Now()
		if err := call(); err != nil {
			return 0, 0, err
		}
		times = append(times, time.Since(start).Seconds())
	}
	times = times[2:]
	slices.Sort(times)
	return times[len(times)/2], len(times), nil
}

// operation is the call to time, with coefficients that give margins of order one.
func operation(ctx context.Context, data backend.Data, p point) (func() error, error) {
	models := slices.Repeat([]backend.Model{backend.Binary()}, p.models)
	coef := make([]float64, p.models*(p.cols+1))
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range coef {
		coef[i] = rng.NormFloat64() / float64(min(p.cols, 1024))
	}
	switch strings.TrimPrefix(p.operation, sparsePrefix) {
	case "eval":
		var out backend.Evaluation
		return func() error { return data.Eval(ctx, models, coef, &out) }, nil
	case "hess_vec":
		if h, ok := data.(backend.HessVec); ok {
			out := make([]float64, len(coef))
			return func() error { return h.HessVec(ctx, models, coef, coef, out) }, nil
		}
	case "gram":
		if g, ok := data.(backend.Gram); ok {
			out := [][]float64{make([]float64, (p.cols+1)*(p.cols+1))}
			return func() error { return g.Gram(ctx, models, coef, []backend.GramBlock{{}}, out, nil) }, nil
		}
	}
	return nil, backend.ErrUnsupported
}
