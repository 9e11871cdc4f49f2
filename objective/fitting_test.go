package objective_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/objective"
)

type grams = backend.Gram

// tight has room for samples of so many rows.
type tight struct {
	backend.Data
	grams
	most int
}

func (d *tight) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if len(rows) > d.most {
		return nil, &backend.MemoryLimitError{What: "a sample", Needs: int64(len(rows)), Allowed: int64(d.most)}
	}
	return d.Data.(backend.Sampler).Sample(ctx, rows, factor)
}

// Rows drawn may be longer than the average that sizes are planned with: samples that do
// not fit are halved until they do, but not for ever.
func TestSample_WhatDoesNotFitIsHalved(t *testing.T) {
	load := func(p problem, most int) (*objective.Objective, *objective.Family) {
		b, _, err := backend.Open("cpu", backend.Options{Threads: 2})
		require.NoError(t, err)
		data, err := b.Load(ctx, &backend.Source{X: tensor.New(tensor.WithShape(len(p.x), len(p.x[0])), tensor.WithBacking(slices.Concat(p.x...))), Labels: [][]int32{p.y}}, backend.Float64)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, data.Close()); require.NoError(t, b.Close()) })
		m := backend.Binary()
		if p.classes > 2 {
			m = backend.Softmax(p.classes)
		}
		d, opts := &tight{data, data.(backend.Gram), most}, objective.Options{C: 1, Labels: p.y}
		o, err := objective.New(ctx, d, m, opts)
		require.NoError(t, err)
		f, err := objective.NewFamily(ctx, d, []objective.Member{{Model: m, Options: opts}})
		require.NoError(t, err)
		return o, f
	}
	const asked = 2000
	refused := func(err error) { t.Helper(); require.ErrorAs(t, err, new(*backend.MemoryLimitError)) }
	for _, most := range []int{600, 20} {
		o, f := load(uneven(4000, 3, 71), most)
		require.True(t, o.Focuses(1))
		s, err := o.Sample(ctx, asked, 1)
		at, atErr := o.SampleAt(ctx, make([]float64, o.Dim()), asked, 1)
		c, cErr := f.Sample(ctx, asked, 1)
		several, _ := load(large(4000, 3, 4, 41), most)
		_, drawnErr := several.DrawnCurvature(ctx, make([]float64, several.Dim()), asked, 1)
		if most == 20 {
			refused(err)
			refused(atErr)
			refused(cErr)
			refused(drawnErr)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, atErr)
		require.NoError(t, cErr)
		require.NoError(t, drawnErr)
		require.NoError(t, s.Close())
		require.NoError(t, at.Close())
		require.NoError(t, c.Close())
	}
}
