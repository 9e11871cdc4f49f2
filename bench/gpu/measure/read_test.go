package main

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/ptx"
)

func TestRead_EveryByteOnce(t *testing.T) {
	var want uint32 // exclusive or of the words of a tile
	tile := tileOfNumbers()
	for i := 0; i < len(tile); i += 4 {
		want ^= binary.LittleEndian.Uint32(tile[i:])
	}
	require.NotZero(t, want)
	for _, c := range []struct{ tiles, blocks int }{{1, 1}, {3, 1}, {3, 2}, {5, 8}} {
		d := ptx.NewDriver(ptx.Config{})
		ctx, err := d.Open(0)
		require.NoError(t, err)
		k, err := newReader(ctx, c.tiles)
		require.NoError(t, err)
		_, err = k.run(c.blocks)
		require.NoError(t, err)
		require.EqualValues(t, c.tiles*tileBytes, d.Counters()["read"].Loaded[ptx.Global])

		out := make([]byte, c.blocks*readThreads*4)
		require.NoError(t, ctx.CopyOut(out, k.out))
		var got uint32
		for i := 0; i < len(out); i += 4 {
			got ^= binary.LittleEndian.Uint32(out[i:])
		}
		require.Equal(t, want*uint32(c.tiles%2), got, "%+v", c)
		require.NoError(t, ctx.Close())
	}
}

func TestMeasureRead_OfWhatTheDeviceHolds(t *testing.T) {
	d := ptx.NewDriver(ptx.Config{Memory: 16 << 20})
	n, err := fitting(d, 100)
	require.NoError(t, err)
	require.Equal(t, 100, n)
	n, err = fitting(d, 1<<40)
	require.NoError(t, err)
	require.InDelta(t, 0.6*(16<<20), 8*n, 8)

	r, err := measureRead(d, 100_000, 0)
	require.NoError(t, err)
	require.Equal(t, 3*tileBytes, r.Bytes)
	require.Contains(t, []int{1, 2, 4, 8}, r.BlocksPerSM)
}
