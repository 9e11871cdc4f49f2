//go:build !race

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// X in pieces, as what the device has room for makes them, is planned as X in one, and so
// are samples; numbers without tensor cores have dearer products.
func TestRates_OfTheNumberFormatAlone(t *testing.T) {
	t.Parallel()
	src := &backend.Source{X: tensor.New(tensor.WithShape(64, 8), tensor.WithBacking(make([]float32, 512))), Labels: [][]int32{make([]int32, 64)}}
	ratesOf := func(b backend.Backend, s backend.Storage, want any) backend.Rates {
		d, err := b.Load(t.Context(), src, s)
		require.NoError(t, err)
		require.IsType(t, want, d)
		part, err := d.(backend.Sampler).Sample(t.Context(), []int{1, 60}, nil)
		require.NoError(t, err)
		r := backend.RatesOf(d)
		require.Equal(t, r, backend.RatesOf(part))
		require.NoError(t, part.Close())
		require.NoError(t, d.Close())
		return r
	}
	one, _ := emulated(t, ptx.Config{Unchecked: true})
	cut, _ := inPieces(t, ptx.Config{Unchecked: true}, 400)
	single, double := ratesOf(one, backend.Float32, &data{}), ratesOf(one, backend.Float64, &data{})
	require.Equal(t, single, ratesOf(cut, backend.Float32, &pieces{}))
	require.Greater(t, single.Flops, double.Flops)
	require.NoError(t, one.Close())
	require.NoError(t, cut.Close())
}
