package cpu

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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
		b := blocks{1000, rapid.IntRange(1, 60).Draw(t, "blocks")}
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
		err := reduce(ctx, blocks{1000, 100}, threads, 2*threads,
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
