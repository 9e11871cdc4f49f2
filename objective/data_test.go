package objective_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	_ "github.com/logreg-gpu/logreg-gpu/cpu"
	_ "github.com/logreg-gpu/logreg-gpu/cpu/reference"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// problem is a table with what belongs to it.
type problem struct {
	x       [][]float64
	y       []int32
	classes int
	weights []float64 // nil: ones
	offsets []float64
}

// fatal is what tests and rapid checks have in common.
type fatal interface {
	require.TestingT
	Helper()
	Cleanup(func())
}

// load puts p into the named backend.
func (p problem) load(t fatal, name string, storage backend.Storage) (backend.Data, backend.Model) {
	t.Helper()
	n, d := len(p.x), len(p.x[0])
	flat := make([]float64, 0, n*d)
	for _, row := range p.x {
		flat = append(flat, row...)
	}
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(n, d), tensor.WithBacking(flat)),
		Labels: [][]int32{p.y},
	}
	m := backend.Binary()
	if p.classes > 2 {
		m = backend.Softmax(p.classes)
	}
	if p.weights != nil {
		src.Weights, m.Weight = [][]float64{p.weights}, 0
	}
	if p.offsets != nil {
		src.Offsets, m.Offset = [][]float64{p.offsets}, 0
	}
	b, _, err := backend.Open(name, backend.Options{Threads: 2})
	require.NoError(t, err)
	data, err := b.Load(context.Background(), src, storage)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, data.Close()); require.NoError(t, b.Close()) })
	return data, m
}

// objective makes p's objective over float64 storage in the reference backend.
func (p problem) objective(t fatal, opts objective.Options) *objective.Objective {
	t.Helper()
	data, m := p.load(t, "cpu-reference", backend.Float64)
	if opts.C == 0 {
		opts.C = 1
	}
	o, err := objective.New(context.Background(), data, m, opts)
	require.NoError(t, err)
	return o
}

func solve(t fatal, name string, o *objective.Objective, opts solver.Options) (*solver.Result, objective.Fit) {
	t.Helper()
	r, err := solver.Solve(context.Background(), name, o, opts)
	require.NoError(t, err)
	return r, o.Fit(r.X, r.Value)
}

func readCSV(t *testing.T, path string) problem {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	var p problem
	for _, row := range rows[1:] {
		d := len(row) - 1
		x := make([]float64, d)
		for j := range x {
			x[j], err = strconv.ParseFloat(row[j], 64)
			require.NoError(t, err)
		}
		y, err := strconv.Atoi(row[d])
		require.NoError(t, err)
		p.x, p.y = append(p.x, x), append(p.y, int32(y))
		p.classes = max(p.classes, y+1)
	}
	return p
}

// standardised returns p with each column centred and divided by its deviation
// (divided by N; constant columns by 1).
func (p problem) standardised() problem {
	n, d := len(p.x), len(p.x[0])
	q := p
	q.x = make([][]float64, n)
	for i := range q.x {
		q.x[i] = make([]float64, d)
	}
	for j := range d {
		mean, ss := 0.0, 0.0
		for i := range n {
			mean += (p.x[i][j] - p.x[0][j]) / float64(n)
		}
		for i := range n {
			q.x[i][j] = p.x[i][j] - p.x[0][j] - mean
			ss += q.x[i][j] * q.x[i][j] / float64(n)
		}
		dev := math.Sqrt(ss)
		if dev == 0 {
			dev = 1
		}
		for i := range n {
			q.x[i][j] /= dev
		}
	}
	return q
}

type reference struct {
	Cases []referenceCase
}

type referenceCase struct {
	ID, Data, Preparation, Penalty, Weights string
	C                                       float64
	Classes                                 int
	Objective                               float64
	Intercept                               []float64
	Coef                                    [][]float64
}

func references(t *testing.T) []referenceCase {
	t.Helper()
	raw, err := os.ReadFile("../testdata/reference.json")
	require.NoError(t, err)
	var r reference
	require.NoError(t, json.Unmarshal(raw, &r))
	require.NotEmpty(t, r.Cases)
	return r.Cases
}

// problem is the case's data, prepared, with its weights.
func (c referenceCase) problem(t *testing.T) problem {
	p := readCSV(t, "../dataset/builtin/"+c.Data)
	if c.Preparation == "standardised" {
		p = p.standardised()
	}
	var sample []float64
	var by objective.ClassWeights
	switch c.Weights {
	case "1+(i%5)":
		sample = make([]float64, len(p.y))
		for i := range sample {
			sample[i] = float64(1 + i%5)
		}
	case "balanced":
		by.Balanced = true
	}
	w, err := rowWeights(p.y, sample, p.classes, by)
	require.NoError(t, err)
	p.weights = w
	return p
}

// largest is the largest absolute entry.
func largest(rows ...[]float64) (m float64) {
	for _, r := range rows {
		for _, v := range r {
			m = max(m, math.Abs(v))
		}
	}
	return m
}

// gap is the largest difference of entries of a and b.
func gap(a, b [][]float64) (m float64) {
	for i := range a {
		for j := range a[i] {
			m = max(m, math.Abs(a[i][j]-b[i][j]))
		}
	}
	return m
}
