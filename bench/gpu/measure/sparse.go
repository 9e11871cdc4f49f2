package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// sparsePrefix marks operations on sparse X of the shape of advertising data: rows of 39
// entries, a million columns of which few have most entries.
const (
	sparsePrefix = "sparse "
	rowEntries   = 39
	sparseShare  = 8 // numbers of dense X for each entry: the host draws and orders them
)

func isSparse(p point) bool { return strings.HasPrefix(p.operation, sparsePrefix) }

// fixedPoint adds rows of sparse X held once, where the backend can do so.
func (t timing) fixedPoint(ctx context.Context, name string, rows []Row) ([]Row, error) {
	b, _, err := backend.Open(name, backend.Options{FixedPoint: true})
	if errors.Is(err, backend.ErrUnsupported) {
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	t.backend = b
	for _, models := range []int{1, 16} {
		row, err := t.row(ctx, point{"sparse eval", 0, backend.Float32, models})
		if err != nil {
			return nil, fmt.Errorf("fixed-point sums: %w", err)
		}
		row.Operation += ", fixed point"
		rows = append(rows, row)
	}
	return rows, nil
}

// sparse is a matrix of about that many entries. Column j is drawn with a density
// proportional to j^(-3/4).
func sparse(entries int) *backend.CSR {
	rng := rand.New(rand.NewPCG(5, 6))
	rows := max(entries/rowEntries, 1)
	m := &backend.CSR{Rows: rows, Cols: min(max(entries/128, 4*rowEntries), 1<<20), RowPtr: make([]int64, 1, rows+1)}
	for range rows {
		start := len(m.Col)
		for range rowEntries {
			m.Col = append(m.Col, uint32(float64(m.Cols)*math.Pow(rng.Float64(), 4)))
		}
		slices.Sort(m.Col[start:])
		m.Col = m.Col[:start+len(slices.Compact(m.Col[start:]))]
		m.RowPtr = append(m.RowPtr, int64(len(m.Col)))
	}
	m.Val32 = make([]float32, len(m.Col))
	for i := range m.Val32 {
		m.Val32[i] = float32(rng.NormFloat64())
	}
	return m
}
