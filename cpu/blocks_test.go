package cpu

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func TestBlocks_CoverAllRowsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 1e6).Draw(t, "rows"), rapid.IntRange(1, 300000).Draw(t, "cols")
		b := logicalBlocks(rows, cols)
		next := 0
		for block := range b.count {
			lo, hi := b.bounds(block)
			require.Equal(t, next, lo)
			require.Less(t, lo, hi)
			next = hi
		}
		require.Equal(t, rows, next)
		require.LessOrEqual(t, b.count, max(1, rows/blockRows))
	})
}

func TestReduce_P9_AddsInBlockOrderWithinItsRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := blocks{rows: 1000, count: rapid.IntRange(1, 60).Draw(t, "blocks")}
		threads, room := rapid.IntRange(1, 8).Draw(t, "threads"), rapid.IntRange(1, 12).Draw(t, "room")
		var made atomic.Int64
		var order []int
		err := reduce(context.Background(), b, threads, room,
			func() *int { made.Add(1); return new(int) },
			func(p *int, lo, hi int) { *p = lo },
			func(p *int) { order = append(order, *p) })
		require.NoError(t, err)
		require.LessOrEqual(t, int(made.Load()), max(1, room))
		require.Len(t, order, b.count)
		for block, lo := range order {
			want, _ := b.bounds(block)
			require.Equal(t, want, lo)
		}
	})
}

func TestReduce_StopsBetweenBlocksWithTheCause(t *testing.T) {
	cause := errors.New("the user left")
	for _, threads := range []int{1, 2, 5} {
		ctx, cancel := context.WithCancelCause(context.Background())
		var begun atomic.Int64
		err := reduce(ctx, blocks{rows: 1000, count: 100}, threads, 2*threads,
			func() struct{} { return struct{}{} },
			func(struct{}, int, int) {
				if begun.Add(1) == 10 {
					cancel(cause)
				}
			},
			func(struct{}) {})
		require.ErrorIs(t, err, cause)
		require.LessOrEqual(t, int(begun.Load()), 10+threads)
	}
}

// TestEval_P9_ManyClassesOfFewRows: rows that one output is not worth sharing are shared
// for many, with the same bits.
func TestEval_P9_ManyClassesOfFewRows(t *testing.T) {
	const rows, cols, classes = 3000, 5, 400
	b := logicalBlocks(rows, cols)
	require.Equal(t, 1, b.worth)
	require.Greater(t, b.times(classes).worth, 1)
	require.Greater(t, b.count, 1)
	x, labels, coef := make([]float32, rows*cols), make([]int32, rows), make([]float64, classes*(cols+1))
	for i := range x {
		x[i] = float32(i*i%13) - 6
	}
	for i := range labels {
		labels[i] = int32(i * 7 % classes)
	}
	for j := range coef {
		coef[j] = float64(j*j%11-5) / 8
	}
	src := &backend.Source{X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), Labels: [][]int32{labels}}
	var evs [4]backend.Evaluation
	for i := range evs {
		d, err := New(backend.Options{Threads: i + 1}).Load(t.Context(), src, backend.Float32)
		require.NoError(t, err)
		require.NoError(t, d.Eval(t.Context(), []backend.Model{backend.Softmax(classes)}, coef, &evs[i]))
		require.NoError(t, d.Close())
		require.Equal(t, evs[0], evs[i])
	}
}
